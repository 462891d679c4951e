//! The owner: the one task that decides what is judged and published.

mod configured;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc;
use tower_lsp::ls_types::{
    Diagnostic, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern,
    MessageType, Registration, Uri,
};

use configured::is_excluded;

use super::{
    convert::uri_of,
    documents::Kind,
    progress::Progress,
    publish,
    session::{Session, State as SessionState},
    settings::Change,
    status::{State, Status, StatusNotification},
    watch::{Wanted, Watch},
    worker::{Buffers, Wish, Worker},
};
use crate::{
    facts::{RefreshPolicy, is_index_file},
    gate::{Databases, GateOptions, Verdict},
    process::Children,
    resolve::Resolver,
    verdict::{Check, CheckSet, Code, Finding, Place, Severity},
    workspace::{Discovery, PolicyFiles, Workspace, is_exceptions, is_policy},
};

/// An editor's advisories may be this old.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that can happen.
#[derive(Debug)]
pub(super) enum Event {
    /// The client may be spoken to.
    Initialized,
    /// The settings have changed.
    Configured(Change),
    /// Folders were added or removed.
    FoldersChanged,
    /// The user trusts the workspace now, or no longer.
    TrustChanged,
    /// Workspaces were found: in the folders, or because of a file.
    Discovered {
        workspaces: Vec<Workspace>,
        because_of: Option<Utf8PathBuf>,
    },
    Opened(Utf8PathBuf),
    Changed(Utf8PathBuf),
    Closed(Utf8PathBuf),
    /// A buffer was written to disk.
    Saved(Utf8PathBuf),
    /// The client says that files on disk have changed, been created or deleted.
    Told(Vec<Utf8PathBuf>),
    /// Files on disk have changed, been created or deleted; perhaps it is known already.
    OnDisk(Vec<Utf8PathBuf>),
    /// A worker is busy with something that may take long.
    Doing(Workspace, String),
    /// What can be told of a workspace while cargo resolves.
    Meanwhile(Workspace, Arc<Verdict>),
    /// A worker has answered that many wishes; no verdict when it broke off.
    Judged {
        workspace: Workspace,
        answered: usize,
        verdict: Option<Arc<Verdict>>,
    },
    ShutDown,
}

/// Runs until the session ends.
pub(super) async fn run(session: Arc<Session>, mut events: mpsc::UnboundedReceiver<Event>) {
    let watch = Watch::start(session.events());
    let mut owner = Owner {
        session,
        watch,
        databases: Arc::default(),
        workers: BTreeMap::new(),
        published: HashMap::new(),
        said: BTreeSet::new(),
    };
    while let Some(event) = events.recv().await {
        // What the end itself breaks off is nobody's finding.
        if owner.session.was_shut_down() {
            return;
        }
        owner.handle(event).await;
        owner.watch_what_matters();
    }
}

struct Owner {
    session: Arc<Session>,
    watch: Watch,
    databases: Arc<Databases>,
    workers: BTreeMap<Workspace, Busy>,
    /// What the client shows now, by file.
    published: HashMap<Utf8PathBuf, Published>,
    /// Messages that were shown already.
    said: BTreeSet<String>,
}

struct Busy {
    worker: Worker,
    /// The programs that were started for it.
    children: Children,
    /// The open files that belong to it: it is judged as long as there are any, wherever it is.
    open: BTreeSet<Utf8PathBuf>,
    /// Wishes that are not answered yet.
    wishes: usize,
    progress: Option<Progress>,
    /// The last verdict that had a graph: kept on the lines while a manifest is broken.
    good: Option<Arc<Verdict>>,
    /// The last state that the client was told.
    status: Option<Status>,
}

#[derive(Default, PartialEq)]
struct Published {
    uri: Option<Uri>,
    version: Option<i32>,
    diagnostics: Vec<Diagnostic>,
}

