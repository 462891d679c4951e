//! `initialized`: from now on the server may send messages.

use std::sync::Arc;

use serde_json::json;
use tower_lsp::ls_types::Registration;

use crate::{
    lsp::{configuration, event::Event, session::Session},
    threads::{self, Activity},
};

pub(in crate::lsp) fn handle(session: &Arc<Session>) {
    session.send(Event::Initialized);
    register_folding(session);
    configuration::start(session);
}

/// Registers folding for policies only: some editors stop folding manifests by themselves when a server
/// offers it for every file.
fn register_folding(session: &Arc<Session>) {
    if !session.snapshot().features.registers_folding {
        return;
    }
    let files = ["deny.toml", ".deny.toml", "deny.exceptions.toml", ".deny.exceptions.toml"];
    let policies = files.map(|name| json!({"pattern": format!("**/{name}")}));
    let registration = Registration {
        id: "supercargo/folding".to_owned(),
        method: "textDocument/foldingRange".to_owned(),
        register_options: Some(json!({"documentSelector": policies})),
    };
    let client = session.client.clone();
    // A handler never waits for the client.
    threads::task(Activity::just("asking the client"), async move {
        // The client may return an error.
        let _ = client.register_capability(vec![registration]).await;
    });
}
