//! The bases of workspaces: checked in the background once the workspace has a verdict, and again when they or the options
//! have changed.

use std::{collections::BTreeSet, sync::Arc};

use camino::Utf8PathBuf;

use super::MainLoop;
use crate::{
    compare::BaseRequest,
    gate::{CommandLine, GateOptions, Verdict},
    lsp::{
        base_check::{BaseCheck, BaseOutcome, Cancellation, CheckedBase, HiddenFindings},
        comparisons::ShownComparison,
        event::Event,
        status::ComparisonState,
    },
    process::Children,
    text::FilePath,
    threads::{self, Activity},
    verdict::DenyOptions,
    workspace::Workspace,
};

/// The base of one workspace.
pub(super) struct BaseState {
    key: BaseKey,
    /// The check that runs.
    running: Option<RunningCheck>,
    /// It has to be checked, after the running check.
    is_outdated: bool,
    /// The advisories or cargo's index have changed since its verdict.
    has_new_facts: bool,
    /// The files of git that may move it.
    files: BTreeSet<Utf8PathBuf>,
    /// The last result.
    result: Option<Result<Arc<CheckedBase>, String>>,
    /// The findings that only the changes of the policy hide.
    hidden: HiddenFindings,
}

/// What the verdict on a base depends on, besides its files.
#[derive(Clone, PartialEq)]
struct BaseKey {
    request: BaseRequest,
    deny: DenyOptions,
    command_lines: Vec<CommandLine>,
    advisories: Option<Utf8PathBuf>,
    helps: bool,
    offline: bool,
}

impl BaseKey {
    fn of(request: BaseRequest, options: &GateOptions) -> Self {
        Self {
            request,
            deny: options.deny.clone(),
            command_lines: options.command_lines.clone(),
            advisories: options.advisories.clone(),
            helps: options.helps,
            offline: options.resolver.offline,
        }
    }
}

/// Dropping it cancels the check.
struct RunningCheck {
    cancellation: Arc<Cancellation>,
    children: Children,
}

impl Drop for RunningCheck {
    fn drop(&mut self) {
        self.cancellation.cancel();
        self.children.end();
    }
}

impl BaseState {
    fn new(key: BaseKey) -> Self {
        Self {
            key,
            running: None,
            is_outdated: true,
            has_new_facts: false,
            files: BTreeSet::new(),
            result: None,
            hidden: HiddenFindings::default(),
        }
    }

    /// Forgets the verdict if the workspace is checked with other options from now on.
    pub(super) fn use_options(&mut self, options: &GateOptions) {
        let key = BaseKey::of(self.key.request.clone(), options);
        if self.key != key {
            *self = Self::new(key);
        }
    }

    pub(super) fn checked(&self) -> Option<&Arc<CheckedBase>> {
        self.result.as_ref()?.as_ref().ok()
    }
}

impl MainLoop {
    /// What to compare with; nothing while no program may be started.
    fn wanted_base(&self) -> Option<BaseRequest> {
        let state = self.session.snapshot();
        state.base().filter(|_| state.settings.trusted)
    }

    /// The user has chosen another base, or the trust has changed.
    pub(super) async fn base_chosen(&mut self) {
        let all: Vec<_> = self.workers.keys().cloned().collect();
        let wanted = self.wanted_base();
        for workspace in all {
            let Some(workspace_state) = self.workers.get_mut(&workspace) else { continue };
            let is_same =
                workspace_state.base.as_ref().map(|base| &base.key.request) == wanted.as_ref();
            if !is_same {
                workspace_state.base = None;
            }
            self.check_base(&workspace);
            self.compare_again(&workspace).await;
        }
    }

    /// Checks the base of a workspace that has a verdict, if that is needed.
    pub(super) fn check_base(&mut self, workspace: &Workspace) {
        let wanted = self.wanted_base();
        let state = self.session.snapshot();
        let shown = state.verdicts.get(workspace).cloned();
        let taken = self.taken_by_others(workspace);
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        let (Some(request), Some(options)) = (wanted, &workspace_state.options) else {
            workspace_state.base = None;
            return;
        };
        // It starts after the next verdict.
        let Some(shown) = shown else { return };
        if workspace_state.is_background || workspace_state.pending_requests > 0 {
            return;
        }
        let base = workspace_state.base.get_or_insert_with(|| {
            let key = BaseKey::of(request, options);
            BaseState::new(key)
        });
        if !base.is_outdated || base.running.is_some() {
            return;
        }
        base.is_outdated = false;
        let has_new_facts = std::mem::take(&mut base.has_new_facts);
        let known = base.checked().filter(|_| !has_new_facts).cloned();
        let children = self.session.children.in_own_scope().low_priority();
        let cancellation = Arc::<Cancellation>::default();
        let mut options = options.clone();
        options.resolver.children = children.clone();
        base.running = Some(RunningCheck { cancellation: Arc::clone(&cancellation), children });
        let check = BaseCheck {
            workspace: workspace.clone(),
            request: base.key.request.clone(),
            options,
            databases: Arc::clone(&self.databases),
            known,
            shown,
            discovery: state.settings.discovery(),
            taken,
            cancellation,
        };
        self.start_base_check(check);
    }

