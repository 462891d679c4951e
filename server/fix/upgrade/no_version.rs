//! Why no version of a package clears its findings, whatever the others are.

use semver::{Version, VersionReq};

use super::{UpgradeTarget, suggested_alternatives};
use crate::{
    fix::solver::PackageVersions,
    verdict::{AdvisoryFacts, IndexLine},
};

/// Why no version of a package clears its findings. Shown as a sentence without a final period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::fix) enum NoVersionReason {
    /// The index on the disk does not have the package.
    #[error("the local registry index does not list `{package}`")]
    NotListed { package: String },
    /// The locked version is the newest.
    #[error("the local registry index has no version of `{package}` newer than {locked}")]
    NoNewer { package: String, locked: Version },
    /// The advisory has no patched version; `alternatives` is empty, or a clause.
    #[error("no version of `{package}` is patched{alternatives}")]
    NotPatched { package: String, alternatives: String },
    /// The index on the disk has no patched version.
    #[error(
        "the local registry index has no version of `{package}` that matches `{patched}`; run `cargo update --dry-run` to refresh it"
    )]
    PatchedNotListed { package: String, patched: VersionReq },
}

impl UpgradeTarget {
    /// Why no version in the index clears the advisories about the package. `None` if one does, or if they are not about advisories alone.
    pub(in crate::fix) fn no_version_reason(
        &self,
        versions_of: &PackageVersions,
    ) -> Option<NoVersionReason> {
        if !self.later_versions.is_empty() {
            return None;
        }
        let package = || self.package.name.clone();
        let source = self.package.source.as_deref();
        let history = versions_of.index_history(&self.package.name, source);
        let Some(history) = history else {
            return Some(NoVersionReason::NotListed { package: package() });
        };
        let is_usable = |one: &&IndexLine| !one.is_yanked() && one.version.pre.is_empty();
        if self.advisories.is_empty() || self.yanked || self.license {
            let locked = &self.package.version;
            let is_newer = |one: &IndexLine| one.version > *locked;
            let newer = history.lines().iter().filter(is_usable).any(is_newer);
            return (!newer)
                .then(|| NoVersionReason::NoNewer { package: package(), locked: locked.clone() });
        }
        let clears = |advisory: &AdvisoryFacts| {
            history.lines().iter().filter(is_usable).any(|one| !advisory.affects(&one.version))
        };
        if self.advisories.iter().any(|advisory| clears(advisory)) {
            return None;
        }
        let patched =
            self.advisories.iter().flat_map(|advisory| advisory.affected.patched()).next();
        Some(match patched {
            None => {
                let mut suggested = self.advisories.iter().map(|one| suggested_alternatives(one));
                let alternatives = suggested.find(|one| !one.is_empty()).unwrap_or_default();
                NoVersionReason::NotPatched { package: package(), alternatives }
            }
            Some(patched) => {
                NoVersionReason::PatchedNotListed { package: package(), patched: patched.clone() }
            }
        })
    }
}
