//! The versions of packages in cargo's registry index, each entry read once; and the `rust-version` of
//! the workspace.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::{IntoParallelIterator as _, ParallelIterator as _};
use semver::Version;

use super::range::Range;
use crate::{
    facts::downloaded_archives,
    fix::Overlay,
    gate::{Texts as _, Verdict},
    model::{
        lockfile::{LockedPackage, is_registry},
        tree,
    },
    verdict::{IndexHistory, PackageRef, RegistryIndex, rust_version},
};

/// A package by its name and source.
type EntryKey = (String, Option<String>);

/// The registry's versions of packages, and the Rust version that they may require.
pub(crate) struct PackageVersions {
    /// The folder whose cargo configuration says where the index is.
    root: Utf8PathBuf,
    /// The oldest `rust-version` of a local package.
    pub(in crate::fix) rust: Option<Version>,
    read: Mutex<ReadEntries>,
    /// The names of the archives that cargo has downloaded.
    downloaded: OnceLock<HashSet<String>>,
}

#[derive(Default)]
struct ReadEntries {
    /// The indices of the registries, by their sources; `None` for a source that is no registry.
    indices: BTreeMap<String, Option<RegistryIndex>>,
    histories: BTreeMap<EntryKey, Arc<IndexHistory>>,
    /// The entries of which cargo had no copy.
    missing: BTreeSet<EntryKey>,
}

impl PackageVersions {
    /// For the workspace of `verdict`, whose manifests are read from `texts`.
    pub(crate) fn of(verdict: &Verdict, texts: &Overlay) -> Self {
        let workspace = &verdict.workspace;
        let mut manifests = vec![workspace.manifest.clone(), workspace.root.join("Cargo.toml")];
        manifests.extend(verdict.declared.iter().map(|one| one.file.to_path_buf()));
        manifests.sort();
        manifests.dedup();
        let rust = manifests.iter().flat_map(|manifest| rust_versions_of(texts, manifest)).min();
        let root = workspace.folder().to_owned();
        Self { root, rust, read: Mutex::default(), downloaded: OnceLock::new() }
    }

    /// For tests: an index of these entries, which are those of crates.io.
    #[cfg(test)]
    pub(super) fn of_entries(entries: Vec<(String, IndexHistory)>) -> Self {
        let source = Some(format!("registry+{}", tame_index::CRATES_IO_INDEX));
        let entries = entries.into_iter();
        let histories = entries.map(|(name, entry)| ((name, source.clone()), Arc::new(entry)));
        let read = ReadEntries { histories: histories.collect(), ..ReadEntries::default() };
        let (root, read) = (Utf8PathBuf::new(), Mutex::new(read));
        Self { root, rust: None, read, downloaded: OnceLock::new() }
    }

    /// The index entry of a package; `None` if cargo has no copy of it (yet).
    pub(in crate::fix) fn index_history(
        &self,
        name: &str,
        source: Option<&str>,
    ) -> Option<Arc<IndexHistory>> {
        let key = (name.to_owned(), source.map(str::to_owned));
        let ReadEntries { indices, histories, missing } = &mut *self.read();
        if let Some(known) = histories.get(&key) {
            return Some(Arc::clone(known));
        }
        let source = source?;
        if !indices.contains_key(source) {
            indices.insert(source.to_owned(), RegistryIndex::of(source, &self.root));
        }
        let index = indices.get(source).and_then(Option::as_ref);
        let Some(history) = index.and_then(|index| IndexHistory::of(name, index)) else {
            missing.insert(key);
            return None;
        };
        let history = Arc::new(history);
        histories.insert(key, Arc::clone(&history));
        Some(history)
    }

