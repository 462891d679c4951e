//! `supercargo/didChangeTrust`: the user has decided whether the workspace is trusted.

use serde::{Deserialize, Serialize};

use crate::lsp::{owner::Event, session::Session};

/// The parameters.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::lsp) struct Params {
    /// Whether programs may be started for the workspace.
    trusted: bool,
}

pub(in crate::lsp) fn handle(session: &Session, params: Params) {
    session.state().settings.trusted = params.trusted;
    session.tell(Event::TrustChanged);
}
