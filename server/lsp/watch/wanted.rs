//! What the owner wants to be told about, and the files and folders that this means.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    facts::{configuration_files, index_files},
    text::read_to_string,
    threads::{self, Doing},
    workspace::{DecidingFiles, Workspace},
};

/// What is to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::lsp) struct Wanted {
    /// The folders that are open: workspaces may appear in them.
    pub(in crate::lsp) folders: BTreeSet<Utf8PathBuf>,
    /// The workspaces that are judged.
    pub(in crate::lsp) workspaces: BTreeSet<Workspace>,
    /// What tells that an advisory database has changed: files, and folders in `RustSec`'s layout.
    pub(in crate::lsp) databases: BTreeSet<Utf8PathBuf>,
    /// The files of cargo's index from which verdicts were made: a lock file need not name their
    /// packages.
    pub(in crate::lsp) index: Vec<Arc<BTreeSet<Utf8PathBuf>>>,
}

/// Why files are watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Folder(Utf8PathBuf),
    Workspace(Workspace),
    Databases,
    Index,
}

impl Wanted {
    pub(super) fn reasons(&self) -> BTreeSet<Reason> {
        let folders = self.folders.iter().cloned().map(Reason::Folder);
        let workspaces = self.workspaces.iter().cloned().map(Reason::Workspace);
        folders.chain(workspaces).chain([Reason::Databases, Reason::Index]).collect()
    }

    /// The files that decide, as things stand on disk.
    pub(super) fn inputs(&self, reason: &Reason) -> DecidingFiles {
        match reason {
            Reason::Folder(folder) => DecidingFiles::of_folder(folder),
            Reason::Workspace(workspace) => of_workspace(workspace),
            Reason::Databases => {
                DecidingFiles { files: self.databases.clone(), growing: BTreeSet::new() }
            }
            Reason::Index => {
                let files = self.index.iter().flat_map(|files| files.iter().cloned()).collect();
                DecidingFiles { files, growing: BTreeSet::new() }
            }
        }
    }
}

/// With what lies outside of the workspace. Where they cannot be listed for a panic, those that
/// every workspace has: what makes it panic may be taken back in one of them.
pub(super) fn of_workspace(workspace: &Workspace) -> DecidingFiles {
    let doing = Doing::to("listing the files of the workspace", workspace.manifest.as_str());
    let listed = threads::caught(&doing, || DecidingFiles::of_workspace(workspace));
    let mut inputs = listed.unwrap_or_else(|_| DecidingFiles::of_any(workspace));
    inputs.files.extend(configuration_files());
    let lock_file = read_to_string(&workspace.lock_file()).unwrap_or_default();
    inputs.files.extend(index_files(&lock_file));
    inputs
}

/// The folders of an advisory database that hold advisories.
pub(super) fn folders_of_database(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    const MOST: usize = 2048;
    let crates = folder.join("crates");
    let entries = crates.read_dir_utf8().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let folders: Vec<_> = folders.map(|entry| entry.path().to_owned()).take(MOST).collect();
    [folder.to_owned(), crates].into_iter().chain(folders).collect()
}

/// All that is watched, by what it is needed for when something happens.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The files that decide.
    pub(super) files: BTreeSet<Utf8PathBuf>,
    /// Where links among them lead.
    targets: BTreeSet<Utf8PathBuf>,
    /// Folders that have to appear before some of the files can.
    missing: BTreeSet<Utf8PathBuf>,
    growing: BTreeSet<Utf8PathBuf>,
    /// Databases that are plain folders.
    databases: BTreeSet<Utf8PathBuf>,
    /// The folders to be watched: all of them exist.
    pub(super) folders: BTreeSet<Utf8PathBuf>,
}

impl Plan {
    pub(super) fn of(inputs: &BTreeMap<Reason, Arc<DecidingFiles>>) -> Self {
        let mut plan = Self::default();
        for (reason, inputs) in inputs {
            plan.files.extend(inputs.files.iter().cloned());
            plan.growing.extend(inputs.growing.iter().cloned());
            if *reason == Reason::Databases {
                plan.databases.extend(inputs.files.iter().filter(|path| path.is_dir()).cloned());
            }
        }
        for file in &plan.files {
            let is_link = fs::symlink_metadata(file).is_ok_and(|data| data.is_symlink());
            if let Some(target) = is_link.then(|| file.canonicalize_utf8().ok()).flatten() {
                plan.targets.insert(target);
            }
        }
        let files = plan.files.iter().chain(&plan.targets).filter_map(|file| file.parent());
        for folder in files.chain(plan.growing.iter().map(Utf8PathBuf::as_path)) {
            for folder in folder.ancestors() {
                if plan.folders.contains(folder) {
                    break;
                }
                if !plan.missing.contains(folder) {
                    if folder.is_dir() {
                        plan.folders.insert(folder.to_owned());
                        break;
                    }
                    plan.missing.insert(folder.to_owned());
                }
            }
        }
        for database in &plan.databases {
            plan.folders
                .extend(folders_of_database(database).into_iter().filter(|folder| folder.is_dir()));
        }
        plan
    }

    /// Whether what happened to a path may decide anything.
    pub(super) fn concerns(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
            || self.targets.contains(path)
            || self.missing.contains(path)
            || self.databases.iter().any(|database| path.starts_with(database))
            || path.parent().is_some_and(|folder| self.growing.contains(folder))
                && (path.is_dir() || holds(&self.files, path))
    }
}

/// Whether one of the files is this one or lies below it.
pub(super) fn holds(files: &BTreeSet<Utf8PathBuf>, path: &Utf8Path) -> bool {
    files.range(path.to_owned()..).next().is_some_and(|file| file.starts_with(path))
}
