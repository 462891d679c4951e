//! Finds all packages that cargo reads for a workspace, as cargo finds them, and copies them.
//!
//! Cargo takes paths as they are written (see [`super::references`]): it never resolves a link, so a package behind links has
//! a name for each way to it, and cargo looks from each of them for `..` and for the workspace's root. The package is
//! therefore copied under each name. The texts are those in the editor, where there are any.
//!
//! A package too many does no harm: it is there in the workspace as well. One that is missing makes cargo fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    Scratch,
    references::{References, WorkspaceReferences},
    writer::normalized,
};
use crate::{
    limits,
    resolve::ResolveError,
    text::Spanned,
    workspace::{MemberFolders, Workspace},
};

/// Under how many names a package is copied that dependencies lead to: cyclic links would give endless ones. The system allows
/// 40 links in a path, so cargo's error for those is the same in the copy.
const MAX_NAMES: usize = 64;

/// Cargo looks for a root in parent folders up to one with this name (`find_root_iter` in its `core::workspace`).
const LAST_PARENT: &str = "target/package";

/// A root manifest.
struct Root {
    manifest: Utf8PathBuf,
    references: Arc<References>,
}

impl Scratch {
    /// Copies the packages of a workspace. Returns the manifest of its root, as cargo finds it.
    ///
    /// # Errors
    ///
    /// When a file cannot be copied, or there are more than [`limits::COPIED_PACKAGES`].
    pub(super) fn copy_packages(&self, workspace: &Workspace) -> Result<Utf8PathBuf, ResolveError> {
        let checked = &workspace.manifest;
        // Cargo is started there, even if there is no manifest.
        self.copy_folder(workspace.folder())?;
        let root = self.roots_of(checked)?.into_iter().next();
        let root = root.map_or_else(|| checked.clone(), |root| root.manifest);
        let mut waiting = self.configured.borrow().clone();
        waiting.extend([checked.clone(), root.clone()]);
        if let Some(references) = self.references(&root)? {
            waiting.extend(references.patches.iter().cloned());
            if let Some(table) = &references.workspace {
                waiting.extend(self.members(&root, table)?);
            }
        }
        let mut listed: BTreeSet<_> = waiting.iter().cloned().collect();
        let mut names: BTreeMap<Utf8PathBuf, usize> = BTreeMap::new();
        let mut copied = BTreeSet::new();
        while let Some(manifest) = waiting.pop() {
            if copied.contains(&manifest) {
                continue;
            }
            let Some(references) = self.references(&manifest)? else { continue };
            if !listed.remove(&manifest) {
                let names = names.entry(self.real_of(&manifest)).or_default();
                *names += 1;
                if *names > MAX_NAMES {
                    continue;
                }
            }
            if copied.len() == limits::COPIED_PACKAGES {
                let reason = format!("more than {} packages", limits::COPIED_PACKAGES);
                let source = io::Error::other(reason);
                return Err(ResolveError::Scratch { path: manifest, source });
            }
            // The roots are needed for what is inherited, and to find out that there is another one.
            let roots = self.roots_of(&manifest)?;
            let tables = roots.iter().filter_map(|root| root.references.workspace.as_ref());
            waiting.extend(references.dependencies.iter().cloned());
            waiting.extend(
                tables.clone().flat_map(|table| table.inherited(&references.inherited)).cloned(),
            );
            if references.inherits_license_file {
                let inherited = tables.filter_map(|table| table.license_file.clone());
                let inherited: Vec<_> = inherited.collect();
                self.copy_package_files(&manifest, &references, &inherited)?;
            }
            copied.insert(manifest);
        }
        Ok(root)
    }

    /// Copies a manifest, and returns the files that it refers to; `None` if it does not exist.
    pub(super) fn references(
        &self,
        manifest: &Utf8Path,
    ) -> Result<Option<Arc<References>>, ResolveError> {
        if let Some(known) = self.references.borrow().get(manifest) {
            return Ok(known.clone());
        }
        let text = self.copy(manifest)?;
        let references = text.map(|text| Arc::new(References::of(&text, manifest)));
        self.references.borrow_mut().insert(manifest.to_owned(), references.clone());
        Ok(references)
    }

