//! Verifies plans of the solver: cargo writes the lockfile, and the gate checks it. Where cargo or the gate
//! disagrees, the versions are refused and the solver searches on.

use std::collections::BTreeSet;

use super::{FixVerifier, NotVerified, UpgradeContext, with_line_endings_of};
use crate::{
    fix::{
        Instead, NoFixReason, NotChosen, Overlay, RemovedFeatures, UpgradeProblem, UpgradeTrial,
        Verification,
        cargo_message::{OfflineSteps, not_verified},
        solver::{Goal, NoPlan, Plan, PlanOptions, UpgradeStep},
        upgrade::{LockGraph, RequirementUpdate, UpgradeTarget, with_requirements},
    },
    gate::{Texts as _, Verdict},
    resolve::ResolveError,
    text::SourceText,
    verdict::{PackageRef, Severity},
};

/// How often the solver searches on after a plan was refused.
const MAX_ROUNDS: usize = 5;

/// How often it starts again because cargo has fetched index entries that the plan was made without.
const MAX_FETCHES: usize = 30;

/// How often it does so only because of new warnings.
const MAX_ROUNDS_FOR_WARNINGS: usize = 1;

/// A verified plan.
pub(super) struct VerifiedPlan {
    pub(super) plan: Plan,
    /// The changed texts.
    pub(super) texts: Overlay,
    pub(super) verification: Verification,
    /// The lockfile after it.
    pub(super) after: LockGraph,
    /// Only the lockfile changes.
    pub(super) lockfile_only: bool,
    /// Features that the manifests no longer enable.
    pub(super) removed_features: Vec<RemovedFeatures>,
    /// The requirements accept the versions unchanged, but were raised.
    pub(super) raised_accepting: bool,
}

/// Why there is no verified plan.
pub(super) enum NoUpgrade {
    /// There is no plan.
    Unplanned(NoPlan),
    /// A plan was not verified.
    Unverified(NotVerified),
}

/// A plan with the texts that were checked.
struct CheckedPlan<'c> {
    plan: &'c Plan,
    texts: &'c Overlay,
    /// The lockfile that cargo wrote.
    lock: &'c SourceText,
    after: &'c LockGraph,
}

/// Why a plan was not verified, and the versions to refuse.
struct RefusedPlan {
    reason: Box<NotVerified>,
    versions: BTreeSet<PackageRef>,
}

impl From<NotVerified> for RefusedPlan {
    fn from(reason: NotVerified) -> Self {
        Self { reason: Box::new(reason), versions: BTreeSet::new() }
    }
}

impl From<NoFixReason> for RefusedPlan {
    fn from(reason: NoFixReason) -> Self {
        NotVerified::Because(reason).into()
    }
}

