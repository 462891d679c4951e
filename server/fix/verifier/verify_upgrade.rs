//! Verifies one upgrade: cargo writes the lockfile, and the gate checks it.

use semver::Version;

use super::{FixVerifier, NotVerified, UpgradeContext, with_line_endings_of};
use crate::{
    fix::{
        Fix, Instead, NoFixReason, NotChosen, Overlay, RemovedFeatures, UpgradeProblem,
        UpgradeTrial,
        cargo_message::{OfflineSteps, not_verified},
        upgrade::{
            LockGraph, RaisedRequirements, RequirementUpdate, UpgradePlan, UpgradeStep,
            UpgradeTarget, moved_count, pins_for_smaller_moves, with_requirements, without_pins,
        },
    },
    gate::Texts as _,
    resolve::ResolveError,
    text::SourceText,
    verdict::Severity,
};

/// How often the lockfile is minimized again.
const MAX_MINIMIZE_ROUNDS: usize = 3;

/// How often conflicting pins are dropped.
const MAX_UNPIN_ROUNDS: usize = 4;

/// A plan with its result.
#[derive(Clone)]
pub(super) struct UpgradeChange<'n> {
    pub(super) plan: &'n UpgradePlan,
    /// The new version of the target; `None` if it is removed.
    pub(super) to: Option<Version>,
    /// Only the lockfile changes.
    pub(super) lockfile_only: bool,
    /// Features that the manifests no longer enable.
    pub(super) removed_features: Vec<RemovedFeatures>,
}

/// A verified plan.
pub(super) struct VerifiedUpgrade<'n> {
    pub(super) fix: Fix,
    pub(super) plan: &'n UpgradePlan,
    /// The requirements accept the version unchanged, but were raised.
    pub(super) raised_accepting: bool,
}

