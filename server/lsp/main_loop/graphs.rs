//! Dependency graphs in the main loop: requests for them, and the documents that show them.

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::{Uri, request::Request};

use super::MainLoop;
use crate::{
    lsp::{event::GraphReply, why_graph::WhySubject},
    threads::{self, Activity},
    workspace::Workspace,
};

/// `workspace/textDocumentContent/refresh` of LSP 3.18.
enum RefreshContent {}

/// Its parameters.
#[derive(Deserialize, Serialize)]
struct RefreshContentParams {
    uri: Uri,
}

impl Request for RefreshContent {
    type Params = RefreshContentParams;
    type Result = ();
    const METHOD: &'static str = "workspace/textDocumentContent/refresh";
}

impl MainLoop {
    /// A handler needs all dependencies of a workspace. Without a worker the handler notices that the reply is dropped.
    pub(super) fn graph_requested(&self, workspace: &Workspace, reply: GraphReply) {
        if let Some(workspace_state) = self.workers.get(workspace) {
            workspace_state.worker.request_graph(reply);
        }
    }

    /// Makes the client request the documents again that show graphs of a workspace.
    pub(super) fn refresh_graph_documents(&self, workspace: &Workspace) {
        let state = self.session.snapshot();
        for uri in &state.graph_documents {
            let subject = WhySubject::of_address(&state, uri);
            if subject.is_none_or(|subject| subject.workspace != *workspace) {
                continue;
            }
            let (client, uri) = (self.session.client.clone(), uri.clone());
            // The main loop never waits for the client.
            threads::task(Activity::just("asking the client"), async move {
                // The client may return an error.
                let _ = client.send_request::<RefreshContent>(RefreshContentParams { uri }).await;
            });
        }
    }
}
