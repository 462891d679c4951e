//! What the owner does when files have changed on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, Registration,
};

use super::{Event, Owner, Reason};
use crate::{
    facts::is_index_file,
    gate::Verdict,
    lsp::{
        documents::Kind,
        session::State as SessionState,
        watch::{Wanted, Watch},
    },
    threads::{self, Doing},
    workspace::{Workspace, is_exceptions, is_policy},
};

impl Owner {
    /// Asks the client to tell about files that change on disk, where it can.
    pub(super) fn watch_files(&self) {
        if !self.session.state().features.watches_files {
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
        // A request to the client is never awaited here.
        threads::task(Doing::just("asking the client"), async move {
            // It may refuse.
            let _ = client.register_capability(vec![registration]).await;
        });
    }

    /// Tells the watching thread what decides now.
    pub(super) fn watch_what_matters(&mut self) {
        let state = self.session.state();
        let mut databases = self.databases.watched();
        databases.extend(state.settings.db.clone());
        let wanted = Wanted {
            folders: state.folders.iter().cloned().collect(),
            workspaces: self.workers.keys().cloned().collect(),
            databases,
            index: state
                .verdicts
                .values()
                .map(|verdict| Arc::clone(&verdict.index_files))
                .collect(),
        };
        drop(state);
        self.watch.want(wanted);
    }

    /// Judges anew what changed files concern, and says which workspaces these are.
    pub(super) async fn on_disk(&mut self, paths: Vec<Utf8PathBuf>) -> BTreeSet<Workspace> {
        let news = self.watch.news(paths);
        for (path, before) in &news {
            let was_on_disk = |text: &str| before.is_some_and(|before| before.is_of(text));
            self.session.state().documents.overtake(path, was_on_disk);
        }
        let paths: Vec<_> = news.into_keys().collect();
        self.find_workspaces_again(&paths).await;
        let mut wishes: BTreeMap<Workspace, Reason> = BTreeMap::new();
        for path in &paths {
            let change = self.change_of(path);
            let mut known = false;
            let state = self.session.state();
            for workspace in self.workers.keys() {
                if self.concerns(workspace, path, change, &state) {
                    known = true;
                    let reason = match change {
                        DiskChange::Facts => Reason::Facts,
                        DiskChange::Policy => Reason::Policy,
                        DiskChange::Graph => Reason::Graph,
                    };
                    let known = wishes.entry(workspace.clone()).or_insert(reason);
                    *known = reason.max(*known);
                }
            }
            drop(state);
            if !known && Kind::of(path).is_some() {
                self.find_workspaces_of(path);
            }
        }
        for (workspace, reason) in &wishes {
            self.wish_for(workspace, *reason);
        }
        wishes.into_keys().collect()
    }

    /// Manifests decide which workspaces there are, and to which one a file belongs.
    async fn find_workspaces_again(&mut self, paths: &[Utf8PathBuf]) {
        let manifests = paths.iter().filter(|path| Kind::of(path) == Some(Kind::Manifest));
        let folders: Vec<_> = manifests.filter_map(|path| path.parent()).collect();
        if folders.is_empty() {
            return;
        }
        let gone = |workspace: &&Workspace| {
            folders.iter().any(|folder| workspace.manifest.starts_with(folder))
                && !workspace.still_is_one()
        };
        let gone: Vec<_> = self.workers.keys().filter(gone).cloned().collect();
        if gone.is_empty() {
            let open = self.session.state().documents.paths();
            let below = |path: &Utf8PathBuf| folders.iter().any(|folder| path.starts_with(folder));
            for path in open.into_iter().filter(below) {
                self.find_workspaces_of(&path);
            }
        } else {
            self.forget(gone).await;
            // Others may stand below the folder that held one.
            self.session.tell(Event::FoldersChanged);
        }
    }

    /// Whoever saves a file as it was wants what could not be judged to be tried again.
    pub(super) fn try_again(&mut self, path: &Utf8Path, wished: &BTreeSet<Workspace>) {
        let failed = |workspace: &&Workspace| {
            let verdicts = &self.session.state().verdicts;
            let reached = verdicts.get(*workspace).is_none_or(|verdict| verdict.reached);
            !reached && !wished.contains(*workspace) && path.starts_with(&workspace.root)
        };
        let failed: Vec<_> = self.workers.keys().filter(failed).cloned().collect();
        for workspace in failed {
            self.wish(&workspace, true);
        }
    }

    /// What has to be renewed because of a file; what all verdicts share forgets it here.
    pub(super) fn change_of(&self, path: &Utf8Path) -> DiskChange {
        if is_policy(path) || is_exceptions(path) {
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

    pub(super) fn concerns(
        &self,
        workspace: &Workspace,
        path: &Utf8Path,
        change: DiskChange,
        state: &SessionState,
    ) -> bool {
        match change {
            DiskChange::Policy => workspace.manifest.starts_with(ruled_folder(path)),
            DiskChange::Facts => true,
            DiskChange::Graph => {
                let named = Kind::of(path).is_some() && self.resolves_with(workspace, path, state);
                named || self.watch.decides(workspace, path)
            }
        }
    }
}

/// What a change on disk is a change of.
#[derive(Clone, Copy, Debug)]
pub(super) enum DiskChange {
    /// A policy or its exceptions.
    Policy,
    /// An advisory database or cargo's index.
    Facts,
    /// A manifest, a lock file, cargo's configuration.
    Graph,
}

/// Whether a manifest or lock file has to do with what cargo resolves for the workspace, as far as
/// its manifests on disk and its last verdict tell: path dependencies may stand outside of its
/// folder.
pub(super) fn is_resolved_with(
    workspace: &Workspace,
    path: &Utf8Path,
    watch: &Watch,
    verdict: Option<&Verdict>,
) -> bool {
    path.starts_with(&workspace.root)
        || watch.decides(workspace, path)
        || verdict.is_some_and(|verdict| verdict.declared.iter().any(|one| one.file == path))
}

/// The folder that a policy rules: its own, or the one above `.cargo`.
pub(super) fn ruled_folder(policy: &Utf8Path) -> &Utf8Path {
    let folder = policy.parent().unwrap_or(policy);
    match folder.file_name() {
        Some(".cargo") => folder.parent().unwrap_or(folder),
        _ => folder,
    }
}
