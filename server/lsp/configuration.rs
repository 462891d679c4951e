//! The client's settings while the server runs: requested from the client, or sent in a notification.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::ls_types::{ConfigurationItem, Registration};

use super::{
    event::Event,
    session::Session,
    settings::{Settings, SettingsChange, SettingsSources},
};
use crate::threads::{self, Activity};

/// Our section of the client's configuration.
const SECTION: &str = "supercargo";

/// Registers for changes of the settings, and requests them.
pub(super) fn start(session: &Arc<Session>) {
    if session.snapshot().features.registers_configuration {
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
    if session.snapshot().features.configuration {
        request(session);
    } else {
        apply(session, pushed);
    }
}

/// Requests the settings, where the client supports that. A reply that comes after the reply to a newer
/// request is dropped.
fn request(session: &Arc<Session>) {
    if !session.snapshot().features.configuration {
        return;
    }
    let generation = session.update(|state| {
        state.settings_generation.requested += 1;
        state.settings_generation.requested
    });
    let session = Arc::clone(session);
    threads::task(Activity::just("asking the client for its settings"), async move {
        let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
        match session.client.configuration(vec![item]).await {
            Ok(reply) => {
                let is_newest = session.update(|state| {
                    let received = &mut state.settings_generation.received;
                    let is_newest = generation > *received;
                    *received = generation.max(*received);
                    is_newest
                });
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
    let change = change_settings(session, |sources, now| sources.update(sent, now));
    session.send(Event::SettingsChanged(change));
}

/// Replaces the settings by those that `compute` makes of their sources and the settings until now; it returns errors, too.
/// `compute` runs again if the settings have changed meanwhile.
pub(super) fn change_settings(
    session: &Session,
    compute: impl Fn(&mut SettingsSources, &Settings) -> (Settings, Vec<String>),
) -> SettingsChange {
    loop {
        let before = session.snapshot();
        let mut sources = (*before.settings_sources).clone();
        let (settings, errors) = compute(&mut sources, &before.settings);
        let change = SettingsChange::between(&before.settings, &settings);
        let is_current = session.update(|state| {
            let is_current = Arc::ptr_eq(&state.settings_sources, &before.settings_sources);
            if is_current {
                state.settings_sources = Arc::new(sources);
                state.settings = settings;
                state.setting_errors.extend(errors);
            }
            is_current
        });
        if is_current {
            return change;
        }
    }
}
