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
use crate::{fix::FixReport, gate::Verdict, workspace::Workspace};

/// The kind of the code action that applies all verified fixes.
pub(super) const FIX_ALL_KIND: CodeActionKind = CodeActionKind::new("source.fixAll.supercargo");

/// How long the search for all fixes of one workspace may take.
const FIX_ALL_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the search waits for the verdict because of which it was ended. After a panic there is none.
const NEXT_VERDICT_TIMEOUT: Duration = Duration::from_secs(20);

/// The edit that applies all verified fixes; `None` where there are none.
///
/// # Errors
///
/// `ContentModified` where the texts have changed meanwhile.
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

/// All verified fixes for the shown verdict; `None` where the texts change meanwhile. A verdict that replaces it for the same
/// texts, as after cargo has written its index, is no reason to give up.
pub(super) async fn fix_all_report(
    session: &Arc<Session>,
    workspace: &Workspace,
) -> Option<FixReport> {
    let search = async {
        let mut results = session.subscribe();
        let texts = session.snapshot().documents.versions();
        loop {
            results.borrow_and_update();
            let verdict = session.snapshot().verdicts.get(workspace).cloned()?;
            let (reply, report) = oneshot::channel();
            let request = FixRequest::All { verdict: Arc::clone(&verdict), reply };
            session.send(Event::FixesRequested(workspace.clone(), request));
            if let Ok(report) = report.await {
                return Some(report);
            }
            let is_same = |shown: &Arc<Verdict>| Arc::ptr_eq(shown, &verdict);
            while session.snapshot().verdicts.get(workspace).is_some_and(is_same) {
                let changed = tokio::time::timeout(NEXT_VERDICT_TIMEOUT, results.changed());
                changed.await.ok()?.ok().filter(|()| !session.is_ending())?;
            }
            if session.snapshot().documents.versions() != texts {
                return None;
            }
        }
    };
    tokio::time::timeout(FIX_ALL_TIMEOUT, search).await.ok()?
}
