//! `textDocument/didSave`.

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::lsp::{owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: &DidSaveTextDocumentParams) {
    let saved = session.state().documents.save(&params.text_document.uri);
    if let Some(path) = saved {
        session.tell(Event::Saved(path));
    }
}
