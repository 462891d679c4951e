//! Plans for a package that something speaks against: another version of it, the smallest that
//! clears what is known, and of the packages that hold it back.
//!
//! [`UpgradeTarget`] is the package with everything that speaks against it, `clearing_versions` says which of its
//! versions would clear that, [`UpgradeSearch`] which other packages have to move for one of them, and
//! [`with_requirements`] what becomes of the manifests. Nothing is proved here and no program is
//! started: what cargo's index says is read from the disk.

mod clearing_versions;
mod minimize;
mod removed_features;
mod package_versions;
mod lock_graph;
mod search;
mod requirements;
mod target;
mod blockers;

use semver::{Version, VersionReq};

pub(super) use clearing_versions::ClearingVersions;
pub(super) use minimize::{held_back, moves};
pub use removed_features::RemovedFeatures;
pub(super) use package_versions::PackageVersions;
pub(super) use lock_graph::LockGraph;
pub(super) use search::{VersionPick, UpgradePlan, UpgradeSearch, UpgradeStep};
pub(super) use requirements::{RequirementUpdate, PIN, RaisedRequirements, with_requirements, without_pins};
pub(super) use target::{TargetScope, UpgradeTarget};
pub(super) use blockers::{alternatives, needs_rust};

/// Whether cargo takes `to` for compatible with `from`.
pub(super) fn is_compatible(from: &Version, to: &Version) -> bool {
    VersionReq::parse(&format!("^{from}")).is_ok_and(|line| line.matches(to))
}
