//! `workspace/textDocumentContent`: the text of a virtual document, which shows a dependency graph as a tree.

use serde::{Deserialize, Serialize};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::Uri,
};

use crate::lsp::{session::Session, why_graph::WhySubject};

/// How many documents are kept up to date.
const MOST_DOCUMENTS: usize = 20;

/// The parameters.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::lsp) struct TextDocumentContentParams {
    uri: Uri,
}

/// The result.
#[derive(Clone, Debug, Serialize)]
pub(in crate::lsp) struct TextDocumentContentResult {
    text: String,
}

/// Where there is no graph, or no longer one, the text says so.
pub(in crate::lsp) async fn handle(
    session: &Session,
    TextDocumentContentParams { uri }: TextDocumentContentParams,
) -> Result<TextDocumentContentResult> {
    let address = uri.clone();
    let subject = session
        .compute("looking for a workspace", move |state| WhySubject::of_address(state, &address));
    let Some(subject) = subject.await.flatten() else {
        return Err(Error::invalid_params("this address is in no workspace that was checked"));
    };
    session.update(|state| {
        state.graph_documents.retain(|known| *known != uri);
        state.graph_documents.push(uri);
        let more = state.graph_documents.len().saturating_sub(MOST_DOCUMENTS);
        state.graph_documents.drain(..more);
    });
    let text = match subject.shown(session).await {
        Ok(graph) => graph.text,
        Err(reason) => format!("{reason}\n"),
    };
    Ok(TextDocumentContentResult { text })
}
