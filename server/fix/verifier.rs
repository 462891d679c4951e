//! Carries plans out and has them judged. What it gives was proved.

mod verify_upgrade;
mod create_policy;
mod upgrade_context;
mod manifests;
mod upgrade_title;
mod unignore;

use camino::Utf8Path;

use super::{
    FixResult, Fix, FixOptions, CheckedTexts, Verification, Overlay,
    policy::{self, PolicyFacts, PolicyPlan},
    upgrade::{PackageVersions, RequirementUpdate, UpgradePlan, UpgradeTarget},
};
use crate::{
    gate::{Audience, Databases, Gate, GateOptions, Texts as _, Verdict},
    resolve::{BufferCopy, Built, ResolveError},
    text::SourceText,
    verdict::{Check, Code, ExceptionsFile, Finding, Location, PolicyText, Severity},
};
use verify_upgrade::VerifiedUpgrade;
pub use create_policy::CreatedPolicy;
pub(super) use upgrade_context::UpgradeContext;

/// What fixes are proved with.
pub struct FixVerifier<'p> {
    /// Judges what was tried. It keeps the last graph: to be another one than that which judges what
    /// the user sees, unless only the policy is changed.
    pub gate: &'p mut Gate,
    /// How it judges.
    pub options: &'p GateOptions,
    /// By which advisories.
    pub databases: &'p Databases,
    /// Who waits.
    pub audience: &'p dyn Audience,
}

/// Why something was not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// Nobody waits any more.
    Unwanted,
    /// A sentence without its end.
    Because(String),
}

impl From<String> for NotVerified {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

impl std::fmt::Debug for FixVerifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

impl FixVerifier<'_> {
    /// The versions that clear what is known against the package of `finding`, each proved: the
    /// smallest, the lock entry alone where the requirement admits that, the newest compatible one,
    /// and one that is not compatible where nothing else helps or `fix` asks for such.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Unwanted`] when nobody waits any more. That nothing was proved is an answer.
    pub fn upgrades(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
        fix: FixOptions,
    ) -> Result<FixResult, NotVerified> {
        let mut answer = FixResult::default();
        let targets = UpgradeTarget::of(&now.verdict.findings, finding);
        if targets.is_empty() {
            return Ok(answer);
        }
        if !now.verdict.workspace.lock_file().is_file() {
            answer.none = Some(NO_LOCKFILE.to_owned());
            return Ok(answer);
        }
        let histories = PackageVersions::of(now.verdict, now.texts);
        let upgrade_context = UpgradeContext::of(now, &histories);
        for target in &targets {
            if let Some(reason) = self.answer(&upgrade_context, target, fix, &mut answer.fixes)? {
                answer.none.get_or_insert(reason);
            }
        }
        if !answer.fixes.is_empty() {
            answer.none = None;
        }
        Ok(answer)
    }

    /// Adds what is proved for one target, or says why nothing is.
    fn answer(
        &mut self,
        upgrade_context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        fix: FixOptions,
        fixes: &mut Vec<Fix>,
    ) -> Result<Option<String>, NotVerified> {
        let plans = upgrade_context.plans(target);
        let before = fixes.len();
        let mut reasons = Vec::new();
        if let Some(first) = self.first(upgrade_context, target, &plans.compatible, &mut reasons)? {
            let mut more = Vec::new();
            if first.admitted {
                more.push((first.plan, RequirementUpdate::KeepAccepting));
            }
            let newest = plans.compatible.last().filter(|plan| *plan != first.plan);
            more.extend(newest.map(|plan| (plan, RequirementUpdate::Raise)));
            fixes.push(first.fix);
            for (plan, keep) in more {
                match self.verify_upgrade(upgrade_context, target, plan, keep) {
                    Ok(VerifiedUpgrade { fix, .. }) if !fixes.iter().any(|one| one.has_same_edits(&fix)) => {
                        fixes.push(fix);
                    }
                    Err(NotVerified::Unwanted) => return Err(NotVerified::Unwanted),
                    _ => {}
                }
            }
        }
        if fixes.len() == before || fix.breaking {
            let breaking = self.first(upgrade_context, target, &plans.breaking, &mut reasons)?;
            fixes.extend(breaking.map(|proved| proved.fix));
        }
        Ok((fixes.len() == before).then(|| why(plans.reason, reasons)))
    }