impl FixVerifier<'_> {
    /// The plan with the fewest changes that is verified to achieve all goals. `targets` are the packages of the
    /// goals.
    pub(super) fn verified_plan(
        &mut self,
        context: &UpgradeContext<'_>,
        targets: &[&UpgradeTarget],
        goals: &[Goal],
        mut options: PlanOptions,
        update: RequirementUpdate,
    ) -> Result<VerifiedPlan, NoUpgrade> {
        let mut failed: Option<NotVerified> = None;
        let mut best: Option<(VerifiedPlan, usize)> = None;
        let downloads_are_known = self.uses_only_downloads(context);
        options.only_downloaded = downloads_are_known;
        let (mut rounds, mut fetches, mut rounds_for_warnings) = (0, 0, 0);
        while rounds < MAX_ROUNDS {
            let progress = self.progress;
            let is_canceled = || progress.is_cancelled();
            let plan = match context.plan(goals, &options, &is_canceled) {
                Ok(plan) => plan,
                Err(NoPlan::Canceled) => return Err(NoUpgrade::Unverified(NotVerified::Canceled)),
                // Cargo says what is not downloaded.
                Err(NoPlan::Impossible { .. })
                    if options.only_downloaded && best.is_none() && failed.is_none() =>
                {
                    options.only_downloaded = false;
                    continue;
                }
                // The error of cargo or of the gate is the better reason.
                Err(no_plan) => {
                    if let Some((best, _)) = best {
                        return Ok(best);
                    }
                    return Err(failed.map_or(NoUpgrade::Unplanned(no_plan), NoUpgrade::Unverified));
                }
            };
            match self.verify_plan(context, targets, plan, update) {
                Ok(verified) => {
                    let versions = disliked(context, targets, &verified);
                    let left = count_left(targets, &verified);
                    if best.as_ref().is_none_or(|(_, least)| left < *least) {
                        best = Some((verified, left));
                    }
                    // Another one may have none of the new warnings.
                    if versions.is_subset(&options.refused)
                        || rounds_for_warnings == MAX_ROUNDS_FOR_WARNINGS
                    {
                        break;
                    }
                    rounds_for_warnings += 1;
                    rounds += 1;
                    options.refused.extend(versions);
                }
                Err(RefusedPlan { reason, versions }) => {
                    if *reason == NotVerified::Canceled {
                        return Err(NoUpgrade::Unverified(NotVerified::Canceled));
                    }
                    // No version is to blame for what the solver could not know.
                    if fetches < MAX_FETCHES && context.versions.has_new_entries() {
                        fetches += 1;
                        self.gate.forget_failed_resolution();
                        continue;
                    }
                    rounds += 1;
                    tracing::debug!("refused {versions:?}: {reason:?}");
                    let is_new = !versions.is_subset(&options.refused);
                    options.refused.extend(versions);
                    let is_absent =
                        matches!(*reason, NotVerified::Because(NoFixReason::Offline { .. }));
                    failed.get_or_insert(*reason);
                    // What is downloaded was tried before.
                    let is_last = downloads_are_known && !options.only_downloaded && is_absent;
                    if !is_new || is_last {
                        break;
                    }
                }
            }
        }
        if let Some((best, _)) = best {
            return Ok(best);
        }
        let reason = failed.unwrap_or(NotVerified::Because(NoFixReason::NoVersion));
        Err(NoUpgrade::Unverified(reason))
    }

    /// Verifies a plan of one target.
    pub(super) fn verified(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        plan: Plan,
        update: RequirementUpdate,
    ) -> Result<VerifiedPlan, NoUpgrade> {
        let verified = self.verify_plan(context, &[target], plan, update);
        verified.map_err(|refused| NoUpgrade::Unverified(*refused.reason))
    }

    fn verify_plan(
        &mut self,
        context: &UpgradeContext<'_>,
        targets: &[&UpgradeTarget],
        plan: Plan,
        update: RequirementUpdate,
    ) -> Result<VerifiedPlan, RefusedPlan> {
        let current = context.current;
        let lockfile = current.verdict.workspace.lockfile();
        let unreadable = |error: std::io::Error| {
            let (file, error) = (lockfile.clone(), error.to_string());
            NoFixReason::Unreadable { file, error }
        };
        let locked = current.texts.read(&lockfile).map_err(unreadable)?;
        let (texts, verdict) = (current.texts, current.verdict);
        let raised = with_requirements(texts, verdict, &plan.steps, update, plan.is_breaking());
        let mut raised = raised.map_err(|reason| RefusedPlan {
            reason: Box::new(reason.into()),
            versions: new_versions(plan.steps.iter().filter(|step| step.is_direct)),
        })?;
        let planned = SourceText::new(&plan.lockfile(locked.as_str()));
        let mut removed_features = Vec::new();
        let (mut texts, verdict) = loop {
            let mut texts = raised.texts.clone();
            texts.set(&lockfile, planned.clone()).map_err(unreadable)?;
            let verdict = self.check_texts(&texts)?;
            let Some(error) = self.gate.resolve_error() else { break (texts, verdict) };
            // Only a breaking upgrade may drop features that the new version does not have.
            let removed = RemovedFeatures::of(error).filter(|_| plan.is_breaking());
            let is_removed = removed.as_ref().is_some_and(|removed| {
                !removed_features.contains(removed)
                    && removed.remove_from(&mut raised.texts, current.verdict)
            });
            if let Some(removed) = removed.filter(|_| is_removed) {
                removed_features.push(removed);
                continue;
            }
            let offline = OfflineSteps::of(&self.options.resolver, &plan.steps);
            let versions = named_in(error, &plan);
            return Err(RefusedPlan { reason: Box::new(not_verified(error, offline)), versions });
        };
        let lock = self.gate.scratch_lockfile().ok_or(NoFixReason::NoScratchLockfile)?;
        let after = LockGraph::read(&lock);
        texts.set(&lockfile, with_line_endings_of(&locked, &lock)).map_err(unreadable)?;
        // What cargo wrote instead of the plan is checked as it is.
        let verdict = if lock == planned { verdict } else { self.check_texts(&texts)? };
        let lockfile_only = update == RequirementUpdate::KeepAccepting;
        let checked = CheckedPlan { plan: &plan, texts: &texts, lock: &lock, after: &after };
        let verification = self.verification_of(context, targets, &checked, verdict)?;
        Ok(VerifiedPlan {
            plan,
            texts,
            verification,
            after,
            lockfile_only,
            removed_features,
            raised_accepting: raised.raised_accepting,
        })
    }

    /// Whether the verdict on the lockfile that cargo wrote is what the plan was made for.
    fn verification_of(
        &self,
        context: &UpgradeContext<'_>,
        targets: &[&UpgradeTarget],
        checked: &CheckedPlan<'_>,
        verdict: Verdict,
    ) -> Result<Verification, RefusedPlan> {
        let CheckedPlan { plan, texts, lock, after } = *checked;
        let unselected: Vec<_> =
            plan.steps.iter().filter_map(|step| Some((step, not_chosen(step, after)?))).collect();
        let refused = || new_versions(unselected.iter().map(|(step, _)| *step));
        for package in targets.iter().flat_map(|target| target.packages()) {
            if !after.holds_package(package) {
                continue;
            }
            // What cargo did instead is the better reason.
            let not_chosen = unselected.first().map(|(_, not_chosen)| not_chosen.clone());
            let reason = match not_chosen {
                Some(not_chosen) => NoFixReason::NotChosen(Box::new(not_chosen)),
                None => NoFixReason::Kept {
                    package: package.clone(),
                    dependents: after.dependents(package).cloned().collect(),
                },
            };
            return Err(RefusedPlan { reason: Box::new(reason.into()), versions: refused() });
        }
        let trial = |target: Option<&&UpgradeTarget>, problem| {
            let Some(target) = target else { return NoFixReason::NoVersion };
            let to = context.version_after(target, plan, after);
            let trial = UpgradeTrial { package: target.package.clone(), to };
            NoFixReason::Upgrade(Box::new(trial), problem)
        };
        let problem = |problem| trial(targets.first(), problem);
        let Some(verification) = Verification::of(context.current, texts, verdict) else {
            return Err(problem(UpgradeProblem::CheckIncomplete).into());
        };
        // cargo may have changed the lockfile before the check.
        let checked = self.gate.scratch_lockfile().ok_or(NoFixReason::NoScratchLockfile)?;
        if with_line_endings_of(lock, &checked).as_str() != lock.as_str() {
            return Err(problem(UpgradeProblem::ChangesAgain).into());
        }
        let is_cleared = |target: &&&UpgradeTarget| {
            let mut cleared = verification.cleared.iter();
            cleared.any(|finding| finding.packages.contains(&target.package))
        };
        if let Some(target) = targets.iter().find(|target| !is_cleared(target)) {
            let reason = trial(Some(target), UpgradeProblem::FindingRemains);
            return Err(RefusedPlan { reason: Box::new(reason.into()), versions: refused() });
        }
        let new = verification.introduced.iter();
        let new: Vec<_> = new.filter(|finding| finding.severity == Severity::Error).collect();
        if let Some(first) = new.first() {
            let is_added = |package: &&PackageRef| !context.locked.holds_package(package);
            let named = new.iter().flat_map(|finding| &finding.packages);
            let versions: BTreeSet<_> = named.filter(is_added).cloned().collect();
            let reason = problem(UpgradeProblem::Introduces(first.message.clone()));
            return Err(RefusedPlan { reason: Box::new(reason.into()), versions });
        }
        Ok(verification)
    }
}