    /// The root manifest of a package's workspace (`find_root` in cargo's `core::workspace`), and those above it, in this order.
    /// Cargo takes the nearest one that it has read already, which may be another than the first. Copies the manifests that
    /// cargo reads to find them.
    fn roots_of(&self, manifest: &Utf8Path) -> Result<Vec<Root>, ResolveError> {
        let Some(own) = self.references(manifest)? else { return Ok(Vec::new()) };
        let folder = manifest.parent().unwrap_or(manifest);
        let parents = folder.ancestors().zip(folder.ancestors().skip(1));
        let parents = parents
            .take_while(|(_, parent)| !parent.ends_with(LAST_PARENT))
            .take_while(|(last, _)| self.home.as_deref() != Some(*last));
        let parents = parents.map(|(_, parent)| parent.join("Cargo.toml"));
        let is_own = own.workspace.is_some() || own.root.is_some();
        let above = parents.take(if is_own { 0 } else { usize::MAX });
        let mut roots = Vec::new();
        for path in [manifest.to_owned()].into_iter().chain(above) {
            let Some(found) = self.references(&path)? else { continue };
            self.copy_package_files(&path, &found, &[])?;
            if let Some(table) = &found.workspace {
                if !table.excludes(manifest) {
                    roots.push(Root { manifest: path, references: found });
                }
            } else if let Some(named) = &found.root
                && let Some(references) = self.references(named)?
            {
                self.copy_package_files(named, &references, &[])?;
                roots.push(Root { manifest: named.clone(), references });
            }
        }
        Ok(roots)
    }

    /// The manifests of the members that a root lists. Their folders are copied, also those without a manifest, which are an
    /// error for cargo.
    fn members(
        &self,
        root: &Utf8Path,
        table: &WorkspaceReferences,
    ) -> Result<Vec<Utf8PathBuf>, ResolveError> {
        let folder = root.parent().unwrap_or(root);
        let mut manifests = Vec::new();
        for entry in &table.members {
            if entry.value.contains("..") {
                self.copy_folders_in(&folder.join(&entry.value))?;
            }
            for member in member_folders(folder, entry) {
                if member.is_dir() {
                    self.copy_folder(&member)?;
                }
                let manifest = member.join("Cargo.toml");
                if !table.excludes(&manifest) {
                    manifests.push(manifest);
                }
            }
        }
        Ok(manifests)
    }

    /// Copies the folders that a pattern leads through: the system resolves the `..` in it.
    fn copy_folders_in(&self, pattern: &Utf8Path) -> Result<(), ResolveError> {
        let mut path = Utf8PathBuf::new();
        for component in pattern.components() {
            path.push(component);
            if !path.is_dir() {
                break;
            }
            self.copy_folder(&normalized(&path))?;
        }
        Ok(())
    }

    fn copy_folder(&self, folder: &Utf8Path) -> Result<(), ResolveError> {
        let copy = self.path_in_copy(folder);
        if copy == self.root() {
            return Ok(());
        }
        self.writer
            .create_folder(&copy)
            .map_err(|source| ResolveError::Scratch { path: folder.to_owned(), source })
    }
}

/// The folders of an entry of `members`, as cargo expands it (`WorkspaceRootConfig::members_paths`), with the same library.
fn member_folders(root: &Utf8Path, entry: &Spanned<String>) -> Vec<Utf8PathBuf> {
    let path = root.join(&entry.value);
    let found = MemberFolders::of(root, std::slice::from_ref(entry));
    if !found.cyclic.is_empty() {
        // Cargo must not be started with it.
        return Vec::new();
    }
    if !found.cut.is_empty() {
        return found.folders.into_iter().map(|(_, folder)| folder).collect();
    }
    let matching = glob::glob(path.as_str()).into_iter().flatten().flatten();
    let matching = matching.filter_map(|path| Utf8PathBuf::from_path_buf(path).ok());
    let mut matching = matching.take(limits::COPIED_PACKAGES).peekable();
    match matching.peek() {
        Some(_) => matching.map(|path| normalized(&path)).collect(),
        None => vec![normalized(&path)],
    }
}

/// The manifests of all packages below a folder that an entry of `paths` in cargo's configuration names (`read_packages` in
/// its `sources::path`).
pub(super) fn packages_below(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut manifests = Vec::new();
    let mut visited = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        let is_hidden = at.file_name().is_some_and(|name| name.starts_with('.'));
        if at != folder && (is_hidden || at.join(".git").exists()) {
            continue;
        }
        let manifest_above = at.parent().map(|parent| parent.join("Cargo.toml"));
        if at.file_name() == Some("target")
            && manifest_above.is_some_and(|manifest| manifest.exists())
        {
            continue;
        }
        let manifest = at.join("Cargo.toml");
        if manifest.exists() {
            manifests.push(manifest);
        }
        for entry in at.read_dir_utf8().into_iter().flatten().flatten() {
            visited += 1;
            if visited > limits::GLOB_ENTRIES {
                return manifests;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(entry.into_path());
            }
        }
    }
    manifests
}