    /// The workspaces of bases with which others are compared that were moved.
    fn taken_by_others(&self, workspace: &Workspace) -> BTreeSet<Workspace> {
        let others = self.workers.iter().filter(|(other, _)| *other != workspace);
        let bases = others.filter_map(|(_, state)| state.base.as_ref()?.checked());
        bases.filter_map(|base| base.moved_from().cloned()).collect()
    }

    fn start_base_check(&self, check: BaseCheck) {
        let (events, turn) = (self.session.events(), Arc::clone(&self.base_checks));
        let doing = Activity::to("checking the base of", check.workspace.manifest.as_str());
        threads::task(doing.clone(), async move {
            let _permit = turn.acquire_owned().await;
            let cancellation = Arc::clone(&check.cancellation);
            if cancellation.is_canceled() {
                return;
            }
            let workspace = check.workspace.clone();
            let outcome = threads::blocking(doing, move || check.run()).await;
            let _ = events.send(Event::BaseChecked { workspace, cancellation, outcome });
        });
    }

    /// A check of a base has ended.
    pub(super) async fn base_checked(
        &mut self,
        workspace: &Workspace,
        cancellation: &Arc<Cancellation>,
        outcome: Option<BaseOutcome>,
    ) {
        let taken = self.taken_by_others(workspace);
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        let Some(base) = &mut workspace_state.base else { return };
        let is_ours = |running: &RunningCheck| Arc::ptr_eq(&running.cancellation, cancellation);
        if !base.running.as_ref().is_some_and(is_ours) {
            return;
        }
        base.running = None;
        // Two checks may have begun before the first one has ended.
        let from = outcome.as_ref().and_then(|outcome| outcome.result.as_ref().ok()?.moved_from());
        if from.is_some_and(|from| taken.contains(from)) {
            base.is_outdated = true;
            return self.check_base(workspace);
        }
        let internal = || Err("internal error, see the log of the server".to_owned());
        let result = match outcome {
            Some(outcome) => {
                base.files = outcome.files;
                outcome.result
            }
            None => internal(),
        };
        let is_same = match (&base.result, &result) {
            (Some(Ok(before)), Ok(now)) => before.is_same(now),
            (Some(Err(before)), Err(now)) => before == now,
            _ => false,
        };
        let failure = result.as_ref().err().cloned();
        if !is_same {
            base.result = Some(result);
            base.hidden = HiddenFindings::default();
            if let Some(failure) = failure {
                let name = base.key.request.revision.clone();
                let message = format!("supercargo: could not compare with `{name}`: {failure}");
                self.show_once(&message).await;
            }
            self.compare_again(workspace).await;
            self.check_with_base_policy(workspace);
        }
        self.check_base(workspace);
    }

    /// Lets the worker check the workspace with the policy of the base.
    fn check_with_base_policy(&mut self, workspace: &Workspace) {
        let Some(verdict) = self.session.snapshot().verdicts.get(workspace).cloned() else {
            return;
        };
        let Some(workspace_state) = self.workers.get(workspace) else { return };
        let base = workspace_state.base.as_ref().and_then(BaseState::checked);
        if base.is_some_and(|base| base.has_other_policy(&verdict)) {
            self.request_check(workspace, super::CheckReason::Policy);
        }
    }

    /// A worker has checked a workspace with the policy of the base.
    pub(super) async fn hidden_found(
        &mut self,
        workspace: &Workspace,
        checked: &Arc<CheckedBase>,
        hidden: HiddenFindings,
    ) {
        let Some(workspace_state) = self.workers.get_mut(workspace) else { return };
        let base = workspace_state.base.as_mut();
        let is_of =
            |base: &&mut BaseState| base.checked().is_some_and(|now| Arc::ptr_eq(now, checked));
        let Some(base) = base.filter(is_of) else { return };
        base.hidden = hidden;
        self.compare_again(workspace).await;
    }

