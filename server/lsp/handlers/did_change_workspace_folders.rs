//! `workspace/didChangeWorkspaceFolders`.

use tower_lsp::ls_types::DidChangeWorkspaceFoldersParams;

use crate::lsp::{convert::path_of, event::Event, session::Session};

pub(in crate::lsp) fn handle(session: &Session, params: DidChangeWorkspaceFoldersParams) {
    let paths = |folders: Vec<tower_lsp::ls_types::WorkspaceFolder>| -> Vec<_> {
        folders.iter().filter_map(|folder| path_of(&folder.uri)).collect()
    };
    let (added, removed) = (paths(params.event.added), paths(params.event.removed));
    session.update(|state| {
        state.folders.retain(|folder| !removed.contains(folder));
        state.folders.extend(added);
    });
    session.send(Event::FoldersChanged);
}
