//! Changed files on disk in the main loop.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, Registration,
};

use super::{CheckReason, MainLoop};
use crate::{
    facts::is_index_file,
    gate::Verdict,
    lsp::{
        documents::{DocumentKind, Documents},
        event::Event,
        session::SessionState,
        watch::{FileWatch, WatchSet},
    },
    threads::{self, Activity},
    workspace::{Workspace, is_exceptions, is_policy, policy_scope},
};

impl MainLoop {
    /// Registers for the client's reports of changed files, where it supports that.
    pub(super) fn watch_files(&self) {
        if !self.session.snapshot().features.watches_files {
            return;
        }
        let watchers =
            ["**/Cargo.toml", "**/Cargo.lock", "**/deny.toml", "**/.deny.toml"].map(|glob| {
                FileSystemWatcher { glob_pattern: GlobPattern::String(glob.into()), kind: None }
            });
        let options = DidChangeWatchedFilesRegistrationOptions { watchers: watchers.into() };
        let registration = Registration {
            id: "supercargo/watch".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let client = self.session.client.clone();
        // The main loop never waits for the client.
        threads::task(Activity::just("asking the client"), async move {
            // The client may return an error.
            let _ = client.register_capability(vec![registration]).await;
        });
    }

    /// Sends the watching thread the files to watch now.
    pub(super) fn update_watch(&mut self) {
        let state = self.session.snapshot();
        let mut databases = self.databases.watched();
        databases.extend(state.settings.db.clone());
        let watch_set = WatchSet {
            folders: state.folders.iter().cloned().collect(),
            workspaces: self.workers.keys().cloned().collect(),
            databases,
            policies: self
                .workers
                .keys()
                .filter_map(|workspace| state.settings.config_of(workspace, &state.folders))
                .collect(),
            index: state
                .verdicts
                .values()
                .map(|verdict| Arc::clone(&verdict.index_files))
                .collect(),
            ..WatchSet::default()
        };
        drop(state);
        let (gate_files, gate_folders) = self.gate_searches.watched();
        let bases = self.files_of_bases();
        self.watch.set(WatchSet { gate_files, gate_folders, bases, ..watch_set });
    }

    /// Checks the workspaces that changed files affect; returns them.
    pub(super) async fn files_changed(&mut self, paths: Vec<Utf8PathBuf>) -> BTreeSet<Workspace> {
        let changes = self.watch.new_changes(paths);
        for (path, (before, now)) in &changes {
            let was_on_disk = |text: &str| before.is_some_and(|before| before.matches(text));
            let is_on_disk = |text: &str| now.matches(text);
            let change =
                |documents: &mut Documents| documents.file_changed(path, was_on_disk, is_on_disk);
            if self.session.update(|state| change(&mut state.documents)) {
                self.publish([path.as_path().into()]).await;
            }
        }
        let paths: Vec<_> = changes.into_keys().collect();
        self.forget_ruled_workspaces(&paths);
        self.gates_may_have_changed(&paths);
        self.find_workspaces_again(&paths).await;
        let mut reasons: BTreeMap<Workspace, CheckReason> = BTreeMap::new();
        let mut has_new_facts = false;
        for path in &paths {
            let change = self.classify_change(path);
            has_new_facts |= matches!(change, DiskChange::Facts);
            let mut is_known = false;
            let state = self.session.snapshot();
            for workspace in self.workers.keys() {
                if self.affects(workspace, path, change, &state) {
                    is_known = true;
                    let reason = match change {
                        DiskChange::Facts => CheckReason::Facts,
                        DiskChange::Policy => CheckReason::Policy,
                        DiskChange::Graph => CheckReason::Graph,
                    };
                    let strongest = reasons.entry(workspace.clone()).or_insert(reason);
                    *strongest = reason.max(*strongest);
                }
            }
            drop(state);
            if !is_known && DocumentKind::of(path).is_some() {
                self.find_workspace_of(path);
            }
        }
        self.bases_may_have_changed(&paths, has_new_facts);
        for (workspace, reason) in &reasons {
            self.request_check(workspace, *reason);
        }
        reasons.into_keys().collect()
    }

    /// Manifests decide which workspaces exist, and to which workspace a file belongs.
    async fn find_workspaces_again(&mut self, paths: &[Utf8PathBuf]) {
        let manifests =
            paths.iter().filter(|path| DocumentKind::of(path) == Some(DocumentKind::Manifest));
        let folders: Vec<_> = manifests.filter_map(|path| path.parent()).collect();
        if folders.is_empty() {
            return;
        }
        // Its policy may be left, which is then checked alone.
        let is_deleted = |manifest: &Utf8PathBuf| paths.contains(manifest) && !manifest.is_file();
        let gone = |workspace: &&Workspace| {
            folders.iter().any(|folder| workspace.manifest.starts_with(folder))
                && (!workspace.is_current() || is_deleted(&workspace.manifest))
        };
        let gone: Vec<_> = self.workers.keys().filter(gone).cloned().collect();
        if gone.is_empty() {
            let open = self.session.snapshot().documents.paths();
            let below = |path: &Utf8PathBuf| folders.iter().any(|folder| path.starts_with(folder));
            for path in open.into_iter().filter(below) {
                self.find_workspace_of(&path);
            }
        } else {
            self.remove(gone).await;
            // There may be other workspaces below the same folder.
            self.session.send(Event::FoldersChanged);
        }
    }

    /// Checks again what could not be checked: the user has saved a file, perhaps without a change.
    pub(super) fn retry_failed(&mut self, path: &Utf8Path, requested: &BTreeSet<Workspace>) {
        let failed = |workspace: &&Workspace| {
            let state = self.session.snapshot();
            let complete = state.verdicts.get(*workspace).is_none_or(|verdict| verdict.complete);
            !complete && !requested.contains(*workspace) && path.starts_with(&workspace.root)
        };
        let failed: Vec<_> = self.workers.keys().filter(failed).cloned().collect();
        for workspace in failed {
            self.request_check(&workspace, CheckReason::Graph);
        }
    }

    /// What kind of change a file means. Data that all verdicts share is dropped here.
    pub(super) fn classify_change(&self, path: &Utf8Path) -> DiskChange {
        let is_set = || {
            let state = self.session.snapshot();
            self.workers.keys().any(|workspace| {
                state.settings.config_of(workspace, &state.folders).as_deref() == Some(path)
            })
        };
        if is_policy(path) || is_exceptions(path) || is_set() {
            return DiskChange::Policy;
        }
        if is_index_file(path) {
            self.databases.index_changed();
            return DiskChange::Facts;
        }
        if self.databases.watched().contains(path) {
            self.databases.changed(path);
            return DiskChange::Facts;
        }
        DiskChange::Graph
    }

    /// See [`is_resolved_with`].
    pub(super) fn resolves_with(
        &self,
        workspace: &Workspace,
        path: &Utf8Path,
        state: &SessionState,
    ) -> bool {
        let verdict = state.verdicts.get(workspace).map(Arc::as_ref);
        is_resolved_with(workspace, path, &self.watch, verdict)
    }

    pub(super) fn affects(
        &self,
        workspace: &Workspace,
        path: &Utf8Path,
        change: DiskChange,
        state: &SessionState,
    ) -> bool {
        match change {
            DiskChange::Policy => {
                let config = state.settings.config_of(workspace, &state.folders);
                config.as_deref() == Some(path)
                    || workspace.manifest.starts_with(policy_scope(path))
            }
            DiskChange::Facts => true,
            DiskChange::Graph => {
                let named =
                    DocumentKind::of(path).is_some() && self.resolves_with(workspace, path, state);
                named || self.watch.is_input(workspace, path)
            }
        }
    }
}

/// What kind of file has changed on disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum DiskChange {
    /// A policy or its exceptions.
    Policy,
    /// An advisory database or cargo's index.
    Facts,
    /// A manifest, a lockfile, cargo's configuration.
    Graph,
}

/// Whether cargo resolves the workspace with a manifest or lockfile, according to its manifests on
/// disk and its last verdict: path dependencies may be outside its folder.
pub(super) fn is_resolved_with(
    workspace: &Workspace,
    path: &Utf8Path,
    watch: &FileWatch,
    verdict: Option<&Verdict>,
) -> bool {
    path.starts_with(&workspace.root)
        || watch.is_input(workspace, path)
        || verdict.is_some_and(|verdict| verdict.declares_in(path))
}
