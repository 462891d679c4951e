//! `initialized`: from here on the server may speak.

use crate::lsp::{owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session) {
    session.tell(Event::Initialized);
}
