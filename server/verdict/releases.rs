//! What cargo's index cache says about the versions of a declared package: read from the disk, with
//! no network and no process, and as old as the cache.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use cargo_deny::{Krate, Krates, Source};
use rayon::prelude::{IntoParallelIterator as _, ParallelIterator as _};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{PackageRef, index::Index};

/// The versions of a package as its registry listed them when cargo last asked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Releases {
    /// The locked version was withdrawn.
    pub yanked: bool,
    /// The newest version that the requirement and the declaring package's Rust version admit,
    /// where it is newer than the locked one.
    pub newest: Option<String>,
}

/// A version as the index lists it.
#[derive(Debug)]
pub(super) struct Listed {
    version: Version,
    record: Record,
}

/// What is read of a version's record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    yanked: bool,
    /// The oldest Rust that compiles it: two or three numbers.
    rust_version: Option<String>,
}

/// A version of a package in its registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// Which.
    pub(crate) version: Version,
    /// It was withdrawn.
    pub(crate) yanked: bool,
    /// The oldest Rust that compiles it, where it says so.
    pub(crate) rust: Option<Version>,
    /// What it requires, but for its own tests.
    pub(crate) requires: Vec<Required>,
}

/// What a version of a package requires of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// The other package, by its own name.
    pub(crate) package: String,
    /// Which versions of it, as the index states it.
    pub(crate) requirement: String,
    /// Only with a feature.
    pub(crate) optional: bool,
}

/// What of a version's record a [`Release`] tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WholeRecord {
    yanked: bool,
    rust_version: Option<String>,
    deps: Vec<IndexDependency>,
}

#[derive(Debug, Deserialize)]
struct IndexDependency {
    name: String,
    /// The package's own name, where `name` is another one.
    package: Option<String>,
    req: String,
    #[serde(default)]
    optional: bool,
    kind: Option<String>,
}

/// The versions of a package by cargo's index cache, oldest first; `None` where that does not know
/// it. `root` is the folder of the workspace, whose configuration says where crates.io's index is.
pub(crate) fn releases(package: &PackageRef, root: &Utf8Path) -> Option<Vec<Release>> {
    let (kind, url) = package.source.as_deref()?.split_once('+')?;
    let source = match kind {
        "registry" if url == tame_index::CRATES_IO_INDEX => Source::crates_io(true),
        "registry" => Source::Registry(Url::parse(url).ok()?),
        "sparse" => Source::Sparse(Url::parse(package.source.as_deref()?).ok()?),
        _ => return None,
    };
    let mut releases = Index::of(&source, root).records_of(&package.name, Release::read)?;
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    Some(releases)
}

impl Release {
    /// One of which nothing more is known.
    pub(crate) fn named(version: Version) -> Self {
        Self { version, yanked: false, rust: None, requires: Vec::new() }
    }

    /// A line of the index: a version and its record, in JSON.
    fn read(version: &[u8], record: &[u8]) -> Option<Self> {
        let version = Version::parse(str::from_utf8(version).ok()?).ok()?;
        let record: WholeRecord = serde_json::from_slice(record).ok()?;
        let deps = record.deps.into_iter();
        let requires = deps.filter(|one| one.kind.as_deref() != Some("dev")).map(|one| Required {
            package: one.package.unwrap_or(one.name),
            requirement: one.req,
            optional: one.optional,
        });
        Some(Self {
            version,
            yanked: record.yanked,
            rust: record.rust_version.as_deref().and_then(rust_version),
            requires: requires.collect(),
        })
    }
}

/// `1.85` and `1.85.1`, as manifests and the index state the oldest Rust.
pub(crate) fn rust_version(stated: &str) -> Option<Version> {
    let mut numbers = stated.trim().split('.').map(|number| number.parse().ok());
    let version = Version::new(numbers.next()??, numbers.next().unwrap_or(Some(0))?, {
        numbers.next().unwrap_or(Some(0))?
    });
    numbers.next().is_none().then_some(version)
}

impl Listed {
    /// A line of the index: a version and its record, in JSON.
    pub(super) fn read(version: &[u8], record: &[u8]) -> Option<Self> {
        let version = Version::parse(str::from_utf8(version).ok()?).ok()?;
        Some(Self { version, record: serde_json::from_slice(record).ok()? })
    }

