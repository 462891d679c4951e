//! `textDocument/didOpen`.

use tower_lsp::ls_types::DidOpenTextDocumentParams;

use crate::lsp::{owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: DidOpenTextDocumentParams) {
    let document = params.text_document;
    let opened = session.state().documents.open(document.uri, document.version, &document.text);
    if let Some(path) = opened {
        session.tell(Event::Opened(path));
    }
}
