//! All versions of a package in cargo's copy of the index, with what cargo's resolver looks at. Records are
//! parsed when they are needed: an entry may have hundreds.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use camino::Utf8Path;
use cargo_deny::Source;
use semver::{Version, VersionReq};
use serde::Deserialize;
use url::Url;

use super::{index::Index, releases::rust_version};

/// The versions of a package in its registry, oldest first.
#[derive(Debug, Default)]
pub(crate) struct IndexHistory {
    lines: Vec<IndexLine>,
}

/// One version and its record in the index.
#[derive(Debug)]
pub(crate) struct IndexLine {
    /// The version.
    pub(crate) version: Version,
    record: Box<[u8]>,
    release: OnceLock<Option<Arc<IndexRelease>>>,
}

/// What the index says about a version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IndexRelease {
    /// It is yanked.
    pub(crate) yanked: bool,
    /// The minimum Rust version, if stated.
    pub(crate) rust: Option<Version>,
    /// The native library that only one package of a graph may link to.
    pub(crate) links: Option<String>,
    /// The checksum of its archive.
    pub(crate) checksum: Option<String>,
    /// Its dependencies, without dev-dependencies.
    pub(crate) dependencies: Vec<IndexDependency>,
    /// Its features with what they enable, without those that optional dependencies imply.
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// A dependency of a version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexDependency {
    /// The name in the manifest, by which features refer to it.
    pub(crate) key: String,
    /// The name of the package.
    pub(crate) package: String,
    /// The index of its registry, if that is another one.
    pub(crate) registry: Option<String>,
    /// The requirement.
    pub(crate) requirement: VersionReq,
    /// It is optional.
    pub(crate) optional: bool,
    /// Its default features are enabled.
    pub(crate) default_features: bool,
    /// The features that are enabled.
    pub(crate) features: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    yanked: bool,
    rust_version: Option<String>,
    links: Option<String>,
    cksum: Option<String>,
    deps: Vec<RecordDependency>,
    features: BTreeMap<String, Vec<String>>,
    features2: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct RecordDependency {
    name: String,
    /// The package's name, if `name` is another one.
    package: Option<String>,
    registry: Option<String>,
    req: String,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    #[serde(default)]
    features: Vec<String>,
    kind: Option<String>,
}

fn yes() -> bool {
    true
}

/// Cargo's copy of the index of one registry.
pub(crate) struct RegistryIndex(Index);

impl RegistryIndex {
    /// The index of the registry that `source` names in a lockfile; `None` if it names none. `root` is the folder of the
    /// workspace, whose cargo configuration may replace crates.io's index.
    pub(crate) fn of(source: &str, root: &Utf8Path) -> Option<Self> {
        let (kind, url) = source.split_once('+')?;
        let registry = match kind {
            "registry" if url == tame_index::CRATES_IO_INDEX => Source::crates_io(true),
            "registry" => Source::Registry(Url::parse(url).ok()?),
            "sparse" => Source::Sparse(Url::parse(source).ok()?),
            _ => return None,
        };
        Some(Self(Index::of(&registry, root)))
    }
}

impl IndexHistory {
    /// The versions of a package; `None` if cargo has no copy of its entry.
    pub(crate) fn of(name: &str, index: &RegistryIndex) -> Option<Self> {
        Some(Self::from_lines(index.0.records_of(name, IndexLine::read)?))
    }

    fn from_lines(mut lines: Vec<IndexLine>) -> Self {
        lines.sort_by(|a, b| a.version.cmp(&b.version));
        Self { lines }
    }

    /// For tests: an entry with these versions and records.
    #[cfg(test)]
    pub(crate) fn of_records(records: &[(String, String)]) -> Self {
        let read = |(version, record): &(String, String)| {
            IndexLine::read(version.as_bytes(), record.as_bytes())
        };
        Self::from_lines(records.iter().filter_map(read).collect())
    }

    /// The versions, oldest first.
    pub(crate) fn lines(&self) -> &[IndexLine] {
        &self.lines
    }

    /// What the index says about a version; `None` if it does not list it or the record is unreadable.
    pub(crate) fn release(&self, version: &Version) -> Option<Arc<IndexRelease>> {
        let found = self.lines.binary_search_by(|line| line.version.cmp(version));
        found.ok().and_then(|index| self.lines[index].release())
    }
}

impl IndexLine {
    fn read(version: &[u8], record: &[u8]) -> Option<Self> {
        let version = Version::parse(str::from_utf8(version).ok()?).ok()?;
        Some(Self { version, record: record.into(), release: OnceLock::new() })
    }

    /// The parsed record; `None` if it is unreadable.
    pub(crate) fn release(&self) -> Option<Arc<IndexRelease>> {
        let parse = || {
            let record: Record = serde_json::from_slice(&self.record).ok()?;
            record.release().map(Arc::new)
        };
        self.release.get_or_init(parse).clone()
    }

    /// Whether it is yanked. An unreadable record counts as yanked: cargo does not take it.
    pub(crate) fn is_yanked(&self) -> bool {
        self.release().is_none_or(|release| release.yanked)
    }
}

impl Record {
    fn release(self) -> Option<IndexRelease> {
        let is_used = |one: &RecordDependency| one.kind.as_deref() != Some("dev");
        let dependencies = self.deps.into_iter().filter(is_used).map(|one| {
            Some(IndexDependency {
                package: one.package.unwrap_or_else(|| one.name.clone()),
                key: one.name,
                registry: one.registry,
                requirement: VersionReq::parse(&one.req).ok()?,
                optional: one.optional,
                default_features: one.default_features,
                features: one.features,
            })
        });
        let mut features = self.features;
        features.extend(self.features2);
        Some(IndexRelease {
            yanked: self.yanked,
            rust: self.rust_version.as_deref().and_then(rust_version),
            links: self.links,
            checksum: self.cksum,
            dependencies: dependencies.collect::<Option<_>>()?,
            features,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_has_what_the_resolver_of_cargo_looks_at() {
        let record = serde_json::json!({
            "name": "a", "vers": "1.0.0", "yanked": false, "cksum": "12", "links": "z", "rust_version": "1.70",
            "deps": [
                {"name": "alias", "package": "b", "req": "^1", "optional": true, "default_features": false,
                 "features": ["x"], "target": null, "kind": "normal"},
                {"name": "only-tests", "req": "^1", "kind": "dev"}
            ],
            "features": {"default": ["alias"]},
            "features2": {"more": ["dep:alias"]},
        });
        let line = IndexLine::read(b"1.0.0", record.to_string().as_bytes()).expect("a line");
        let release = line.release().expect("a record");
        assert_eq!(release.links.as_deref(), Some("z"));
        assert_eq!(release.rust, Some(Version::new(1, 70, 0)));
        assert_eq!(release.dependencies.len(), 1);
        let dependency = &release.dependencies[0];
        assert_eq!((dependency.key.as_str(), dependency.package.as_str()), ("alias", "b"));
        assert!(dependency.optional && !dependency.default_features);
        assert_eq!(release.features.len(), 2);
        assert!(!line.is_yanked());
    }

    #[test]
    fn unreadable_record_counts_as_yanked() {
        let line = IndexLine::read(b"1.0.0", b"nonsense").expect("a line");
        assert!(line.is_yanked());
    }
}