impl Owner {
    async fn handle(&mut self, event: Event) {
        match event {
            Event::Initialized => {
                self.complain().await;
                self.say_trust().await;
                self.watch_files();
                self.folders_changed().await;
            }
            Event::Configured(change) => self.configured(change).await,
            Event::FoldersChanged => self.folders_changed().await,
            Event::TrustChanged => self.trust_changed().await,
            Event::Discovered { workspaces, because_of } => {
                self.discovered(workspaces, because_of);
            }
            Event::Opened(path) => {
                // Editors keep unsaved text over a restart: it may differ from the disk's.
                self.buffer_changed(&path);
                self.find_workspaces_of(&path);
                self.publish(&[path]).await;
            }
            Event::Closed(path) => {
                for busy in self.workers.values_mut() {
                    busy.open.remove(&path);
                }
                self.forget_outside().await;
                self.buffer_changed(&path);
                self.publish(&[path]).await;
            }
            Event::Changed(path) => {
                self.buffer_changed(&path);
                self.publish(&[path]).await;
            }
            Event::Saved(path) => {
                let wished = self.on_disk(vec![path.clone()]).await;
                self.try_again(&path, &wished);
            }
            Event::Told(paths) => self.watch.told(paths),
            Event::OnDisk(paths) => {
                self.on_disk(paths).await;
            }
            Event::Doing(workspace, message) => {
                self.doing(&workspace, message);
                self.resolving(&workspace).await;
            }
            Event::Meanwhile(workspace, verdict) => self.meanwhile(&workspace, verdict).await,
            Event::Judged { workspace, answered, verdict } => {
                self.judged(&workspace, answered, verdict).await;
            }
            Event::ShutDown => {}
        }
    }

