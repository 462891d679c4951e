//! `shutdown`: no child outlives it.

use crate::lsp::{owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session) {
    session.shut_down();
    session.children.end();
    session.tell(Event::ShutDown);
}
