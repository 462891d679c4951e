//! The main loop: the one task that decides what is checked and published.

mod bases;
mod disk;
mod failures;
mod fixes;
mod gates;
mod graphs;
mod settings;
mod shared_policy;
mod verdicts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{Semaphore, mpsc};
use tower_lsp::ls_types::{Diagnostic, Uri};

use bases::BaseState;
use disk::is_resolved_with;
use gates::GateSearches;
use settings::is_excluded;
use shared_policy::SharedPolicies;
use verdicts::files_of;

use super::{
    comparisons::ShownComparison,
    documents::DocumentKind,
    event::{Buffers, CheckRequest, Event},
    progress::ProgressBar,
    session::Session,
    status::{CheckState, Status},
    watch::FileWatch,
    worker::{CheckPool, CheckWorkerHandle},
};
use crate::{
    facts::RefreshPolicy,
    gate::{Databases, GateOptions, Verdict},
    process::Children,
    resolve::Resolver,
    text::{FilePath, read_to_string},
    threads::{self, Activity, Restarts},
    verdict::{Check, Counts, sanitize},
    workspace::{Discovery, DiscoveryOptions, Workspace, is_policy, policy_scope},
};

/// How old the advisory database of an editor may be before it is fetched again.
const MAX_DATABASE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait for more edits of a policy before the workspaces are checked that only share it.
const BACKGROUND_DEBOUNCE: Duration = Duration::from_secs(2);

/// How many searches for workspaces run at a time: each may use a thread, and the disk is the bottleneck.
const MAX_SEARCHES: usize = 3;

/// Why a workspace is checked again; a later reason needs more work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CheckReason {
    /// Cargo's index or the advisories have changed.
    Facts,
    /// The policy, the settings or the open documents have changed.
    Policy,
    /// A manifest is being edited.
    Typing,
    /// Manifests or the lockfile have changed on disk.
    Graph,
}

/// Runs until the session ends.
pub(super) async fn run(session: Arc<Session>, mut events: mpsc::UnboundedReceiver<Event>) {
    let watch = FileWatch::start(session.events());
    let databases = Arc::default();
    session.update(|state| state.databases = Arc::downgrade(&databases));
    let mut main_loop = MainLoop {
        session,
        watch,
        databases,
        pool: CheckPool::start(),
        searches: Arc::new(Semaphore::new(MAX_SEARCHES)),
        base_checks: Arc::new(Semaphore::new(1)),
        workers: BTreeMap::new(),
        shared_policies: SharedPolicies::default(),
        gate_searches: GateSearches::default(),
        published: HashMap::new(),
        with_moved_links: BTreeSet::new(),
        shown_messages: BTreeSet::new(),
    };
    let doing = Activity::just("deciding what to check and show");
    let mut restarts = Restarts::default();
    let mut waiting = VecDeque::new();
    while let Some(event) = next_event(&mut events, &mut waiting).await {
        // Events that the shutdown itself causes are ignored.
        if main_loop.session.is_ending() {
            return;
        }
        let handling = async {
            main_loop.handle(event).await;
            main_loop.update_watch();
        };
        if threads::catch_panic_async(&doing, handling).await.is_ok() {
            continue;
        }
        // The event was handled in part: start over.
        match restarts.next() {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                let _ = threads::catch_panic_async(&doing, main_loop.start_over()).await;
            }
            None => threads::give_up(&doing),
        }
    }
}

/// The next event that has to be handled. Of several edits of a document that wait, only the last one is handled: each is
/// handled with the text that the document has then.
async fn next_event(
    events: &mut mpsc::UnboundedReceiver<Event>,
    waiting: &mut VecDeque<Event>,
) -> Option<Event> {
    loop {
        if waiting.is_empty() {
            waiting.push_back(events.recv().await?);
        }
        while let Ok(event) = events.try_recv() {
            waiting.push_back(event);
        }
        let event = waiting.pop_front()?;
        let is_same_edit = |later: &Event| match (&event, later) {
            (Event::Edited(path), Event::Edited(later)) => path == later,
            _ => false,
        };
        if !waiting.iter().any(is_same_edit) {
            return Some(event);
        }
    }
}

