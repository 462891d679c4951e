//! The owner: the one task that decides what is judged and published.

mod configured;
mod disk;
mod failures;
mod fixes;
mod verdicts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{Semaphore, mpsc};
use tower_lsp::ls_types::{Diagnostic, Uri};

use configured::is_excluded;
use disk::{is_resolved_with, ruled_folder};
use verdicts::files_of;

use super::{
    documents::Kind,
    progress::Progress,
    session::{Session, State as SessionState},
    settings::Change,
    status::Status,
    watch::Watch,
    worker::{Buffers, CheckPool, Question, Wish, Worker},
};
use crate::{
    facts::RefreshPolicy,
    fix::FixResult,
    gate::{Databases, GateOptions, Verdict},
    process::Children,
    resolve::Resolver,
    threads::{self, Doing, Failure, Restarts},
    verdict::{Check, CheckSet, Counts, harmless},
    workspace::{Discovery, DiscoveryOptions, PolicyFiles, Workspace},
};

/// An editor's advisories may be this old.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many look for workspaces at a time: each may have a thread, and a disk is slow enough.
const FINDERS: usize = 3;

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
    /// What can be done about a finding of a verdict.
    Answered {
        workspace: Workspace,
        of: Arc<Verdict>,
        finding: usize,
        answer: Arc<FixResult>,
    },
    /// How many upgrades were proved for a verdict.
    Proved {
        workspace: Workspace,
        of: Arc<Verdict>,
        count: usize,
    },
    /// Somebody wants to know.
    Asked(Workspace, Question),
    /// Something has panicked.
    Failed(Failure),
    ShutDown,
}

/// Why another verdict is wished for; the later ones need more to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Cargo's index or the advisories have changed.
    Facts,
    /// The policy, the settings or the open documents have.
    Policy,
    /// A manifest is being edited.
    Typing,
    /// Manifests or the lock file have changed on disk.
    Graph,
}

/// Runs until the session ends.
pub(super) async fn run(session: Arc<Session>, mut events: mpsc::UnboundedReceiver<Event>) {
    let watch = Watch::start(session.events());
    let databases = Arc::default();
    session.state().databases = Arc::downgrade(&databases);
    let mut owner = Owner {
        session,
        watch,
        databases,
        pool: CheckPool::start(),
        finding: Arc::new(Semaphore::new(FINDERS)),
        workers: BTreeMap::new(),
        published: HashMap::new(),
        said: BTreeSet::new(),
    };
    let doing = Doing::just("deciding what to check and show");
    let mut restarts = Restarts::default();
    while let Some(event) = events.recv().await {
        // What the end itself breaks off is nobody's finding.
        if owner.session.ends() {
            return;
        }
        let handling = async {
            owner.handle(event).await;
            owner.watch_what_matters();
        };
        if threads::caught_while_awaited(&doing, handling).await.is_ok() {
            continue;
        }
        // Whatever was half done is done again from the beginning.
        match restarts.next() {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                let _ = threads::caught_while_awaited(&doing, owner.begin_again()).await;
            }
            None => threads::give_up(&doing),
        }
    }
}

struct Owner {
    session: Arc<Session>,
    watch: Watch,
    databases: Arc<Databases>,
    pool: CheckPool,
    /// Lets a few look for workspaces at a time.
    finding: Arc<Semaphore>,
    workers: BTreeMap<Workspace, Busy>,
    /// What the client shows now, by file.
    published: HashMap<Utf8PathBuf, Published>,
    /// Messages that were shown already.
    said: BTreeSet<String>,
}

/// A workspace that is judged.
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
    /// What the last verdict has counted whose policy could be read.
    counted: BTreeMap<Check, Counts>,
    /// The last state that the client was told.
    status: Option<Status>,
}

#[derive(Default, PartialEq)]
struct Published {
    uri: Option<Uri>,
    version: Option<i32>,
    diagnostics: Vec<Diagnostic>,
}

impl Busy {
    /// A file that belongs to it was opened or closed.
    fn change_open(&mut self, by: impl FnOnce(&mut BTreeSet<Utf8PathBuf>)) {
        by(&mut self.open);
        self.worker.has_open_files(!self.open.is_empty());
    }
}

