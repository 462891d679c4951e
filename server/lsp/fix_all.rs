//! All verified fixes of a workspace in one edit.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{CodeActionKind, WorkspaceEdit},
};

use super::{
    edits::workspace_edit,
    event::{Event, FixRequest},
    session::Session,
};
use crate::{fix::FixReport, workspace::Workspace};

/// The kind of the code action that applies all verified fixes.
pub(super) const FIX_ALL_KIND: CodeActionKind = CodeActionKind::new("source.fixAll.supercargo");

/// How long the search for all fixes of one workspace may take.
const FIX_ALL_TIMEOUT: Duration = Duration::from_secs(600);

/// The edit that applies all verified fixes; `None` where there are none.
///
/// # Errors
///
/// `ContentModified` where the texts or the verdict have changed meanwhile.
pub(super) async fn fix_all_edit(
    session: &Arc<Session>,
    workspace: &Workspace,
) -> Result<Option<WorkspaceEdit>> {
    let Some(report) = fix_all_report(session, workspace).await else {
        return Err(Error::content_modified());
    };
    if report.texts.changes().is_empty() {
        return Ok(None);
    }
    let edit = workspace_edit(&report.texts, &session.snapshot());
    edit.map(Some).ok_or_else(Error::content_modified)
}

/// All verified fixes for the shown verdict; `None` where it is replaced meanwhile.
pub(super) async fn fix_all_report(
    session: &Arc<Session>,
    workspace: &Workspace,
) -> Option<FixReport> {
    let verdict = session.snapshot().verdicts.get(workspace).cloned()?;
    let (reply, report) = oneshot::channel();
    let request = FixRequest::All { verdict, reply };
    session.send(Event::FixesRequested(workspace.clone(), request));
    tokio::time::timeout(FIX_ALL_TIMEOUT, report).await.ok()?.ok()
}
