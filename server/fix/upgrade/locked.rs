//! A lock file as who depends on whom.

use cargo_lock::Lockfile;

use crate::{text::SourceText, verdict::PackageRef};

/// The entries of a lock file.
#[derive(Debug, Default)]
pub(in crate::fix) struct Locked {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    package: PackageRef,
    depends: Vec<PackageRef>,
}

impl Locked {
    /// Reads a lock file; one that cannot be read holds nothing.
    pub(in crate::fix) fn read(text: &SourceText) -> Self {
        let Ok(lock) = text.as_str().parse::<Lockfile>() else { return Self::default() };
        let entries = lock.packages.into_iter().map(|package| Entry {
            depends: package
                .dependencies
                .iter()
                .map(|one| PackageRef {
                    name: one.name.to_string(),
                    version: one.version.to_string(),
                    source: one.source.as_ref().map(ToString::to_string),
                })
                .collect(),
            package: PackageRef {
                name: package.name.to_string(),
                version: package.version.to_string(),
                source: package.source.map(|source| source.to_string()),
            },
        });
        Self { entries: entries.collect() }
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
        let all = self.entries.iter();
        all.filter(|entry| entry.depends.iter().any(|one| is_same(one, package)))
            .map(|entry| &entry.package)
    }

    /// What local packages depend on directly.
    pub(in crate::fix) fn required_locally(&self) -> impl Iterator<Item = &PackageRef> {
        let locals = self.entries.iter().filter(|entry| entry.package.source.is_none());
        let named: Vec<_> = locals.flat_map(|entry| &entry.depends).collect();
        let is_named = move |package: &&PackageRef| named.iter().any(|one| is_same(one, package));
        self.packages().filter(|package| package.source.is_some()).filter(is_named)
    }

    /// What `package` depends on directly.
    pub(super) fn depends<'l>(
        &'l self,
        package: &'l PackageRef,
    ) -> impl Iterator<Item = &'l PackageRef> {
        let entry = self.entries.iter().find(|entry| entry.package == *package);
        entry.into_iter().flat_map(|entry| &entry.depends)
    }

    /// Whether it holds this version of the package.
    pub(in crate::fix) fn holds(&self, name: &str, version: &str) -> bool {
        self.packages().any(|one| one.name == name && one.version == version)
    }

    /// The versions of a package.
    pub(in crate::fix) fn versions<'l>(&'l self, name: &'l str) -> impl Iterator<Item = &'l str> {
        self.packages().filter(move |one| one.name == name).map(|one| one.version.as_str())
    }
}

/// Lock files leave out sources where the version tells them.
pub(super) fn is_same(dependency: &PackageRef, package: &PackageRef) -> bool {
    dependency.name == package.name
        && dependency.version == package.version
        && (dependency.source.is_none() || dependency.source == package.source)
}