impl Owner {
    async fn handle(&mut self, event: Event) {
        if !matches!(event, Event::Failed(_)) {
            threads::failpoint("owner");
        }
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
                for busy in self.workers.values_mut().filter(|busy| busy.open.contains(&path)) {
                    busy.change_open(|open| _ = open.remove(&path));
                }
                self.forget_outside().await;
                self.buffer_changed(&path);
                self.publish(&[path]).await;
            }
            Event::Changed(path) => {
                self.say_unknown(&path).await;
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
            Event::Answered { workspace, of, finding, answer } => {
                self.answered(&workspace, &of, finding, answer);
            }
            Event::Proved { workspace, of, count } => self.proved(&workspace, &of, count),
            Event::Asked(workspace, question) => {
                if let Some(busy) = self.workers.get(&workspace) {
                    busy.worker.ask(question);
                }
            }
            Event::Failed(failure) => self.say_failure(&failure).await,
            Event::ShutDown => {}
        }
    }

    async fn folders_changed(&mut self) {
        let (folders, options) = {
            let state = self.session.state();
            (state.folders.clone(), state.settings.discovery())
        };
        self.forget_outside().await;
        let open = self.session.state().documents.paths();
        for folder in folders {
            let (options, known) = (options.clone(), self.watch.known());
            let doing = Doing::to("looking for workspaces in", folder.as_str());
            self.find_workspaces(doing, None, move || {
                known.note_folder(&folder);
                let found = Discovery::below(&folder, &options).workspaces;
                // In an editor a member opened as a folder belongs to its whole workspace.
                let around = found.iter().map(|found| Workspace::around_manifest(&found.manifest));
                let found: Vec<_> = around.collect();
                known.note_workspaces(&found);
                found
            });
        }
        for path in open {
            self.find_workspaces_of(&path);
        }
    }

    fn discovered(&mut self, workspaces: Vec<Workspace>, because_of: Option<Utf8PathBuf>) {
        let (folders, excluded, opened) = {
            let state = self.session.state();
            let opened = because_of.filter(|path| state.documents.is_open(path));
            (state.folders.clone(), state.settings.exclude.clone(), opened)
        };
        // A manifest above it may have been written meanwhile.
        if let Some(path) = &opened
            && let Some(now) = workspace_of(path)
            && !workspaces.contains(&now)
        {
            return self.find_workspaces_of(path);
        }
        for workspace in workspaces {
            // Meanwhile the folder may have been removed or the file closed.
            let meant =
                is_inside(&workspace, &folders) && !is_excluded(&workspace, &folders, &excluded);
            if opened.is_none() && !meant {
                continue;
            }
            if let Some(busy) = self.workers.get_mut(&workspace) {
                busy.change_open(|open| open.extend(opened.clone()));
                continue;
            }
            self.start_worker(&workspace, opened.iter().cloned().collect());
        }
    }

    /// Begins to judge a workspace, of which these files are open.
    fn start_worker(&mut self, workspace: &Workspace, open: BTreeSet<Utf8PathBuf>) {
        let (databases, events) = (Arc::clone(&self.databases), self.session.events());
        let worker = Worker::start(workspace.clone(), databases, events, &self.pool);
        worker.has_open_files(!open.is_empty());
        let busy = Busy {
            worker,
            children: self.session.children.of_a_part(),
            open,
            wishes: 0,
            progress: None,
            good: None,
            counted: BTreeMap::new(),
            status: None,
        };
        self.workers.insert(workspace.clone(), busy);
        self.wish(workspace, true);
    }

    /// Has `find` look for workspaces where it may block: once more when it panics.
    fn find_workspaces(
        &self,
        doing: Doing,
        because_of: Option<Utf8PathBuf>,
        find: impl Fn() -> Vec<Workspace> + Send + 'static,
    ) {
        let (events, finding) = (self.session.events(), Arc::clone(&self.finding));
        threads::task(doing.clone(), async move {
            let _one_of_a_few = finding.acquire_owned().await;
            let found = threads::blocking(doing.clone(), move || {
                let look = || {
                    threads::failpoint("discovery");
                    find()
                };
                let found = threads::caught(&doing, look);
                found.or_else(|_| threads::caught(&doing, look)).unwrap_or_default()
            });
            let workspaces = found.await.unwrap_or_default();
            let _ = events.send(Event::Discovered { workspaces, because_of });
        });
    }

    /// Finds the workspace that an opened file belongs to, if it is not known.
    fn find_workspaces_of(&mut self, path: &Utf8Path) {
        let kind = Kind::of(path);
        if kind.is_some_and(Kind::rules) {
            let known: Vec<_> = self.ruled_by(path).collect();
            self.discovered(known, Some(path.to_owned()));
        }
        let path = path.to_owned();
        let options = self.session.state().settings.discovery();
        let known = self.watch.known();
        let doing = Doing::to("looking for the workspace of", path.as_str());
        self.find_workspaces(doing, Some(path.clone()), move || {
            let look = || match kind {
                Some(kind) if kind.rules() => workspaces_ruled_by(&path, &options),
                _ => workspace_of(&path).into_iter().collect(),
            };
            let mut found = look();
            loop {
                known.note_workspaces(&found);
                // What was written before it was noted is not told.
                let again = look();
                if again == found {
                    return found;
                }
                found = again;
            }
        });
    }

    /// The workspaces whose policy or exceptions are `path`.
    fn ruled_by<'o>(&'o self, path: &'o Utf8Path) -> impl Iterator<Item = Workspace> + 'o {
        self.workers.keys().filter(move |workspace| rules(path, workspace)).cloned()
    }

    /// The text of an open file is another one, or that on disk again.
    fn buffer_changed(&mut self, path: &Utf8Path) {
        if Kind::of(path).is_some_and(Kind::rules) {
            let ruled: Vec<_> = self.ruled_by(path).collect();
            for workspace in ruled {
                self.wish(&workspace, false);
            }
        } else {
            let state = self.session.state();
            let concerned = |workspace: &&Workspace| self.resolves_with(workspace, path, &state);
            let concerned: Vec<_> = self.workers.keys().filter(concerned).cloned().collect();
            drop(state);
            for workspace in concerned {
                self.wish_for(&workspace, Reason::Typing);
            }
        }
    }

    /// Says that the text of an open file is unknown, if it is.
    async fn say_unknown(&mut self, path: &Utf8Path) {
        if self.session.state().documents.is_unknown(path) {
            self.say(&format!(
                "supercargo: could not apply an edit of `{}`: the file on disk is checked until you \
                 save it or open it again",
                harmless(path.as_str())
            ))
            .await;
        }
    }

    fn wish(&mut self, workspace: &Workspace, renew_graph: bool) {
        self.wish_for(workspace, if renew_graph { Reason::Graph } else { Reason::Policy });
    }

    fn wish_for(&mut self, workspace: &Workspace, reason: Reason) {
        let (options, trusted, buffers, pause, proves_when_idle) = {
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
            let proves = settings.prove_when_idle;
            let SessionState { documents, verdicts, .. } = &mut *state;
            let verdict = verdicts.get(workspace);
            let buffers = documents.texts(|path| {
                Kind::of(path).is_some_and(Kind::rules)
                    || is_resolved_with(workspace, path, &self.watch, verdict.map(Arc::as_ref))
            });
            (options, trusted, Buffers(buffers), pause, proves)
        };
        if let Some(busy) = self.workers.get_mut(workspace) {
            busy.wishes += 1;
            busy.worker.wish(Wish {
                renew_graph: reason == Reason::Graph,
                typing: reason == Reason::Typing,
                facts_only: reason == Reason::Facts,
                proves_when_idle,
                trusted,
                pause,
                buffers,
                options,
            });
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
            let verdict = {
                let mut state = self.session.state();
                state.answers.remove(&workspace);
                state.good.remove(&workspace);
                state.verdicts.remove(&workspace)
            };
            files.extend(verdict.iter().flat_map(|verdict| files_of(verdict)));
        }
        self.publish(&files.into_iter().collect::<Vec<_>>()).await;
    }
}

