//! Plans that upgrade a package with findings: to the smallest version that clears them, together with
//! the packages that require the old version.
//!
//! [`UpgradeTarget`] is the package with its findings, [`ClearingVersions`] the versions that clear them.
//! [`UpgradeSearch`] finds the other packages that have to move, and [`with_requirements`] changes the
//! manifests. Nothing is verified here and no program is started; the registry index is read from the
//! disk.

mod alternatives;
mod blockers;
mod clearing_versions;
mod lock_graph;
mod minimize;
mod package_versions;
mod removed_features;
mod requirements;
mod search;
mod target;

use semver::{Comparator, Op, Version};

pub(super) use alternatives::suggested_alternatives;
pub(super) use clearing_versions::ClearingVersions;
pub(super) use lock_graph::LockGraph;
pub(super) use minimize::{moved_count, pins_for_smaller_moves};
pub(super) use package_versions::PackageVersions;
pub use removed_features::RemovedFeatures;
pub(super) use requirements::{
    PIN, RaisedRequirements, RequirementUpdate, with_requirements, without_pins,
};
pub(super) use search::{UpgradePlan, UpgradeSearch, UpgradeStep, VersionPick};
pub(super) use target::{TargetScope, UpgradeTarget};

/// Whether cargo considers `to` semver-compatible with `from`.
pub(super) fn is_compatible(from: &Version, to: &Version) -> bool {
    let Version { major, minor, patch, pre, .. } = from.clone();
    Comparator { op: Op::Caret, major, minor: Some(minor), patch: Some(patch), pre }.matches(to)
}
