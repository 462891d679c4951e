//! Which versions of a package clear what speaks against it.

use semver::{Version, VersionReq};

use super::{PackageVersions, UpgradeTarget, is_compatible};
use crate::verdict::{AdvisoryFacts, Release};

/// The versions that may clear a target; none where only doing without it does.
#[derive(Clone, Debug, Default)]
pub(in crate::fix) struct ClearingVersions {
    /// What is locked.
    pub(in crate::fix) locked: Option<Version>,
    /// Oldest first, but those that ask for a newer Rust than the workspace states are last.
    pub(in crate::fix) versions: Vec<Version>,
    /// Compatible ones that clear only some of it, but as much as one can.
    pub(in crate::fix) partly: Vec<Version>,
    /// Why there is none, a sentence without its end.
    pub(in crate::fix) none: Option<String>,
}

impl ClearingVersions {
    /// Those that cargo takes for compatible with the locked one.
    pub(in crate::fix) fn compatible(&self) -> Vec<Version> {
        let locked = self.locked.iter();
        let all = locked.flat_map(|locked| {
            self.versions.iter().filter(|version| is_compatible(locked, version))
        });
        all.cloned().collect()
    }

    /// The smallest of each later line.
    pub(in crate::fix) fn later_lines(&self) -> Vec<Version> {
        let mut first: Vec<Version> = Vec::new();
        for version in &self.versions {
            let same_line = |other: &Version| is_compatible(other, version);
            if !self.locked.iter().chain(&first).any(same_line) {
                first.push(version.clone());
            }
        }
        first
    }
}

impl UpgradeTarget {
    /// The versions that may clear it, by cargo's index; without that, by what the advisories say.
    ///
    /// # Errors
    ///
    /// Why there is none, a sentence without its end.
    pub(in crate::fix) fn clear(&self, histories: &PackageVersions) -> Result<ClearingVersions, String> {
        let name = &self.package.name;
        let Ok(locked) = Version::parse(&self.package.version) else {
            return Err(format!("the version of `{name}` cannot be read"));
        };
        let known = histories.history(&self.package);
        let from_index = known.is_some();
        let mut known = known.map_or_else(|| self.lower_bounds(), |known| known.to_vec());
        known.retain(|release| {
            release.version > locked
                && !release.yanked
                && (release.version.pre.is_empty() || !locked.pre.is_empty())
        });
        if !self.others.is_empty() {
            known.retain(|release| self.others.contains(&release.version));
        }
        // What no version clears must not keep the others from being cleared.
        let clearable: Vec<_> = self
            .advisories
            .iter()
            .filter(|advisory| known.iter().any(|one| is_clear(advisory, &one.version)))
            .collect();
        let other_reasons = self.yanked || self.license || !self.others.is_empty();
        if clearable.is_empty() && !other_reasons {
            // What requires it may do without it one day.
            let none = Some(self.no_version(from_index));
            return Ok(ClearingVersions { locked: Some(locked), none, ..ClearingVersions::default() });
        }
        let cleared = |one: &Release| {
            clearable.iter().filter(|advisory| is_clear(advisory, &one.version)).count()
        };
        let compatible = known.iter().filter(|one| is_compatible(&locked, &one.version));
        let most = compatible.clone().map(cleared).max().unwrap_or(0);
        let partly: Vec<_> = compatible
            .filter(|one| most > 0 && most < clearable.len() && cleared(one) == most)
            .map(|one| one.version.clone())
            .collect();
        known.retain(|one| clearable.iter().all(|advisory| is_clear(advisory, &one.version)));
        if known.is_empty() && partly.is_empty() {
            return Err(format!(
                "there is no later version of `{name}` than {locked}, as far as is known here"
            ));
        }
        let mut versions: Vec<_> = known.into_iter().map(|release| release.version).collect();
        versions.sort_by_cached_key(|version| {
            (histories.newer_rust(&self.package, version), version.clone())
        });
        Ok(ClearingVersions { locked: Some(locked), versions, partly, none: None })
    }

    fn no_version(&self, from_index: bool) -> String {
        let name = &self.package.name;
        let patched = self.advisories.iter().flat_map(|advisory| &advisory.patched).next();
        match patched {
            None => {
                let named = self.advisories.iter().find_map(|one| super::alternatives(one));
                let instead = named.map_or_else(String::new, |named| {
                    format!("; the advisory names alternatives: {named}")
                });
                format!("no version of `{name}` is patched{instead}")
            }
            Some(patched) if from_index => format!(
                "no version of `{name}` that is known here meets `{patched}` (`cargo update --dry-run` asks the registry)"
            ),
            Some(_) => format!("cargo knows no versions of `{name}` on this machine"),
        }
    }

    /// The versions that the advisories name as the first patched ones.
    fn lower_bounds(&self) -> Vec<Release> {
        let patched = self.advisories.iter().flat_map(|advisory| &advisory.patched);
        let named = patched.filter_map(|requirement| {
            let first =
                requirement.split(',').next()?.trim_start_matches(['>', '=', '^', '~', ' ']);
            Some(Release::named(Version::parse(first).ok()?))
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| a.version.cmp(&b.version));
        named
    }
}

fn is_clear(advisory: &AdvisoryFacts, version: &Version) -> bool {
    advisory.patched.iter().chain(&advisory.unaffected).any(|requirement| {
        VersionReq::parse(requirement).is_ok_and(|requirement| requirement.matches(version))
    })
}
