//! Plans by a solver: one joint problem over cargo's index for everything that has to change.
//!
//! [`Planner`] states cargo's rules as a problem for the `resolvo` library and makes a [`Plan`] of its solution,
//! or says which requirements are in the way. Nothing is verified here and no program is started: cargo decides.

mod attempt;
mod direct;
mod lockfile;
mod package_versions;
mod packages;
mod planner;
mod provider;
mod range;
mod reasons;
mod step;
#[cfg(test)]
mod worlds;

pub(crate) use package_versions::PackageVersions;
pub(super) use planner::{
    Goal, GoalKind, NoPlan, Plan, PlanOptions, Planner, PossiblePlan, SelectedPackage,
};
pub(super) use reasons::Obstacle;
pub(super) use step::UpgradeStep;