struct MainLoop {
    session: Arc<Session>,
    watch: FileWatch,
    databases: Arc<Databases>,
    pool: CheckPool,
    /// Limits how many searches for workspaces run at a time.
    searches: Arc<Semaphore>,
    /// One base is checked at a time.
    base_checks: Arc<Semaphore>,
    workers: BTreeMap<Workspace, WorkspaceState>,
    shared_policies: SharedPolicies,
    gate_searches: GateSearches,
    /// The diagnostics that the client shows, by file.
    published: HashMap<FilePath, Published>,
    /// Files in whose published diagnostics only links to other files are out of date.
    with_moved_links: BTreeSet<FilePath>,
    /// Messages that were shown already.
    shown_messages: BTreeSet<String>,
}

/// What the main loop knows of a checked workspace.
struct WorkspaceState {
    worker: CheckWorkerHandle,
    /// The programs that were started for it.
    children: Children,
    /// The open files that belong to it: while there are any it is checked, wherever it is.
    open: BTreeSet<Utf8PathBuf>,
    /// It is only checked to find out what it needs of a policy that it shares.
    is_background: bool,
    /// The policy files of the last verdict.
    policies: Vec<Utf8PathBuf>,
    /// How many check requests have no result yet.
    pending_requests: usize,
    progress: Option<ProgressBar>,
    /// The last verdict that has a graph: its findings are shown while a manifest is broken.
    complete_verdict: Option<Arc<Verdict>>,
    /// The counts of the last verdict whose policy could be read.
    last_counts: BTreeMap<Check, Counts>,
    /// The status that was sent last.
    status: Option<Status>,
    /// What it was made of.
    status_input: Option<StatusInput>,
    /// The options of the last check request.
    options: Option<GateOptions>,
    /// What it is compared with.
    base: Option<BaseState>,
}

/// What the status of a workspace says besides its comparison.
#[derive(Clone)]
struct StatusInput {
    state: CheckState,
    shown: Option<Arc<Verdict>>,
    message: Option<String>,
}

#[derive(Default, PartialEq)]
struct Published {
    uri: Option<Uri>,
    version: Option<i32>,
    diagnostics: Vec<Diagnostic>,
}

impl WorkspaceState {
    /// Changes the open files.
    fn update_open(&mut self, by: impl FnOnce(&mut BTreeSet<Utf8PathBuf>)) {
        by(&mut self.open);
        self.worker.has_open_files(!self.open.is_empty());
    }
}

