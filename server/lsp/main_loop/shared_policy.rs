//! Workspaces that share a policy. An entry has no effect only if none of them needs it, so when a verdict has such an
//! entry, the other workspaces are found and checked in the background. Their own findings are shown only if they are
//! open.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::{CheckReason, MainLoop, WorkspaceState};
use crate::{
    gate::{OtherUses, PolicyUse, Verdict},
    limits,
    lsp::documents::DocumentKind,
    workspace::{PolicyFiles, RuledWorkspaces, Workspace, policy_scope},
};

/// What the main loop knows of the policies that several workspaces may share.
#[derive(Default)]
pub(super) struct SharedPolicies {
    /// The workspaces of each policy, as far as it mattered.
    ruled: BTreeMap<Utf8PathBuf, RuledWorkspaces>,
    /// What each workspace needs, according to its last complete verdict.
    uses: BTreeMap<Workspace, PolicyUse>,
    /// The policies of which a workspace needs something else than before, with those workspaces; the others that share
    /// them are to be checked again.
    changed: BTreeMap<Utf8PathBuf, BTreeSet<Workspace>>,
}

impl SharedPolicies {
    /// The uses of a workspace's policies by other workspaces; `None` if it is not known which those are.
    fn other_uses(&self, workspace: &Workspace, policies: &[Utf8PathBuf]) -> Option<OtherUses> {
        let mut others = OtherUses::default();
        for policy in policies {
            let ruled = self.ruled.get(policy)?;
            others.more = others.more.max(usize::from(ruled.truncated));
            for other in ruled.workspaces.iter().filter(|other| *other != workspace) {
                others.workspaces.insert(other.clone(), self.uses.get(other).cloned());
            }
        }
        Some(others)
    }

    fn note_change(&mut self, workspace: &Workspace, policies: &[Utf8PathBuf]) {
        for policy in policies {
            self.changed.entry(policy.clone()).or_default().insert(workspace.clone());
        }
    }

    /// Whether a workspace is checked because it shares a policy with others.
    pub(super) fn rules(&self, workspace: &Workspace) -> bool {
        let mut ruled = self.ruled.values();
        ruled.any(|ruled| ruled.workspaces.contains(workspace))
    }
}

/// The policy files of a verdict.
fn policies_of(verdict: &Verdict) -> Vec<Utf8PathBuf> {
    verdict.policy.iter().chain(&verdict.exceptions).cloned().collect()
}

impl MainLoop {
    /// What other workspaces need of the policies of a workspace; `None` if it is not known which those are.
    pub(super) fn other_uses(&self, workspace: &Workspace) -> Option<OtherUses> {
        let PolicyFiles { policy, exceptions } = workspace.policy_files();
        let policies: Vec<_> = policy.into_iter().chain(exceptions).collect();
        self.shared_policies.other_uses(workspace, &policies)
    }

    /// Notes what a workspace needs of its policies. Checks the others that share them, if that matters.
    pub(super) fn note_policy_use(&mut self, workspace: &Workspace, verdict: &Verdict) {
        self.note_use(workspace, verdict);
        self.check_sharers();
    }

    fn note_use(&mut self, workspace: &Workspace, verdict: &Verdict) {
        let policies = policies_of(verdict);
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        workspace_state.policies.clone_from(&policies);
        // Without a graph it says nothing about entries.
        if verdict.packages == 0 || !self.session.snapshot().settings.trusted {
            return;
        }
        let uses = &mut self.shared_policies.uses;
        let is_new = uses.get(workspace) != Some(&verdict.policy_use);
        if is_new {
            uses.insert(workspace.clone(), verdict.policy_use.clone());
            self.shared_policies.note_change(workspace, &policies);
        }
        if verdict.policy_use.asks_others() {
            let ruled = policies.iter().filter_map(|policy| self.shared_policies.ruled.get(policy));
            let ruled: Vec<_> = ruled.flat_map(|ruled| ruled.workspaces.clone()).collect();
            self.check_ruled(&ruled);
        }
        // Others may have been checked since this check was requested.
        let is_shown = self.workers.get(workspace).is_some_and(|state| !state.is_background);
        if is_shown
            && verdict.policy_use.asks_others()
            && let Some(others) = self.shared_policies.other_uses(workspace, &policies)
            && verdict.with_other_uses(&others).withheld != verdict.withheld
        {
            self.request_check(workspace, CheckReason::Policy);
        }
    }