impl FixVerifier<'_> {
    pub(super) fn verify_upgrade<'n>(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        plan: &'n UpgradePlan,
        update: RequirementUpdate,
    ) -> Result<VerifiedUpgrade<'n>, NotVerified> {
        let current = context.current;
        let mut raised =
            with_requirements(current.texts, current.verdict, &plan.steps, &[], update)
                .map_err(NoFixReason::NoPlan)?;
        let mut removed_features = Vec::new();
        let lock = loop {
            let error = match self.lockfile_with(&raised) {
                Ok(lock) => break lock,
                Err(error) => error,
            };
            // Only a breaking upgrade may drop features that the new version does not have.
            let removed = RemovedFeatures::of(&error).filter(|_| plan.is_breaking());
            let Some(removed) = removed.filter(|removed| {
                !removed_features.contains(removed)
                    && removed.remove_from(&mut raised.pinned, current.verdict)
                    && removed.remove_from(&mut raised.texts, current.verdict)
            }) else {
                let offline = OfflineSteps::of(&self.options.resolver, &plan.steps);
                return Err(not_verified(&error, offline));
            };
            removed_features.push(removed);
        };
        let raised_accepting = raised.raised_accepting;
        let texts = raised.texts;
        let lockfile_only = update == RequirementUpdate::KeepAccepting;
        let change = UpgradeChange { plan, to: None, lockfile_only, removed_features };
        let smaller = self.minimized_lockfile(context, &change, update, &texts, &lock);
        let minimized =
            smaller.map(|smaller| self.verify_lockfile(context, target, &change, &texts, &smaller));
        let fix = match minimized {
            Some(Err(NotVerified::Canceled)) => return Err(NotVerified::Canceled),
            Some(Ok(fix)) if !fix.introduces_findings() => fix,
            minimized => {
                let plain = self.verify_lockfile(context, target, &change, &texts, &lock);
                match minimized {
                    Some(minimized) => fewest_introduced(minimized, plain)?,
                    None => plain?,
                }
            }
        };
        Ok(VerifiedUpgrade { fix, plan, raised_accepting })
    }

    /// A lockfile in which fewer packages outside of the plan move than in `lock`, if there is one.
    fn minimized_lockfile(
        &mut self,
        context: &UpgradeContext<'_>,
        change: &UpgradeChange<'_>,
        update: RequirementUpdate,
        texts: &Overlay,
        lock: &SourceText,
    ) -> Option<SourceText> {
        let (current, steps) = (context.current, &change.plan.steps);
        let mut best = None;
        let mut after = LockGraph::read(lock);
        let first = moved_count(&context.locked, &after);
        // A package that is pinned now may be the reason why others moved.
        for _ in 0..MAX_MINIMIZE_ROUNDS {
            let pins = pins_for_smaller_moves(&context.locked, &after, steps, context.versions);
            if pins.is_empty() {
                break;
            }
            let Some(smaller) = self.lockfile_with_pins(context, change, update, pins) else {
                break;
            };
            let smaller_after = LockGraph::read(&smaller);
            if moved_count(&context.locked, &smaller_after) > moved_count(&context.locked, &after) {
                break;
            }
            (best, after) = (Some(smaller), smaller_after);
        }
        // Drops pinned packages that nothing needs.
        let lockfile = current.verdict.workspace.lockfile();
        let mut texts = texts.clone();
        texts.set(&lockfile, best?).ok()?;
        let keep_going = || !self.progress.is_cancelled();
        let tidied = self.gate.lockfile_with(&self.options.resolver, &texts, &keep_going).ok()?;
        let fewer = moved_count(&context.locked, &LockGraph::read(&tidied)) < first;
        fewer.then_some(tidied)
    }

    /// The lockfile with further packages pinned. Pins that cargo names in an error are dropped.
    fn lockfile_with_pins(
        &mut self,
        context: &UpgradeContext<'_>,
        change: &UpgradeChange<'_>,
        update: RequirementUpdate,
        mut pins: Vec<UpgradeStep>,
    ) -> Option<SourceText> {
        let (current, steps) = (context.current, &change.plan.steps);
        for _ in 0..MAX_UNPIN_ROUNDS {
            let mut raised =
                with_requirements(current.texts, current.verdict, steps, &pins, update).ok()?;
            for removed in &change.removed_features {
                removed.remove_from(&mut raised.pinned, current.verdict);
            }
            let error = match self.lockfile_with(&raised) {
                Ok(lock) => return Some(lock),
                Err(error) => error.to_string(),
            };
            tracing::debug!("conflicting pins: {error}");
            let before = pins.len();
            pins.retain(|one| {
                let name = &one.package.name;
                !error.contains(&format!("`{name}`")) && !error.contains(&format!("`{name} v"))
            });
            if pins.len() == before || pins.is_empty() {
                return None;
            }
        }
        None
    }

    /// Checks the workspace with `lock`.
    fn verify_lockfile(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        change: &UpgradeChange<'_>,
        texts: &Overlay,
        lock: &SourceText,
    ) -> Result<Fix, NotVerified> {
        let (current, package, plan) = (context.current, &target.package, change.plan);
        let lockfile = current.verdict.workspace.lockfile();
        let unreadable = |error: std::io::Error| {
            let (file, error) = (lockfile.clone(), error.to_string());
            NoFixReason::Unreadable { file, error }
        };
        let locked = current.texts.read(&lockfile).map_err(unreadable)?;
        let mut texts = texts.clone();
        let after = LockGraph::read(lock);
        let unselected = plan.steps.iter().find_map(|step| not_chosen(step, &after));
        if let Some(not_chosen) = unselected {
            return Err(NoFixReason::NotChosen(Box::new(not_chosen)).into());
        }
        if after.holds(&package.name, &package.version) {
            let dependents = after.dependents(package).cloned().collect();
            return Err(NoFixReason::Kept { package: package.clone(), dependents }.into());
        }
        let to = context.version_after(target, plan, &after);
        let problem = |problem| {
            let trial = UpgradeTrial { package: package.clone(), to: to.clone() };
            NotVerified::Because(NoFixReason::Upgrade(Box::new(trial), problem))
        };
        texts.set(&lockfile, with_line_endings_of(&locked, lock)).map_err(unreadable)?;
        let Some(verification) = self.verify_texts(current, &texts)? else {
            return Err(problem(UpgradeProblem::CheckIncomplete));
        };
        // cargo may have changed the lockfile before the check.
        let checked = self.gate.scratch_lockfile().ok_or(NoFixReason::NoScratchLockfile)?;
        if with_line_endings_of(lock, &checked).as_str() != lock.as_str() {
            return Err(problem(UpgradeProblem::ChangesAgain));
        }
        if !verification.cleared.iter().any(|finding| finding.packages.contains(package)) {
            return Err(problem(UpgradeProblem::FindingRemains));
        }
        let new =
            verification.introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(new) = new {
            return Err(problem(UpgradeProblem::Introduces(new.message.clone())));
        }
        Ok(context.fix(target, &UpgradeChange { to, ..change.clone() }, texts, verification))
    }

    /// The lockfile that cargo writes with every package of the plan pinned, without the pins.
    fn lockfile_with(&mut self, raised: &RaisedRequirements) -> Result<SourceText, ResolveError> {
        let keep_going = || !self.progress.is_cancelled();
        let lock = self.gate.lockfile_with(&self.options.resolver, &raised.pinned, &keep_going)?;
        Ok(match &raised.pins {
            Some((local, pins)) => without_pins(&lock, local, pins),
            None => lock,
        })
    }
}

/// The fix that introduces fewer findings; the first if both introduce as many. If neither is verified, the
/// error of the second.
fn fewest_introduced(
    first: Result<Fix, NotVerified>,
    second: Result<Fix, NotVerified>,
) -> Result<Fix, NotVerified> {
    match (first, second) {
        (_, Err(NotVerified::Canceled)) => Err(NotVerified::Canceled),
        (Ok(first), Ok(second)) => {
            let introduced = |fix: &Fix| fix.verification.introduced.len();
            Ok(if introduced(&second) < introduced(&first) { second } else { first })
        }
        (Ok(first), Err(_)) => Ok(first),
        (Err(_), second) => second,
    }
}

/// What cargo did instead of a step of the plan; `None` if the step is in the lockfile.
fn not_chosen(step: &UpgradeStep, after: &LockGraph) -> Option<NotChosen> {
    let UpgradeStep { package, to, .. } = step;
    let instead = if after.holds(&package.name, &package.version) {
        Instead::Kept(after.dependents(package).cloned().collect())
    } else if after.holds(&package.name, to) {
        return None;
    } else {
        Instead::Selected(after.versions(&package.name).cloned().collect())
    };
    Some(NotChosen { package: package.clone(), to: to.clone(), instead })
}
