//! A package that moves to another version.

use semver::Version;

use super::range::Range;
use crate::verdict::PackageRef;

/// A locked package and its new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct UpgradeStep {
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) to: Version,
    /// It is a direct dependency of the workspace.
    pub(in crate::fix) is_direct: bool,
    /// It is one and moves to a version that is not compatible, or past an upper bound.
    pub(in crate::fix) is_breaking: bool,
}

impl UpgradeStep {
    /// The package in its new version.
    pub(in crate::fix) fn new_package(&self) -> PackageRef {
        PackageRef { version: self.to.clone(), ..self.package.clone() }
    }

    /// Whether the new version is in another range of compatible versions.
    pub(in crate::fix) fn leaves_range(&self) -> bool {
        Range::of(&self.package.version) != Range::of(&self.to)
    }
}