    /// Checks the shown workspaces again that have entries which they do not need, where another workspace of the policy now
    /// needs something else. Once for all workspaces that are checked for the first time: of many, each would be checked as
    /// often as there are others.
    pub(super) fn check_sharers(&mut self) {
        let SharedPolicies { uses, changed, .. } = &mut self.shared_policies;
        let awaited = self.workers.iter().filter(|(workspace, state)| {
            state.pending_requests > 0 && !uses.contains_key(*workspace)
        });
        let awaited: Vec<_> = awaited.map(|(workspace, _)| &workspace.manifest).collect();
        let is_settled = |policy: &Utf8PathBuf| {
            let scope = policy_scope(policy);
            !awaited.iter().any(|manifest| manifest.starts_with(scope))
        };
        let (settled, later): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(changed).into_iter().partition(|(policy, _)| is_settled(policy));
        *changed = later;
        if settled.is_empty() {
            return;
        }
        let is_concerned = |workspace: &Workspace, policy: &Utf8PathBuf| {
            settled.get(policy).is_some_and(|changed| changed.iter().any(|one| one != workspace))
        };
        let sharers = self.workers.iter().filter(|(workspace, state)| {
            !state.is_background
                && state.policies.iter().any(|policy| is_concerned(workspace, policy))
                && uses.get(*workspace).is_some_and(PolicyUse::asks_others)
        });
        let sharers: Vec<_> = sharers.map(|(workspace, _)| workspace.clone()).collect();
        for workspace in sharers {
            self.request_check(&workspace, CheckReason::Policy);
        }
    }

    /// A worker has looked for the workspaces of a policy.
    pub(super) fn ruled_workspaces_found(&mut self, policy: Utf8PathBuf, ruled: RuledWorkspaces) {
        self.check_ruled(&ruled.workspaces);
        self.shared_policies.ruled.insert(policy, ruled);
    }

    /// Checks the workspaces that are not checked anyway, up to a limited number.
    fn check_ruled(&mut self, workspaces: &[Workspace]) {
        for workspace in workspaces.iter().take(limits::RULED_WORKSPACES) {
            if !self.workers.contains_key(workspace) {
                self.start_worker(workspace, BTreeSet::new(), true);
            }
        }
    }

    /// Forgets which workspaces policies rule, if manifests or policies were created or deleted. They are searched for
    /// again when that matters.
    pub(super) fn forget_ruled_workspaces(&mut self, changed: &[Utf8PathBuf]) {
        let is_known = |path: &Utf8PathBuf| {
            path.is_file()
                && (self.workers.keys().any(|workspace| path.starts_with(&workspace.root))
                    || self.shared_policies.ruled.contains_key(path))
        };
        let decides = |path: &&Utf8PathBuf| match DocumentKind::of(path) {
            Some(kind) => kind == DocumentKind::Manifest || kind.is_policy(),
            None => false,
        };
        if changed.iter().filter(decides).any(|path| !is_known(path)) {
            self.shared_policies.ruled.clear();
        }
    }

    /// Forgets a workspace that is no longer checked, and checks those again that share its policies.
    pub(super) fn forget_policy_use(&mut self, workspace: &Workspace, policies: &[Utf8PathBuf]) {
        if self.shared_policies.uses.remove(workspace).is_some() {
            self.shared_policies.note_change(workspace, policies);
        }
        self.check_sharers();
    }
}

impl WorkspaceState {
    /// Shows the findings of a workspace that was only checked for its policy. Whether it was.
    pub(super) fn show_from_now_on(&mut self) -> bool {
        std::mem::take(&mut self.is_background)
    }
}
