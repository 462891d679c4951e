//! What [`frames`] says in place of a message about a document that could not be read.

use crate::lsp::{frames::Lost, owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, lost: &Lost) {
    let unknown = session.state().documents.lose(&lost.uris, &lost.why);
    for path in unknown {
        session.tell(Event::Changed(path));
    }
}
