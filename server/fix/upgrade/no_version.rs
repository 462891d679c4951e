//! Why no version of a package clears its findings, whatever the others are.

use super::{UpgradeTarget, suggested_alternatives};
use crate::{
    fix::solver::PackageVersions,
    verdict::{AdvisoryFacts, IndexLine},
};

impl UpgradeTarget {
    /// Why no version in the index clears the advisories about the package: a sentence without a final period.
    /// `None` if one does, or if they are not about advisories alone.
    pub(in crate::fix) fn no_version_reason(
        &self,
        versions_of: &PackageVersions,
    ) -> Option<String> {
        if !self.later_versions.is_empty() {
            return None;
        }
        let name = &self.package.name;
        let history = versions_of.index_history(name, self.package.source.as_deref());
        let Some(history) = history else {
            return Some(format!("the local registry index does not list `{name}`"));
        };
        let is_usable = |one: &&IndexLine| !one.is_yanked() && one.version.pre.is_empty();
        if self.advisories.is_empty() || self.yanked || self.license {
            let locked = &self.package.version;
            let is_newer = |one: &IndexLine| one.version > *locked;
            let newer = history.lines().iter().filter(is_usable).any(is_newer);
            return (!newer).then(|| {
                format!("the local registry index has no version of `{name}` newer than {locked}")
            });
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
                let suggested = suggested.find(|one| !one.is_empty()).unwrap_or_default();
                format!("no version of `{name}` is patched{suggested}")
            }
            Some(patched) => format!(
                "the local registry index has no version of `{name}` that matches `{patched}`; run `cargo update --dry-run` to refresh it"
            ),
        })
    }
}
