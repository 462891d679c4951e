//! The versions of direct dependencies in cargo's index cache. Read from disk, without network or child
//! process, and as old as the cache.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use cargo_deny::{Krate, Krates, Source};
use rayon::prelude::{IntoParallelIterator as _, ParallelIterator as _};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::{PackageRef, affected, index::Index};

/// Facts about the versions of a package, as of cargo's last update of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Releases {
    /// The locked version is yanked.
    pub yanked: bool,
    /// The newest version that satisfies the requirement and the dependent's Rust version, if it is
    /// newer than the locked one.
    pub newest: Option<Version>,
}

/// A version in the index.
#[derive(Debug)]
pub(super) struct ListedVersion {
    version: Version,
    record: VersionRecord,
}

/// The part of a version's record that hints need.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VersionRecord {
    yanked: bool,
    /// The minimum Rust version: two or three numbers.
    rust_version: Option<String>,
}

/// A version of a package in its registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The version.
    pub(crate) version: Version,
    /// It is yanked.
    pub(crate) yanked: bool,
}

/// The part of a version's record that a [`Release`] needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReleaseRecord {
    yanked: bool,
}

/// The versions of a package in cargo's index cache, oldest first; `None` if it is not cached. `root` is
/// the folder of the workspace, whose cargo configuration may replace crates.io's index.
pub(crate) fn releases(package: &PackageRef, root: &Utf8Path) -> Option<Vec<Release>> {
    let source = affected::registry(package.source.as_deref()?)?;
    let mut releases = Index::of(&source, root).records_of(&package.name, Release::read)?;
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    Some(releases)
}

impl Release {
    /// A release of which only the version is known.
    #[cfg(test)]
    pub(crate) fn named(version: Version) -> Self {
        Self { version, yanked: false }
    }

    /// A line of the index: a version and its record, in JSON.
    fn read(version: &[u8], record: &[u8]) -> Option<Self> {
        let version = Version::parse(str::from_utf8(version).ok()?).ok()?;
        let record: ReleaseRecord = serde_json::from_slice(record).ok()?;
        Some(Self { version, yanked: record.yanked })
    }
}

/// Parses a `rust-version`: `1.85` or `1.85.1`.
pub(crate) fn rust_version(stated: &str) -> Option<Version> {
    let mut numbers = stated.trim().split('.').map(|number| number.parse().ok());
    let version = Version::new(numbers.next()??, numbers.next().unwrap_or(Some(0))?, {
        numbers.next().unwrap_or(Some(0))?
    });
    numbers.next().is_none().then_some(version)
}

impl ListedVersion {
    /// A line of the index: a version and its record, in JSON.
    pub(super) fn read(version: &[u8], record: &[u8]) -> Option<Self> {
        let version = Version::parse(str::from_utf8(version).ok()?).ok()?;
        Some(Self { version, record: serde_json::from_slice(record).ok()? })
    }

    /// Whether its `rust-version` allows `rust`. Cargo prefers such versions, too.
    fn supports(&self, rust: &Version) -> bool {
        let stated = self.record.rust_version.as_deref();
        let oldest = stated.and_then(|stated| VersionReq::parse(&format!(">={stated}")).ok());
        oldest.is_none_or(|oldest| oldest.matches(rust))
    }
}

impl Releases {
    /// The facts about a locked version; `None` if the list does not contain it, because it is outdated.
    /// `rust` is the Rust version of the dependent.
    pub(super) fn of(
        listed: &[ListedVersion],
        locked: &Version,
        requirement: &VersionReq,
        rust: Option<&Version>,
    ) -> Option<Self> {
        let yanked = listed.iter().find(|one| one.version == *locked)?.record.yanked;
        // A pre-release is relevant only if the locked version is one.
        let is_relevant = |version: &Version| version.pre.is_empty() || !locked.pre.is_empty();
        let newest = listed
            .iter()
            .filter(|one| !one.record.yanked && rust.is_none_or(|rust| one.supports(rust)))
            .map(|one| &one.version)
            .filter(|&version| {
                version > locked && is_relevant(version) && requirement.matches(version)
            })
            .max();
        Some(Self { yanked, newest: newest.cloned() })
    }
}

/// All versions of the direct dependencies.
pub(super) struct VersionListings<'g>(BTreeMap<(&'g str, &'g Source), Vec<ListedVersion>>);

