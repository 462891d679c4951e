//! Which packages belong in a copy: the members that cargo tells, and what they name by path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{Scratch, writer::normalized};
use crate::{
    model::manifest::Manifest, resolve::ResolveError, text::read_to_string, workspace::Workspace,
};

/// By how many names one manifest is followed: with links that lead back there is no end of them.
const NAMES: usize = 4;

/// How many workspaces and packages outside of them are followed.
const FOLLOWED: usize = 10_000;

/// The part of `cargo metadata --no-deps` that says what has to be copied. (`Metadata` of `krates`
/// cannot hold an answer without a resolution.)
#[derive(Debug, Deserialize)]
pub(in crate::resolve) struct Members {
    pub(super) workspace_root: Utf8PathBuf,
    pub(super) packages: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) manifest_path: Utf8PathBuf,
    pub(super) targets: Vec<Target>,
    pub(super) dependencies: Vec<PathDependency>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) src_path: Utf8PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct PathDependency {
    pub(super) path: Option<Utf8PathBuf>,
}

/// Gives the members of the workspace of a manifest.
pub(in crate::resolve) type Ask<'a> = &'a dyn Fn(&Utf8Path) -> Result<Members, ResolveError>;

impl Scratch {
    /// Copies the workspaces of these manifests, and what they depend on by path.
    ///
    /// # Errors
    ///
    /// When cargo refuses the workspace's own manifest, or something cannot be copied.
    pub(in crate::resolve) fn copy_packages(
        &self,
        workspace: &Workspace,
        manifests: impl IntoIterator<Item = Utf8PathBuf>,
        ask: Ask<'_>,
    ) -> Result<(), ResolveError> {
        let mut manifests = VecDeque::from_iter(manifests);
        let mut asked = BTreeSet::new();
        let mut names: BTreeMap<Utf8PathBuf, usize> = BTreeMap::new();
        let mut followed = 0;
        while let Some(manifest) = manifests.pop_front() {
            if asked.contains(&manifest) || !manifest.is_file() || followed == FOLLOWED {
                continue;
            }
            asked.insert(manifest.clone());
            let real = manifest.canonicalize_utf8().unwrap_or_else(|_| manifest.clone());
            let names = names.entry(real).or_default();
            if *names == NAMES {
                continue;
            }
            *names += 1;
            followed += 1;
            let members = match ask(&manifest) {
                Ok(members) => members,
                Err(error @ ResolveError::Canceled { .. }) => return Err(error),
                // The workspace's own manifest has to be readable; what is wrong with another one
                // is said by cargo when it resolves the copy.
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

    /// A package of which cargo does not tell anything as it is on disk: what its manifest does not
    /// name.
    ///
    /// # Errors
    ///
    /// When something cannot be copied.
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