    /// The first change that is proved, or why there is none.
    pub(super) fn upgrade(
        &mut self,
        upgrade_context: &UpgradeContext<'_>,
        fix: FixOptions,
        target: &UpgradeTarget,
    ) -> Result<Fix, NotVerified> {
        let plans = upgrade_context.plans(target);
        let mut reasons = Vec::new();
        let mut proved = self.first(upgrade_context, target, &plans.compatible, &mut reasons)?;
        if proved.is_none() && fix.breaking {
            proved = self.first(upgrade_context, target, &plans.breaking, &mut reasons)?;
        }
        proved
            .map(|proved| proved.fix)
            .ok_or_else(|| NotVerified::Because(why(plans.reason, reasons)))
    }

    /// The first of several plans that is proved; where that leaves something that a later one
    /// clears, the later one.
    fn first<'n>(
        &mut self,
        upgrade_context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        plans: &'n [UpgradePlan],
        reasons: &mut Vec<String>,
    ) -> Result<Option<VerifiedUpgrade<'n>>, NotVerified> {
        let mut best: Option<VerifiedUpgrade<'n>> = None;
        for plan in plans {
            match self.verify_upgrade(upgrade_context, target, plan, RequirementUpdate::Raise) {
                Ok(proved) => {
                    let left = target.left_by(&proved.fix.verification);
                    let better =
                        best.as_ref().is_none_or(|best| target.left_by(&best.fix.verification) > left);
                    if better {
                        best = Some(proved);
                    }
                    // Only a license may be another one in a version that was not chosen for it.
                    if left == 0 || !target.is_about_license() {
                        break;
                    }
                }
                Err(NotVerified::Unwanted) => return Err(NotVerified::Unwanted),
                Err(NotVerified::Because(reason)) => {
                    tracing::debug!("{}: {reason}", target.package.name);
                    reasons.push(reason);
                }
            }
        }
        Ok(best)
    }

    /// What the policy could say, in the order of remedies.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Unwanted`] when nobody waits any more.
    pub fn policy_fixes(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<Vec<Fix>, NotVerified> {
        if finding.code == Some(Code::NoPolicy) {
            return self.created(now);
        }
        let Some(policy) = self.policy_text(now, finding) else { return Ok(Vec::new()) };
        let facts = PolicyFacts { policy: &policy, packages: &now.verdict.folders };
        let mut fixes = Vec::new();
        for plan in policy::plans(finding, &facts) {
            fixes.extend(self.policy_fix(now, finding, policy.name(), &plan)?);
        }
        Ok(fixes)
    }

    fn policy_fix(
        &mut self,
        now: CheckedTexts<'_>,
        finding: &Finding,
        path: &Utf8Path,
        plan: &PolicyPlan,
    ) -> Result<Option<Fix>, NotVerified> {
        let mut texts = now.texts.clone();
        if texts.set(path, SourceText::new(&plan.after)).is_err() {
            return Ok(None);
        }
        let Some(proof) = self.verification(now, &texts)? else { return Ok(None) };
        let is_about_policy = matches!(finding.check, Check::Config | Check::Supercargo);
        let is_cleared = match finding.check {
            // What has to be filled in is missed until it is.
            Check::Supercargo if plan.placeholder.is_none() => {
                let count = |verdict: &Verdict| {
                    verdict.findings.iter().filter(|one| one.code == finding.code).count()
                };
                count(&proof.verdict) < count(now.verdict)
            }
            _ => is_about_policy || verification.clears(finding),
        };
        // To look at something again may find something.
        let may_find = [Code::PastDue, Code::CheckTurnedOff, Code::LowConfidence]
            .map(Some)
            .contains(&finding.code);
        let finds = proof.introduced.iter().any(|new| new.severity == Severity::Error);
        if !is_cleared || finds && !may_find {
            return Ok(None);
        }
        let mut fix = Fix::new(plan.kind, &plan.title, None, texts, proof);
        fix.placeholder = plan.placeholder.clone().map(|span| (path.to_owned(), span));
        Ok(Some(fix))
    }

    /// Whether the workspace compiles with these texts; `verdict` is the one on the files as they are
    /// on disk. Runs build scripts: only for who asked.
    ///
    /// # Errors
    ///
    /// When it cannot be told, or nobody waits any more.
    pub fn build(&self, verdict: &Verdict, texts: &Overlay) -> Result<Built, NotVerified> {
        let (workspace, resolver) = (&verdict.workspace, &self.options.resolver);
        let failed = |error: ResolveError| match error {
            ResolveError::Unwanted { .. } => NotVerified::Unwanted,
            error => NotVerified::Because(error.to_string()),
        };
        let locals = verdict.folders.iter().filter(|(package, _)| package.source.is_none());
        let folders: Vec<_> = locals.map(|(_, at)| at.folder.clone()).collect();
        let wanted = || self.audience.still_waits();
        let mut copy = BufferCopy::of(resolver, workspace, &wanted).map_err(failed)?;
        copy.check(resolver, workspace, &texts.unsaved(), &folders, &wanted).map_err(failed)
    }

    /// `None` where the changed texts lead to no verdict.
    fn proof(&mut self, now: CheckedTexts<'_>, tried: &Overlay) -> Result<Option<Verification>, NotVerified> {
        Ok(Verification::of(now, tried, self.verdict_on(tried)?))
    }

    /// The policy as it is now or, where the finding stands there, the file that adds exceptions to it.
    fn policy_text(&self, now: CheckedTexts<'_>, finding: &Finding) -> Option<PolicyText> {
        let beside = now.verdict.exceptions.as_ref();
        let is_beside = |location: &&Location| beside == Some(&location.file);
        if let Some(path) =
            finding.locations.first().filter(is_beside).map(|location| &location.file)
        {
            let text = now.texts.read(path).ok()?;
            return Some(PolicyText { path: Some(path.clone()), text, exceptions: None });
        }
        let path = now.verdict.policy.as_ref()?;
        let text = now.texts.read(path).ok()?;
        let exceptions = beside.map(|path| {
            let text = now.texts.read(path);
            ExceptionsFile::with(path.clone(), text, &self.options.resolver.children)
        });
        Some(PolicyText { path: Some(path.clone()), text, exceptions })
    }

    fn verdict_on(&mut self, tried: &Overlay) -> Result<Verdict, NotVerified> {
        let quiet = SilentProgress(self.audience);
        let verdict = self.gate.judge(self.options, tried, self.databases, &quiet);
        verdict.ok_or(NotVerified::Unwanted)
    }
}

/// Why nothing was proved: what was tried says more than what was not.
fn why(planned: Option<String>, tried: Vec<String>) -> String {
    let first = tried.into_iter().next();
    first.or(planned).unwrap_or_else(|| "no version clears it".to_owned())
}

/// Asks whether the answer is still wanted, and tells nothing.
struct SilentProgress<'a>(&'a dyn Audience);

impl Audience for SilentProgress<'_> {
    fn doing(&self, _: &str) {}

    fn still_waits(&self) -> bool {
        self.0.still_waits()
    }
}

pub(super) const NO_LOCKFILE: &str =
    "there is no `Cargo.lock` to upgrade: write one with `cargo generate-lockfile`";

/// `text` with the line ends of another one: cargo writes its own.
fn with_line_endings_of(model: &SourceText, text: &SourceText) -> SourceText {
    let plain = text.as_str().replace("\r\n", "\n");
    let ends = if model.as_str().contains("\r\n") { "\r\n" } else { "\n" };
    SourceText::new(&plain.replace('\n', ends))
}
