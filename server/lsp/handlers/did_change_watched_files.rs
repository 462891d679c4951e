//! `workspace/didChangeWatchedFiles`: welcome, but the server watches these files itself.

use tower_lsp::ls_types::DidChangeWatchedFilesParams;

use crate::lsp::{convert::path_of, documents::Kind, owner::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: &DidChangeWatchedFilesParams) {
    let paths: Vec<_> = params
        .changes
        .iter()
        .filter_map(|change| path_of(&change.uri))
        .filter(|path| Kind::of(path).is_some())
        .collect();
    if !paths.is_empty() {
        session.tell(Event::Told(paths));
    }
}
