//! `textDocument/didClose`.

use tower_lsp::ls_types::DidCloseTextDocumentParams;

use crate::lsp::{event::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: &DidCloseTextDocumentParams) {
    let closed = session.update(|state| state.documents.close(&params.text_document.uri));
    if let Some(path) = closed {
        session.send(Event::Closed(path));
    }
}
