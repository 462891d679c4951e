//! The thread that judges one workspace: it works on the newest wish and forgets older ones.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc as channel},
    thread,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc;

use super::owner::Event;
use crate::{
    gate::{Databases, Gate, GateOptions, OnDisk, Texts},
    text::SourceText,
    workspace::Workspace,
};

/// How long nothing may be typed before a manifest is resolved.
const PAUSE: Duration = Duration::from_millis(150);

/// A running worker. Dropping it lets the thread end after what it is doing.
#[derive(Debug)]
pub(super) struct Worker {
    wishes: channel::Sender<Wish>,
}

/// A wish for a verdict.
#[derive(Debug)]
pub(super) struct Wish {
    /// Manifests or the lock file have changed on disk.
    pub(super) renew_graph: bool,
    /// A manifest is being edited: what comes within a short pause belongs to the same edit.
    pub(super) typing: bool,
    /// The files as they are in the buffers.
    pub(super) buffers: Buffers,
    pub(super) options: GateOptions,
}

/// The texts of the buffers over the files on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(pub(super) HashMap<Utf8PathBuf, SourceText>);

impl Texts for Buffers {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.0.get(path).map_or_else(|| OnDisk.read(path), |text| Ok(text.clone()))
    }

    fn unsaved(&self, workspace: &Workspace) -> BTreeMap<Utf8PathBuf, SourceText> {
        let named = |path: &Utf8Path| {
            matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock"))
                && path.starts_with(&workspace.root)
        };
        let ours = self.0.iter().filter(|(path, _)| named(path));
        // Texts that stand on disk are judged there.
        let unsaved =
            ours.filter(|(path, text)| OnDisk.read(path).is_ok_and(|disk| disk != **text));
        unsaved.map(|(path, text)| (path.clone(), text.clone())).collect()
    }
}

impl Worker {
    pub(super) fn start(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
    ) -> io::Result<Self> {
        let (wishes, wished) = channel::channel();
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || run(&workspace, &databases, &events, &wished))?;
        Ok(Self { wishes })
    }

    /// Wishes for a verdict; `Event::Judged` brings it.
    pub(super) fn wish(&self, wish: Wish) {
        let _ = self.wishes.send(wish);
    }
}

fn run(
    workspace: &Workspace,
    databases: &Databases,
    events: &mpsc::UnboundedSender<Event>,
    wished: &channel::Receiver<Wish>,
) {
    let mut gate = Gate::new(workspace.clone());
    while let Ok(mut wish) = wished.recv() {
        let mut answered = 1;
        loop {
            let newer =
                if wish.typing { wished.recv_timeout(PAUSE).ok() } else { wished.try_recv().ok() };
            let Some(newer) = newer else { break };
            let renew_graph = wish.renew_graph || newer.renew_graph;
            wish = Wish { renew_graph, ..newer };
            answered += 1;
        }
        if wish.renew_graph {
            gate.forget_graph();
        }
        let tell = |message: &str| {
            let _ = events.send(Event::Doing(workspace.clone(), message.to_owned()));
        };
        let judge = AssertUnwindSafe(|| gate.judge(&wish.options, &wish.buffers, databases, &tell));
        let verdict = catch_unwind(judge).ok().map(Arc::new);
        if verdict.is_none() {
            gate = Gate::new(workspace.clone());
        }
        let judged = Event::Judged { workspace: workspace.clone(), answered, verdict };
        if events.send(judged).is_err() {
            return;
        }
    }
}