    /// Tells what is wrong with the settings.
    async fn complain(&mut self) {
        let complaints = std::mem::take(&mut self.session.state().complaints);
        if !complaints.is_empty() {
            let message = format!("supercargo: {}", complaints.join("; "));
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }

    /// Asks the client to tell about files that change on disk, where it can.
    fn watch_files(&self) {
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
        tokio::spawn(async move { client.register_capability(vec![registration]).await });
    }

    /// Says once what an untrusted workspace is judged by.
    async fn say_trust(&mut self) {
        if !self.session.state().settings.trusted {
            self.say(
                "supercargo starts no program in a workspace that is not trusted: vulnerabilities \
                 are judged by `Cargo.lock`, everything else as it was when it was last trusted",
            )
            .await;
        }
    }

    /// Judges everything again, in place.
    async fn trust_changed(&mut self) {
        self.say_trust().await;
        let trusted = self.session.state().settings.trusted;
        for busy in self.workers.values_mut().filter(|_| !trusted) {
            busy.children.end();
            busy.children = self.session.children.of_a_part();
        }
        let all: Vec<_> = self.workers.keys().cloned().collect();
        for workspace in all {
            self.wish(&workspace, true);
        }
    }

    async fn folders_changed(&mut self) {
        let (folders, options) = {
            let state = self.session.state();
            (state.folders.clone(), state.settings.discovery())
        };
        self.forget_outside().await;
        let open = self.session.state().documents.paths();
        let events = self.session.events();
        let known = self.watch.known();
        tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for folder in &folders {
                known.note_folder(folder);
                found.extend(Discovery::below(folder, &options).workspaces.iter().map(|found| {
                    // In an editor a member opened as a folder belongs to its whole workspace.
                    Workspace::around_manifest(&found.manifest)
                }));
            }
            known.note_workspaces(&found);
            let _ = events.send(Event::Discovered { workspaces: found, because_of: None });
        });
        for path in open {
            self.find_workspaces_of(&path);
        }
    }

    fn discovered(&mut self, workspaces: Vec<Workspace>, because_of: Option<Utf8PathBuf>) {
        let (folders, excluded, opened) = {
            let state = self.session.state();
            let opened = because_of.filter(|path| state.documents.get(path).is_some());
            (state.folders.clone(), state.settings.exclude.clone(), opened)
        };
        for workspace in workspaces {
            // Meanwhile the folder may have been removed or the file closed.
            let meant =
                is_inside(&workspace, &folders) && !is_excluded(&workspace, &folders, &excluded);
            if opened.is_none() && !meant {
                continue;
            }
            if let Some(busy) = self.workers.get_mut(&workspace) {
                busy.open.extend(opened.clone());
                continue;
            }
            let databases = Arc::clone(&self.databases);
            match Worker::start(workspace.clone(), databases, self.session.events()) {
                Ok(worker) => {
                    let open = opened.iter().cloned().collect();
                    let children = self.session.children.of_a_part();
                    let busy = Busy {
                        worker,
                        children,
                        open,
                        wishes: 0,
                        progress: None,
                        good: None,
                        status: None,
                    };
                    self.workers.insert(workspace.clone(), busy);
                    self.wish(&workspace, true);
                }
                Err(error) => tracing::error!("{} cannot be judged: {error}", workspace.manifest),
            }
        }
    }

    /// Finds the workspace that an opened file belongs to, if it is not known.
    fn find_workspaces_of(&mut self, path: &Utf8Path) {
        let kind = Kind::of(path);
        let ruled: Vec<_> = match kind {
            Some(Kind::Policy) => self.ruled_by(path).collect(),
            _ => Vec::new(),
        };
        if !ruled.is_empty() {
            self.discovered(ruled, Some(path.to_owned()));
            return;
        }
        let path = path.to_owned();
        let options = self.session.state().settings.discovery();
        let events = self.session.events();
        let known = self.watch.known();
        tokio::task::spawn_blocking(move || {
            let found = match kind {
                Some(Kind::Manifest) if path.is_file() => vec![Workspace::around_manifest(&path)],
                Some(Kind::Lockfile) => path
                    .parent()
                    .map(|folder| folder.join("Cargo.toml"))
                    .filter(|manifest| manifest.is_file())
                    .map(|manifest| Workspace::around_manifest(&manifest))
                    .into_iter()
                    .collect(),
                Some(Kind::Policy) => Discovery::below(ruled_folder(&path), &options).workspaces,
                _ => Vec::new(),
            };
            known.note_workspaces(&found);
            let _ = events.send(Event::Discovered { workspaces: found, because_of: Some(path) });
        });
    }

    /// The workspaces whose policy is `path`.
    fn ruled_by<'o>(&'o self, path: &'o Utf8Path) -> impl Iterator<Item = Workspace> + 'o {
        let ruled = |workspace: &Workspace| {
            PolicyFiles::find(&workspace.manifest).policy.as_deref() == Some(path)
        };
        self.workers.keys().filter(move |workspace| ruled(workspace)).cloned()
    }

    /// The text of an open file is another one, or that on disk again.
    fn buffer_changed(&mut self, path: &Utf8Path) {
        if Kind::of(path) == Some(Kind::Policy) {
            let ruled: Vec<_> = self.ruled_by(path).collect();
            for workspace in ruled {
                self.wish(&workspace, false);
            }
        } else {
            let state = self.session.state();
            let concerned = |workspace: &&Workspace| resolves_with(workspace, path, &state);
            let concerned: Vec<_> = self.workers.keys().filter(concerned).cloned().collect();
            drop(state);
            for workspace in concerned {
                self.wish_while(&workspace, false, true);
            }
        }
    }

    /// Tells the watching thread what decides now.
    fn watch_what_matters(&mut self) {
        let state = self.session.state();
        let mut databases = self.databases.watched();
        databases.extend(state.settings.db.clone());
        let wanted = Wanted {
            folders: state.folders.iter().cloned().collect(),
            workspaces: self.workers.keys().cloned().collect(),
            databases,
        };
        drop(state);
        self.watch.want(wanted);
    }

    /// Judges anew what changed files concern, and says which workspaces these are.
    async fn on_disk(&mut self, paths: Vec<Utf8PathBuf>) -> BTreeSet<Workspace> {
        let news = self.watch.news(paths);
        for (path, before) in &news {
            let was_on_disk = |text: &str| before.is_some_and(|before| before.is_of(text));
            self.session.state().documents.overtake(path, was_on_disk);
        }
        let paths: Vec<_> = news.into_keys().collect();
        let gone = |workspace: &&Workspace| {
            paths.contains(&workspace.manifest) && !workspace.manifest.exists()
        };
        let gone: Vec<_> = self.workers.keys().filter(gone).cloned().collect();
        if !gone.is_empty() {
            self.forget(gone).await;
            // Others may stand below the folder that held one.
            self.session.tell(Event::FoldersChanged);
        }
        let mut wishes: BTreeMap<Workspace, bool> = BTreeMap::new();
        for path in &paths {
            let change = self.change_of(path);
            let mut known = false;
            let state = self.session.state();
            for workspace in self.workers.keys() {
                if self.concerns(workspace, path, change, &state) {
                    known = true;
                    let renew_graph = matches!(change, DiskChange::Graph);
                    *wishes.entry(workspace.clone()).or_default() |= renew_graph;
                }
            }
            drop(state);
            if !known && Kind::of(path).is_some() {
                self.find_workspaces_of(path);
            }
        }
        for (workspace, renew_graph) in &wishes {
            self.wish(workspace, *renew_graph);
        }
        wishes.into_keys().collect()
    }

    /// Whoever saves a file as it was wants what could not be judged to be tried again.
    fn try_again(&mut self, path: &Utf8Path, wished: &BTreeSet<Workspace>) {
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
    fn change_of(&self, path: &Utf8Path) -> DiskChange {
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

    fn concerns(
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
                let named = Kind::of(path).is_some() && resolves_with(workspace, path, state);
                named || self.watch.decides(workspace, path)
            }
        }
    }

    fn wish(&mut self, workspace: &Workspace, renew_graph: bool) {
        self.wish_while(workspace, renew_graph, false);
    }

    fn wish_while(&mut self, workspace: &Workspace, renew_graph: bool, typing: bool) {
        let (options, trusted, buffers, pause) = {
            let mut state = self.session.state();
            let settings = &state.settings;
            let trusted = settings.trusted;
            let refresh = if settings.offline {
                RefreshPolicy::Never
            } else {
                RefreshPolicy::OlderThan(STALE)
            };
            let Some(busy) = self.workers.get(workspace) else { return };
            let options = GateOptions {
                checks: CheckSet::ALL,
                workspace: settings.workspace,
                config: None,
                policy_files: None,
                advisories: settings.db.clone(),
                refresh,
                helps: settings.lists_helps(),
                releases: true,
                gentle_without_policy: true,
                resolver: Resolver {
                    cargo: settings.cargo(),
                    offline: settings.offline,
                    locked: false,
                    children: busy.children.clone(),
                    cache: self.session.cache.clone(),
                },
            };
            let pause = Duration::from_millis(settings.debounce);
            let SessionState { documents, verdicts, .. } = &mut *state;
            let verdict = verdicts.get(workspace);
            let buffers = documents.texts(|path| {
                is_policy(path) || is_resolved_with(workspace, path, verdict.map(Arc::as_ref))
            });
            (options, trusted, Buffers(buffers), pause)
        };
        if let Some(busy) = self.workers.get_mut(workspace) {
            busy.wishes += 1;
            busy.worker.wish(Wish { renew_graph, typing, trusted, pause, buffers, options });
        }
    }

    fn doing(&mut self, workspace: &Workspace, message: String) {
        let shows = self.session.state().features.progress;
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        if !shows {
            return;
        }
        let client = self.session.client.clone();
        let folder = workspace.folder().file_name().unwrap_or("workspace");
        let title = format!("supercargo: {folder}");
        busy.progress.get_or_insert_with(|| Progress::start(client, title)).tell(message);
    }

    async fn judged(
        &mut self,
        workspace: &Workspace,
        answered: usize,
        verdict: Option<Arc<Verdict>>,
    ) {
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        busy.wishes = busy.wishes.saturating_sub(answered);
        if busy.wishes == 0 {
            busy.progress = None;
        }
        let Some(verdict) = verdict else {
            let message = "supercargo could not judge: an internal error was logged";
            self.tell_state(workspace, State::Failed, None, Some(message.to_owned())).await;
            self.say(message).await;
            return;
        };
        let shown = if verdict.packages > 0 {
            busy.good = Some(Arc::clone(&verdict));
            Arc::clone(&verdict)
        } else {
            let before = self.session.state().verdicts.get(workspace).cloned();
            // A policy that cannot be used says nothing about the manifests: what stood there stays.
            let kept = before.filter(|_| ends_at_policy(&verdict)).or_else(|| busy.good.clone());
            Arc::new(with_last_good(&verdict, kept.as_deref()))
        };
        self.show(workspace, shown).await;
        for finding in &verdict.findings {
            if finding.check == Check::Supercargo
                && finding.severity == Severity::Error
                && finding.code == Some(Code::NoAdvisoryDatabase)
            {
                self.say(&format!("supercargo: {}", finding.message)).await;
            }
        }
        let failure = verdict.findings.iter().filter(|finding| !verdict.reached && is_own(finding));
        let message = failure.map(|finding| finding.message.clone()).next();
        let state = match (self.session.state().settings.trusted, verdict.reached) {
            (false, _) => State::Untrusted,
            (true, true) => State::Exact,
            (true, false) => State::Failed,
        };
        // What is about to be judged anew is not exact, unless an earlier run has judged it.
        if self.workers.get(workspace).is_some_and(|busy| busy.wishes > 0 && answered > 0) {
            return;
        }
        self.tell_state(workspace, state, Some(&verdict), message).await;
    }

    /// Shows what can be told while cargo resolves, unless that is what is shown.
    async fn meanwhile(&mut self, workspace: &Workspace, verdict: Arc<Verdict>) {
        if !self.workers.contains_key(workspace) {
            return;
        }
        self.show(workspace, Arc::clone(&verdict)).await;
        self.tell_state(workspace, State::Provisional, Some(&verdict), None).await;
    }

    async fn resolving(&mut self, workspace: &Workspace) {
        if !self.session.state().verdicts.contains_key(workspace) {
            self.tell_state(workspace, State::Resolving, None, None).await;
        }
    }

    async fn show(&mut self, workspace: &Workspace, shown: Arc<Verdict>) {
        let mut files: BTreeSet<_> = files_of(&shown);
        let declared = Arc::clone(&shown.declared);
        let (before, has_more) = {
            let mut state = self.session.state();
            let after = Arc::clone(&shown);
            let before = state.verdicts.insert(workspace.clone(), shown);
            // Only a verdict tells which packages beside the workspace belong to it: one that was
            // open before was not read from its buffer.
            let is_new = |path: &Utf8PathBuf| {
                !is_resolved_with(workspace, path, before.as_deref())
                    && is_resolved_with(workspace, path, Some(&after))
            };
            let has_more = state.documents.paths().iter().any(is_new);
            (before, has_more)
        };
        if has_more {
            self.wish(workspace, false);
        }
        files.extend(before.iter().flat_map(|before| files_of(before)));
        self.publish(&files.into_iter().collect::<Vec<_>>()).await;
        if before.is_none_or(|before| before.declared != declared) {
            self.refresh_hints();
        }
    }

    /// Tells the state of a workspace, when it is another one than the client knows.
    async fn tell_state(
        &mut self,
        workspace: &Workspace,
        state: State,
        shown: Option<&Verdict>,
        message: Option<String>,
    ) {
        let Some(status) = Status::of(workspace, state, shown, message) else { return };
        let Some(busy) = self.workers.get_mut(workspace) else { return };
        if busy.status.as_ref() != Some(&status) {
            busy.status = Some(status.clone());
            self.session.client.send_notification::<StatusNotification>(status).await;
        }
    }

    /// Publishes what has changed of the findings of these files.
    async fn publish(&mut self, files: &[Utf8PathBuf]) {
        for file in files {
            let (version, uri, diagnostics) = {
                let state = self.session.state();
                let document = state.documents.get(file);
                (
                    document.map(|document| document.version),
                    document.map(|document| document.uri.clone()).or_else(|| uri_of(file)),
                    publish::diagnostics(file, &state),
                )
            };
            let Some(uri) = uri else { continue };
            let known = self.published.get(file);
            let same = known.is_some_and(|known| {
                known.diagnostics == diagnostics
                    && known.uri.as_ref() == Some(&uri)
                    // Opening a document asks for its findings with its version.
                    && known.version.is_some() == version.is_some()
            });
            if same || (known.is_none() && diagnostics.is_empty() && version.is_none()) {
                continue;
            }
            if known.is_none() && diagnostics.is_empty() {
                continue;
            }
            self.session
                .client
                .publish_diagnostics(uri.clone(), diagnostics.clone(), version)
                .await;
            let published = Published { uri: Some(uri), version, diagnostics };
            self.published.insert(file.clone(), published);
        }
    }

    /// Shows a message, once.
    async fn say(&mut self, message: &str) {
        if self.said.insert(message.to_owned()) {
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }

    /// Forgets the workspaces of folders that were removed, unless a file of theirs is open.
    async fn forget_outside(&mut self) {
        let folders = self.session.state().folders.clone();
        let outside = self
            .workers
            .iter()
            .filter(|(workspace, busy)| busy.open.is_empty() && !is_inside(workspace, &folders));
        let outside = outside.map(|(workspace, _)| workspace.clone()).collect();
        self.forget(outside).await;
    }

    async fn forget(&mut self, workspaces: Vec<Workspace>) {
        let mut files = BTreeSet::new();
        for workspace in workspaces {
            if let Some(busy) = self.workers.remove(&workspace) {
                busy.children.end();
            }
            if let Some(verdict) = self.session.state().verdicts.remove(&workspace) {
                files.extend(files_of(&verdict));
            }
        }
        self.publish(&files.into_iter().collect::<Vec<_>>()).await;
    }
}

