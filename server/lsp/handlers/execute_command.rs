//! `workspace/executeCommand`.

use std::sync::Arc;

use camino::Utf8PathBuf;
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{
        Command, ExecuteCommandParams, LSPAny, Location, MessageType, Range, ShowDocumentParams,
        Uri,
    },
};

use super::code_action_resolve::repaired;
use crate::{
    lsp::{convert::path_of, edits::workspace_edit, session::Session},
    threads::{self, Doing},
};

/// Does all that can be proved for the workspace in a folder, the command's argument.
pub(in crate::lsp) const FIX_ALL: &str = "supercargo.server.fixAll";

/// Shows what a fix has left to be filled in, selected, or says where it is to a client that shows
/// no documents: the argument is its location after the edit.
const FILL_IN: &str = "supercargo.server.fillIn";

/// All commands.
pub(in crate::lsp) const ALL: [&str; 2] = [FIX_ALL, FILL_IN];

/// The command that follows an edit which leaves something to be filled in.
pub(in crate::lsp) fn fill_in(location: &Location) -> Option<Command> {
    let argument = serde_json::to_value(location).ok()?;
    Some(Command {
        title: "show what is to be filled in".to_owned(),
        command: FILL_IN.to_owned(),
        arguments: Some(vec![argument]),
    })
}

pub(in crate::lsp) fn handle(session: &Arc<Session>, params: &ExecuteCommandParams) -> Result<()> {
    match params.command.as_str() {
        FIX_ALL => fix_all(session, &params.arguments),
        FILL_IN => show(session, &params.arguments),
        other => Err(Error::invalid_params(format!("there is no command `{other}`"))),
    }
}

fn show(session: &Arc<Session>, arguments: &[LSPAny]) -> Result<()> {
    let location = arguments.first().cloned();
    let location = location.and_then(|one| serde_json::from_value::<Location>(one).ok());
    let Some(Location { uri, range }) = location else {
        return Err(Error::invalid_params("the argument is to be a location"));
    };
    let session = Arc::clone(session);
    // A request to the client is never awaited here.
    threads::task(Doing::just("showing where to fill in"), async move {
        let where_it_is = said(&uri, range, &session.state().folders);
        let params = ShowDocumentParams {
            uri,
            external: None,
            take_focus: Some(true),
            selection: Some(range),
        };
        let shows = session.state().features.shows_documents;
        if !shows || !session.client.show_document(params).await.unwrap_or_default() {
            session.client.show_message(MessageType::INFO, where_it_is).await;
        }
    });
    Ok(())
}

/// Where something is to be filled in, for a person.
fn said(uri: &Uri, range: Range, folders: &[Utf8PathBuf]) -> String {
    let path = path_of(uri).unwrap_or_else(|| Utf8PathBuf::from(uri.as_str()));
    let below = folders.iter().filter_map(|folder| path.strip_prefix(folder).ok());
    let shown = below.min_by_key(|below| below.as_str().len()).unwrap_or(&path);
    let line = range.start.line + 1;
    format!(
        "supercargo: say why in `{shown}`, line {line}: the reason there is still to be written"
    )
}

fn fix_all(session: &Arc<Session>, arguments: &[LSPAny]) -> Result<()> {
    let folder = arguments.first().and_then(|folder| folder.as_str());
    let folder = folder.and_then(|uri| uri.parse::<Uri>().ok()).and_then(|uri| path_of(&uri));
    let workspace = {
        let state = session.state();
        state.verdicts.keys().find(|known| Some(known.folder()) == folder.as_deref()).cloned()
    };
    let Some(workspace) = workspace else {
        return Err(Error::invalid_params("the argument is to be the folder of a workspace"));
    };
    let session = Arc::clone(session);
    // A request to the client is never awaited here.
    threads::task(Doing::just("fixing all that can be fixed"), async move {
        let message = match repaired(&session, &workspace).await {
            None => "something has changed meanwhile, nothing was fixed: try again",
            Some(repair) if repair.texts.changes().is_empty() => {
                "there is nothing that could be proved to be a fix"
            }
            Some(repair) => {
                let edit = workspace_edit(&repair.texts, &session.state());
                match edit {
                    Some(edit) => {
                        let _ = session.client.apply_edit(edit).await;
                        return;
                    }
                    None => "something has changed meanwhile, nothing was fixed: try again",
                }
            }
        };
        session.client.show_message(MessageType::INFO, format!("supercargo: {message}")).await;
    });
    Ok(())
}