    /// Whether `rust` compiles it, as far as it says. Cargo prefers such versions, too.
    fn suits(&self, rust: &Version) -> bool {
        let stated = self.record.rust_version.as_deref();
        let oldest = stated.and_then(|stated| VersionReq::parse(&format!(">={stated}")).ok());
        oldest.is_none_or(|oldest| oldest.matches(rust))
    }
}

impl Releases {
    /// What a list of versions means for a locked version, of which a package with this Rust
    /// version requires this; `None` when the list does not know that version: then it tells of
    /// another time.
    pub(super) fn of(
        listed: &[Listed],
        locked: &Version,
        requirement: &VersionReq,
        rust: Option<&Version>,
    ) -> Option<Self> {
        let yanked = listed.iter().find(|one| one.version == *locked)?.record.yanked;
        // A pre-release is news only for those who use one already.
        let is_news = |version: &Version| version.pre.is_empty() || !locked.pre.is_empty();
        let newest = listed
            .iter()
            .filter(|one| !one.record.yanked && rust.is_none_or(|rust| one.suits(rust)))
            .map(|one| &one.version)
            .filter(|&version| version > locked && is_news(version) && requirement.matches(version))
            .max();
        Some(Self { yanked, newest: newest.map(Version::to_string) })
    }
}

/// All versions of the packages that local manifests declare.
pub(super) struct Listings<'g>(BTreeMap<(&'g str, &'g Source), Vec<Listed>>);

impl<'g> Listings<'g> {
    /// Reads cargo's index cache. What it does not tell is left out.
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
            Some(((name, source), indices.get(source)?.listing(name)?))
        });
        Self(read.collect::<Vec<_>>().into_iter().collect())
    }

    pub(super) fn of(&self, krate: &'g Krate) -> Option<&[Listed]> {
        self.0.get(&key(krate)?).map(Vec::as_slice)
    }
}

fn key(krate: &Krate) -> Option<(&str, &Source)> {
    let source = krate.source.as_ref().filter(|source| source.is_registry())?;
    Some((krate.name.as_str(), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `listed` are versions, those that were yanked with a `!` behind them, those that need a
    /// Rust with that behind an `@`.
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
                Listed::read(version, record.to_string().as_bytes()).expect("a version")
            })
            .collect();
        let requirement = VersionReq::parse(requirement).expect("a requirement");
        let rust = version("1.85.1");
        let releases = Releases::of(&listed, &version(locked), &requirement, Some(&rust));
        let told = releases.as_ref().map(|releases| (releases.yanked, releases.newest.as_deref()));
        assert_eq!(told, expected);
    }

    #[test]
    fn the_newest_that_the_requirement_admits() {
        check("1.2.3 1.2.10 1.2.9 2.0.0", "1.2.3", "1.2", Some((false, Some("1.2.10"))));
        check("1.2.3 1.3.0", "1.2.3", "~1.2", Some((false, None)));
        check("1.2.3 1.2.4", "1.2.3", "=1.2.3", Some((false, None)));
        check("1.2.2 1.2.3", "1.2.3", "1", Some((false, None)));
    }

    #[test]
    fn yanked_versions_are_not_news_and_the_locked_one_is_told() {
        check("1.2.3! 1.2.4 1.2.5!", "1.2.3", "1.2", Some((true, Some("1.2.4"))));
        check("1.2.3! 1.2.4!", "1.2.3", "1.2", Some((true, None)));
    }

    #[test]
    fn pre_releases_are_news_only_for_a_locked_one() {
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
    fn versions_that_need_a_newer_rust_are_not_news() {
        let listed = "1.0.0@1.60 1.0.1@1.85 1.0.2@1.86 1.0.3@1.85.2";
        check(listed, "1.0.0", "1", Some((false, Some("1.0.1"))));
        check("1.0.0 1.0.1@nonsense", "1.0.0", "1", Some((false, Some("1.0.1"))));
    }

    #[test]
    fn a_cache_that_does_not_know_the_locked_version_says_nothing() {
        check("1.2.3 1.2.4", "1.2.5", "1.2", None);
    }
}
