//! Checks a workspace with the policy of its base: shows what only the changes of the policy hide. It takes a moment right
//! after the verdict; where the policy has another graph, it runs in the background.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{fix_search::UntilCheckRequest, inbox::Inbox};
use crate::{
    gate::{Databases, Gate, GateOptions, Verdict},
    lsp::{
        base_check::CheckedBase,
        event::{Buffers, CheckRequest, Event},
    },
    threads::{self, Activity},
};

/// A check with the policy of the base, after the verdict.
pub(super) struct PolicyCheck {
    base: Arc<CheckedBase>,
    verdict: Arc<Verdict>,
    options: GateOptions,
    buffers: Buffers,
}

impl PolicyCheck {
    /// The check for a new verdict; `None` if the policy of the base is the same.
    pub(super) fn of(request: &CheckRequest, verdict: &Arc<Verdict>) -> Option<Self> {
        let base = request.base.as_ref()?;
        let is_needed = verdict.complete && base.has_other_policy(verdict);
        is_needed.then(|| Self {
            base: Arc::clone(base),
            verdict: Arc::clone(verdict),
            options: request.options.clone(),
            buffers: request.buffers.clone(),
        })
    }

    /// Whether cargo has to resolve again.
    pub(super) fn takes_long(&self) -> bool {
        self.base.has_other_graph(&self.verdict)
    }

    /// Runs the check, and sends what it finds. Whether it has to run again, since it was interrupted.
    pub(super) fn run(
        &self,
        gate: &mut Gate,
        databases: &Databases,
        events: &mpsc::UnboundedSender<Event>,
        inbox: &Inbox,
        may_continue: &dyn Fn() -> bool,
    ) -> bool {
        let workspace = &self.verdict.workspace;
        let doing =
            Activity::to("checking the changes of the policy of", workspace.manifest.as_str());
        let may_continue = || inbox.is_empty() && may_continue();
        let progress = UntilCheckRequest(&may_continue);
        let mut options = self.options.clone();
        options.resolver.children = options.resolver.children.low_priority();
        let found = threads::catch_panic(&doing, || {
            threads::failpoint("policy-check");
            let Self { base, verdict, buffers, .. } = self;
            base.hidden(verdict, gate, &options, buffers, databases, &progress)
        });
        match found {
            Ok(Some(hidden)) => {
                let (workspace, base) = (workspace.clone(), Arc::clone(&self.base));
                let _ = events.send(Event::HiddenFound { workspace, base, hidden });
                false
            }
            Ok(None) => inbox.has_no_check_request(),
            Err(_) => {
                *gate = gate.restarted();
                false
            }
        }
    }
}