impl MainLoop {
    async fn handle(&mut self, event: Event) {
        if !matches!(event, Event::Panicked(_)) {
            threads::failpoint("main-loop");
        }
        match event {
            Event::Initialized => {
                self.show_setting_errors().await;
                self.show_trust_message().await;
                self.watch_files();
                self.folders_changed().await;
            }
            Event::SettingsChanged(change) => self.settings_changed(change).await,
            Event::FoldersChanged => self.folders_changed().await,
            Event::TrustChanged => self.trust_changed().await,
            Event::WorkspacesFound { workspaces, for_file } => {
                self.workspaces_found(workspaces, for_file);
            }
            Event::Opened(path) => {
                // Editors keep unsaved texts over a restart: the text may differ from the file.
                self.buffer_changed(&path);
                self.find_workspace_of(&path);
                self.publish([path.into()]).await;
            }
            Event::Closed(path) => {
                let file = read_to_string(&path).ok();
                let file = file.as_deref();
                self.session.update(|state| state.documents.closed_file_read(&path, file));
                for workspace_state in self
                    .workers
                    .values_mut()
                    .filter(|workspace_state| workspace_state.open.contains(&path))
                {
                    workspace_state.update_open(|open| _ = open.remove(&path));
                }
                self.remove_outside().await;
                self.buffer_changed(&path);
                self.publish([path.into()]).await;
            }
            Event::Edited(path) => {
                self.warn_of_unknown_text(&path).await;
                self.buffer_changed(&path);
                self.publish([path.into()]).await;
            }
            Event::Saved(path) => {
                self.retry_failed_bases();
                let requested = self.files_changed(vec![path.clone()]).await;
                self.retry_failed(&path, &requested);
                self.publish_moved_links().await;
            }
            Event::FilesReported(paths) => self.watch.files_reported(paths),
            Event::FilesChanged(paths) => {
                self.files_changed(paths).await;
            }
            Event::BaseChosen => self.base_chosen().await,
            Event::BaseChecked { workspace, cancellation, outcome } => {
                self.base_checked(&workspace, &cancellation, outcome).await;
            }
            Event::HiddenFound { workspace, base, hidden } => {
                self.hidden_found(&workspace, &base, hidden).await;
            }
            Event::GatesFound { root, found } => self.gates_found(&root, &found),
            Event::RuledWorkspacesFound { policy, ruled } => {
                self.ruled_workspaces_found(policy, ruled);
            }
            Event::ProgressMessage(workspace, message) => {
                self.report_progress(&workspace, message);
                self.send_resolving(&workspace).await;
            }
            Event::ProvisionalVerdict(workspace, verdict) => {
                self.show_provisional(&workspace, verdict).await;
            }
            Event::Checked { workspace, request_count, verdict } => {
                self.checked(&workspace, request_count, verdict).await;
            }
            Event::FixesFound { workspace, verdict, finding, result } => {
                self.fixes_found(&workspace, &verdict, finding, result);
            }
            Event::FirstFixesFound { workspace, verdict, findings, fixes } => {
                self.first_fixes_found(&workspace, &verdict, &findings, fixes);
            }
            Event::ActionsAdded(path) => self.publish_again(&path).await,
            Event::UpgradesVerified { workspace, verdict, count } => {
                self.upgrades_verified(&workspace, &verdict, count);
            }
            Event::FixesRequested(workspace, request) => {
                if let Some(workspace_state) = self.workers.get(&workspace) {
                    workspace_state.worker.request_fixes(request);
                }
            }
            Event::GraphRequested(workspace, reply) => self.graph_requested(&workspace, reply),
            Event::Panicked(failure) => self.show_failure(&failure).await,
            Event::ShutDown => {}
        }
    }

    async fn folders_changed(&mut self) {
        let (folders, options) = {
            let state = self.session.snapshot();
            (state.folders.clone(), state.settings.discovery())
        };
        self.remove_outside().await;
        let open = self.session.snapshot().documents.paths();
        for folder in folders {
            let (options, watched) = (options.clone(), self.watch.watched_files());
            let doing = Activity::to("looking for workspaces in", folder.as_str());
            self.find_workspaces(doing, None, move || {
                watched.note_folder(&folder);
                let found = Discovery::below(&folder, &options).workspaces;
                // A member that is opened as a folder belongs to its whole workspace.
                let around = found.iter().map(|found| {
                    if found.manifest.is_file() {
                        Workspace::around_manifest(&found.manifest)
                    } else {
                        found.clone()
                    }
                });
                let found: Vec<_> = around.collect();
                watched.note_workspaces(&found);
                found
            });
        }
        for path in open {
            self.find_workspace_of(&path);
        }
    }

