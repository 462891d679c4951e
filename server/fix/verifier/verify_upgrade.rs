//! Verifies one upgrade: cargo writes the lockfile, and the gate checks it.

use semver::Version;

use super::{FixVerifier, NotVerified, UpgradeContext, with_line_endings_of};
use crate::{
    fix::{
        Fix, Overlay, RemovedFeatures,
        cargo_message::{OfflineSteps, not_verified},
        upgrade::{
            LockGraph, RaisedRequirements, RequirementUpdate, UpgradePlan, UpgradeStep,
            UpgradeTarget, moved_count, pins_for_smaller_moves, with_requirements, without_pins,
        },
    },
    gate::Texts as _,
    resolve::ResolveError,
    text::SourceText,
    verdict::{PackageRef, Severity, join_with_and},
};

/// How often the lockfile is minimized again.
const MAX_MINIMIZE_ROUNDS: usize = 3;

/// How often conflicting pins are dropped.
const MAX_UNPIN_ROUNDS: usize = 4;

/// How many dependents a reason names.
const MAX_DEPENDENTS: usize = 3;

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
            with_requirements(current.texts, current.verdict, &plan.steps, &[], update)?;
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
        let minimized = match self.minimized_lockfile(context, &change, update, &texts, &lock) {
            Some(smaller) => self.verify_lockfile(context, target, &change, &texts, &smaller),
            None => Err(String::new().into()),
        };
        let fix = match minimized {
            Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
            Ok(fix) if !fix.introduces_findings() => fix,
            minimized => {
                let plain = self.verify_lockfile(context, target, &change, &texts, &lock);
                fewest_introduced(minimized, plain)?
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
        let unreadable = |error| format!("could not read `{lockfile}`: {error}");
        let locked = current.texts.read(&lockfile).map_err(unreadable)?;
        let mut texts = texts.clone();
        let after = LockGraph::read(lock);
        let unselected = plan.steps.iter().find_map(|step| unselected_reason(step, &after));
        if let Some(reason) = unselected {
            return Err(reason.into());
        }
        if after.holds(&package.name, &package.version) {
            let kept = kept_reason(package, &after);
            return Err(format!("cargo kept `{}` {}{kept}", package.name, package.version).into());
        }
        let to = context.version_after(target, plan, &after);
        let what = named(package, to.as_ref());
        texts.set(&lockfile, with_line_endings_of(&locked, lock)).map_err(unreadable)?;
        let Some(verification) = self.verify_texts(current, &texts)? else {
            return Err(format!("the check does not complete with {what}").into());
        };
        // cargo may have changed the lockfile before the check.
        let checked = self
            .gate
            .scratch_lockfile()
            .ok_or_else(|| "the scratch copy has no `Cargo.lock`".to_owned())?;
        if with_line_endings_of(lock, &checked).as_str() != lock.as_str() {
            return Err(format!("cargo changes `Cargo.lock` again with {what}").into());
        }
        if !verification.cleared.iter().any(|finding| finding.packages.contains(package)) {
            return Err(format!("{what} does not fix the finding").into());
        }
        let new =
            verification.introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(new) = new {
            return Err(format!("{what} introduces an error: {}", new.message).into());
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

/// Why a step of the plan is not in the lockfile; `None` if it is.
fn unselected_reason(step: &UpgradeStep, after: &LockGraph) -> Option<String> {
    let UpgradeStep { package, to, .. } = step;
    let reason = if after.holds(&package.name, &package.version) {
        format!(" and kept {}{}", package.version, kept_reason(package, after))
    } else if after.holds(&package.name, to) {
        return None;
    } else {
        let selected: Vec<_> = after.versions(&package.name).map(Version::to_string).collect();
        if selected.is_empty() { String::new() } else { format!(" but {}", selected.join(", ")) }
    };
    Some(format!("cargo did not select `{}` {to}{reason}", package.name))
}

/// Which packages still depend on the locked version.
fn kept_reason(package: &PackageRef, after: &LockGraph) -> String {
    let dependents: Vec<_> = after
        .dependents(package)
        .take(MAX_DEPENDENTS)
        .map(|one| format!("`{}` {}", one.name, one.version))
        .collect();
    match dependents.as_slice() {
        [] => String::new(),
        [one] => format!(", which {one} requires"),
        several => format!(", which {} require", join_with_and(several)),
    }
}

/// A package with its new version, for a reason.
fn named(package: &PackageRef, to: Option<&Version>) -> String {
    match to {
        Some(to) => format!("`{}` {to}", package.name),
        None => format!("the removal of `{}`", package.name),
    }
}
