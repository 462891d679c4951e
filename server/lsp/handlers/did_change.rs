//! `textDocument/didChange`.

use tower_lsp::ls_types::DidChangeTextDocumentParams;

use crate::{
    lsp::{event::Event, frames::spelled, session::Session},
    threads::{self, Activity},
};

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeTextDocumentParams) {
    let document = params.text_document;
    let doing = Activity::to("applying an edit of", spelled(&document.uri));
    let changed = threads::catch_panic(&doing, || {
        threads::failpoint("edit");
        session.update(|state| {
            let encoding = state.features.encoding;
            let changes = params.content_changes;
            state.documents.change(&document.uri, document.version, changes, encoding)
        })
    });
    let paths = if let Ok(changed) = changed {
        changed.into_iter().collect()
    } else {
        // A part of the edit may be applied.
        let uri = document.uri.as_str().to_owned();
        session.update(|state| state.documents.mark_unknown(&[uri], "an internal error"))
    };
    for path in paths {
        session.send(Event::Edited(path));
    }
}
