//! `shutdown`: ends all child processes.

use crate::lsp::session::Session;

pub(in crate::lsp) fn handle(session: &Session) {
    session.shut_down();
}
