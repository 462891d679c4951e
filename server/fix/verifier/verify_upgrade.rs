//! Carries one upgrade out: cargo writes the lock file, the gate judges it.

use semver::Version;

use super::{UpgradeContext, NotVerified, FixVerifier, with_line_endings_of};
use crate::{
    fix::{
        Fix, Overlay, RemovedFeatures,
        refusal::{Offline, refused},
        upgrade::{
            RequirementUpdate, LockGraph, UpgradePlan, RaisedRequirements, UpgradeStep, UpgradeTarget, held_back, moves, with_requirements,
            without_pins,
        },
    },
    gate::Texts as _,
    resolve::ResolveError,
    text::SourceText,
    verdict::{PackageRef, Severity},
};

/// How often cargo is asked to move less.
const SPARINGS: usize = 3;

/// How often what is in the way then is no longer held back.
const RELEASES: usize = 4;

/// What a plan comes to.
#[derive(Clone)]
pub(super) struct UpgradeChange<'n> {
    pub(super) plan: &'n UpgradePlan,
    /// The version that the target has in the end; `None` where it is gone.
    pub(super) to: Option<Version>,
    /// No manifest changes.
    pub(super) lock_alone: bool,
    /// What declarations no longer ask for.
    pub(super) vanished: Vec<RemovedFeatures>,
}

/// A plan that was proved.
pub(super) struct VerifiedUpgrade<'n> {
    pub(super) fix: Fix,
    pub(super) plan: &'n UpgradePlan,
    /// The requirements admit the version as they are, and were raised all the same.
    pub(super) admitted: bool,
}

