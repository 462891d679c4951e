//! Checks the base of a workspace: an earlier commit of its repository. It takes a while, so it runs on a thread of its
//! own, one at a time, with programs at a low priority.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use camino::Utf8PathBuf;

use crate::{
    compare::{
        Base, BaseError, BaseRequest, Comparison, LoosenedFinding, files_deciding_base,
        has_other_graph, has_other_policy, loosened, moved,
    },
    gate::{Databases, Gate, GateOptions, OnDisk, OtherUses, Progress, Texts, Verdict},
    threads,
    verdict::{Check, Code, Finding, sanitize},
    workspace::{Discovery, DiscoveryOptions, Workspace},
};

/// How many workspaces of the base are checked whose folders the checkout does not have.
const MOST_GONE: usize = 20;

/// A base with its verdict on a workspace.
#[derive(Clone, Debug)]
pub(super) struct CheckedBase {
    base: Arc<Base>,
    /// `None` if the base does not have the workspace.
    verdict: Option<Arc<Verdict>>,
    /// The base has it in another folder, or not at all.
    is_moved: bool,
}

/// The findings of a verdict that only the changes of the policy hide.
#[derive(Clone, Debug, Default)]
pub(super) struct HiddenFindings {
    /// The verdict; `None` before the first one was checked.
    of: Option<Arc<Verdict>>,
    findings: Vec<LoosenedFinding>,
}

/// A check of a base.
pub(super) struct BaseCheck {
    pub(super) workspace: Workspace,
    pub(super) request: BaseRequest,
    /// The options for the checkout.
    pub(super) options: GateOptions,
    pub(super) databases: Arc<Databases>,
    /// The result before, which still counts if the base has the same files.
    pub(super) known: Option<Arc<CheckedBase>>,
    /// The shown verdict: a workspace that was moved is found by its findings.
    pub(super) shown: Arc<Verdict>,
    /// How to look for the workspaces of the base.
    pub(super) discovery: DiscoveryOptions,
    /// The workspaces of the base that others are compared with.
    pub(super) taken: BTreeSet<Workspace>,
    pub(super) cancellation: Arc<Cancellation>,
}

/// The result of a check of a base.
#[derive(Debug)]
pub(super) struct BaseOutcome {
    /// The files of git that may move the base.
    pub(super) files: BTreeSet<Utf8PathBuf>,
    /// The base, or why there is no comparison.
    pub(super) result: Result<Arc<CheckedBase>, String>,
}

/// Cancels a check of a base.
#[derive(Debug, Default)]
pub(super) struct Cancellation(AtomicBool);

impl Cancellation {
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Cancellation {
    fn report(&self, _: &str) {}

    fn is_cancelled(&self) -> bool {
        self.is_canceled()
    }
}

impl BaseCheck {
    pub(super) fn run(&self) -> BaseOutcome {
        let folder = self.workspace.folder();
        let children = &self.options.resolver.children;
        // Listed first: a later change is seen.
        let files = files_deciding_base(folder, &self.request, children);
        threads::failpoint("base-check");
        BaseOutcome { files, result: self.checked().map_err(|error| message(&error)) }
    }

    fn checked(&self) -> Result<Arc<CheckedBase>, BaseError> {
        let folder = self.workspace.folder();
        let resolver = &self.options.resolver;
        let base = Base::of(folder, &self.request, &resolver.cache, &resolver.children)?;
        let is_free =
            |known: &CheckedBase| known.moved_from().is_none_or(|from| !self.taken.contains(from));
        let known = self.known.as_ref().filter(|known| is_free(known));
        if let Some(known) = known.filter(|known| known.base.has_same_files(&base)) {
            let known = CheckedBase { base: Arc::new(base), ..(**known).clone() };
            return Ok(Arc::new(known));
        }
        let before = base.workspace(&self.workspace);
        let is_moved = before.is_none();
        let verdict = match before {
            Some(before) => Some(self.verdict(&base, before, &self.workspace)?),
            None => self.moved(&base),
        };
        let verdict = verdict.map(|verdict| Arc::new(without_graph(verdict)));
        Ok(Arc::new(CheckedBase { base: Arc::new(base), verdict, is_moved }))
    }

    /// The verdict on the workspace where it was before it was moved, if it was: as in `check --base`, it is one whose folder the
    /// checkout does not have, with most of its findings.
    fn moved(&self, base: &Base) -> Option<Verdict> {
        let found = Discovery::below(base.root(), &self.discovery).workspaces;
        let free = found.into_iter().filter(|before| !self.taken.contains(before));
        let gone = free.filter_map(|before| Some((base.left_folder(&before)?, before)));
        // What cannot be checked has no findings.
        let verdicts = gone.take(MOST_GONE).map(|(now, before)| self.verdict(base, before, &now));
        let mut verdicts: Vec<Verdict> = verdicts.filter_map(Result::ok).collect();
        let at = moved(&self.shown, verdicts.iter(), base)?;
        Some(verdicts.swap_remove(at))
    }