    fn workspaces_found(&mut self, workspaces: Vec<Workspace>, for_file: Option<Utf8PathBuf>) {
        let (folders, excluded, opened) = {
            let state = self.session.snapshot();
            let opened = for_file.filter(|path| state.documents.is_open(path));
            (state.folders.clone(), state.settings.exclude.clone(), opened)
        };
        // A manifest in a folder above may have been written meanwhile.
        if let Some(path) = &opened
            && let Some(now) = workspace_of(path)
            && !workspaces.contains(&now)
        {
            return self.find_workspace_of(path);
        }
        for workspace in workspaces {
            // The folder may have been removed or the file closed meanwhile.
            let is_open =
                is_inside(&workspace, &folders) && !is_excluded(&workspace, &folders, &excluded);
            if opened.is_none() && !is_open {
                continue;
            }
            if let Some(workspace_state) = self.workers.get_mut(&workspace) {
                workspace_state.update_open(|open| open.extend(opened.clone()));
                if workspace_state.show_from_now_on() {
                    self.request_check(&workspace, CheckReason::Policy);
                }
                continue;
            }
            self.start_worker(&workspace, opened.iter().cloned().collect(), false);
        }
    }

    /// Starts to check a workspace, of which these files are open.
    fn start_worker(
        &mut self,
        workspace: &Workspace,
        open: BTreeSet<Utf8PathBuf>,
        is_background: bool,
    ) {
        let (databases, events) = (Arc::clone(&self.databases), self.session.events());
        let worker = CheckWorkerHandle::start(workspace.clone(), databases, events, &self.pool);
        worker.has_open_files(!open.is_empty());
        let workspace_state = WorkspaceState {
            worker,
            children: self.session.children.in_own_scope(),
            open,
            is_background,
            policies: Vec::new(),
            pending_requests: 0,
            progress: None,
            complete_verdict: None,
            last_counts: BTreeMap::new(),
            status: None,
            status_input: None,
            options: None,
            base: None,
        };
        self.workers.insert(workspace.clone(), workspace_state);
        self.request_check(workspace, CheckReason::Graph);
    }

    /// Runs `find` on a blocking thread; a second time when it panics.
    fn find_workspaces(
        &self,
        doing: Activity,
        for_file: Option<Utf8PathBuf>,
        find: impl Fn() -> Vec<Workspace> + Send + 'static,
    ) {
        let (events, searches) = (self.session.events(), Arc::clone(&self.searches));
        threads::task(doing.clone(), async move {
            let _permit = searches.acquire_owned().await;
            let found = threads::blocking(doing.clone(), move || {
                let look = || {
                    threads::failpoint("discovery");
                    find()
                };
                let found = threads::catch_panic(&doing, look);
                found.or_else(|_| threads::catch_panic(&doing, look)).unwrap_or_default()
            });
            let workspaces = found.await.unwrap_or_default();
            let _ = events.send(Event::WorkspacesFound { workspaces, for_file });
        });
    }

    /// Finds the workspace that an opened file belongs to.
    fn find_workspace_of(&mut self, path: &Utf8Path) {
        let kind = DocumentKind::of(path);
        if kind.is_some_and(DocumentKind::is_policy) {
            let known = self.workspaces_of_policy(path);
            let known: Vec<_> = known
                .filter(|one| self.workers.get(one).is_some_and(|state| !state.is_background))
                .collect();
            self.workspaces_found(known, Some(path.to_owned()));
        }
        let path = path.to_owned();
        let options = self.session.snapshot().settings.discovery();
        let watched = self.watch.watched_files();
        let doing = Activity::to("looking for the workspace of", path.as_str());
        self.find_workspaces(doing, Some(path.clone()), move || {
            let look = || match kind {
                Some(kind) if kind.is_policy() => find_workspaces_of_policy(&path, &options),
                _ => workspace_of(&path).into_iter().collect(),
            };
            let mut found = look();
            loop {
                watched.note_workspaces(&found);
                // The watch does not report what was written before it was noted.
                let again = look();
                if again == found {
                    return found;
                }
                found = again;
            }
        });
    }

    /// The workspaces whose policy or exceptions are `path`.
    fn workspaces_of_policy(&self, path: &Utf8Path) -> impl Iterator<Item = Workspace> + use<> {
        let state = self.session.snapshot();
        let of_settings =
            |workspace: &Workspace| state.settings.config_of(workspace, &state.folders);
        let is_used = |workspace: &&Workspace| match of_settings(workspace) {
            Some(config) if config == *path => true,
            Some(_) if is_policy(path) => false,
            _ => workspace.is_ruled_by(path),
        };
        let found: Vec<_> = self.workers.keys().filter(is_used).cloned().collect();
        found.into_iter()
    }