/// What a change on disk is a change of.
#[derive(Clone, Copy, Debug)]
enum DiskChange {
    /// A policy or its exceptions.
    Policy,
    /// An advisory database or cargo's index.
    Facts,
    /// A manifest, a lock file, cargo's configuration.
    Graph,
}

/// Whether a manifest or lock file has to do with what cargo resolves for the workspace.
fn resolves_with(workspace: &Workspace, path: &Utf8Path, state: &SessionState) -> bool {
    is_resolved_with(workspace, path, state.verdicts.get(workspace).map(Arc::as_ref))
}

/// Path dependencies may stand outside of the workspace's folder.
fn is_resolved_with(workspace: &Workspace, path: &Utf8Path, known: Option<&Verdict>) -> bool {
    path.starts_with(&workspace.root)
        || known.is_some_and(|verdict| verdict.declared.iter().any(|one| one.file == path))
}

/// Whether the workspace is below one of the folders or around one.
fn is_inside(workspace: &Workspace, folders: &[Utf8PathBuf]) -> bool {
    folders
        .iter()
        .any(|folder| workspace.root.starts_with(folder) || folder.starts_with(&workspace.root))
}

/// The folder that a policy rules: its own, or the one above `.cargo`.
fn ruled_folder(policy: &Utf8Path) -> &Utf8Path {
    let folder = policy.parent().unwrap_or(policy);
    match folder.file_name() {
        Some(".cargo") => folder.parent().unwrap_or(folder),
        _ => folder,
    }
}

