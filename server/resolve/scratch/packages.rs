//! Copies packages: the members that cargo lists, and their path dependencies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{Scratch, writer::normalized};
use crate::{
    model::manifest::Manifest, resolve::ResolveError, text::read_to_string, workspace::Workspace,
};

/// How many names of one manifest are followed; cyclic links would give endless ones.
const MAX_NAMES: usize = 4;

/// How many workspaces and packages are copied.
const MAX_PACKAGES: usize = 10_000;

/// The part of `cargo metadata --no-deps` that lists what to copy. (`Metadata` of `krates` requires a resolution.)
#[derive(Debug, Deserialize)]
pub(in crate::resolve) struct Members {
    pub(super) workspace_root: Utf8PathBuf,
    pub(super) packages: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) manifest_path: Utf8PathBuf,
    pub(super) targets: Vec<PackageTarget>,
    pub(super) dependencies: Vec<PathDependency>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PackageTarget {
    pub(super) src_path: Utf8PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct PathDependency {
    pub(super) path: Option<Utf8PathBuf>,
}

/// Lists the members of a manifest's workspace.
pub(in crate::resolve) type ListMembers<'a> =
    &'a dyn Fn(&Utf8Path) -> Result<Members, ResolveError>;

impl Scratch {
    /// Copies the workspaces of these manifests and their path dependencies.
    ///
    /// # Errors
    ///
    /// When cargo fails for the workspace's own manifest, or a file cannot be copied.
    pub(in crate::resolve) fn copy_packages(
        &self,
        workspace: &Workspace,
        manifests: impl IntoIterator<Item = Utf8PathBuf>,
        list_members: ListMembers<'_>,
    ) -> Result<(), ResolveError> {
        let mut manifests = VecDeque::from_iter(manifests);
        let mut asked = BTreeSet::new();
        let mut names: BTreeMap<Utf8PathBuf, usize> = BTreeMap::new();
        let mut followed = 0;
        while let Some(manifest) = manifests.pop_front() {
            if asked.contains(&manifest) || !manifest.is_file() || followed == MAX_PACKAGES {
                continue;
            }
            asked.insert(manifest.clone());
            let real = manifest.canonicalize_utf8().unwrap_or_else(|_| manifest.clone());
            let names = names.entry(real).or_default();
            if *names == MAX_NAMES {
                continue;
            }
            *names += 1;
            followed += 1;
            let members = match list_members(&manifest) {
                Ok(members) => members,
                Err(error @ ResolveError::Canceled { .. }) => return Err(error),
                // Cargo reports an error in another manifest when it resolves the copy.
                Err(error) if manifest == workspace.manifest => return Err(error),
                Err(_) => {
                    self.copy_broken_package(&manifest)?;
                    continue;
                }
            };
            asked.extend(members.packages.iter().map(|package| package.manifest_path.clone()));
            self.copy_members(&members)?;
            manifests.extend(path_dependencies(&members));
        }
        Ok(())
    }

    fn copy_members(&self, members: &Members) -> Result<(), ResolveError> {
        self.copy_if_there(&members.workspace_root.join("Cargo.toml"))?;
        for package in &members.packages {
            self.copy_package(&package.manifest_path)?;
            for target in &package.targets {
                self.placeholder(&target.src_path)?;
            }
        }
        Ok(())
    }

    /// Copies a package whose manifest on disk is invalid, with default targets.
    ///
    /// # Errors
    ///
    /// When a file cannot be copied.
    pub(in crate::resolve) fn copy_broken_package(
        &self,
        manifest: &Utf8Path,
    ) -> Result<(), ResolveError> {
        self.copy_package(manifest)?;
        let folder = manifest.parent().unwrap_or(manifest);
        for source in ["src/lib.rs", "src/main.rs", "build.rs"] {
            self.placeholder(&folder.join(source))?;
        }
        Ok(())
    }
}

fn path_dependencies(members: &Members) -> Vec<Utf8PathBuf> {
    let declared = members
        .packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .filter_map(|dependency| dependency.path.clone());
    let root = &members.workspace_root;
    let text = read_to_string(&root.join("Cargo.toml")).unwrap_or_default();
    let patches = Manifest::parse(&text).patches;
    let patched = patches.into_iter().filter_map(|patch| Some(root.join(patch.path?.value)));
    declared.chain(patched).map(|folder| normalized(&folder).join("Cargo.toml")).collect()
}
