//! Verifies plans: cargo resolves them in a scratch copy, and the gate checks the result.

mod create_policy;
mod lockfile;
mod manifests;
mod other_lockfiles;
mod other_workspaces;
mod unignore;
mod upgrade_context;
mod upgrade_title;
mod verify_upgrade;

use camino::Utf8Path;

use super::{
    CheckedTexts, Fix, FixKind, FixOptions, FixResult, NoFixReason, Overlay, Verification,
    policy::{self, PolicyFacts, PolicyPlan},
    upgrade::{PackageVersions, RequirementUpdate, UpgradePlan, UpgradeTarget},
};
use crate::{
    gate::{Databases, Gate, GateOptions, Progress, Texts as _, Verdict},
    resolve::{BufferCopy, BuildResult, ResolveError},
    text::SourceText,
    verdict::{Check, Code, ExceptionsFile, Finding, Location, PolicyText, Severity},
};
pub use create_policy::CreatedPolicy;
pub(crate) use lockfile::is_about_lockfile;
pub use other_lockfiles::{LockfileOutcome, OtherLockfile};
pub(super) use upgrade_context::UpgradeContext;
use verify_upgrade::VerifiedUpgrade;

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
    /// The verified upgrades that clear the findings about the package of `finding`: the smallest; the
    /// same in `Cargo.lock` only, if the requirement accepts it; the newest compatible one; and a breaking
    /// one if nothing else clears them or `options` allow it.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`]. If no upgrade is verified, the result has the reason.
    pub fn upgrades(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
        options: FixOptions,
    ) -> Result<FixResult, NotVerified> {
        let mut result = FixResult::default();
        let targets = UpgradeTarget::of(&current.verdict.findings, finding);
        if targets.is_empty() {
            return Ok(result);
        }
        if !current.verdict.workspace.lockfile().is_file() {
            result.no_fix_reason = Some(NoFixReason::NoLockfile);
            return Ok(result);
        }
        let versions = PackageVersions::of(current.verdict, current.texts);
        let context = UpgradeContext::of(current, &versions);
        for target in &targets {
            if let Some(reason) = self.add_upgrades(&context, target, options, &mut result.fixes)? {
                result.no_fix_reason.get_or_insert(reason);
            }
        }
        if !result.fixes.is_empty() {
            result.no_fix_reason = None;
        }
        Ok(result)
    }

    /// Adds the verified upgrades of one package. Returns the reason if there is none.
    fn add_upgrades(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        options: FixOptions,
        fixes: &mut Vec<Fix>,
    ) -> Result<Option<NoFixReason>, NotVerified> {
        let plans = context.plans(target);
        let before = fixes.len();
        let mut reasons = Vec::new();
        if let Some(first) = self.best_of(context, target, &plans.compatible, &mut reasons)? {
            let mut more = Vec::new();
            if first.raised_accepting {
                more.push((first.plan, RequirementUpdate::KeepAccepting));
            }
            let newest = plans.compatible.last().filter(|plan| *plan != first.plan);
            more.extend(newest.map(|plan| (plan, RequirementUpdate::Raise)));
            fixes.push(first.fix);
            for (plan, update) in more {
                match self.verify_upgrade(context, target, plan, update) {
                    Ok(VerifiedUpgrade { fix, .. })
                        if !fixes.iter().any(|one| one.has_same_edits(&fix)) =>
                    {
                        fixes.push(fix);
                    }
                    Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
                    _ => {}
                }
            }
        }
        if fixes.len() == before || options.breaking {
            let breaking = self.best_of(context, target, &plans.breaking, &mut reasons)?;
            fixes.extend(breaking.map(|verified| verified.fix));
        }
        Ok((fixes.len() == before).then(|| first_reason(reasons, plans.reason)))
    }

    /// The best verified upgrade of one package, or why there is none.
    pub(super) fn best_upgrade(
        &mut self,
        context: &UpgradeContext<'_>,
        options: FixOptions,
        target: &UpgradeTarget,
    ) -> Result<Fix, NotVerified> {
        let plans = context.plans(target);
        let mut reasons = Vec::new();
        let mut best = self.best_of(context, target, &plans.compatible, &mut reasons)?;
        if best.is_none() && options.breaking {
            best = self.best_of(context, target, &plans.breaking, &mut reasons)?;
        }
        best.map(|verified| verified.fix)
            .ok_or_else(|| NotVerified::Because(first_reason(reasons, plans.reason)))
    }

    /// The first plan that is verified. If a finding about the license remains, the plan that leaves
    /// the fewest findings.
    fn best_of<'n>(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        plans: &'n [UpgradePlan],
        reasons: &mut Vec<NoFixReason>,
    ) -> Result<Option<VerifiedUpgrade<'n>>, NotVerified> {
        let mut best: Option<VerifiedUpgrade<'n>> = None;
        for plan in plans {
            match self.verify_upgrade(context, target, plan, RequirementUpdate::Raise) {
                Ok(verified) => {
                    let left = target.findings_left(&verified.fix.verification);
                    let better = best
                        .as_ref()
                        .is_none_or(|best| target.findings_left(&best.fix.verification) > left);
                    if better {
                        best = Some(verified);
                    }
                    // A later plan can only do better on the license, which no index states.
                    if left == 0 || !target.is_about_license() {
                        break;
                    }
                }
                Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
                Err(NotVerified::Because(reason)) => {
                    tracing::debug!("{}: {reason}", target.package.name);
                    reasons.push(reason);
                }
            }
        }
        Ok(best)
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
        let is_in_exceptions = |location: &&Location| exceptions_file == Some(&location.file);
        if let Some(path) =
            finding.locations.first().filter(is_in_exceptions).map(|location| &location.file)
        {
            let text = current.texts.read(path).ok()?;
            return Some(PolicyText { path: Some(path.clone()), text, exceptions: None });
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

/// Why no upgrade was verified. A failed verification says more than a missing plan.
fn first_reason(failed: Vec<NoFixReason>, not_planned: Option<String>) -> NoFixReason {
    let first = failed.into_iter().next();
    first.or(not_planned.map(NoFixReason::NoPlan)).unwrap_or(NoFixReason::NoVersion)
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