/// Whether a policy or a file of exceptions is the one of the workspace.
fn rules(policy: &Utf8Path, workspace: &Workspace) -> bool {
    let PolicyFiles { policy: found, exceptions } = PolicyFiles::find(&workspace.manifest);
    [found, exceptions].iter().any(|one| one.as_deref() == Some(policy))
}

/// The workspaces below a policy, without those that have a nearer one.
fn workspaces_ruled_by(policy: &Utf8Path, options: &DiscoveryOptions) -> Vec<Workspace> {
    let mut found = Discovery::below(ruled_folder(policy), options).workspaces;
    found.retain(|workspace| rules(policy, workspace) || !policy.is_file());
    found
}

/// The workspace that a manifest or a lock file belongs to, as things stand on disk.
fn workspace_of(path: &Utf8Path) -> Option<Workspace> {
    let manifest = match Kind::of(path)? {
        Kind::Manifest => path.to_owned(),
        Kind::Lockfile => path.parent()?.join("Cargo.toml"),
        Kind::Policy | Kind::Exceptions => return None,
    };
    manifest.is_file().then(|| Workspace::around_manifest(&manifest))
}

/// Whether the workspace is below one of the folders or around one.
fn is_inside(workspace: &Workspace, folders: &[Utf8PathBuf]) -> bool {
    folders
        .iter()
        .any(|folder| workspace.root.starts_with(folder) || folder.starts_with(&workspace.root))
}
