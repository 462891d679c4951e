//! What the handlers share: the state of the session behind one lock that is never held over an
//! `.await`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use camino::Utf8PathBuf;
use tokio::sync::{mpsc, watch};
use tower_lsp::Client;

use super::{
    client_features::ClientFeatures,
    configuration::Turns,
    documents::Documents,
    ending::Ending,
    fixes::Answers,
    owner::Event,
    settings::{Layers, Settings},
};
use crate::{
    cache::Cache,
    gate::{Databases, Verdict},
    process::Children,
    workspace::Workspace,
};

pub(super) struct Session {
    pub(super) client: Client,
    pub(super) children: Children,
    pub(super) cache: Cache,
    pub(super) ending: Ending,
    state: Mutex<State>,
    events: mpsc::UnboundedSender<Event>,
    /// Tells requests that wait for fixes that there is something new.
    answered: watch::Sender<()>,
    shut_down: AtomicBool,
    ends: AtomicBool,
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
    /// The last of each that had a graph: what the entries of a policy do is told from it while the
    /// policy is broken.
    pub(super) good: BTreeMap<Workspace, Arc<Verdict>>,
    /// The opened advisories, which are the owner's: what was unpacked for them goes with it.
    pub(super) databases: Weak<Databases>,
    /// What can be done about their findings.
    pub(super) answers: BTreeMap<Workspace, Answers>,
}

impl State {
    /// What is known of each workspace, from the last verdict that had a graph where there is none
    /// at the moment.
    pub(super) fn known(&self) -> Vec<Arc<Verdict>> {
        let known = self.verdicts.iter().map(|(workspace, shown)| {
            let good = self.good.get(workspace).filter(|_| shown.packages == 0);
            Arc::clone(good.unwrap_or(shown))
        });
        known.collect()
    }
}

impl Session {
    pub(super) fn new(client: Client, cache: Cache) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, received) = mpsc::unbounded_channel();
        let session = Self {
            client,
            children: Children::in_groups(),
            cache,
            ending: Ending::new(),
            state: Mutex::default(),
            events,
            answered: watch::Sender::new(()),
            shut_down: AtomicBool::new(false),
            ends: AtomicBool::new(false),
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

    /// Changes when there are other verdicts or answers.
    pub(super) fn answered(&self) -> watch::Receiver<()> {
        self.answered.subscribe()
    }

    pub(super) fn tell_answered(&self) {
        self.answered.send_replace(());
    }

    /// The client has asked for it.
    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::SeqCst);
        self.end();
    }

    pub(super) fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::SeqCst)
    }

    /// The session is over: every child is ended, the owner lets go of what it holds, and requests
    /// that wait for something are answered with what is known.
    pub(super) fn end(&self) {
        self.ends.store(true, Ordering::SeqCst);
        self.children.end();
        self.tell(Event::ShutDown);
        self.tell_answered();
    }

    pub(super) fn ends(&self) -> bool {
        self.ends.load(Ordering::SeqCst)
    }
}