    /// The text of a document has changed, or the file on disk counts again.
    fn buffer_changed(&mut self, path: &Utf8Path) {
        if DocumentKind::of(path).is_some_and(DocumentKind::is_policy) {
            let workspaces: Vec<_> = self.workspaces_of_policy(path).collect();
            for workspace in workspaces {
                self.request_check(&workspace, CheckReason::Policy);
            }
        } else {
            let state = self.session.snapshot();
            let concerned = |workspace: &&Workspace| self.resolves_with(workspace, path, &state);
            let concerned: Vec<_> = self.workers.keys().filter(concerned).cloned().collect();
            drop(state);
            for workspace in concerned {
                self.request_check(&workspace, CheckReason::Typing);
            }
        }
    }

    /// Shows a warning where the text of a document is unknown.
    async fn warn_of_unknown_text(&mut self, path: &Utf8Path) {
        if self.session.snapshot().documents.is_unknown(path) {
            self.show_once(&format!(
                "supercargo: could not apply an edit of `{}`: the file on disk is checked until you \
                 save it or open it again",
                sanitize(path.as_str())
            ))
            .await;
        }
    }

    fn request_check(&mut self, workspace: &Workspace, reason: CheckReason) {
        let Some(gates) = self.gates_of(workspace, reason) else { return };
        let other_uses = self.other_uses(workspace);
        let (options, sharer_search, trusted, buffers, folders, pause, proves_when_idle) = {
            let state = self.session.snapshot();
            let settings = &state.settings;
            let trusted = settings.trusted;
            let refresh = if settings.offline {
                RefreshPolicy::Never
            } else {
                RefreshPolicy::OlderThan(MAX_DATABASE_AGE)
            };
            let Some(workspace_state) = self.workers.get(workspace) else { return };
            let options = GateOptions {
                deny: settings.deny_options(workspace, &state.folders),
                policy_files: None,
                advisories: settings.db.clone(),
                refresh,
                helps: settings.lists_helps(),
                releases: true,
                dependency_graph: false,
                skip_licenses_without_policy: true,
                other_uses: Arc::new(other_uses.clone().unwrap_or_default()),
                command_lines: gates.command_lines,
                gate_versions: gates.versions,
                resolver: Resolver {
                    cargo: settings.cargo(),
                    offline: settings.offline,
                    locked: false,
                    children: workspace_state.children.clone(),
                    cache: self.session.cache.clone(),
                },
            };
            let is_background = workspace_state.is_background;
            let pause = if is_background {
                BACKGROUND_DEBOUNCE
            } else {
                Duration::from_millis(settings.debounce)
            };
            let proves = settings.prove_when_idle && !is_background;
            let verdict = state.verdicts.get(workspace).map(Arc::as_ref);
            let mut used = state.documents.paths();
            used.retain(|path| {
                DocumentKind::of(path).is_some_and(DocumentKind::is_policy)
                    || is_resolved_with(workspace, path, &self.watch, verdict)
            });
            let buffers = self.session.update(|state| state.documents.texts(&used));
            let discovery = state.settings.discovery();
            let sharer_search = other_uses.is_none().then_some(discovery);
            let folders = state.folders.clone();
            (options, sharer_search, trusted, Buffers(buffers), folders, pause, proves)
        };
        if let Some(workspace_state) = self.workers.get_mut(workspace) {
            workspace_state.pending_requests += 1;
            workspace_state.options = Some(options.clone());
            if let Some(base) = &mut workspace_state.base {
                base.use_options(&options);
            }
            let base = workspace_state.base.as_ref().and_then(BaseState::checked).cloned();
            workspace_state.worker.request_check(CheckRequest {
                renew_graph: reason == CheckReason::Graph,
                typing: reason == CheckReason::Typing
                    || workspace_state.is_background && reason == CheckReason::Policy,
                facts_only: reason == CheckReason::Facts,
                proves_when_idle,
                sharer_search,
                base,
                trusted,
                pause,
                folders,
                buffers,
                options,
            });
        }
    }

