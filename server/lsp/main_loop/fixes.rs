//! Verified fixes in the main loop: kept until a handler requests them.

use std::sync::Arc;

use super::MainLoop;
use crate::{
    fix::{Fix, FixResult},
    gate::Verdict,
    threads::{self, Activity},
    workspace::Workspace,
};

impl MainLoop {
    /// Keeps the fixes of a finding of the shown verdict.
    pub(super) fn fixes_found(
        &mut self,
        workspace: &Workspace,
        verdict: &Arc<Verdict>,
        finding: usize,
        result: Arc<FixResult>,
    ) {
        self.session.update(|state| {
            if let Some(results) = state.fix_results.get_mut(workspace)
                && results.belong_to(verdict)
            {
                Arc::make_mut(results).add(finding, result);
            }
        });
        self.session.notify_subscribers();
    }

    /// Keeps the best upgrades for findings of the shown verdict, until all of their fixes are known.
    pub(super) fn first_fixes_found(
        &mut self,
        workspace: &Workspace,
        verdict: &Arc<Verdict>,
        findings: &[usize],
        fixes: Vec<Fix>,
    ) {
        let first = Arc::new(FixResult { fixes, ..FixResult::default() });
        self.session.update(|state| {
            if let Some(results) = state.fix_results.get_mut(workspace)
                && results.belong_to(verdict)
            {
                Arc::make_mut(results).add_first(findings, &first);
            }
        });
        self.session.notify_subscribers();
    }

    pub(super) fn upgrades_verified(
        &mut self,
        workspace: &Workspace,
        verdict: &Arc<Verdict>,
        count: usize,
    ) {
        let changed = self.session.update(|state| {
            let results = state.fix_results.get_mut(workspace);
            let results = results.filter(|results| results.belong_to(verdict));
            results.is_some_and(|results| {
                let results = Arc::make_mut(results);
                std::mem::replace(&mut results.verified_upgrades, count) != count
            })
        });
        if changed {
            self.refresh_lenses();
        }
    }

    /// Makes the client request code lenses again, where it supports that.
    pub(super) fn refresh_lenses(&self) {
        if !self.session.snapshot().features.refreshes_lenses {
            return;
        }
        let client = self.session.client.clone();
        // The main loop never waits for the client.
        threads::task(Activity::just("asking the client"), async move {
            // The client may return an error.
            let _ = client.code_lens_refresh().await;
        });
    }
}
