//! The watch set of the main loop, and the files and folders that have to be watched for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    facts::{configuration_files, index_files},
    text::read_to_string,
    threads::{self, Activity},
    workspace::{DecidingFiles, Workspace},
};

/// What the main loop wants to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::lsp) struct WatchSet {
    /// The open folders: workspaces may appear in them.
    pub(in crate::lsp) folders: BTreeSet<Utf8PathBuf>,
    /// The workspaces that are checked.
    pub(in crate::lsp) workspaces: BTreeSet<Workspace>,
    /// The files that change with an advisory database, and folders in `RustSec`'s layout.
    pub(in crate::lsp) databases: BTreeSet<Utf8PathBuf>,
    /// The policies that the settings name.
    pub(in crate::lsp) policies: BTreeSet<Utf8PathBuf>,
    /// The files of cargo's index that verdicts depend on: the lockfile need not name their packages.
    pub(in crate::lsp) index: Vec<Arc<BTreeSet<Utf8PathBuf>>>,
    /// The files that decide which gates CI runs.
    pub(in crate::lsp) gate_files: BTreeSet<Utf8PathBuf>,
    /// The folders in which such files may appear.
    pub(in crate::lsp) gate_folders: BTreeSet<Utf8PathBuf>,
    /// The files of git that decide which commits workspaces are compared with.
    pub(in crate::lsp) bases: BTreeSet<Utf8PathBuf>,
}

/// Why files are watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WatchReason {
    Folder(Utf8PathBuf),
    Workspace(Workspace),
    Databases,
    Policies,
    Index,
    Gates,
    Bases,
}

impl WatchSet {
    pub(super) fn reasons(&self) -> BTreeSet<WatchReason> {
        let folders = self.folders.iter().cloned().map(WatchReason::Folder);
        let workspaces = self.workspaces.iter().cloned().map(WatchReason::Workspace);
        let others = [
            WatchReason::Databases,
            WatchReason::Policies,
            WatchReason::Index,
            WatchReason::Gates,
            WatchReason::Bases,
        ];
        folders.chain(workspaces).chain(others).collect()
    }

    /// The input files, according to the files on disk.
    pub(super) fn inputs(&self, reason: &WatchReason) -> DecidingFiles {
        match reason {
            WatchReason::Folder(folder) => DecidingFiles::of_folder(folder),
            WatchReason::Workspace(workspace) => inputs_of(workspace),
            WatchReason::Databases => {
                DecidingFiles { files: self.databases.clone(), search_folders: BTreeSet::new() }
            }
            WatchReason::Policies => {
                DecidingFiles { files: self.policies.clone(), search_folders: BTreeSet::new() }
            }
            WatchReason::Bases => {
                DecidingFiles { files: self.bases.clone(), search_folders: BTreeSet::new() }
            }
            WatchReason::Gates => DecidingFiles {
                files: self
                    .gate_files
                    .iter()
                    .cloned()
                    .chain(files_in(&self.gate_folders))
                    .collect(),
                search_folders: self.gate_folders.clone(),
            },
            WatchReason::Index => {
                let files = self.index.iter().flat_map(|files| files.iter().cloned()).collect();
                DecidingFiles { files, search_folders: BTreeSet::new() }
            }
        }
    }
}

/// The files in folders, up to a limited number: a file that appears among them may have a gate.
fn files_in(folders: &BTreeSet<Utf8PathBuf>) -> Vec<Utf8PathBuf> {
    const MAX_FILES: usize = 1024;
    let entries = folders.iter().flat_map(|folder| folder.read_dir_utf8().into_iter().flatten());
    let files = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path().to_owned());
    files.take(MAX_FILES).collect()
}

/// The input files of a workspace, including those outside of it. After a panic those that every
/// workspace has: a change of one of them may remove the cause.
pub(super) fn inputs_of(workspace: &Workspace) -> DecidingFiles {
    let activity = Activity::to("listing the files of the workspace", workspace.manifest.as_str());
    let listed = threads::catch_panic(&activity, || DecidingFiles::of_workspace(workspace));
    let mut inputs = listed.unwrap_or_else(|_| DecidingFiles::of_any(workspace));
    inputs.files.extend(configuration_files());
    let lockfile = read_to_string(&workspace.lockfile()).unwrap_or_default();
    inputs.files.extend(index_files(&lockfile));
    inputs
}

/// The folders of an advisory database that hold advisories.
pub(super) fn folders_of_database(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    const MAX_FOLDERS: usize = 2048;
    let crates = folder.join("crates");
    let entries = crates.read_dir_utf8().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let folders: Vec<_> = folders.map(|entry| entry.path().to_owned()).take(MAX_FOLDERS).collect();
    [folder.to_owned(), crates].into_iter().chain(folders).collect()
}

/// The watched files and folders, by their purpose.
#[derive(Debug, Default)]
pub(super) struct WatchPlan {
    /// The input files.
    pub(super) files: BTreeSet<Utf8PathBuf>,
    /// The targets of links among them.
    targets: BTreeSet<Utf8PathBuf>,
    /// Missing folders of input files.
    missing: BTreeSet<Utf8PathBuf>,
    search_folders: BTreeSet<Utf8PathBuf>,
    /// Folders in which any new file counts.
    gate_folders: BTreeSet<Utf8PathBuf>,
    /// Databases that are plain folders.
    databases: BTreeSet<Utf8PathBuf>,
    /// The folders to watch: all of them exist.
    pub(super) folders: BTreeSet<Utf8PathBuf>,
}

impl WatchPlan {
    pub(super) fn of(inputs: &BTreeMap<WatchReason, Arc<DecidingFiles>>) -> Self {
        let mut plan = Self::default();
        for (reason, inputs) in inputs {
            plan.files.extend(inputs.files.iter().cloned());
            plan.search_folders.extend(inputs.search_folders.iter().cloned());
            if *reason == WatchReason::Gates {
                plan.gate_folders.extend(inputs.search_folders.iter().cloned());
            }
            if *reason == WatchReason::Databases {
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
        for folder in files.chain(plan.search_folders.iter().map(Utf8PathBuf::as_path)) {
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

    /// Whether a change of a path may be a change of an input.
    pub(super) fn includes(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
            || self.targets.contains(path)
            || self.missing.contains(path)
            || self.databases.iter().any(|database| path.starts_with(database))
            || path.parent().is_some_and(|folder| self.gate_folders.contains(folder))
            || path.parent().is_some_and(|folder| self.search_folders.contains(folder))
                && (path.is_dir() || contains_below(&self.files, path))
    }
}

/// Whether one of the files is this path or is below it.
pub(super) fn contains_below(files: &BTreeSet<Utf8PathBuf>, path: &Utf8Path) -> bool {
    files.range(path.to_owned()..).next().is_some_and(|file| file.starts_with(path))
}
