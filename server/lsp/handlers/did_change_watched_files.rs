//! `workspace/didChangeWatchedFiles`: the server watches these files itself as well.

use tower_lsp::ls_types::DidChangeWatchedFilesParams;

use crate::lsp::{convert::path_of, documents::DocumentKind, event::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: &DidChangeWatchedFilesParams) {
    let paths: Vec<_> = params
        .changes
        .iter()
        .filter_map(|change| path_of(&change.uri))
        .filter(|path| DocumentKind::of(path).is_some())
        .collect();
    if !paths.is_empty() {
        session.send(Event::FilesReported(paths));
    }
}
