//! `codeAction/resolve`: the edit of an action, and the command that follows it.

use std::sync::Arc;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::CodeAction,
};

use super::execute_command::fill_in;
use crate::lsp::{edits::workspace_edit, fix_all::fix_all_edit, session::Session};

/// The data of an action whose edit is sent on request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ActionData {
    /// The manifest of the workspace.
    pub(super) manifest: Utf8PathBuf,
    /// The id of the fix; `None` for all fixes.
    pub(super) fix: Option<String>,
}

pub(in crate::lsp) async fn handle(
    session: &Arc<Session>,
    action: CodeAction,
) -> Result<CodeAction> {
    let data = action.data.clone().and_then(|data| serde_json::from_value::<ActionData>(data).ok());
    let Some(data) = data else { return Ok(action) };
    let workspace = {
        let state = session.snapshot();
        state.verdicts.keys().find(|workspace| workspace.manifest == data.manifest).cloned()
    };
    let workspace = workspace.ok_or_else(Error::content_modified)?;
    match data.fix {
        None => Ok(CodeAction { edit: fix_all_edit(session, &workspace).await?, ..action }),
        Some(id) => {
            let state = session.snapshot();
            let fix =
                state.fix_results.get(&workspace).and_then(|results| results.fix_with_id(&id));
            // A fix that was verified for other texts is invalid.
            let edit = fix.and_then(|fix| Some((fix, workspace_edit(&fix.texts, &state)?)));
            let (fix, edit) = edit.ok_or_else(Error::content_modified)?;
            let command = action.command.or_else(|| fill_in(fix, &state));
            Ok(CodeAction { edit: Some(edit), command, ..action })
        }
    }
}
