//! `textDocument/didSave`.

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::lsp::{event::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: &DidSaveTextDocumentParams) {
    let saved = {
        let mut state = session.state();
        let encoding = state.features.encoding;
        state.documents.save(&params.text_document.uri, params.text.as_deref(), encoding)
    };
    if let Some((path, is_known_again)) = saved {
        if is_known_again {
            session.send(Event::Edited(path.clone()));
        }
        session.send(Event::Saved(path));
    }
}
