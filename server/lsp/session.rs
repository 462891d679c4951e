//! What the handlers share: the state of the session behind one lock that is never held over an
//! `.await`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use camino::Utf8PathBuf;
use tokio::sync::mpsc;
use tower_lsp::Client;

use super::{
    client_features::ClientFeatures,
    configuration::Turns,
    documents::Documents,
    owner::Event,
    settings::{Layers, Settings},
};
use crate::{cache::Cache, gate::Verdict, process::Children, workspace::Workspace};

pub(super) struct Session {
    pub(super) client: Client,
    pub(super) children: Children,
    pub(super) cache: Cache,
    state: Mutex<State>,
    events: mpsc::UnboundedSender<Event>,
    shut_down: AtomicBool,
}

/// The state of the session.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) features: ClientFeatures,
    pub(super) settings: Settings,
    /// Where the settings come from.
    pub(super) layers: Layers,
    /// The questions for settings.
    pub(super) turns: Turns,
    /// What is wrong with the settings, said once the client may be spoken to.
    pub(super) complaints: Vec<String>,
    pub(super) folders: Vec<Utf8PathBuf>,
    pub(super) documents: Documents,
    /// What is shown of each workspace.
    pub(super) verdicts: BTreeMap<Workspace, Arc<Verdict>>,
}

impl Session {
    pub(super) fn new(client: Client, cache: Cache) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, received) = mpsc::unbounded_channel();
        let session = Self {
            client,
            children: Children::in_groups(),
            cache,
            state: Mutex::default(),
            events,
            shut_down: AtomicBool::new(false),
        };
        (session, received)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the owner. Nobody listens any more when the server ends.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(super) fn events(&self) -> mpsc::UnboundedSender<Event> {
        self.events.clone()
    }

    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::SeqCst);
    }

    pub(super) fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }
}