    /// Notes changed files of git, and advisories: the base is checked again.
    pub(super) fn bases_may_have_changed(&mut self, paths: &[Utf8PathBuf], has_new_facts: bool) {
        let mut moved = Vec::new();
        for (workspace, workspace_state) in &mut self.workers {
            let Some(base) = &mut workspace_state.base else { continue };
            // With the next verdict of the workspace.
            base.has_new_facts |= has_new_facts;
            base.is_outdated |= has_new_facts;
            if paths.iter().any(|path| base.files.contains(path)) {
                base.is_outdated = true;
                moved.push(workspace.clone());
            }
        }
        for workspace in moved {
            self.check_base(&workspace);
        }
    }

    /// Looks for the bases again that could not be checked: the user has saved a file.
    pub(super) fn retry_failed_bases(&mut self) {
        let mut failed = Vec::new();
        for (workspace, workspace_state) in &mut self.workers {
            let Some(base) = &mut workspace_state.base else { continue };
            if matches!(base.result, Some(Err(_))) {
                base.is_outdated = true;
                failed.push(workspace.clone());
            }
        }
        for workspace in failed {
            self.check_base(&workspace);
        }
    }

    /// The comparison of a verdict with the base, if that has one.
    pub(super) fn comparison_of(
        &self,
        workspace: &Workspace,
        verdict: &Arc<Verdict>,
    ) -> Option<Arc<ShownComparison>> {
        let workspace_state = self.workers.get(workspace)?;
        let base = workspace_state.base.as_ref()?;
        let others = &workspace_state.options.as_ref()?.other_uses;
        let comparison = base.checked()?.compare(verdict, &base.hidden, others);
        let name = &base.key.request.revision;
        Some(Arc::new(ShownComparison::of(verdict, comparison, name)))
    }

    /// Compares the shown verdict of a workspace with its base again, and shows the difference.
    async fn compare_again(&mut self, workspace: &Workspace) {
        let Some(verdict) = self.session.snapshot().verdicts.get(workspace).cloned() else {
            return;
        };
        let comparison = self.comparison_of(workspace, &verdict);
        let before = self.session.update(|state| match comparison.clone() {
            Some(comparison) => state.comparisons.insert(workspace.clone(), comparison),
            None => state.comparisons.remove(workspace),
        });
        let (before, after) = (before.as_deref(), comparison.as_deref());
        self.publish(compared_files(&verdict, before, after)).await;
        if !has_same_text(before, after) {
            self.refresh_lenses();
        }
        self.send_status_again(workspace).await;
    }

    /// The comparison for the status of a workspace.
    pub(super) fn comparison_state(&self, workspace: &Workspace) -> Option<ComparisonState> {
        let state = self.session.snapshot();
        let request = state.base()?;
        if !state.settings.trusted {
            return Some(ComparisonState::Untrusted(request.revision));
        }
        let base = self.workers.get(workspace)?.base.as_ref();
        let shown = state.comparisons.get(workspace);
        Some(match (base.and_then(|base| base.result.as_ref()), shown) {
            (Some(Err(failure)), _) => ComparisonState::Failed(request.revision, failure.clone()),
            (Some(Ok(_)), Some(comparison)) => ComparisonState::Compared(Arc::clone(comparison)),
            _ => ComparisonState::Checking(request.revision),
        })
    }

    /// The files of git to watch.
    pub(super) fn files_of_bases(&self) -> BTreeSet<Utf8PathBuf> {
        let bases = self.workers.values().filter_map(|state| state.base.as_ref());
        bases.flat_map(|base| base.files.iter().cloned()).collect()
    }
}

/// The files whose diagnostics differ between two comparisons of a verdict.
pub(super) fn compared_files(
    verdict: &Verdict,
    before: Option<&ShownComparison>,
    after: Option<&ShownComparison>,
) -> BTreeSet<FilePath> {
    let mut files = ShownComparison::differing_files(before, after);
    // The data of each finding has its group.
    if before.is_some() != after.is_some() {
        files.extend(verdict.files());
    }
    files
}

/// Whether lenses show the same of both.
pub(super) fn has_same_text(
    before: Option<&ShownComparison>,
    after: Option<&ShownComparison>,
) -> bool {
    before.map(|one| &one.text) == after.map(|one| &one.text)
}
