//! A lock file as who depends on whom.

use std::collections::{BTreeSet, HashMap};

use crate::{model::lockfile::Lockfile, text::SourceText, verdict::PackageRef};

/// The entries of a lock file.
#[derive(Debug, Default)]
pub(in crate::fix) struct LockGraph {
    entries: Vec<LockGraphEntry>,
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct LockGraphEntry {
    package: PackageRef,
    /// Which ones it depends on.
    depends: Vec<usize>,
    /// Which ones depend on it.
    holders: Vec<usize>,
}

impl LockGraph {
    /// Reads a lock file; one that cannot be read holds nothing.
    pub(in crate::fix) fn read(text: &SourceText) -> Self {
        let packages = Lockfile::graph(text.as_str()).unwrap_or_default();
        let mut holders = vec![Vec::new(); packages.len()];
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(index);
            for dependency in &package.dependencies {
                if holders[*dependency].last() != Some(&index) {
                    holders[*dependency].push(index);
                }
            }
        }
        let entries = packages.into_iter().zip(holders).map(|(package, holders)| LockGraphEntry {
            depends: package.dependencies,
            holders,
            package: PackageRef {
                name: package.name,
                version: package.version.to_string(),
                source: package.source,
            },
        });
        Self { entries: entries.collect(), by_name }
    }

    /// All packages.
    pub(super) fn packages(&self) -> impl Iterator<Item = &PackageRef> {
        self.entries.iter().map(|entry| &entry.package)
    }

    /// What depends on `package` directly.
    pub(super) fn holders<'l>(
        &'l self,
        package: &'l PackageRef,
    ) -> impl Iterator<Item = &'l PackageRef> {
        let same = self.named(&package.name).filter(|entry| is_same(&entry.package, package));
        same.flat_map(|entry| &entry.holders).map(|index| &self.entries[*index].package)
    }

    /// What local packages depend on directly.
    pub(in crate::fix) fn required_locally(&self) -> impl Iterator<Item = &PackageRef> {
        let locals = self.entries.iter().filter(|entry| entry.package.source.is_none());
        let named: BTreeSet<usize> =
            locals.flat_map(|entry| entry.depends.iter().copied()).collect();
        let named = named.into_iter().map(|index| &self.entries[index].package);
        named.filter(|package| package.source.is_some())
    }

    /// What `package` depends on directly.
    pub(super) fn depends<'l>(
        &'l self,
        package: &'l PackageRef,
    ) -> impl Iterator<Item = &'l PackageRef> {
        let entry = self.named(&package.name).find(|entry| entry.package == *package);
        let depends = entry.into_iter().flat_map(|entry| &entry.depends);
        depends.map(|index| &self.entries[*index].package)
    }

    /// Whether it holds this version of the package.
    pub(in crate::fix) fn holds(&self, name: &str, version: &str) -> bool {
        self.named(name).any(|entry| entry.package.version == version)
    }

    /// The versions of a package.
    pub(in crate::fix) fn versions<'l>(&'l self, name: &'l str) -> impl Iterator<Item = &'l str> {
        self.named(name).map(|entry| entry.package.version.as_str())
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &LockGraphEntry> {
        self.by_name.get(name).into_iter().flatten().map(|index| &self.entries[*index])
    }
}

/// Lock files leave out sources where the version tells them.
pub(super) fn is_same(dependency: &PackageRef, package: &PackageRef) -> bool {
    dependency.name == package.name
        && dependency.version == package.version
        && (dependency.source.is_none() || dependency.source == package.source)
}