/// Whether a finding says why there is no verdict.
fn is_own(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        && matches!(finding.check, Check::Supercargo | Check::Config)
}

/// Whether nothing but the policy was looked at.
fn ends_at_policy(verdict: &Verdict) -> bool {
    let on_policy = |place: &Place| Some(&place.file) == verdict.policy.as_ref();
    verdict.findings.iter().all(|finding| finding.places.first().is_some_and(on_policy))
}

/// A verdict that has no graph, with what the last one that had shows on other files.
fn with_last_good(verdict: &Verdict, good: Option<&Verdict>) -> Verdict {
    let mut shown = verdict.clone();
    let Some(good) = good else { return shown };
    let broken: BTreeSet<_> = files_of(verdict);
    let policy = verdict.policy.as_ref();
    let kept = good.findings.iter().filter(|finding| {
        // A policy that cannot be used says so itself; its older findings would stand beside that.
        let on_policy = finding.places.first().map(|place| &place.file) == policy;
        !(on_policy && policy.is_some_and(|policy| broken.contains(policy)))
    });
    shown.findings.extend(kept.cloned());
    shown.declared = Arc::clone(&good.declared);
    shown
}

fn files_of(verdict: &Verdict) -> BTreeSet<Utf8PathBuf> {
    let places = verdict.findings.iter().flat_map(|finding| &finding.places);
    places.map(|place| place.file.clone()).collect()
}
