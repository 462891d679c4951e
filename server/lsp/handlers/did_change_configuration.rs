//! `workspace/didChangeConfiguration`.

use std::sync::Arc;

use tower_lsp::ls_types::DidChangeConfigurationParams;

use crate::lsp::{configuration, session::Session};

pub(in crate::lsp) fn handle(session: &Arc<Session>, params: &DidChangeConfigurationParams) {
    configuration::changed(session, &params.settings);
}
