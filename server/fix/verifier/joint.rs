//! Which packages can be upgraded together.

use std::collections::BTreeMap;

use semver::Version;

use super::NotVerified;
use crate::{
    fix::{
        Fix, FixOptions, NoFixReason,
        solver::{Goal, NoPlan, PlanOptions, Planner, PossiblePlan},
        upgrade::UpgradeTarget,
    },
    verdict::PackageRef,
};

/// What is allowed, one after the other: a newer Rust comes last but for older versions.
pub(in crate::fix) fn levels(options: FixOptions, rust: Option<&Version>) -> Vec<PlanOptions> {
    let FixOptions { breaking, newer_rust } = options;
    let first = PlanOptions { breaking, ..PlanOptions::default() };
    let mut all = vec![first.clone()];
    let newer_rust = newer_rust && rust.is_some();
    if newer_rust {
        all.push(PlanOptions { newer_rust, ..first.clone() });
    }
    if breaking {
        all.push(PlanOptions { newer_rust, downgrade: true, ..first });
    }
    all
}

/// The result of upgrading several packages together.
#[derive(Default)]
pub(in crate::fix) struct JointUpgrades {
    /// The verified fixes: one resolution and one check for all of them.
    pub(in crate::fix) fixes: Vec<Fix>,
    /// The packages that no set of versions is free of, with the reason.
    pub(in crate::fix) impossible: BTreeMap<PackageRef, NoFixReason>,
}

/// As many targets as one plan can have, the worst first.
pub(super) struct PossibleTargets<'t> {
    pub(super) together: Vec<&'t UpgradeTarget>,
    /// Their goals.
    pub(super) goals: Vec<Goal>,
    /// The targets for which there is no plan even without the others.
    pub(super) impossible: Vec<(&'t UpgradeTarget, NoPlan)>,
}

impl<'t> PossibleTargets<'t> {
    pub(super) fn of(
        planner: &Planner<'_>,
        targets: &'t [UpgradeTarget],
        options: &PlanOptions,
    ) -> Result<Self, NotVerified> {
        let can_plan = |goals: &[Goal]| can_plan(planner, goals, options);
        let all: Vec<Goal> = targets.iter().flat_map(UpgradeTarget::goals).collect();
        if can_plan(&all)?.is_ok() {
            let together = targets.iter().collect();
            return Ok(Self { together, goals: all, impossible: Vec::new() });
        }
        let mut impossible = Vec::new();
        let mut alone: Vec<(&UpgradeTarget, Vec<Goal>)> = Vec::new();
        for target in targets {
            match possible_goals(planner, target, options)? {
                Ok(goals) => alone.push((target, goals)),
                // Perhaps only offline.
                Err(no_plan) if options.only_downloaded && !no_plan.is_final() => {
                    let options = PlanOptions { only_downloaded: false, ..options.clone() };
                    let possible = possible_goals(planner, target, &options)?;
                    impossible.extend(possible.err().map(|no_plan| (target, no_plan)));
                }
                Err(no_plan) => impossible.push((target, no_plan)),
            }
        }
        let goals: Vec<Goal> = alone.iter().flat_map(|(_, goals)| goals.clone()).collect();
        if can_plan(&goals)?.is_ok() {
            let together = alone.into_iter().map(|(target, _)| target).collect();
            return Ok(Self { together, goals, impossible });
        }
        let (mut together, mut goals): (Vec<_>, Vec<Goal>) = (Vec::new(), Vec::new());
        let mut plan = None;
        for (target, own) in alone {
            let is_achieved = plan.as_ref().is_some_and(|plan| planner.achieves(plan, &own));
            let with: Vec<Goal> = goals.iter().cloned().chain(own).collect();
            if !is_achieved {
                match can_plan(&with)? {
                    Ok(possible) => plan = Some(possible),
                    Err(_) => continue,
                }
            }
            goals = with;
            together.push(target);
        }
        Ok(Self { together, goals, impossible })
    }
}

/// The goals of a target that one plan can have; or why there is none for any of them. An advisory that no version
/// clears must not block the others.
pub(super) fn possible_goals(
    planner: &Planner<'_>,
    target: &UpgradeTarget,
    options: &PlanOptions,
) -> Result<Result<Vec<Goal>, NoPlan>, NotVerified> {
    let goals = target.goals();
    let Err(mut no_plan) = can_plan(planner, &goals, options)? else { return Ok(Ok(goals)) };
    let mut possible = Vec::new();
    if goals.len() > 1 && !target.is_only_duplicate() {
        let mut plan = None;
        for goal in goals {
            let own = std::slice::from_ref(&goal);
            let is_achieved = plan.as_ref().is_some_and(|plan| planner.achieves(plan, own));
            possible.push(goal);
            if !is_achieved {
                match can_plan(planner, &possible, options)? {
                    Ok(found) => plan = Some(found),
                    Err(alone) => {
                        possible.pop();
                        no_plan.is_final_only_if(alone.is_final());
                    }
                }
            }
        }
    }
    Ok(if possible.is_empty() { Err(no_plan) } else { Ok(possible) })
}

/// A plan for these goals, or why there is none.
fn can_plan(
    planner: &Planner<'_>,
    goals: &[Goal],
    options: &PlanOptions,
) -> Result<Result<PossiblePlan, NoPlan>, NotVerified> {
    match planner.can_plan(goals, options) {
        Err(NoPlan::Canceled) => Err(NotVerified::Canceled),
        result => Ok(result),
    }
}
