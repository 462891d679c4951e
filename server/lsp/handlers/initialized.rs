//! `initialized`: from here on the server may speak.

use std::sync::Arc;

use crate::lsp::{configuration, owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Arc<Session>) {
    session.tell(Event::Initialized);
    configuration::begin(session);
}