/// The new versions of a verified plan because of which there are other findings than before: new warnings, and
/// those about licenses that stay, which no index states.
fn disliked(
    context: &UpgradeContext<'_>,
    targets: &[&UpgradeTarget],
    verified: &VerifiedPlan,
) -> BTreeSet<PackageRef> {
    let introduced = verified.verification.introduced.iter();
    let named = introduced.flat_map(|finding| finding.packages.clone());
    let mut all: BTreeSet<_> = named.filter(|one| !context.locked.holds_package(one)).collect();
    for target in targets.iter().filter(|target| target.is_about_license()) {
        if target.findings_left(&verified.verification) > 0 {
            let steps = verified.plan.steps.iter();
            all.extend(new_versions(steps.filter(|step| step.package == target.package)));
        }
    }
    all
}

/// How many findings a verified plan introduces, or leaves about licenses of the targets.
fn count_left(targets: &[&UpgradeTarget], verified: &VerifiedPlan) -> usize {
    let about_licenses = targets.iter().filter(|target| target.is_about_license());
    let left = about_licenses.map(|target| target.findings_left(&verified.verification));
    verified.verification.introduced.len() + left.sum::<usize>()
}

/// The packages of steps in their new versions.
fn new_versions<'s>(steps: impl Iterator<Item = &'s UpgradeStep>) -> BTreeSet<PackageRef> {
    steps.map(UpgradeStep::new_package).collect()
}

/// The new versions of a plan that cargo names in an error.
fn named_in(error: &ResolveError, plan: &Plan) -> BTreeSet<PackageRef> {
    let error = error.to_string();
    let is_named = |step: &&UpgradeStep| {
        let name = &step.package.name;
        error.contains(&format!("`{name} v{}", step.to)) || error.contains(&format!("`{name}`"))
    };
    new_versions(plan.steps.iter().filter(is_named))
}

/// What cargo did instead of a step of the plan; `None` if the step is in the lockfile.
fn not_chosen(step: &UpgradeStep, after: &LockGraph) -> Option<NotChosen> {
    let UpgradeStep { package, to, .. } = step;
    let instead = if after.holds_package(package) {
        Instead::Kept(after.dependents(package).cloned().collect())
    } else if after.holds_package(&step.new_package()) {
        return None;
    } else {
        Instead::Selected(after.versions(&package.name).cloned().collect())
    };
    Some(NotChosen { package: package.clone(), to: to.clone(), instead })
}