impl FixVerifier<'_> {
    pub(super) fn attempt<'n>(
        &mut self,
        ground: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        plan: &'n UpgradePlan,
        keep: RequirementUpdate,
    ) -> Result<VerifiedUpgrade<'n>, NotVerified> {
        let now = ground.now;
        let mut raised = with_requirements(now.texts, now.verdict, &plan.steps, &[], keep)?;
        let mut vanished = Vec::new();
        let lock = loop {
            let error = match self.lock_file_with(&raised) {
                Ok(lock) => break lock,
                Err(error) => error,
            };
            // Who crosses to a later release on purpose does without what it no longer has.
            let gone = RemovedFeatures::of(&error).filter(|_| plan.is_breaking());
            let Some(gone) = gone.filter(|gone| {
                !vanished.contains(gone)
                    && gone.taken_out(&mut raised.pinned, now.verdict)
                    && gone.taken_out(&mut raised.texts, now.verdict)
            }) else {
                let offline = Offline::of(&self.options.resolver, &plan.steps);
                return Err(refused(&error, offline));
            };
            vanished.push(gone);
        };
        let admitted = raised.admitted;
        let texts = raised.texts;
        let lock_alone = keep == RequirementUpdate::KeepAccepting;
        let change = UpgradeChange { plan, to: None, lock_alone, vanished };
        let spared = match self.sparing(ground, &change, keep, &texts, &lock) {
            Some(sparing) => self.judged(ground, target, &change, &texts, &sparing),
            None => Err(String::new().into()),
        };
        let fix = match spared {
            Err(NotVerified::Unwanted) => return Err(NotVerified::Unwanted),
            Ok(fix) if !fix.introduces_findings() => fix,
            spared => {
                let plain = self.judged(ground, target, &change, &texts, &lock);
                fewest_new(spared, plain)?
            }
        };
        Ok(VerifiedUpgrade { fix, plan, admitted })
    }

    /// A lock file in which less has moved beside the plan than in `lock`, if there is one.
    fn sparing(
        &mut self,
        ground: &UpgradeContext<'_>,
        change: &UpgradeChange<'_>,
        keep: RequirementUpdate,
        texts: &Overlay,
        lock: &SourceText,
    ) -> Option<SourceText> {
        let (now, steps) = (ground.now, &change.plan.steps);
        let mut best = None;
        let mut after = LockGraph::read(lock);
        let first = moves(&ground.locked, &after);
        // What is held back may have been all that moved others.
        for _ in 0..SPARINGS {
            let held = held_back(&ground.locked, &after, steps, ground.histories);
            if held.is_empty() {
                break;
            }
            let Some(sparing) = self.held(ground, change, keep, held) else { break };
            let now_after = LockGraph::read(&sparing);
            if moves(&ground.locked, &now_after) > moves(&ground.locked, &after) {
                break;
            }
            (best, after) = (Some(sparing), now_after);
        }
        // What was pinned and is not needed after all goes.
        let lock_file = now.verdict.workspace.lock_file();
        let mut texts = texts.clone();
        texts.set(&lock_file, best?).ok()?;
        let wanted = || self.audience.still_waits();
        let tidied = self.gate.lock_file_with(&self.options.resolver, &texts, &wanted).ok()?;
        let fewer = moves(&ground.locked, &LockGraph::read(&tidied)) < first;
        fewer.then_some(tidied)
    }

    /// The lock file with those packages pinned beside the plan; what cargo names as being in the way
    /// is not.
    fn held(
        &mut self,
        ground: &UpgradeContext<'_>,
        change: &UpgradeChange<'_>,
        keep: RequirementUpdate,
        mut held: Vec<UpgradeStep>,
    ) -> Option<SourceText> {
        let (now, steps) = (ground.now, &change.plan.steps);
        for _ in 0..RELEASES {
            let mut raised = with_requirements(now.texts, now.verdict, steps, &held, keep).ok()?;
            for gone in &change.vanished {
                gone.taken_out(&mut raised.pinned, now.verdict);
            }
            let error = match self.lock_file_with(&raised) {
                Ok(lock) => return Some(lock),
                Err(error) => error.to_string(),
            };
            tracing::debug!("held back: {error}");
            let before = held.len();
            held.retain(|one| {
                let name = &one.package.name;
                !error.contains(&format!("`{name}`")) && !error.contains(&format!("`{name} v"))
            });
            if held.len() == before || held.is_empty() {
                return None;
            }
        }
        None
    }

    /// The fix that leads to `lock`, if it is one.
    fn judged(
        &mut self,
        ground: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        change: &UpgradeChange<'_>,
        texts: &Overlay,
        lock: &SourceText,
    ) -> Result<Fix, NotVerified> {
        let (now, package, plan) = (ground.now, &target.package, change.plan);
        let lock_file = now.verdict.workspace.lock_file();
        let unreadable = |error| format!("`{lock_file}` cannot be read: {error}");
        let locked = now.texts.read(&lock_file).map_err(unreadable)?;
        let mut texts = texts.clone();
        let after = LockGraph::read(lock);
        let step = plan.steps.iter().find(|step| {
            after.holds(&step.package.name, &step.package.version)
                || !after.holds(&step.package.name, &step.to.to_string())
        });
        if let Some(step) = step {
            let (name, version) = (&step.package.name, &step.to);
            return Err(format!("cargo does not choose {name} {version}").into());
        }
        if after.holds(&package.name, &package.version) {
            return Err(format!("cargo leaves {} at {}", package.name, package.version).into());
        }
        let to = ground.becomes(target, plan, &after);
        let what = named(package, to.as_ref());
        texts.set(&lock_file, with_line_endings_of(&locked, lock)).map_err(unreadable)?;
        let Some(proof) = self.verification(now, &texts)? else {
            return Err(format!("with {what} no verdict can be reached").into());
        };
        // What was judged is what cargo made of it.
        let judged =
            self.gate.scratch_lock_file().ok_or_else(|| "the scratch copy is gone".to_owned())?;
        if with_line_endings_of(lock, &judged).as_str() != lock.as_str() {
            return Err(format!("cargo does not leave {what} so").into());
        }
        if !proof.cleared.iter().any(|finding| finding.packages.contains(package)) {
            return Err(format!("{what} does not clear it").into());
        }
        let new = proof.introduced.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(new) = new {
            return Err(format!("{what} would bring: {}", new.message).into());
        }
        Ok(ground.fix(target, &UpgradeChange { to, ..change.clone() }, texts, proof))
    }

    /// The lock file that cargo writes where everything is pinned, without the pins.
    fn lock_file_with(&mut self, raised: &RaisedRequirements) -> Result<SourceText, ResolveError> {
        let wanted = || self.audience.still_waits();
        let lock = self.gate.lock_file_with(&self.options.resolver, &raised.pinned, &wanted)?;
        Ok(match &raised.pins {
            Some((local, pins)) => without_pins(&lock, local, pins),
            None => lock,
        })
    }
}

/// The one that brings fewer findings; the first where both bring as many, and what is wrong with the
/// second where neither is proved.
fn fewest_new(
    first: Result<Fix, NotVerified>,
    second: Result<Fix, NotVerified>,
) -> Result<Fix, NotVerified> {
    match (first, second) {
        (_, Err(NotVerified::Unwanted)) => Err(NotVerified::Unwanted),
        (Ok(first), Ok(second)) => {
            let brings = |fix: &Fix| fix.verification.introduced.len();
            Ok(if brings(&second) < brings(&first) { second } else { first })
        }
        (Ok(first), Err(_)) => Ok(first),
        (Err(_), second) => second,
    }
}

/// A package and its version in a reason.
fn named(package: &PackageRef, to: Option<&Version>) -> String {
    match to {
        Some(to) => format!("{} {to}", package.name),
        None => format!("doing without {}", package.name),
    }
}