    /// The verdict on a workspace of the base, which the checkout has at `now`.
    fn verdict(
        &self,
        base: &Base,
        before: Workspace,
        now: &Workspace,
    ) -> Result<Verdict, BaseError> {
        let options = base.options(&self.options, now);
        // Which of its workspaces need an entry of a shared policy is not known.
        let options = GateOptions { other_uses: Arc::default(), ..options };
        let mut gate = Gate::new(before);
        if let Some(verdict) = gate.recall_exact(&options, &OnDisk) {
            return base.complete(Some(verdict));
        }
        let verdict = gate.check(&options, &OnDisk, &self.databases, &*self.cancellation);
        if let Some(verdict) = &verdict {
            gate.remember(&options, verdict);
        }
        base.complete(verdict)
    }
}

impl CheckedBase {
    /// The workspace of the base, if it was moved since.
    pub(super) fn moved_from(&self) -> Option<&Workspace> {
        let verdict = self.verdict.as_ref().filter(|_| self.is_moved)?;
        Some(&verdict.workspace)
    }

    /// Whether comparisons with both are the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let has_same_findings = match (&self.verdict, &other.verdict) {
            (Some(one), Some(other)) => one.findings == other.findings,
            (one, other) => one.is_none() && other.is_none(),
        };
        has_same_findings
            && self.base.shown_name() == other.base.shown_name()
            && self.base.has_same_files(&other.base)
    }

    /// Compares a verdict with it. `hidden` are the findings that only the changes of the policy hide, of this verdict or of
    /// an earlier one; `others` the workspaces with the same policy.
    pub(super) fn compare(
        &self,
        verdict: &Arc<Verdict>,
        hidden: &HiddenFindings,
        others: &OtherUses,
    ) -> Comparison {
        let mut comparison = Comparison::new(verdict, self.verdict.as_deref(), &self.base);
        if !others.workspaces.is_empty() || others.more > 0 {
            // The finding that an entry has no effect may be withheld now because of the others.
            let is_of_entry = |finding: &Finding| {
                finding.code.is_some_and(Code::is_without_effect)
                    || finding.code == Some(Code::AllowedForOne)
            };
            comparison.fixed.retain(|finding| !is_of_entry(finding));
        }
        // Without a policy that can be read, nothing new is known.
        let runs = verdict.counts.keys().any(|check| Check::CARGO_DENY.contains(check));
        if !runs || self.has_other_policy(verdict) {
            if hidden.of.as_ref().is_none_or(|of| !Arc::ptr_eq(of, verdict)) {
                // It may only be hidden.
                comparison.fixed.clear();
            }
            let hidden = hidden.findings.iter().filter(|one| !is_reported(&one.finding, verdict));
            comparison.hide(hidden.cloned().collect(), &self.base);
        }
        comparison
    }

    /// Whether the workspace has to be resolved again to be checked with the policy of the base.
    pub(super) fn has_other_graph(&self, verdict: &Verdict) -> bool {
        self.verdict.as_ref().is_some_and(|before| has_other_graph(verdict, before))
    }

    /// Whether the policy of a verdict is another one, so that it may hide findings.
    pub(super) fn has_other_policy(&self, verdict: &Verdict) -> bool {
        self.verdict.as_ref().is_some_and(|before| has_other_policy(verdict, before))
    }

    /// The findings that only the changes of the policy hide: checks the workspace with the policy of the base. `None`
    /// if canceled.
    pub(super) fn hidden(
        &self,
        verdict: &Arc<Verdict>,
        gate: &mut Gate,
        options: &GateOptions,
        texts: &dyn Texts,
        databases: &Databases,
        progress: &dyn Progress,
    ) -> Option<HiddenFindings> {
        let before = self.verdict.as_ref().map_or(&verdict.workspace, |before| &before.workspace);
        let unmoved = self.base.unmoved(&verdict.workspace, before);
        let options = self.base.options(options, &unmoved);
        // Another graph would take the place of the one that is kept for the next check.
        let mut other =
            self.has_other_graph(verdict).then(|| Gate::for_trials(verdict.workspace.clone()));
        let gate = other.as_mut().unwrap_or(gate);
        let strict = gate.check(&options, texts, databases, progress)?;
        let findings = loosened(verdict, &strict, &self.base);
        Some(HiddenFindings { of: Some(Arc::clone(verdict)), findings })
    }
}

/// The verdict without what a comparison does not need.
fn without_graph(verdict: Verdict) -> Verdict {
    Verdict {
        declared: Arc::default(),
        folders: Arc::default(),
        graph: Arc::default(),
        matched: Vec::new(),
        index_files: Arc::default(),
        ..verdict
    }
}

/// Whether a verdict has a finding at the same or a higher severity.
fn is_reported(finding: &Finding, verdict: &Verdict) -> bool {
    verdict.findings.iter().any(|one| {
        one.check == finding.check
            && one.code == finding.code
            && one.packages == finding.packages
            && one.message == finding.message
            && one.severity >= finding.severity
    })
}

/// Why there is no comparison, and what to do in an editor.
fn message(error: &BaseError) -> String {
    let message = match error {
        BaseError::NoVerdict { name, reason } => {
            format!("could not check the base `{name}`: {reason}; compare with another one")
        }
        error => error.to_string(),
    };
    sanitize(&message)
}
