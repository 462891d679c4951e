//! A copy of the manifests in which cargo may write a lock file.
//!
//! The copy mirrors the absolute paths of the originals below a temporary folder, so relative
//! paths between manifests hold and every path that cargo prints can be mapped back. Sources are
//! not copied: an empty file stands where a target's root is.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{ResolveError, Resolver};
use crate::{
    model::{manifest::Manifest, tree},
    process::{TemporaryError, TemporaryFolder},
    text::{read, read_to_string},
    workspace::{CONFIGURATION_NAMES, DecidingFiles, TOOLCHAIN_NAMES, Workspace},
};

/// The part of `cargo metadata --no-deps` that says what has to be copied. (`Metadata` of `krates`
/// cannot hold an answer without a resolution.)
#[derive(Deserialize)]
pub(super) struct Members {
    workspace_root: Utf8PathBuf,
    packages: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    manifest_path: Utf8PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    src_path: Utf8PathBuf,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<Utf8PathBuf>,
}

pub(super) struct Scratch {
    folder: TemporaryFolder,
    /// What was copied, by the paths of the copies.
    copied: RefCell<BTreeMap<Utf8PathBuf, Utf8PathBuf>>,
}

/// What becomes of a workspace whose own manifest cargo refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    IsAnError,
    IsCopied,
}

