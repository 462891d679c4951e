//! Why the search for an upgrade found none.

use std::fmt;

use super::no_version::NoVersionReason;
use crate::fix::solver::{NoPlan, Obstacle, Plan, UpgradeStep};

/// How many obstacles a reason names.
const MAX_NAMED: usize = 3;

/// Why there is no upgrade of a package. Shown as a sentence without a final period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPlanReason {
    /// The name of the package.
    pub(in crate::fix) package: String,
    /// Why no version of it helps, if so.
    pub(in crate::fix) no_version: Option<NoVersionReason>,
    /// What is in the way.
    pub(in crate::fix) blocked: Blocked,
}

/// What is in the way of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) enum Blocked {
    /// Only these breaking steps help.
    Breaking(Vec<UpgradeStep>),
    /// These requirements of packages; none if no release accepts a fixed version.
    Obstacles(Vec<Obstacle>),
    /// The search took too long.
    OutOfTime,
    /// The search was canceled.
    Canceled,
}

impl Blocked {
    /// `breaking` is the plan with breaking upgrades, if only that one exists.
    pub(in crate::fix) fn of(no_plan: NoPlan, breaking: Option<Plan>) -> Self {
        if let Some(plan) = breaking {
            return Self::Breaking(plan.steps.into_iter().filter(|one| one.is_breaking).collect());
        }
        match no_plan {
            NoPlan::OutOfTime => Self::OutOfTime,
            NoPlan::Canceled => Self::Canceled,
            NoPlan::Impossible { mut obstacles, .. } => {
                obstacles.retain(|one| one.dependent.is_some());
                Self::Obstacles(obstacles)
            }
        }
    }
}

impl fmt::Display for NoPlanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, no_version, blocked } = self;
        if let Some(reason) = no_version {
            write!(f, "{reason}")?;
        }
        if let Blocked::Obstacles(obstacles) = blocked
            && obstacles.is_empty()
        {
            if no_version.is_some() {
                return Ok(());
            }
            return write!(
                f,
                "no release of the crates that depend on `{package}` accepts a fixed version"
            );
        }
        if no_version.is_some() {
            f.write_str("; ")?;
        }
        match blocked {
            Blocked::Breaking(steps) => write!(
                f,
                "only a breaking upgrade fixes it: {}; pass `--breaking` to try it",
                listed(steps.iter().map(moved).collect())
            ),
            Blocked::Obstacles(obstacles) => {
                f.write_str(&listed(obstacles.iter().map(Obstacle::to_string).collect()))
            }
            Blocked::OutOfTime => {
                write!(f, "the search for versions without `{package}` took too long")
            }
            Blocked::Canceled => f.write_str("the search was canceled"),
        }
    }
}

fn moved(step: &UpgradeStep) -> String {
    let UpgradeStep { package, to, .. } = step;
    let past = if step.leaves_range() { "" } else { ", past the upper bound of its requirement" };
    format!("`{}` {} -> {to}{past}", package.name, package.version)
}

fn listed(mut all: Vec<String>) -> String {
    all.dedup();
    let more = all.len().saturating_sub(MAX_NAMED);
    all.truncate(MAX_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn obstacle(dependent: &str) -> Obstacle {
        Obstacle {
            dependent: Some((dependent.to_owned(), Version::new(1, 0, 0))),
            is_newest: dependent == "a",
            package: "time".to_owned(),
            requirement: "^0.1".to_owned(),
        }
    }

    fn shown(no_version: Option<NoVersionReason>, blocked: Blocked) -> String {
        NoPlanReason { package: "time".to_owned(), no_version, blocked }.to_string()
    }

    #[test]
    fn reason_names_three_obstacles_behind_that_of_the_versions() {
        let not_listed = || Some(NoVersionReason::NotListed { package: "time".to_owned() });
        let obstacles = ["a", "b", "c", "d"].map(obstacle);
        assert_eq!(
            shown(not_listed(), Blocked::Obstacles(obstacles.to_vec())),
            "the local registry index does not list `time`; `a` 1.0.0 (newest) requires `time` ^0.1, \
             `b` 1.0.0 requires `time` ^0.1, `c` 1.0.0 requires `time` ^0.1 and 1 more"
        );
        assert_eq!(
            shown(not_listed(), Blocked::Obstacles(Vec::new())),
            "the local registry index does not list `time`"
        );
        assert_eq!(
            shown(None, Blocked::Obstacles(Vec::new())),
            "no release of the crates that depend on `time` accepts a fixed version"
        );
        assert_eq!(
            shown(None, Blocked::OutOfTime),
            "the search for versions without `time` took too long"
        );
    }
}
