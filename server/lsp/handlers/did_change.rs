//! `textDocument/didChange`.

use tower_lsp::ls_types::DidChangeTextDocumentParams;

use crate::lsp::{owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeTextDocumentParams) {
    let document = params.text_document;
    let changed = {
        let mut state = session.state();
        let encoding = state.features.encoding;
        state.documents.change(&document.uri, document.version, params.content_changes, encoding)
    };
    if let Some(path) = changed {
        session.tell(Event::Changed(path));
    }
}
