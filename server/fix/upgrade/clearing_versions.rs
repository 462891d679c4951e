//! Which versions of a package clear its findings.

use semver::{Comparator, Version};

use super::{PackageVersions, UpgradeTarget, alternatives::suggested_alternatives, is_compatible};
use crate::verdict::Release;

/// The versions that may clear the findings about a package; none if only its removal does.
#[derive(Clone, Debug, Default)]
pub(in crate::fix) struct ClearingVersions {
    /// The locked version.
    pub(in crate::fix) locked: Option<Version>,
    /// Oldest first, but versions that need a newer Rust than the workspace's `rust-version` last.
    pub(in crate::fix) versions: Vec<Version>,
    /// The compatible versions that clear the most findings, if none clears all.
    pub(in crate::fix) partial: Vec<Version>,
    /// Why there is none: a sentence without a final period.
    pub(in crate::fix) none_reason: Option<String>,
}

impl ClearingVersions {
    /// The versions that are compatible with the locked one.
    pub(in crate::fix) fn compatible(&self) -> Vec<Version> {
        let locked = self.locked.iter();
        let all = locked.flat_map(|locked| {
            self.versions.iter().filter(|version| is_compatible(locked, version))
        });
        all.cloned().collect()
    }

    /// The smallest version of each later semver-compatible range.
    pub(in crate::fix) fn later_ranges(&self) -> Vec<Version> {
        let mut first: Vec<Version> = Vec::new();
        for version in &self.versions {
            let same_range = |other: &Version| is_compatible(other, version);
            if !self.locked.iter().chain(&first).any(same_range) {
                first.push(version.clone());
            }
        }
        first
    }
}

impl UpgradeTarget {
    /// The versions that may clear the findings, from the registry index or, without it, from the
    /// advisories.
    ///
    /// # Errors
    ///
    /// Why there is none: a sentence without a final period.
    pub(in crate::fix) fn clearing_versions(
        &self,
        versions_of: &PackageVersions,
    ) -> Result<ClearingVersions, String> {
        let name = &self.package.name;
        let locked = self.package.version.clone();
        let releases = versions_of.history(&self.package);
        let from_index = releases.is_some();
        let mut releases =
            releases.map_or_else(|| self.lower_bounds(), |releases| releases.to_vec());
        releases.retain(|release| {
            release.version > locked
                && !release.yanked
                && (release.version.pre.is_empty() || !locked.pre.is_empty())
        });
        if !self.later_versions.is_empty() {
            releases.retain(|release| self.later_versions.contains(&release.version));
        }
        // An advisory that no version clears must not block the others.
        let clearable: Vec<_> = self
            .advisories
            .iter()
            .filter(|advisory| releases.iter().any(|one| !advisory.affects(&one.version)))
            .collect();
        let other_reasons = self.yanked || self.license || !self.later_versions.is_empty();
        if clearable.is_empty() && !other_reasons {
            // A newer version of a dependent may not need it any more.
            let none_reason = Some(self.no_version_reason(from_index));
            return Ok(ClearingVersions {
                locked: Some(locked),
                none_reason,
                ..ClearingVersions::default()
            });
        }
        let cleared = |one: &Release| {
            clearable.iter().filter(|advisory| !advisory.affects(&one.version)).count()
        };
        let compatible = releases.iter().filter(|one| is_compatible(&locked, &one.version));
        let most = compatible.clone().map(cleared).max().unwrap_or(0);
        let partial: Vec<_> = compatible
            .filter(|one| most > 0 && most < clearable.len() && cleared(one) == most)
            .map(|one| one.version.clone())
            .collect();
        releases.retain(|one| clearable.iter().all(|advisory| !advisory.affects(&one.version)));
        if releases.is_empty() && partial.is_empty() {
            return Err(format!(
                "the local registry index has no version of `{name}` newer than {locked}"
            ));
        }
        let mut versions: Vec<_> = releases.into_iter().map(|release| release.version).collect();
        versions.sort_by_cached_key(|version| {
            (versions_of.newer_rust(&self.package, version), version.clone())
        });
        Ok(ClearingVersions { locked: Some(locked), versions, partial, none_reason: None })
    }

    fn no_version_reason(&self, from_index: bool) -> String {
        let name = &self.package.name;
        let patched =
            self.advisories.iter().flat_map(|advisory| advisory.affected.patched()).next();
        match patched {
            None => {
                let mut suggested = self.advisories.iter().map(|one| suggested_alternatives(one));
                let suggested = suggested.find(|one| !one.is_empty()).unwrap_or_default();
                format!("no version of `{name}` is patched{suggested}")
            }
            Some(patched) if from_index => format!(
                "the local registry index has no version of `{name}` that matches `{patched}`; run `cargo update --dry-run` to refresh it"
            ),
            Some(_) => format!("the local registry index does not list `{name}`"),
        }
    }

    /// The first patched versions that the advisories name.
    fn lower_bounds(&self) -> Vec<Release> {
        let patched = self.advisories.iter().flat_map(|advisory| advisory.affected.patched());
        let named = patched.filter_map(|requirement| {
            let Comparator { major, minor, patch, pre, .. } = requirement.comparators.first()?;
            let mut version = Version::new(*major, (*minor)?, (*patch)?);
            version.pre = pre.clone();
            Some(Release::named(version))
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| a.version.cmp(&b.version));
        named
    }
}