impl<'g> VersionListings<'g> {
    /// Reads cargo's index cache. Packages that are not cached are omitted.
    pub(super) fn read(krates: &'g Krates) -> Self {
        let locals = krates.krates().filter(|krate| krate.source.is_none());
        let declared: BTreeSet<_> = locals
            .filter_map(|local| Some((local, krates.nid_for_kid(&local.id)?)))
            .flat_map(|(local, node)| (0..local.deps.len()).map(move |index| (node, index)))
            .filter_map(|(node, index)| key(krates.resolved_dependency(node, index)?))
            .collect();
        let sources: BTreeSet<_> = declared.iter().map(|(_, source)| *source).collect();
        let indices: BTreeMap<_, _> = sources
            .into_iter()
            .map(|source| (source, Index::of(source, krates.workspace_root())))
            .collect();
        let read = declared.into_par_iter().filter_map(|(name, source)| {
            Some(((name, source), all_versions(indices.get(source)?, name)?))
        });
        Self(read.collect::<Vec<_>>().into_iter().collect())
    }

    pub(super) fn of(&self, krate: &'g Krate) -> Option<&[ListedVersion]> {
        self.0.get(&key(krate)?).map(Vec::as_slice)
    }
}

/// All versions of a package; `None` if cargo has no copy of the entry in the sparse index.
fn all_versions(index: &Index, name: &str) -> Option<Vec<ListedVersion>> {
    index.records_of(name, ListedVersion::read)
}

fn key(krate: &Krate) -> Option<(&str, &Source)> {
    let source = krate.source.as_ref().filter(|source| source.is_registry())?;
    Some((krate.name.as_str(), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `listed` are versions: `!` marks a yanked one, `@1.60` states its `rust-version`.
    fn check(
        listed: &str,
        locked: &str,
        requirement: &str,
        expected: Option<(bool, Option<&str>)>,
    ) {
        let version = |text: &str| Version::parse(text).expect("a version");
        let listed: Vec<_> = listed
            .split(' ')
            .map(|word| {
                let (word, rust) = word.split_once('@').map_or((word, None), |(a, b)| (a, Some(b)));
                let record = serde_json::json!({
                    "name": "any", "yanked": word.ends_with('!'), "rust_version": rust,
                });
                let version = word.trim_end_matches('!').as_bytes();
                ListedVersion::read(version, record.to_string().as_bytes()).expect("a version")
            })
            .collect();
        let requirement = VersionReq::parse(requirement).expect("a requirement");
        let rust = version("1.85.1");
        let releases = Releases::of(&listed, &version(locked), &requirement, Some(&rust));
        let actual = releases.map(|releases| (releases.yanked, releases.newest));
        assert_eq!(actual, expected.map(|(yanked, newest)| (yanked, newest.map(version))));
    }

    #[test]
    fn newest_version_that_satisfies_the_requirement_is_found() {
        check("1.2.3 1.2.10 1.2.9 2.0.0", "1.2.3", "1.2", Some((false, Some("1.2.10"))));
        check("1.2.3 1.3.0", "1.2.3", "~1.2", Some((false, None)));
        check("1.2.3 1.2.4", "1.2.3", "=1.2.3", Some((false, None)));
        check("1.2.2 1.2.3", "1.2.3", "1", Some((false, None)));
    }

    #[test]
    fn yanked_versions_are_not_suggested_and_a_yanked_locked_version_is_marked() {
        check("1.2.3! 1.2.4 1.2.5!", "1.2.3", "1.2", Some((true, Some("1.2.4"))));
        check("1.2.3! 1.2.4!", "1.2.3", "1.2", Some((true, None)));
    }

    #[test]
    fn pre_releases_are_suggested_only_for_a_locked_pre_release() {
        check("1.0.0 1.0.1-rc.1", "1.0.0", ">=1.0.0, <=1.0.1-rc.1", Some((false, None)));
        check(
            "1.0.0-rc.1 1.0.0-rc.2",
            "1.0.0-rc.1",
            "1.0.0-rc.1",
            Some((false, Some("1.0.0-rc.2"))),
        );
        check("1.0.0-rc.1 1.0.0", "1.0.0-rc.1", "1.0.0-rc.1", Some((false, Some("1.0.0"))));
    }

    #[test]
    fn versions_that_require_a_newer_rust_are_not_suggested() {
        let listed = "1.0.0@1.60 1.0.1@1.85 1.0.2@1.86 1.0.3@1.85.2";
        check(listed, "1.0.0", "1", Some((false, Some("1.0.1"))));
        check("1.0.0 1.0.1@nonsense", "1.0.0", "1", Some((false, Some("1.0.1"))));
    }

    #[test]
    fn outdated_cache_without_the_locked_version_yields_nothing() {
        check("1.2.3 1.2.4", "1.2.5", "1.2", None);
    }
}
