//! The dependency graph of a lockfile.

use std::collections::{BTreeSet, HashMap};

use semver::Version;

use crate::{model::lockfile::Lockfile, text::SourceText, verdict::PackageRef};

/// The packages of a lockfile with their dependencies and dependents.
#[derive(Clone, Debug, Default)]
pub(in crate::fix) struct LockGraph {
    entries: Vec<LockGraphEntry>,
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Clone, Debug)]
struct LockGraphEntry {
    package: PackageRef,
    /// Indexes of the packages that depend on it.
    dependents: Vec<usize>,
}

impl LockGraph {
    /// Reads a lockfile; an unreadable one is empty.
    pub(in crate::fix) fn read(text: &SourceText) -> Self {
        let packages = Lockfile::graph(text.as_str()).unwrap_or_default();
        let mut dependents = vec![Vec::new(); packages.len()];
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(index);
            for dependency in &package.dependencies {
                if dependents[*dependency].last() != Some(&index) {
                    dependents[*dependency].push(index);
                }
            }
        }
        let entries =
            packages.into_iter().zip(dependents).map(|(package, dependents)| LockGraphEntry {
                dependents,
                package: PackageRef {
                    name: package.name,
                    version: package.version,
                    source: package.source,
                },
            });
        Self { entries: entries.collect(), by_name }
    }

    /// The packages that directly depend on `package`.
    pub(in crate::fix) fn dependents<'l>(
        &'l self,
        package: &'l PackageRef,
    ) -> impl Iterator<Item = &'l PackageRef> {
        let same =
            self.named(&package.name).filter(|entry| is_same_package(&entry.package, package));
        same.flat_map(|entry| &entry.dependents).map(|index| &self.entries[*index].package)
    }

    /// Whether it holds the package.
    pub(in crate::fix) fn holds_package(&self, package: &PackageRef) -> bool {
        self.named(&package.name).any(|entry| is_same_package(&entry.package, package))
    }

    /// The packages from which a package can be reached.
    pub(in crate::fix) fn all_dependents(&self, package: &PackageRef) -> BTreeSet<&PackageRef> {
        let is_it = |entry: &&LockGraphEntry| is_same_package(&entry.package, package);
        let start = self.named(&package.name).filter(is_it);
        let mut open: Vec<usize> = start.flat_map(|entry| entry.dependents.clone()).collect();
        let mut found = BTreeSet::new();
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(&self.entries[at].dependents);
            }
        }
        found.into_iter().map(|at| &self.entries[at].package).collect()
    }

    /// The versions of a package.
    pub(in crate::fix) fn versions<'l>(
        &'l self,
        name: &'l str,
    ) -> impl Iterator<Item = &'l Version> {
        self.named(name).map(|entry| &entry.package.version)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &LockGraphEntry> {
        self.by_name.get(name).into_iter().flatten().map(|index| &self.entries[*index])
    }
}

/// Whether a dependency is this package. Lockfiles leave out the source where it is unambiguous.
pub(super) fn is_same_package(dependency: &PackageRef, package: &PackageRef) -> bool {
    dependency.name == package.name
        && dependency.version == package.version
        && (dependency.source.is_none() || dependency.source == package.source)
}
