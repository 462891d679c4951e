//! `textDocument/didSave`.

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::{
    lsp::{convert::path_of, event::Event, session::Session},
    text::read_to_string,
};

pub(in crate::lsp) fn handle(session: &Session, params: &DidSaveTextDocumentParams) {
    let uri = &params.text_document.uri;
    let path = path_of(uri).filter(|path| session.snapshot().documents.is_unknown(path));
    // Only for clients that do not send the text, although they are asked to.
    let read = path.filter(|_| params.text.is_none()).and_then(|path| read_to_string(&path).ok());
    let text = params.text.as_deref().or(read.as_deref());
    let saved = session.update(|state| {
        let encoding = state.features.encoding;
        state.documents.save(uri, text, encoding)
    });
    if let Some((path, is_known_again)) = saved {
        if is_known_again {
            session.send(Event::Edited(path.clone()));
        }
        session.send(Event::Saved(path));
    }
}
