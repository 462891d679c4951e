//! The packages that the solver chooses from: those of the lockfile, and every version in cargo's copy of the
//! registries' indices.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use semver::{Version, VersionReq};

use super::{package_versions::PackageVersions, range::Range};
use crate::{
    model::lockfile::{LockedPackage, is_registry},
    verdict::{IndexHistory, PackageRef},
};

/// A package without its version: name and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CrateId(usize);

/// A dependency, with the package that it names.
#[derive(Clone, Debug)]
pub(super) struct Required {
    /// The name in the manifest.
    pub(super) key: String,
    pub(super) package: CrateId,
    pub(super) requirement: VersionReq,
    pub(super) optional: bool,
    pub(super) default_features: bool,
    pub(super) features: Vec<String>,
    /// See [`Packages::ranges`].
    pub(super) ranges: OnceCell<Rc<[Range]>>,
}

/// A version of a package.
#[derive(Debug, Default)]
pub(super) struct Release {
    pub(super) yanked: bool,
    pub(super) rust: Option<Version>,
    pub(super) links: Option<String>,
    pub(super) checksum: Option<String>,
    pub(super) dependencies: Vec<Required>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// The index does not list it: what it requires was guessed from the lockfile, and it has every feature.
    pub(super) is_guessed: bool,
    /// The features that it states and that require something of a dependency.
    requiring: OnceCell<BTreeSet<String>>,
}

impl Release {
    /// The dependencies that are used whatever the features.
    pub(super) fn unconditional(&self) -> impl Iterator<Item = &Required> {
        self.dependencies.iter().filter(|one| !one.optional)
    }

    /// Whether it has a feature, also one that an optional dependency implies.
    pub(super) fn has_feature(&self, feature: &str) -> bool {
        self.is_guessed || self.features.contains_key(feature) || self.is_implied(feature)
    }

    /// Whether a feature requires a dependency, or a feature of one; one that it does not have does not.
    pub(super) fn requires_more_with(&self, feature: &str) -> bool {
        if !self.features.contains_key(feature) {
            return self.dependencies.iter().any(|one| one.key == feature)
                && self.has_feature(feature);
        }
        self.requiring.get_or_init(|| self.requiring_features()).contains(feature)
    }

    fn requiring_features(&self) -> BTreeSet<String> {
        let mut enabled_by: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut open = Vec::new();
        for (feature, values) in &self.features {
            for value in values {
                if self.features.contains_key(value) {
                    enabled_by.entry(value).or_default().push(feature);
                } else {
                    open.push(feature.as_str());
                }
            }
        }
        let mut requiring = BTreeSet::new();
        while let Some(feature) = open.pop() {
            if requiring.insert(feature.to_owned()) {
                open.extend(enabled_by.get(feature).into_iter().flatten());
            }
        }
        requiring
    }

    /// Whether an optional dependency implies the feature: no other feature names it with `dep:`.
    fn is_implied(&self, feature: &str) -> bool {
        let is_named = |value: &String| value.strip_prefix("dep:") == Some(feature);
        self.dependencies.iter().any(|one| one.optional && one.key == feature)
            && !self.features.values().flatten().any(is_named)
    }
}

struct KnownCrate {
    name: String,
    source: String,
    /// `None` if cargo has no copy of the index entry.
    history: Option<Arc<IndexHistory>>,
    /// All versions: those of the index and of the lockfile, oldest first.
    versions: Rc<Vec<Version>>,
    /// Those of the lockfile.
    locked: Rc<[Version]>,
    /// The versions with which `[patch]` replaces the package: one of a registry depends on them, and they are not from there.
    patches: Vec<Version>,
    releases: HashMap<Version, Rc<Release>>,
}

/// A package in the lockfile that comes from a registry.
#[derive(Clone, Debug)]
pub(super) struct Locked {
    pub(super) id: CrateId,
    pub(super) version: Version,
}

