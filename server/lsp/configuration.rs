//! The client's settings while the server runs: requested from the client, or sent in a notification.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::ls_types::{ConfigurationItem, Registration};

use super::{event::Event, session::Session, settings::SettingsChange};
use crate::threads::{self, Activity};

/// Our section of the client's configuration.
const SECTION: &str = "supercargo";

/// Registers for changes of the settings, and requests them.
pub(super) fn start(session: &Arc<Session>) {
    if session.state().features.registers_configuration {
        let registration = Registration {
            id: "supercargo/configuration".to_owned(),
            method: "workspace/didChangeConfiguration".to_owned(),
            register_options: Some(serde_json::json!({"section": SECTION})),
        };
        let client = session.client.clone();
        // A handler never waits for the client.
        threads::task(Activity::just("asking the client"), async move {
            // The client may return an error.
            let _ = client.register_capability(vec![registration]).await;
        });
    }
    request(session);
}

/// The settings have changed: requests them, or applies what the notification of an older client
/// contains.
pub(super) fn changed(session: &Arc<Session>, pushed: &Value) {
    if session.state().features.configuration {
        request(session);
    } else {
        apply(session, pushed);
    }
}

/// Requests the settings, where the client supports that. A reply that comes after the reply to a newer
/// request is dropped.
fn request(session: &Arc<Session>) {
    let generation = {
        let mut state = session.state();
        if !state.features.configuration {
            return;
        }
        state.settings_generation.requested += 1;
        state.settings_generation.requested
    };
    let session = Arc::clone(session);
    threads::task(Activity::just("asking the client for its settings"), async move {
        let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
        match session.client.configuration(vec![item]).await {
            Ok(reply) => {
                let is_newest = {
                    let received = &mut session.state().settings_generation.received;
                    let is_newest = generation > *received;
                    *received = generation.max(*received);
                    is_newest
                };
                if is_newest {
                    apply(&session, reply.first().unwrap_or(&Value::Null));
                }
            }
            Err(error) => tracing::warn!("could not get the settings of the client: {error}"),
        }
    });
}

/// Applies the client's settings, and sends what has changed to the main loop.
fn apply(session: &Session, sent: &Value) {
    let change = {
        let mut state = session.state();
        let state = &mut *state;
        let (settings, errors) = state.settings_sources.update(sent, &state.settings);
        let change = SettingsChange::between(&state.settings, &settings);
        state.settings = settings;
        state.setting_errors.extend(errors);
        change
    };
    session.send(Event::SettingsChanged(change));
}
