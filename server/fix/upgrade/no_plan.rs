//! Why the solver found no plan, in words.

use crate::{
    fix::solver::{NoPlan, Obstacle, Plan, UpgradeStep},
    verdict::PackageRef,
};

/// How many obstacles a reason names.
const MAX_NAMED: usize = 3;

/// Why there is no plan: a sentence without a final period. `breaking` is the plan with breaking upgrades, if
/// only that one exists.
pub(in crate::fix) fn no_plan_reason(
    target: &PackageRef,
    no_plan: &NoPlan,
    breaking: Option<&Plan>,
) -> String {
    if let Some(plan) = breaking {
        let moved = |step: &UpgradeStep| {
            let UpgradeStep { package, to, .. } = step;
            let past =
                if step.leaves_range() { "" } else { ", past the upper bound of its requirement" };
            format!("`{}` {} -> {to}{past}", package.name, package.version)
        };
        let steps = plan.steps.iter().filter(|step| step.is_breaking);
        return format!(
            "only a breaking upgrade fixes it: {}; pass `--breaking` to try it",
            listed(steps.map(moved).collect())
        );
    }
    match no_plan {
        NoPlan::OutOfTime => {
            format!("the search for versions without `{}` took too long", target.name)
        }
        NoPlan::Canceled => "the search was canceled".to_owned(),
        NoPlan::Impossible(obstacles) => {
            let stated = obstacles.iter().filter(|one| one.dependent.is_some());
            listed(stated.map(shown).collect())
        }
    }
}

fn shown(obstacle: &Obstacle) -> String {
    let Obstacle { dependent, is_newest, package, requirement } = obstacle;
    let newest = if *is_newest { " (newest)" } else { "" };
    match dependent {
        Some((name, version)) => {
            format!("`{name}` {version}{newest} requires `{package}` {requirement}")
        }
        None => format!("the workspace requires `{package}` {requirement}"),
    }
}

fn listed(mut all: Vec<String>) -> String {
    all.dedup();
    let more = all.len().saturating_sub(MAX_NAMED);
    all.truncate(MAX_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.join(", "))
}