    /// Reads the entries of all locked packages that were not read yet, on all processors: a planner needs them.
    pub(in crate::fix) fn read_locked(&self, lockfile: &[LockedPackage]) {
        let ReadEntries { indices, histories, .. } = &mut *self.read();
        let mut unread = BTreeSet::new();
        for package in lockfile {
            let Some(source) = package.source.as_deref().filter(|one| is_registry(one)) else {
                continue;
            };
            let key = (package.name.clone(), package.source.clone());
            if !histories.contains_key(&key) {
                let index = || RegistryIndex::of(source, &self.root);
                indices.entry(source.to_owned()).or_insert_with(index);
                unread.insert(key);
            }
        }
        let indices = &*indices;
        let read = unread.into_par_iter().filter_map(|key| {
            let index = indices.get(key.1.as_deref()?)?.as_ref()?;
            let history = IndexHistory::of(&key.0, index)?;
            Some((key, Arc::new(history)))
        });
        histories.extend(read.collect::<Vec<_>>());
    }

    /// Whether cargo has downloaded a version. Offline it selects another one only if it has downloaded none that matches, and
    /// fails then if the package is needed.
    pub(in crate::fix) fn is_downloaded(&self, name: &str, version: &Version) -> bool {
        let downloaded = self.downloaded.get_or_init(downloaded_archives);
        downloaded.contains(&format!("{name}-{version}.crate"))
    }

    /// Whether cargo has fetched an entry since it was missing: a plan that was made without it may be another one
    /// now.
    pub(in crate::fix) fn has_new_entries(&self) -> bool {
        let missing = std::mem::take(&mut self.read().missing);
        let read = |(name, source): &EntryKey| self.index_history(name, source.as_deref());
        missing.iter().filter_map(read).count() > 0
    }

    fn read(&self) -> MutexGuard<'_, ReadEntries> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the index has a newer version that is compatible with this one.
    pub(in crate::fix) fn has_newer(&self, package: &PackageRef) -> bool {
        let history = self.index_history(&package.name, package.source.as_deref());
        let lines = history.iter().flat_map(|history| history.lines());
        let newer = lines.filter(|one| one.version > package.version);
        newer.filter(|one| Range::of(&one.version) == Range::of(&package.version)).any(|one| {
            (one.version.pre.is_empty() || !package.version.pre.is_empty()) && !one.is_yanked()
        })
    }

    /// The first versions of the semver ranges after the locked one, up to that of `to`.
    pub(in crate::fix) fn ranges_between(
        &self,
        package: &PackageRef,
        to: &Version,
    ) -> Vec<Version> {
        let locked = &package.version;
        let Some(history) = self.index_history(&package.name, package.source.as_deref()) else {
            return Vec::new();
        };
        let between = history.lines().iter().filter(|one| {
            one.version > *locked
                && one.version <= *to
                && one.version.pre.is_empty()
                && !one.is_yanked()
        });
        let mut first: Vec<Version> = Vec::new();
        for one in between {
            let same_range = |other: &Version| Range::of(other) == Range::of(&one.version);
            if !same_range(locked) && !first.iter().any(same_range) {
                first.push(one.version.clone());
            }
        }
        first
    }

    /// The Rust version that a version requires, if it is newer than the workspace's `rust-version`.
    pub(in crate::fix) fn newer_rust(
        &self,
        package: &PackageRef,
        version: &Version,
    ) -> Option<Version> {
        let rust = self
            .index_history(&package.name, package.source.as_deref())?
            .release(version)?
            .rust
            .clone()?;
        self.rust.as_ref().is_some_and(|stated| rust > *stated).then_some(rust)
    }
}

/// `rust-version` of `[package]` and of `[workspace.package]`.
fn rust_versions_of(texts: &Overlay, manifest: &Utf8Path) -> Vec<Version> {
    let Ok(text) = texts.read(manifest) else { return Vec::new() };
    let (root, _) = tree::parse(text.as_str());
    let root = root.get_ref();
    let inherited = tree::table(root, "workspace").and_then(|one| tree::table(one, "package"));
    let tables = [tree::table(root, "package"), inherited];
    let stated = tables.into_iter().flatten();
    let stated = stated.filter_map(|table| tree::string(text.as_str(), table, "rust-version"));
    stated.filter_map(|stated| rust_version(&stated.value)).collect()
}
