//! What the owner does with proved fixes: keeps them for those who ask.

use std::sync::Arc;

use super::Owner;
use crate::{
    fix::FixResult,
    gate::Verdict,
    threads::{self, Doing},
    workspace::Workspace,
};

impl Owner {
    /// Keeps an answer about the verdict that is shown.
    pub(super) fn answered(
        &mut self,
        workspace: &Workspace,
        of: &Arc<Verdict>,
        finding: usize,
        answer: Arc<FixResult>,
    ) {
        if let Some(answers) = self.session.state().answers.get_mut(workspace)
            && answers.are_of(of)
        {
            answers.add(finding, answer);
        }
        self.session.tell_answered();
    }

    pub(super) fn proved(&mut self, workspace: &Workspace, of: &Arc<Verdict>, count: usize) {
        let changed = {
            let mut state = self.session.state();
            let answers = state.answers.get_mut(workspace).filter(|answers| answers.are_of(of));
            answers.is_some_and(|answers| std::mem::replace(&mut answers.proved, count) != count)
        };
        if changed {
            self.refresh_lenses();
        }
    }

    /// Has the client ask for code lenses again, where it can.
    pub(super) fn refresh_lenses(&self) {
        if !self.session.state().features.refreshes_lenses {
            return;
        }
        let client = self.session.client.clone();
        // A request to the client is never awaited here.
        threads::task(Doing::just("asking the client"), async move {
            // It may refuse.
            let _ = client.code_lens_refresh().await;
        });
    }
}
