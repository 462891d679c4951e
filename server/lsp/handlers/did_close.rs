//! `textDocument/didClose`.

use tower_lsp::ls_types::DidCloseTextDocumentParams;

use crate::{
    lsp::{convert::path_of, event::Event, session::Session},
    text::read_to_string,
};

pub(in crate::lsp) fn handle(session: &Session, params: &DidCloseTextDocumentParams) {
    let uri = &params.text_document.uri;
    let path = path_of(uri).filter(|path| session.snapshot().documents.is_open(path));
    // Unsaved edits are gone.
    let file = path.and_then(|path| read_to_string(&path).ok());
    let closed = session.update(|state| state.documents.close(uri, file.as_deref()));
    if let Some(path) = closed {
        session.send(Event::Closed(path));
    }
}
