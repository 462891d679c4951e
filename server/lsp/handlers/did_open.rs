//! `textDocument/didOpen`.

use tower_lsp::ls_types::DidOpenTextDocumentParams;

use crate::lsp::{event::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: DidOpenTextDocumentParams) {
    let document = params.text_document;
    let opened = session.update(|state| {
        let encoding = state.features.encoding;
        state.documents.open(document.uri, document.version, &document.text, encoding)
    });
    if let Some(path) = opened {
        session.send(Event::Opened(path));
    }
}