    /// Removes the workspaces that are in no open folder and have no open file.
    async fn remove_outside(&mut self) {
        let folders = self.session.snapshot().folders.clone();
        let outside = self.workers.iter().filter(|(workspace, workspace_state)| {
            workspace_state.open.is_empty()
                && !is_inside(workspace, &folders)
                && !(workspace_state.is_background && self.shared_policies.rules(workspace))
        });
        let outside = outside.map(|(workspace, _)| workspace.clone()).collect();
        self.remove(outside).await;
    }

    async fn remove(&mut self, workspaces: Vec<Workspace>) {
        let mut files = BTreeSet::new();
        for workspace in workspaces {
            if let Some(workspace_state) = self.workers.remove(&workspace) {
                workspace_state.children.end();
                self.forget_policy_use(&workspace, &workspace_state.policies);
            }
            let (_results, _complete, comparison, verdict) = self.session.update(|state| {
                let results = state.fix_results.remove(&workspace);
                let complete = state.complete_verdicts.remove(&workspace);
                let comparison = state.comparisons.remove(&workspace);
                (results, complete, comparison, state.verdicts.remove(&workspace))
            });
            files.extend(ShownComparison::differing_files(comparison.as_deref(), None));
            files.extend(verdict.iter().flat_map(|verdict| files_of(verdict)));
        }
        self.publish(files).await;
    }
}

/// The workspaces below a policy, without those that have a closer one.
fn find_workspaces_of_policy(policy: &Utf8Path, options: &DiscoveryOptions) -> Vec<Workspace> {
    let mut found = Discovery::below(policy_scope(policy), options).workspaces;
    found.retain(|workspace| workspace.is_ruled_by(policy) || !policy.is_file());
    // Without a workspace that it rules, its text is checked.
    let alone = Workspace::of_policy(policy);
    if found.is_empty() && is_policy(policy) && alone.is_policy_alone() {
        found.push(alone);
    }
    found
}

/// The workspace of a manifest or a lockfile, according to the files on disk.
fn workspace_of(path: &Utf8Path) -> Option<Workspace> {
    let manifest = match DocumentKind::of(path)? {
        DocumentKind::Manifest => path.to_owned(),
        DocumentKind::Lockfile => path.parent()?.join("Cargo.toml"),
        DocumentKind::Policy | DocumentKind::Exceptions => return None,
    };
    manifest.is_file().then(|| Workspace::around_manifest(&manifest))
}

/// Whether the workspace is below one of the folders or contains one.
fn is_inside(workspace: &Workspace, folders: &[Utf8PathBuf]) -> bool {
    folders
        .iter()
        .any(|folder| workspace.root.starts_with(folder) || folder.starts_with(&workspace.root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn last_of_several_edits_replaces_the_others() {
        let (sender, mut events) = mpsc::unbounded_channel();
        let (one, other) = (Utf8PathBuf::from("/w/Cargo.toml"), Utf8PathBuf::from("/w/deny.toml"));
        let sent = [
            Event::Edited(one.clone()),
            Event::Edited(other.clone()),
            Event::Saved(one.clone()),
            Event::Edited(one.clone()),
        ];
        for event in sent {
            sender.send(event).expect("it is received");
        }
        drop(sender);
        let mut waiting = VecDeque::new();
        let mut handled = Vec::new();
        while let Some(event) = next_event(&mut events, &mut waiting).await {
            handled.push(format!("{event:?}"));
        }
        let expected = [Event::Edited(other), Event::Saved(one.clone()), Event::Edited(one)];
        assert_eq!(handled, expected.map(|event| format!("{event:?}")));
    }
}
