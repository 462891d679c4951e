//! What the client says about the settings while it runs: asked for, or told in a notification.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::ls_types::{ConfigurationItem, Registration};

use super::{owner::Event, session::Session, settings::Change};
use crate::threads::{self, Doing};

/// The section of the client's configuration that is ours.
const SECTION: &str = "supercargo";

/// Which answers were waited for and which came.
#[derive(Debug, Default)]
pub(super) struct Turns {
    asked: u64,
    answered: u64,
}

/// Asks to be told of changes, and for the settings as they are.
pub(super) fn begin(session: &Arc<Session>) {
    if session.state().features.registers_configuration {
        let registration = Registration {
            id: "supercargo/configuration".to_owned(),
            method: "workspace/didChangeConfiguration".to_owned(),
            register_options: Some(serde_json::json!({"section": SECTION})),
        };
        let client = session.client.clone();
        // A request to the client is never awaited in a handler.
        threads::task(Doing::just("asking the client"), async move {
            // It may refuse.
            let _ = client.register_capability(vec![registration]).await;
        });
    }
    ask(session);
}

/// The settings have changed: asks for them, or takes what was pushed by a client that cannot be
/// asked.
pub(super) fn changed(session: &Arc<Session>, pushed: &Value) {
    if session.state().features.configuration {
        ask(session);
    } else {
        take(session, pushed);
    }
}

/// Asks where that can be done. Nobody waits for the answer, and one that comes after a newer one
/// is dropped.
fn ask(session: &Arc<Session>) {
    let turn = {
        let mut state = session.state();
        if !state.features.configuration {
            return;
        }
        state.turns.asked += 1;
        state.turns.asked
    };
    let session = Arc::clone(session);
    threads::task(Doing::just("asking the client for its settings"), async move {
        let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
        match session.client.configuration(vec![item]).await {
            Ok(answer) => {
                let newest = {
                    let mut state = session.state();
                    let newest = turn > state.turns.answered;
                    state.turns.answered = state.turns.answered.max(turn);
                    newest
                };
                if newest {
                    take(&session, answer.first().unwrap_or(&Value::Null));
                }
            }
            Err(error) => tracing::warn!("the client does not tell its settings: {error}"),
        }
    });
}

/// Changes the session's settings, and tells the owner what that concerns.
fn take(session: &Session, said: &Value) {
    let change = {
        let mut state = session.state();
        let state = &mut *state;
        let (settings, complaints) = state.layers.say(said, &state.settings);
        let change = Change::between(&state.settings, &settings);
        state.settings = settings;
        state.complaints.extend(complaints);
        change
    };
    session.tell(Event::Configured(change));
}
