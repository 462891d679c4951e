//! The notification with which [`frames`](crate::lsp::frames) replaces a lost message about a
//! document.

use crate::lsp::{event::Event, frames::LostMessage, session::Session};

pub(in crate::lsp) fn handle(session: &Session, lost: &LostMessage) {
    let unknown = session.update(|state| state.documents.mark_unknown(&lost.uris, &lost.why));
    for path in unknown {
        session.send(Event::Edited(path));
    }
}
