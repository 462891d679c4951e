//! The dependency graph of a lockfile.

use std::collections::{BTreeSet, HashMap};

use semver::Version;

use crate::{model::lockfile::Lockfile, text::SourceText, verdict::PackageRef};

/// The packages of a lockfile with their dependencies and dependents.
#[derive(Debug, Default)]
pub(in crate::fix) struct LockGraph {
    entries: Vec<LockGraphEntry>,
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct LockGraphEntry {
    package: PackageRef,
    /// Indexes of the packages that it depends on.
    dependencies: Vec<usize>,
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
                dependencies: package.dependencies,
                dependents,
                package: PackageRef {
                    name: package.name,
                    version: package.version,
                    source: package.source,
                },
            });
        Self { entries: entries.collect(), by_name }
    }

    /// All packages.
    pub(super) fn packages(&self) -> impl Iterator<Item = &PackageRef> {
        self.entries.iter().map(|entry| &entry.package)
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

    /// The direct dependencies of local packages.
    pub(in crate::fix) fn required_locally(&self) -> impl Iterator<Item = &PackageRef> {
        let locals = self.entries.iter().filter(|entry| entry.package.source.is_none());
        let named: BTreeSet<usize> =
            locals.flat_map(|entry| entry.dependencies.iter().copied()).collect();
        let named = named.into_iter().map(|index| &self.entries[index].package);
        named.filter(|package| package.source.is_some())
    }

    /// The direct dependencies of `package`.
    pub(super) fn dependencies<'l>(
        &'l self,
        package: &'l PackageRef,
    ) -> impl Iterator<Item = &'l PackageRef> {
        let entry = self.named(&package.name).find(|entry| entry.package == *package);
        let dependencies = entry.into_iter().flat_map(|entry| &entry.dependencies);
        dependencies.map(|index| &self.entries[*index].package)
    }

    /// Whether it holds this version of the package.
    pub(in crate::fix) fn holds(&self, name: &str, version: &Version) -> bool {
        self.named(name).any(|entry| entry.package.version == *version)
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
