//! Verifies plans: cargo resolves them in a scratch copy, and the gate checks the result.

mod create_policy;
mod joint;
mod known_fix;
mod lockfile;
mod manifests;
mod other_lockfiles;
mod other_workspaces;
mod package_upgrades;
mod successors;
mod unignore;
mod upgrade_context;
mod upgrade_title;
mod verify_upgrade;

use camino::Utf8Path;

use super::{
    CheckedTexts, Fix, FixKind, FixOptions, NewerRust, NoFixReason, Overlay, Verification,
    policy::{self, PolicyFacts, PolicyPlan},
    solver::{Goal, NoPlan, Plan, PlanOptions},
    upgrade::{RequirementUpdate, UpgradeTarget},
};
use crate::{
    gate::{Databases, Gate, GateOptions, Progress, Texts as _, Verdict},
    policy::entries::{PolicyList, entries},
    resolve::{BufferCopy, BuildResult, ResolveError},
    text::SourceText,
    verdict::{Check, Code, ExceptionsFile, Finding, Location, PolicyText, Severity},
};
pub use create_policy::CreatedPolicy;
pub(super) use joint::{JointUpgrades, levels};
use joint::{PossibleTargets, possible_goals};
pub(crate) use lockfile::is_about_lockfile;
pub use other_lockfiles::{LockfileOutcome, OtherLockfile};
pub(crate) use package_upgrades::{FirstUpgrades, upgraded_package};
pub(super) use upgrade_context::UpgradeContext;
use verify_upgrade::{NoUpgrade, VerifiedPlan};

/// Turns plans into verified fixes.
pub struct FixVerifier<'p> {
    /// Checks the changed texts, and keeps the graph of the last ones. Use another gate than the one for
    /// the verdicts that the user sees, unless only the policy changes.
    pub gate: &'p mut Gate,
    /// The options of the check.
    pub options: &'p GateOptions,
    /// The advisory databases.
    pub databases: &'p Databases,
    /// Receives progress and cancels the work.
    pub progress: &'p dyn Progress,
}

/// Why a change was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// The work was canceled.
    Canceled,
    /// It does not hold, or could not be tried.
    Because(NoFixReason),
}

impl From<NoFixReason> for NotVerified {
    fn from(reason: NoFixReason) -> Self {
        Self::Because(reason)
    }
}

impl std::fmt::Debug for FixVerifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FixVerifier").finish_non_exhaustive()
    }
}

