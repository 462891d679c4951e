//! The gates of CI: each workspace is checked with the command lines that its repository runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{CheckReason, MainLoop};
use crate::{
    ci::{self, GateSearch},
    gate::{CommandLine, GateVersion, gate_versions},
    lsp::{documents::DocumentKind, event::Event},
    threads::{self, Activity},
    workspace::Workspace,
};

/// How many folders are watched for new files of CI.
const MAX_FOLDERS: usize = 64;

/// The searches for gates, by the root of the repository.
#[derive(Default)]
pub(super) struct GateSearches {
    searches: BTreeMap<Utf8PathBuf, SearchState>,
}

/// The gates of one workspace.
#[derive(Default, PartialEq)]
pub(super) struct CiGates {
    pub(super) command_lines: Vec<CommandLine>,
    pub(super) versions: Vec<GateVersion>,
}

impl CiGates {
    /// The gates of a workspace; without command lines where the settings decide, not CI.
    fn of(search: &GateSearch, root: &Utf8Path, workspace: &Workspace, uses_them: bool) -> Self {
        let command_lines = CommandLine::of_workspace(search, root, workspace);
        Self {
            command_lines: if uses_them { command_lines } else { Vec::new() },
            versions: gate_versions(search, root, workspace),
        }
    }
}

#[derive(Default)]
struct SearchState {
    /// The last result; `None` before the first one.
    found: Option<Arc<GateSearch>>,
    /// A search runs.
    is_running: bool,
    /// A file has changed since it began.
    is_outdated: bool,
    /// The workspaces that are checked when it ends, with the reasons.
    waiting: BTreeMap<Workspace, CheckReason>,
}

impl GateSearches {
    /// The files that decide which gates are found, and the folders in which others may appear: the repository's and
    /// those of its CI, not every folder in which a script could be.
    pub(super) fn watched(&self) -> (BTreeSet<Utf8PathBuf>, BTreeSet<Utf8PathBuf>) {
        let mut files = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for (root, search) in &self.searches {
            let Some(found) = &search.found else { continue };
            files.extend(found.files_read.iter().cloned());
            let is_watched = |folder: &&Utf8PathBuf| {
                let below = folder.strip_prefix(root).unwrap_or(folder);
                below.as_str().is_empty() || below.as_str().starts_with('.')
            };
            folders.extend(found.folders.iter().filter(is_watched).take(MAX_FOLDERS).cloned());
        }
        (files, folders)
    }

    /// The roots of the repositories whose gates a file may change.
    fn affected(&self, path: &Utf8Path) -> Vec<Utf8PathBuf> {
        let folder = path.parent().unwrap_or(path);
        // A manifest, lockfile or policy is no new file of CI.
        let may_be_new = DocumentKind::of(path).is_none();
        let affected = self.searches.iter().filter(|(_, search)| {
            search.found.as_ref().is_none_or(|found| {
                found.files_read.contains(path) || may_be_new && found.folders.contains(folder)
            })
        });
        affected.map(|(root, _)| root.clone()).collect()
    }
}

impl MainLoop {
    /// The gates of CI for a workspace; `None` while they are searched for, and the check is requested again when they are
    /// found. Where the settings decide, there are no command lines, and the first check does not wait.
    pub(super) fn gates_of(
        &mut self,
        workspace: &Workspace,
        reason: CheckReason,
    ) -> Option<CiGates> {
        let uses_ci_gates = self.session.snapshot().settings.uses_ci_gates();
        let root = ci::root_around(workspace.folder());
        let search = self.gate_searches.searches.entry(root.clone()).or_default();
        if let Some(found) = &search.found {
            return Some(CiGates::of(found, &root, workspace, uses_ci_gates));
        }
        if uses_ci_gates {
            let strongest = search.waiting.entry(workspace.clone()).or_insert(reason);
            *strongest = reason.max(*strongest);
        }
        if !search.is_running {
            self.find_gates(root);
        }
        (!uses_ci_gates).then(CiGates::default)
    }

    fn find_gates(&mut self, root: Utf8PathBuf) {
        let search = self.gate_searches.searches.entry(root.clone()).or_default();
        search.is_running = true;
        search.is_outdated = false;
        let (events, searches) = (self.session.events(), Arc::clone(&self.searches));
        let cache = self.session.cache.clone();
        let doing = Activity::to("looking for the gates of CI in", root.as_str());
        threads::task(doing.clone(), async move {
            let _permit = searches.acquire_owned().await;
            let searched = root.clone();
            let look = move || ci::find_gates_or_kept(&searched, &cache);
            let found = threads::blocking(doing, look).await.unwrap_or_default();
            let _ = events.send(Event::GatesFound { root, found: Arc::new(found) });
        });
    }

    /// A search for gates has ended.
    pub(super) fn gates_found(&mut self, root: &Utf8Path, found: &Arc<GateSearch>) {
        let uses_ci_gates = self.session.snapshot().settings.uses_ci_gates();
        let Some(search) = self.gate_searches.searches.get_mut(root) else { return };
        search.is_running = false;
        for unresolved in &found.unresolved {
            let at = unresolved.at.below(root);
            tracing::warn!("the gate in {at} is not used: {}", unresolved.reason);
        }
        let before = search.found.replace(Arc::clone(found));
        let mut waiting = std::mem::take(&mut search.waiting);
        let is_outdated = search.is_outdated;
        // Other options need another check.
        for workspace in self.workers.keys().filter(|one| one.folder().starts_with(root)) {
            let of = |search: &GateSearch| CiGates::of(search, root, workspace, uses_ci_gates);
            let earlier = before.as_deref().map(of).unwrap_or_default();
            if earlier != of(found) {
                waiting.entry(workspace.clone()).or_insert(CheckReason::Policy);
            }
        }
        for (workspace, reason) in waiting {
            self.request_check(&workspace, reason);
        }
        if is_outdated {
            self.find_gates(root.to_owned());
        }
    }

    /// Searches for gates again, if a changed file is one of those that decide.
    pub(super) fn gates_may_have_changed(&mut self, paths: &[Utf8PathBuf]) {
        let roots: BTreeSet<_> =
            paths.iter().flat_map(|path| self.gate_searches.affected(path)).collect();
        for root in roots {
            let search = self.gate_searches.searches.entry(root.clone()).or_default();
            if search.is_running {
                search.is_outdated = true;
            } else {
                self.find_gates(root);
            }
        }
    }
}