impl Scratch {
    /// Copies the workspace. A manifest of its own that cargo refuses is an error, or `copied` like
    /// any other: what takes its place in the copy may be better.
    pub(super) fn of(
        resolver: &Resolver,
        workspace: &Workspace,
        refused: Refused,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, ResolveError> {
        let folder = TemporaryFolder::new(&resolver.children).map_err(|error| match error {
            TemporaryError::Unwanted => {
                ResolveError::Unwanted { manifest: workspace.manifest.clone() }
            }
            TemporaryError::Io(source) => ResolveError::Scratch {
                path: Utf8PathBuf::from(std::env::temp_dir().to_string_lossy().into_owned()),
                source,
            },
        })?;
        let scratch = Self { folder, copied: RefCell::default() };
        let mut manifests = VecDeque::from([workspace.manifest.clone()]);
        manifests.extend(scratch.copy_configuration(workspace.folder())?);
        if let Err(error) = scratch.copy_packages(resolver, workspace, manifests, wanted) {
            if refused == Refused::IsAnError || !matches!(error, ResolveError::Cargo { .. }) {
                return Err(error);
            }
            let manifests = DecidingFiles::of_workspace(workspace).files.into_iter();
            let manifests = manifests.filter(|path| path.file_name() == Some("Cargo.toml"));
            for manifest in manifests.filter(|path| path.is_file()) {
                scratch.copy_unread(&manifest)?;
            }
        }
        let lock_file = workspace.lock_file();
        if lock_file.exists() {
            scratch.copy(&lock_file)?;
        }
        Ok(scratch)
    }

    /// Where the copy of `path` stands.
    pub(super) fn mirrored(&self, path: &Utf8Path) -> Utf8PathBuf {
        let mut mirrored = self.folder.path().to_owned();
        for component in path.components() {
            match component {
                Utf8Component::Prefix(prefix) => {
                    mirrored.push(prefix.as_str().replace([':', '\\'], "_"));
                }
                Utf8Component::RootDir | Utf8Component::CurDir => {}
                Utf8Component::ParentDir => {
                    mirrored.pop();
                }
                Utf8Component::Normal(name) => mirrored.push(name),
            }
        }
        mirrored
    }

    /// `text` with every path of the copy turned into that of its original.
    pub(super) fn unmirrored(&self, text: &str) -> String {
        text.replace(self.folder.path().as_str(), "")
    }

    /// The originals of all copies.
    pub(super) fn originals(&self) -> BTreeMap<Utf8PathBuf, Utf8PathBuf> {
        self.copied.borrow().clone()
    }

    /// The copy holds another text than the original.
    pub(super) fn overlay(&self, path: &Utf8Path, text: &str) -> Result<(), ResolveError> {
        let mirrored = self.mirrored(path);
        self.copied.borrow_mut().insert(mirrored.clone(), path.to_owned());
        self.write(&mirrored, text)
    }

    /// The copy is what the original is: its text, or not there.
    pub(super) fn restore(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        if path.is_file() {
            return self.copy(path);
        }
        let mirrored = self.mirrored(path);
        match fs::remove_file(&mirrored) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ResolveError::Scratch { path: mirrored, source })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn copy_packages(
        &self,
        resolver: &Resolver,
        workspace: &Workspace,
        mut manifests: VecDeque<Utf8PathBuf>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), ResolveError> {
        let mut asked = BTreeSet::new();
        while let Some(manifest) = manifests.pop_front() {
            if asked.contains(&manifest) || !manifest.is_file() {
                continue;
            }
            asked.insert(manifest.clone());
            let members = match resolver.members(&manifest, wanted) {
                Ok(members) => members,
                Err(error @ ResolveError::Unwanted { .. }) => return Err(error),
                // The workspace's own manifest has to be readable; what is wrong with another one
                // is said by cargo when it resolves the copy.
                Err(error) if manifest == workspace.manifest => return Err(error),
                Err(_) => {
                    self.copy_unread(&manifest)?;
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
            self.copy(&package.manifest_path)?;
            self.link_licences(&package.manifest_path)?;
            for target in &package.targets {
                let source = self.mirrored(&target.src_path);
                if !source.exists() {
                    self.write(&source, "")?;
                }
            }
        }
        Ok(())
    }

    /// A package of which cargo does not tell anything as it stands on disk: what its manifest does
    /// not name.
    pub(super) fn copy_unread(&self, manifest: &Utf8Path) -> Result<(), ResolveError> {
        self.copy(manifest)?;
        self.link_licences(manifest)?;
        let folder = manifest.parent().unwrap_or(manifest);
        for source in ["src/lib.rs", "src/main.rs", "build.rs"] {
            let original = folder.join(source);
            if original.is_file() {
                self.write(&self.mirrored(&original), "")?;
            }
        }
        Ok(())
    }

    /// Cargo's and the toolchain's configuration, which are looked for upwards from the folder.
    /// Gives the manifests of the packages that it puts in place of others.
    fn copy_configuration(&self, folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, ResolveError> {
        let home = cargo_home();
        let mut manifests = Vec::new();
        for above in folder.ancestors() {
            for name in TOOLCHAIN_NAMES {
                self.copy_if_there(&above.join(name))?;
            }
            if home.as_deref() == Some(&above.join(".cargo")) {
                continue;
            }
            for name in CONFIGURATION_NAMES {
                let config = above.join(name);
                self.copy_if_there(&config)?;
                let Ok(text) = read_to_string(&config) else { continue };
                self.link_local_registries(&text, above)?;
                manifests.extend(local_packages(&text, above));
            }
        }
        Ok(manifests)
    }

    /// Vendored sources and local registries are named relative to the configuration's folder.
    fn link_local_registries(&self, config: &str, base: &Utf8Path) -> Result<(), ResolveError> {
        let (root, _) = tree::parse(config);
        let Some(sources) = tree::table(root.get_ref(), "source") else { return Ok(()) };
        for source in sources.values().filter_map(|value| value.get_ref().as_table()) {
            for key in ["directory", "local-registry"] {
                let Some(path) = tree::string(config, source, key) else { continue };
                let original = base.join(&path.value);
                let link = self.mirrored(&original);
                if !Utf8Path::new(&path.value).is_absolute() && original.is_dir() && !link.exists()
                {
                    self.create_parent(&link)?;
                    link_folder(&original, &link)
                        .map_err(|source| ResolveError::Scratch { path: link, source })?;
                }
            }
        }
        Ok(())
    }

    fn copy_if_there(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        if path.is_file() { self.copy(path) } else { Ok(()) }
    }

    fn copy(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        let text =
            read(path).map_err(|source| ResolveError::Scratch { path: path.to_owned(), source })?;
        let mirrored = self.mirrored(path);
        self.copied.borrow_mut().insert(mirrored.clone(), path.to_owned());
        self.write(&mirrored, text)
    }

    /// The licence texts of a package, which cargo-deny looks for beside its manifest.
    fn link_licences(&self, manifest: &Utf8Path) -> Result<(), ResolveError> {
        let folder = manifest.parent().unwrap_or(manifest);
        let text = read_to_string(manifest).unwrap_or_default();
        let package = Manifest::parse(&text).package;
        let named = package.and_then(|package| package.license_file).map(|file| file.value);
        let beside = folder.read_dir_utf8().into_iter().flatten().flatten().filter(|entry| {
            entry.file_name().starts_with("LICENSE") || entry.file_name().starts_with("COPYING")
        });
        let beside = beside.map(|entry| entry.path().to_owned());
        for original in beside.chain(named.map(|file| folder.join(file))) {
            let link = self.mirrored(&original);
            if original.is_file() && !link.exists() {
                self.create_parent(&link)?;
                link_file(&original, &link)
                    .map_err(|source| ResolveError::Scratch { path: link, source })?;
            }
        }
        Ok(())
    }

    fn write(&self, path: &Utf8Path, text: impl AsRef<[u8]>) -> Result<(), ResolveError> {
        self.create_parent(path)?;
        fs::write(path, text)
            .map_err(|source| ResolveError::Scratch { path: path.to_owned(), source })
    }

    #[expect(clippy::unused_self, reason = "belongs to the other writers of the copy")]
    fn create_parent(&self, path: &Utf8Path) -> Result<(), ResolveError> {
        let parent = path.parent().unwrap_or(path);
        fs::create_dir_all(parent)
            .map_err(|source| ResolveError::Scratch { path: parent.to_owned(), source })
    }
}

/// The manifests that a configuration names in `paths` and `[patch]`.
fn local_packages(config: &str, base: &Utf8Path) -> Vec<Utf8PathBuf> {
    let (root, _) = tree::parse(config);
    let overrides = tree::strings(config, root.get_ref(), "paths");
    let patches = Manifest::parse(config).patches.into_iter().filter_map(|patch| patch.path);
    let folders = overrides.into_iter().chain(patches);
    folders.map(|folder| base.join(folder.value).join("Cargo.toml")).collect()
}

fn path_dependencies(members: &Members) -> Vec<Utf8PathBuf> {
    let declared = members
        .packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .filter_map(|dependency| Some(dependency.path.as_ref()?.join("Cargo.toml")));
    let root = members.workspace_root.join("Cargo.toml");
    let text = read_to_string(&root).unwrap_or_default();
    let patches = Manifest::parse(&text).patches;
    let patched = patches
        .iter()
        .filter_map(|patch| patch.path.as_ref())
        .map(|path| members.workspace_root.join(&path.value).join("Cargo.toml"));
    declared.chain(patched).collect()
}

pub(super) fn cargo_home() -> Option<Utf8PathBuf> {
    tame_index::utils::cargo_home().ok()
}

#[cfg(unix)]
fn link_folder(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(unix)]
fn link_file(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(windows)]
fn link_file(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    fs::copy(original, link).map(|_| ())
}

#[cfg(windows)]
fn link_folder(original: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(original, link)
}
