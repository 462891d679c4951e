//! What the handlers and the main loop share: the state of the session.
//!
//! Everybody computes with a [snapshot](Session::snapshot), which does not change and locks nothing. Only
//! [`Session::update`] takes the lock, and only to put values in place.

use std::{
    collections::{BTreeMap, btree_map},
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use camino::Utf8PathBuf;
use tokio::sync::{mpsc, watch};
use tower_lsp::{Client, ls_types::Uri};

use super::{
    client_exit::ClientExit,
    client_features::ClientFeatures,
    comparisons::{BaseChoice, ShownComparison},
    documents::Documents,
    event::Event,
    fix_results::FixResults,
    settings::{Settings, SettingsSources},
};
use crate::{
    cache::Cache,
    compare::BaseRequest,
    gate::{Databases, Verdict},
    process::Children,
    text,
    threads::{self, Activity},
    workspace::Workspace,
};

pub(super) struct Session {
    pub(super) client: Client,
    pub(super) children: Children,
    pub(super) cache: Cache,
    pub(super) client_exit: ClientExit,
    state: Mutex<Arc<SessionState>>,
    events: mpsc::UnboundedSender<Event>,
    /// Wakes requests that wait for verdicts or fixes.
    results: watch::Sender<()>,
    shut_down: AtomicBool,
    is_ending: AtomicBool,
}

/// The state of the session. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionState {
    pub(super) features: ClientFeatures,
    pub(super) settings: Settings,
    pub(super) settings_sources: Arc<SettingsSources>,
    /// Which request for the client's settings is the newest.
    pub(super) settings_generation: Generation,
    /// Errors in the settings, shown once the client accepts messages.
    pub(super) setting_errors: Vec<String>,
    pub(super) folders: Vec<Utf8PathBuf>,
    pub(super) documents: Documents,
    /// The shown verdict of each workspace.
    pub(super) verdicts: ByWorkspace<Verdict>,
    /// The last verdict of each workspace that has a graph: while the policy is broken, hovers and
    /// lenses use it.
    pub(super) complete_verdicts: ByWorkspace<Verdict>,
    /// What the command has chosen to compare with.
    pub(super) base_choice: BaseChoice,
    /// The addresses of the dependency graphs that the client may show as documents, the latest last.
    pub(super) graph_documents: Vec<Uri>,
    /// The comparisons of the shown verdicts with their bases.
    pub(super) comparisons: ByWorkspace<ShownComparison>,
    /// The open advisory databases. The main loop owns them, and deletes their unpacked files when
    /// it ends.
    pub(super) databases: Weak<Databases>,
    /// The fixes of the shown verdicts.
    pub(super) fix_results: ByWorkspace<FixResults>,
}

/// What each workspace has. Clones share it, so that the state of an edit costs the same with a thousand workspaces.
#[derive(Debug)]
pub(super) struct ByWorkspace<T>(Arc<BTreeMap<Workspace, Arc<T>>>);

impl<T> Clone for ByWorkspace<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for ByWorkspace<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for ByWorkspace<T> {
    type Target = BTreeMap<Workspace, Arc<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for ByWorkspace<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl<'t, T> IntoIterator for &'t ByWorkspace<T> {
    type Item = (&'t Workspace, &'t Arc<T>);
    type IntoIter = btree_map::Iter<'t, Workspace, Arc<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Numbers the requests for the client's settings: a reply to an old one is dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Generation {
    pub(super) requested: u64,
    pub(super) received: u64,
}

impl SessionState {
    /// What to compare with, if anything.
    pub(super) fn base(&self) -> Option<BaseRequest> {
        self.base_choice.request(&self.settings)
    }

    /// The shown verdict of each workspace; where it has no graph, the last one that has.
    pub(super) fn last_complete_verdicts(&self) -> Vec<Arc<Verdict>> {
        let verdicts = self.verdicts.keys().filter_map(|one| self.last_complete_verdict(one));
        verdicts.cloned().collect()
    }

    /// The same for one workspace.
    pub(super) fn last_complete_verdict(&self, workspace: &Workspace) -> Option<&Arc<Verdict>> {
        let shown = self.verdicts.get(workspace)?;
        let complete = self.complete_verdicts.get(workspace).filter(|_| shown.packages == 0);
        Some(complete.unwrap_or(shown))
    }
}

impl Session {
    pub(super) fn new(client: Client, cache: Cache) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, received) = mpsc::unbounded_channel();
        let session = Self {
            client,
            children: Children::in_groups(),
            cache,
            client_exit: ClientExit::new(),
            state: Mutex::default(),
            events,
            results: watch::Sender::new(()),
            shut_down: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
        };
        (session, received)
    }

    /// The state as it is now.
    pub(super) fn snapshot(&self) -> Arc<SessionState> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Computes something from the state as it is now, on another thread: neither computing nor reading files delays other
    /// messages of the client. `None` if it panics.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        doing: &'static str,
        compute: impl FnOnce(&SessionState) -> T + Send + 'static,
    ) -> Option<T> {
        let state = self.snapshot();
        threads::blocking(Activity::just(doing), move || compute(&state)).await
    }

    /// Changes the state. `change` puts values in place that were computed before: in debug builds, reading a file in it
    /// is a panic.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut SessionState) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        text::without_reading(|| change(Arc::make_mut(&mut state)))
    }

    /// Sends an event to the main loop; ignored when the server ends.
    pub(super) fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(super) fn events(&self) -> mpsc::UnboundedSender<Event> {
        self.events.clone()
    }

    /// Changes with every new verdict and fix result.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.results.subscribe()
    }

    pub(super) fn notify_subscribers(&self) {
        self.results.send_replace(());
    }

    /// The client has sent `shutdown`.
    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::SeqCst);
        self.end();
    }

    pub(super) fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }

    /// Ends the session: stops every child process and the main loop, and lets waiting requests
    /// reply with what is known.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.children.end();
        self.send(Event::ShutDown);
        self.notify_subscribers();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }
}
