//! `textDocument/didChange`.

use tower_lsp::ls_types::DidChangeTextDocumentParams;

use crate::{
    lsp::{owner::Event, session::Session},
    threads::{self, Doing},
};

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeTextDocumentParams) {
    let document = params.text_document;
    let doing = Doing::to("applying an edit of", document.uri.as_str());
    let changed = threads::caught(&doing, || {
        threads::failpoint("edit");
        let mut state = session.state();
        let encoding = state.features.encoding;
        state.documents.change(&document.uri, document.version, params.content_changes, encoding)
    });
    let paths = if let Ok(changed) = changed {
        changed.into_iter().collect()
    } else {
        // Perhaps a part of it was applied.
        let uri = document.uri.as_str().to_owned();
        session.state().documents.lose(&[uri], "an internal error")
    };
    for path in paths {
        session.tell(Event::Changed(path));
    }
}
