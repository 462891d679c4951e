//! `codeAction/resolve`: the edit of an action, as it was proved.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{CodeAction, WorkspaceEdit},
};

use super::code_action::Data;
use crate::{
    fix::FixReport,
    lsp::{edits::workspace_edit, owner::Event, session::Session, worker::Question},
    workspace::Workspace,
};

/// How long everything may take that can be proved for one workspace.
const PATIENCE: Duration = Duration::from_secs(600);

pub(in crate::lsp) async fn handle(
    session: &Arc<Session>,
    action: CodeAction,
) -> Result<CodeAction> {
    let data = action.data.clone().and_then(|data| serde_json::from_value::<Data>(data).ok());
    let Some(data) = data else { return Ok(action) };
    let workspace = {
        let state = session.state();
        state.verdicts.keys().find(|workspace| workspace.manifest == data.manifest).cloned()
    };
    let workspace = workspace.ok_or_else(Error::content_modified)?;
    let edit = match data.fix {
        None => resolved_all(session, &workspace).await?,
        Some(id) => {
            let state = session.state();
            let fix = state.answers.get(&workspace).and_then(|answers| answers.fix(&id));
            // What was proved for another text is no fix.
            let edit = fix.and_then(|fix| workspace_edit(&fix.texts, &state));
            Some(edit.ok_or_else(Error::content_modified)?)
        }
    };
    Ok(CodeAction { edit, ..action })
}

/// The edit that does all that can be proved; `None` where that is nothing.
pub(in crate::lsp) async fn resolved_all(
    session: &Arc<Session>,
    workspace: &Workspace,
) -> Result<Option<WorkspaceEdit>> {
    let Some(repair) = repaired(session, workspace).await else {
        return Err(Error::content_modified());
    };
    if repair.texts.changes().is_empty() {
        return Ok(None);
    }
    let edit = workspace_edit(&repair.texts, &session.state());
    edit.map(Some).ok_or_else(Error::content_modified)
}

/// All that can be proved for the verdict that is shown; `None` when there is another one by then.
pub(in crate::lsp) async fn repaired(
    session: &Arc<Session>,
    workspace: &Workspace,
) -> Option<FixReport> {
    let of = session.state().verdicts.get(workspace).cloned()?;
    let (reply, answer) = oneshot::channel();
    session.tell(Event::Asked(workspace.clone(), Question::FixReport { of, reply }));
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}