impl FixVerifier<'_> {
    /// The best verified upgrade of one package, or why there is none.
    pub(super) fn best_upgrade(
        &mut self,
        context: &UpgradeContext<'_>,
        options: FixOptions,
        target: &UpgradeTarget,
    ) -> Result<Fix, NotVerified> {
        let levels = levels(options, context.versions.rust.as_ref());
        match self.best_plan(context, target, &levels)? {
            Ok(verified) => Ok(context.fix(target, &verified)),
            Err(failed) => {
                let FixOptions { breaking, newer_rust } = options;
                let allowed = PlanOptions { breaking, newer_rust, ..PlanOptions::default() };
                Err(self.no_upgrade_reason(context, target, &allowed, &failed).into())
            }
        }
    }

    /// The verified upgrades of several packages together, without those that are not verified together.
    /// `options` is one of [`levels`], perhaps the last.
    pub(super) fn joint_upgrades(
        &mut self,
        context: &UpgradeContext<'_>,
        options: &PlanOptions,
        is_last: bool,
        targets: &[UpgradeTarget],
    ) -> Result<JointUpgrades, NotVerified> {
        let progress = self.progress;
        let is_canceled = || progress.is_cancelled();
        let only_downloaded = self.uses_only_downloads(context);
        let here = PlanOptions { only_downloaded, ..options.clone() };
        let PossibleTargets { together, goals, impossible } = context
            .with_planner(&is_canceled, |planner| PossibleTargets::of(planner, targets, &here))?;
        let mut joint = JointUpgrades::default();
        if !together.is_empty() {
            let update = RequirementUpdate::Raise;
            match self.verified_plan(context, &together, &goals, options.clone(), update) {
                Ok(verified) => joint.fixes = context.split(&together, &verified),
                Err(NoUpgrade::Unverified(NotVerified::Canceled)) => {
                    return Err(NotVerified::Canceled);
                }
                Err(NoUpgrade::Unverified(NotVerified::Because(reason))) => {
                    tracing::debug!("no joint upgrade: {reason}");
                }
                Err(NoUpgrade::Unplanned(_)) => {}
            }
        }
        for (target, no_plan) in impossible.into_iter().filter(|_| is_last) {
            let failed = NoUpgrade::Unplanned(no_plan);
            let reason = self.no_upgrade_reason(context, target, options, &failed);
            joint.impossible.insert(target.package.clone(), reason);
        }
        Ok(joint)
    }

    /// Why there is no upgrade with these options.
    fn no_upgrade_reason(
        &self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        options: &PlanOptions,
        failed: &NoUpgrade,
    ) -> NoFixReason {
        let no_plan = match failed {
            NoUpgrade::Unverified(NotVerified::Because(reason)) => return reason.clone(),
            NoUpgrade::Unverified(NotVerified::Canceled) => &NoPlan::Canceled,
            NoUpgrade::Unplanned(no_plan) => no_plan,
        };
        let reason = |breaking| {
            NoFixReason::NoPlan(Box::new(context.reason(target, no_plan.clone(), breaking)))
        };
        if no_plan.is_final() {
            return reason(None);
        }
        if !options.newer_rust
            && let Some(reason) = self.newer_rust_reason(context, target, options)
        {
            return reason;
        }
        let with_breaking = PlanOptions { breaking: true, ..options.clone() };
        let breaking =
            (!options.breaking).then(|| self.rough_plan(context, target, &with_breaking));
        reason(breaking.flatten())
    }

    /// A plan for all findings about a package, if there is one, to say what would help.
    fn rough_plan(
        &self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        options: &PlanOptions,
    ) -> Option<Plan> {
        let is_canceled = || self.progress.is_cancelled();
        let goals = target.goals();
        context.with_planner(&is_canceled, |planner| planner.rough_plan(&goals, options).ok())
    }

    /// The first plan that is verified: for all findings about the package, else for as many as possible. `Err` is
    /// why there is none.
    fn best_plan(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        levels: &[PlanOptions],
    ) -> Result<Result<VerifiedPlan, NoUpgrade>, NotVerified> {
        // The index does not list licenses, so the newest version is the best guess.
        let newest = target.is_only_about_license().then(|| target.package.clone());
        let mut failed = None;
        for (number, level) in levels.iter().enumerate() {
            let options = PlanOptions { newest: newest.clone(), ..level.clone() };
            let possible = self.possible_goals(context, target, &options)?;
            // The last level allows the most.
            if number == 0
                && levels.len() > 1
                && let (Err(no_plan), Some(last)) = (&possible, levels.last())
                && (no_plan.is_final() || self.possible_goals(context, target, last)?.is_err())
            {
                return Ok(Err(NoUpgrade::Unplanned(no_plan.clone())));
            }
            let found = match possible {
                Ok(goals) => {
                    let update = RequirementUpdate::Raise;
                    self.verified_plan(context, &[target], &goals, options, update)
                }
                Err(no_plan) => Err(NoUpgrade::Unplanned(no_plan)),
            };
            match found {
                Ok(verified) => return Ok(Ok(verified)),
                Err(NoUpgrade::Unverified(NotVerified::Canceled)) => {
                    return Err(NotVerified::Canceled);
                }
                // A failed verification is the better reason.
                Err(new @ NoUpgrade::Unverified(_))
                    if !matches!(failed, Some(NoUpgrade::Unverified(_))) =>
                {
                    failed = Some(new);
                }
                Err(new) => {
                    failed.get_or_insert(new);
                }
            }
        }
        let none = NoUpgrade::Unverified(NotVerified::Because(NoFixReason::NoVersion));
        Ok(Err(failed.unwrap_or(none)))
    }

    /// Whether cargo can only select what it has downloaded.
    pub(super) fn uses_only_downloads(&self, context: &UpgradeContext<'_>) -> bool {
        self.options.resolver.offline && context.has_downloads()
    }

    /// The goals of a target that one plan can have, offline those that need no download if there are any; or why there is no
    /// plan.
    fn possible_goals(
        &self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        options: &PlanOptions,
    ) -> Result<Result<Vec<Goal>, NoPlan>, NotVerified> {
        let progress = self.progress;
        let is_canceled = || progress.is_cancelled();
        context.with_planner(&is_canceled, |planner| {
            if self.uses_only_downloads(context) {
                let here = PlanOptions { only_downloaded: true, ..options.clone() };
                if let Ok(goals) = possible_goals(planner, target, &here)? {
                    return Ok(Ok(goals));
                }
            }
            possible_goals(planner, target, options)
        })
    }

    /// Names the Rust version with which there is an upgrade.
    fn newer_rust_reason(
        &self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        options: &PlanOptions,
    ) -> Option<NoFixReason> {
        let stated = context.versions.rust.clone()?;
        let options = PlanOptions { newer_rust: true, ..options.clone() };
        let plan = self.rough_plan(context, target, &options)?;
        let steps = plan.steps.iter();
        let newer = steps.filter_map(|step| {
            let rust = context.versions.newer_rust(&step.package, &step.to)?;
            Some((rust, step.package.name.clone(), step.to.clone()))
        });
        let (required, package, version) = newer.max()?;
        let newer = NewerRust { package, version, required, stated };
        Some(NoFixReason::NewerRust(Box::new(newer)))
    }

    /// The verified changes of the policy, in the order of their kinds.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub fn policy_fixes(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<Vec<Fix>, NotVerified> {
        if finding.code == Some(Code::NoPolicy) {
            return self.policy_creation(current);
        }
        let Some(policy) = self.policy_text(current, finding) else { return Ok(Vec::new()) };
        let facts = PolicyFacts { policy: &policy, packages: &current.verdict.folders };
        let mut fixes = Vec::new();
        for plan in policy::plans(finding, &facts) {
            fixes.extend(self.policy_fix(current, finding, policy.name(), &plan)?);
        }
        Ok(fixes)
    }

    fn policy_fix(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
        path: &Utf8Path,
        plan: &PolicyPlan,
    ) -> Result<Option<Fix>, NotVerified> {
        let mut texts = current.texts.clone();
        if texts.set(path, SourceText::new(&plan.after)).is_err() {
            return Ok(None);
        }
        let Some(verification) = self.verify_texts(current, &texts)? else { return Ok(None) };
        let is_about_policy = matches!(finding.check, Check::Config | Check::Supercargo);
        let is_cleared = match finding.check {
            // Our own finding remains until the user replaces the placeholder.
            Check::Supercargo if plan.placeholder.is_none() => {
                let count = |verdict: &Verdict| {
                    verdict.findings.iter().filter(|one| one.code == finding.code).count()
                };
                count(&verification.verdict) < count(current.verdict)
            }
            _ => is_about_policy || verification.clears(finding),
        };
        // An entry that is checked again may have findings.
        let may_introduce = [Code::PastDue, Code::CheckTurnedOff, Code::LowConfidence]
            .map(Some)
            .contains(&finding.code);
        let introduces = verification.introduced.iter().any(|new| new.severity == Severity::Error);
        if !is_cleared || introduces && !may_introduce {
            return Ok(None);
        }
        // Other kinds only allow more.
        if plan.kind == FixKind::Policy
            && !self.keeps_other_workspaces(path, current.texts, &texts)?
        {
            return Ok(None);
        }
        let mut fix = Fix::new(plan.kind, &plan.title, None, texts, verification);
        fix.placeholder = plan.placeholder.clone().map(|span| (path.to_owned(), span));
        Ok(Some(fix))
    }

    /// Whether the workspace compiles with these texts. `verdict` is the one on the files on disk. Runs
    /// build scripts, so only call it if the user asked for it.
    ///
    /// # Errors
    ///
    /// If cargo could not be run, or the work was canceled.
    pub fn build(&self, verdict: &Verdict, texts: &Overlay) -> Result<BuildResult, NotVerified> {
        let (workspace, resolver) = (&verdict.workspace, &self.options.resolver);
        let failed = |error: ResolveError| match error {
            ResolveError::Canceled { .. } => NotVerified::Canceled,
            error => NotVerified::Because(NoFixReason::Resolve(error.to_string())),
        };
        let locals = verdict.folders.iter().filter(|(package, _)| package.source.is_none());
        let folders: Vec<_> = locals.map(|(_, at)| at.folder.clone()).collect();
        let keep_going = || !self.progress.is_cancelled();
        let mut copy = BufferCopy::of(&resolver.children, workspace).map_err(failed)?;
        copy.check(resolver, workspace, &texts.unsaved(), &folders, &keep_going).map_err(failed)
    }

    /// `None` if the check of the changed texts did not complete.
    fn verify_texts(
        &mut self,
        current: CheckedTexts<'_>,
        overlay: &Overlay,
    ) -> Result<Option<Verification>, NotVerified> {
        Ok(Verification::of(current, overlay, self.check_texts(overlay)?))
    }

    /// The current text of the policy or, if the finding is in it, of the exceptions file.
    fn policy_text(&self, current: CheckedTexts<'_>, finding: &Finding) -> Option<PolicyText> {
        let exceptions_file = current.verdict.exceptions.as_ref();
        let is_in_exceptions =
            |location: &&Location| exceptions_file.is_some_and(|file| location.file == *file);
        if let Some(path) =
            finding.locations.first().filter(is_in_exceptions).map(|location| &location.file)
        {
            let text = current.texts.read(path).ok()?;
            return Some(PolicyText { path: Some(path.to_path_buf()), text, exceptions: None });
        }
        let path = current.verdict.policy.as_ref()?;
        let text = current.texts.read(path).ok()?;
        let exceptions = exceptions_file.map(|path| {
            let text = current.texts.read(path);
            ExceptionsFile::with(path.clone(), text, &self.options.resolver.children)
        });
        Some(PolicyText { path: Some(path.clone()), text, exceptions })
    }

    fn check_texts(&mut self, overlay: &Overlay) -> Result<Verdict, NotVerified> {
        if let Some(reason) = overlay.refused_change(&self.gate.workspace().root) {
            return Err(NotVerified::Because(NoFixReason::NotEditable(reason)));
        }
        let silent = SilentProgress(self.progress);
        let verdict = self.gate.check(self.options, overlay, self.databases, &silent);
        verdict.ok_or(NotVerified::Canceled)
    }
}

/// The ids of the advisories that the policy ignores.
fn policy_ignores(current: CheckedTexts<'_>) -> Vec<String> {
    let policy = current.verdict.policy.as_ref();
    let text = policy.and_then(|path| current.texts.read(path).ok());
    let all = text.map(|text| entries(text.as_str())).unwrap_or_default();
    let ignored = all.into_iter().filter(|one| one.list == PolicyList::Ignore && one.is_advisory());
    ignored.map(|one| one.subject.value).collect()
}

/// Passes on cancellation, but no progress.
struct SilentProgress<'a>(&'a dyn Progress);

impl Progress for SilentProgress<'_> {
    fn report(&self, _: &str) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// `text` with the line endings of `model`. cargo always writes LF.
fn with_line_endings_of(model: &SourceText, text: &SourceText) -> SourceText {
    let plain = text.as_str().replace("\r\n", "\n");
    let ends = if model.as_str().contains("\r\n") { "\r\n" } else { "\n" };
    SourceText::new(&plain.replace('\n', ends))
}
