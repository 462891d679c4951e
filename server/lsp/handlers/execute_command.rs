//! `workspace/executeCommand`.

use std::sync::Arc;

use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{ExecuteCommandParams, MessageType, Uri},
};

use super::code_action_resolve::repaired;
use crate::lsp::{convert::path_of, edits::workspace_edit, session::Session};

/// Does all that can be proved for the workspace in a folder, the command's argument.
pub(in crate::lsp) const FIX_ALL: &str = "supercargo.server.fixAll";

pub(in crate::lsp) fn handle(session: &Arc<Session>, params: &ExecuteCommandParams) -> Result<()> {
    if params.command != FIX_ALL {
        return Err(Error::invalid_params(format!("there is no command `{}`", params.command)));
    }
    let folder = params.arguments.first().and_then(|folder| folder.as_str());
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
    tokio::spawn(async move {
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
