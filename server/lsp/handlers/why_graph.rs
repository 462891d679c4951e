//! `supercargo/whyGraph`: why packages are in the graph of a workspace.

use serde::Deserialize;
use tower_lsp::{
    jsonrpc::{Error, ErrorCode, Result},
    ls_types::{TextDocumentPositionParams, Uri},
};

use crate::lsp::{
    session::Session,
    why_graph::{ShownGraph, WhySubject},
};

/// The code of an error that is no error of the client (LSP 3.17, `RequestFailed`).
const REQUEST_FAILED: i64 = -32803;

/// The parameters: what the graph is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::lsp) enum WhyGraphParams {
    /// A dependency, a finding or an entry of the policy.
    Position(TextDocumentPositionParams),
    /// A finding by the `id` of its data.
    Finding { finding: String },
    /// The address of a graph.
    Address { uri: Uri },
}

/// `None` if the position or finding is about no package.
pub(in crate::lsp) async fn handle(
    session: &Session,
    params: WhyGraphParams,
) -> Result<Option<ShownGraph>> {
    let subject = session.compute("looking for packages", move |state| match &params {
        WhyGraphParams::Position(at) => WhySubject::at(state, at),
        WhyGraphParams::Finding { finding } => WhySubject::of_finding(state, finding),
        WhyGraphParams::Address { uri } => WhySubject::of_address(state, uri),
    });
    let Some(subject) = subject.await.flatten() else { return Ok(None) };
    let failed = |reason: String| Error {
        code: ErrorCode::ServerError(REQUEST_FAILED),
        message: reason.into(),
        data: None,
    };
    subject.shown(session).await.map(Some).map_err(failed)
}
