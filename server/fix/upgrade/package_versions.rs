//! The versions of packages in cargo's registry index, each entry read once; and the `rust-version` of
//! the workspace.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

use crate::{
    fix::Overlay,
    gate::{Texts as _, Verdict},
    model::tree,
    verdict::{PackageRef, Release, releases, rust_version},
};

/// The releases by name and source.
type VersionsByPackage = BTreeMap<(String, Option<String>), Option<Rc<Vec<Release>>>>;

/// The registry's versions of packages, and the Rust version that they may require.
pub(in crate::fix) struct PackageVersions {
    /// The folder whose cargo configuration says where the index is.
    root: Utf8PathBuf,
    /// The oldest `rust-version` of a local package.
    pub(in crate::fix) rust: Option<Version>,
    releases: RefCell<VersionsByPackage>,
}

impl PackageVersions {
    /// For the workspace of `verdict`, whose manifests are read from `texts`.
    pub(in crate::fix) fn of(verdict: &Verdict, texts: &Overlay) -> Self {
        let workspace = &verdict.workspace;
        let mut manifests = vec![workspace.manifest.clone(), workspace.root.join("Cargo.toml")];
        manifests.extend(verdict.declared.iter().map(|one| one.file.clone()));
        manifests.sort();
        manifests.dedup();
        let rust = manifests.iter().flat_map(|manifest| rust_versions_of(texts, manifest)).min();
        let releases = RefCell::default();
        Self { root: workspace.folder().to_owned(), rust, releases }
    }

    /// The versions of a package, oldest first; `None` if the local index does not list it.
    pub(in crate::fix) fn history(&self, package: &PackageRef) -> Option<Rc<Vec<Release>>> {
        let key = (package.name.clone(), package.source.clone());
        let mut cached = self.releases.borrow_mut();
        let read = || releases(package, &self.root).map(Rc::new);
        cached.entry(key).or_insert_with(read).clone()
    }

    /// The first releases of the semver ranges after the locked one, up to that of `to`.
    pub(in crate::fix) fn ranges_between(
        &self,
        package: &PackageRef,
        to: &Version,
    ) -> Vec<Version> {
        let locked = &package.version;
        let history = self.history(package).unwrap_or_default();
        let between = history.iter().filter(|one| !one.yanked && one.version.pre.is_empty());
        let versions = between.map(|one| &one.version).filter(|one| *one > locked && *one <= to);
        let (versions, locked) = (versions.cloned().collect(), Some(locked.clone()));
        super::ClearingVersions { locked, versions, ..super::ClearingVersions::default() }
            .later_ranges()
    }

    /// The index entry of one version.
    pub(super) fn release(&self, package: &PackageRef, version: &Version) -> Option<Release> {
        let history = self.history(package)?;
        history.iter().find(|release| release.version == *version).cloned()
    }

    /// The Rust version that a version requires, if it is newer than the workspace's `rust-version`.
    pub(in crate::fix) fn newer_rust(
        &self,
        package: &PackageRef,
        version: &Version,
    ) -> Option<Version> {
        let rust = self.release(package, version)?.rust?;
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
