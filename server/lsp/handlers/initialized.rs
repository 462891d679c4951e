//! `initialized`: from here on the server may speak.

use std::sync::Arc;

use serde_json::json;
use tower_lsp::ls_types::Registration;

use crate::{
    lsp::{configuration, owner::Event, session::Session},
    threads::{self, Doing},
};

pub(in crate::lsp) fn handle(session: &Arc<Session>) {
    session.tell(Event::Initialized);
    register_folding(session);
    configuration::begin(session);
}

/// Folding is offered for policies only: an editor that is offered it for every file folds manifests
/// no longer by itself.
fn register_folding(session: &Arc<Session>) {
    if !session.state().features.registers_folding {
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
    // A request to the client is never awaited in a handler.
    threads::task(Doing::just("asking the client"), async move {
        // It may refuse.
        let _ = client.register_capability(vec![registration]).await;
    });
}
