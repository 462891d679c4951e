//! Packages with findings, and what an upgrade changes besides the lockfile.
//!
//! [`UpgradeTarget`] is the package with its findings; the solver finds the versions (`fix::solver`), and
//! [`with_requirements`] changes the manifests. The registry index is read from the disk.

mod alternatives;
mod lock_graph;
mod no_plan;
mod no_version;
mod removed_features;
mod requirements;
mod target;

pub(super) use alternatives::{successors, suggested_alternatives};
pub(super) use lock_graph::LockGraph;
pub(super) use no_plan::Blocked;
pub use no_plan::NoPlanReason;
pub use removed_features::RemovedFeatures;
pub(super) use requirements::{RequirementUpdate, with_requirements};
pub(super) use target::{TargetScope, UpgradeTarget};