/// All packages that the solver has asked for.
pub(super) struct Packages<'p> {
    index: &'p PackageVersions,
    /// The packages of the lockfile, in the order of the file.
    lockfile: &'p [LockedPackage],
    /// The packages of the lockfile by their names.
    by_name: HashMap<&'p str, Vec<usize>>,
    /// The positions of the packages on which those of registries depend.
    required_by_registry: HashSet<usize>,
    known: RefCell<Vec<KnownCrate>>,
    ids: RefCell<HashMap<(String, String), CrateId>>,
}

impl<'p> Packages<'p> {
    pub(super) fn new(index: &'p PackageVersions, lockfile: &'p [LockedPackage]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, package) in lockfile.iter().enumerate() {
            by_name.entry(&package.name).or_default().push(position);
        }
        let of_registries =
            lockfile.iter().filter(|one| one.source.as_deref().is_some_and(is_registry));
        let required_by_registry =
            of_registries.flat_map(|one| one.dependencies.iter().copied()).collect();
        let (known, ids) = (RefCell::default(), RefCell::default());
        Self { index, lockfile, by_name, required_by_registry, known, ids }
    }

    pub(super) fn lockfile(&self) -> &'p [LockedPackage] {
        self.lockfile
    }

    /// The packages of the lockfile with this name, with their positions.
    pub(super) fn locked_named(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (usize, &'p LockedPackage)> {
        let lockfile = self.lockfile;
        self.by_name.get(name).into_iter().flatten().map(move |at| (*at, &lockfile[*at]))
    }

    /// The locked versions of a package.
    pub(super) fn locked_versions(&self, id: CrateId) -> Rc<[Version]> {
        Rc::clone(&self.known.borrow()[id.0].locked)
    }

    /// The locked version in a range.
    pub(super) fn locked_in(&self, id: CrateId, range: Range) -> Option<Version> {
        let known = self.known.borrow();
        known[id.0].locked.iter().find(|version| Range::of(version) == range).cloned()
    }

    /// The packages of registries in the lockfile.
    pub(super) fn locked(&self) -> Vec<Locked> {
        let from_registries = self.lockfile.iter().filter_map(|one| {
            let source = one.source.as_deref().filter(|source| is_registry(source))?;
            Some(Locked { id: self.id(&one.name, source), version: one.version.clone() })
        });
        from_registries.collect()
    }

    pub(super) fn id(&self, name: &str, source: &str) -> CrateId {
        let key = (name.to_owned(), source.to_owned());
        if let Some(id) = self.ids.borrow().get(&key) {
            return *id;
        }
        let history = self.index.index_history(name, Some(source));
        let mut versions: Vec<Version> = history
            .iter()
            .flat_map(|history| history.lines())
            .map(|line| line.version.clone())
            .collect();
        let same_source = |one: &&LockedPackage| one.source.as_deref() == Some(source);
        let locked = self.locked_named(name).map(|(_, one)| one).filter(same_source);
        let locked: Rc<[Version]> = locked.map(|one| one.version.clone()).collect();
        for version in locked.iter() {
            if let Err(at) = versions.binary_search(version) {
                versions.insert(at, version.clone());
            }
        }
        let is_patch = |(at, one): &(usize, &LockedPackage)| {
            !one.source.as_deref().is_some_and(is_registry)
                && self.required_by_registry.contains(at)
        };
        let patches = self.locked_named(name).filter(is_patch);
        let patches = patches.map(|(_, one)| one.version.clone()).collect();
        let mut known = self.known.borrow_mut();
        let id = CrateId(known.len());
        known.push(KnownCrate {
            name: name.to_owned(),
            source: source.to_owned(),
            history,
            versions: Rc::new(versions),
            locked,
            patches,
            releases: HashMap::new(),
        });
        drop(known);
        self.ids.borrow_mut().insert(key, id);
        id
    }

    pub(super) fn name(&self, id: CrateId) -> String {
        self.known.borrow()[id.0].name.clone()
    }

    pub(super) fn source(&self, id: CrateId) -> String {
        self.known.borrow()[id.0].source.clone()
    }

    pub(super) fn package(&self, id: CrateId, version: &Version) -> PackageRef {
        PackageRef { name: self.name(id), version: version.clone(), source: Some(self.source(id)) }
    }

    /// All versions, oldest first; empty if neither the index nor the lockfile has any.
    pub(super) fn versions(&self, id: CrateId) -> Rc<Vec<Version>> {
        Rc::clone(&self.known.borrow()[id.0].versions)
    }

    /// The ranges with a version that matches a requirement: the locked ones first, then the newest.
    pub(super) fn ranges<'r>(&self, required: &'r Required) -> &'r [Range] {
        required.ranges.get_or_init(|| {
            let versions = self.versions(required.package);
            let matching = versions.iter().filter(|one| required.requirement.matches(one));
            let mut ranges: Vec<Range> = matching.map(Range::of).collect();
            ranges.sort_unstable();
            ranges.dedup();
            ranges.reverse();
            ranges.sort_by_key(|range| self.locked_in(required.package, *range).is_none());
            ranges.into()
        })
    }

    /// Whether `[patch]` replaces the package for this requirement.
    pub(super) fn is_patched(&self, id: CrateId, requirement: &VersionReq) -> bool {
        self.known.borrow()[id.0].patches.iter().any(|version| requirement.matches(version))
    }

    /// Whether a version is locked or downloaded.
    pub(super) fn is_present(&self, id: CrateId, version: &Version) -> bool {
        let known = self.known.borrow();
        let KnownCrate { name, locked, .. } = &known[id.0];
        locked.contains(version) || self.index.is_downloaded(name, version)
    }

    /// What a version requires.
    pub(super) fn release(&self, id: CrateId, version: &Version) -> Rc<Release> {
        if let Some(known) = self.known.borrow()[id.0].releases.get(version) {
            return Rc::clone(known);
        }
        let history = self.known.borrow()[id.0].history.clone();
        let listed = history.and_then(|history| history.release(version));
        let release = match listed {
            Some(listed) => {
                let own_source = self.source(id);
                let dependencies = listed.dependencies.iter().map(|one| Required {
                    key: one.key.clone(),
                    package: match &one.registry {
                        Some(registry) => self.id(&one.package, &registry_source(registry)),
                        None => self.id(&one.package, &own_source),
                    },
                    requirement: one.requirement.clone(),
                    optional: one.optional,
                    default_features: one.default_features,
                    features: one.features.clone(),
                    ranges: OnceCell::new(),
                });
                Release {
                    yanked: listed.yanked,
                    rust: listed.rust.clone(),
                    links: listed.links.clone(),
                    checksum: listed.checksum.clone(),
                    dependencies: dependencies.collect(),
                    features: listed.features.clone(),
                    is_guessed: false,
                    requiring: OnceCell::new(),
                }
            }
            None => self.guessed(id, version),
        };
        let release = Rc::new(release);
        let mut known = self.known.borrow_mut();
        known[id.0].releases.insert(version.clone(), Rc::clone(&release));
        release
    }

    /// What a locked version requires that the index does not list: compatible versions of what it has now.
    fn guessed(&self, id: CrateId, version: &Version) -> Release {
        let (name, source) = (self.name(id), self.source(id));
        let is_it = |one: &&LockedPackage| {
            one.version == *version && one.source.as_deref() == Some(source.as_str())
        };
        let locked = self.locked_named(&name).map(|(_, one)| one).find(is_it);
        let dependencies = locked.into_iter().flat_map(|one| &one.dependencies);
        let required = dependencies.filter_map(|at| {
            let dependency = &self.lockfile[*at];
            let source = dependency.source.as_deref().filter(|source| is_registry(source))?;
            Some(Required {
                key: dependency.name.clone(),
                package: self.id(&dependency.name, source),
                requirement: compatible_with(&dependency.version),
                optional: false,
                default_features: false,
                features: Vec::new(),
                ranges: OnceCell::new(),
            })
        });
        Release { dependencies: required.collect(), is_guessed: true, ..Release::default() }
    }
}

/// The requirement of all versions that are compatible with this one and not older.
pub(super) fn compatible_with(version: &Version) -> VersionReq {
    VersionReq::parse(&format!("^{version}")).unwrap_or(VersionReq::STAR)
}

/// The source of a package as lockfiles state it, from the URL of its registry's index.
fn registry_source(url: &str) -> String {
    if url.starts_with("sparse+") { url.to_owned() } else { format!("registry+{url}") }
}
