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
}

impl UpgradeStep {
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        Range::of(&self.package.version) != Range::of(&self.to)
    }
}
