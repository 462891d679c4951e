//! All dependencies of a workspace. They are gathered when a client shows a dependency graph, by a check of what was checked
//! last: it is kept, so this takes a moment.

use std::sync::Arc;

use super::{fix_search::UntilCheckRequest, inbox::Inbox};
use crate::{
    gate::{Databases, Gate, GateOptions, Verdict},
    lsp::event::{Buffers, CheckRequest},
    threads::{self, Activity, Panic},
    verdict::{DependencyGraph, Severity},
    workspace::Workspace,
};

/// What was checked.
pub(super) struct CheckedInput {
    options: GateOptions,
    buffers: Buffers,
    trusted: bool,
}

impl CheckedInput {
    pub(super) fn of(request: &CheckRequest) -> Self {
        let CheckRequest { options, buffers, trusted, .. } = request;
        let options = GateOptions { dependency_graph: true, ..options.clone() };
        Self { options, buffers: buffers.clone(), trusted: *trusted }
    }

    /// All dependencies, or a sentence that says why there are none. `None` if a newer check was requested meanwhile.
    ///
    /// # Errors
    ///
    /// When the check panics.
    pub(super) fn dependencies(
        &self,
        workspace: &Workspace,
        gate: &mut Gate,
        databases: &Databases,
        inbox: &Inbox,
    ) -> Result<Option<Result<Arc<DependencyGraph>, String>>, Panic> {
        if !self.trusted {
            let reason = "no dependency graph: cargo runs in trusted workspaces only";
            return Ok(Some(Err(reason.to_owned())));
        }
        let doing = Activity::to("gathering the dependencies of", workspace.manifest.as_str());
        let may_continue = || inbox.has_no_check_request();
        let progress = UntilCheckRequest(&may_continue);
        threads::catch_panic(&doing, || {
            threads::failpoint("dependency-graph");
            let verdict = gate.check(&self.options, &self.buffers, databases, &progress)?;
            Some(verdict.dependencies.clone().ok_or_else(|| reason(&verdict)))
        })
    }
}

/// Why a verdict has no graph.
fn reason(verdict: &Verdict) -> String {
    let mut errors = verdict.findings.iter().filter(|finding| finding.severity == Severity::Error);
    match errors.next() {
        Some(error) => format!("no dependency graph: {}", error.message),
        None => "no dependency graph: the workspace has no packages".to_owned(),
    }
}
