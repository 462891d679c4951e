//! The thread that judges one workspace: it works on the newest wish and forgets older ones.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc as channel},
    thread,
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc;

use super::owner::Event;
use crate::{
    gate::{Audience, Databases, Gate, GateOptions, OnDisk, Texts, Verdict, resolve_alike},
    text::SourceText,
    workspace::Workspace,
};

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
    /// Programs may be started.
    pub(super) trusted: bool,
    /// How long that pause is.
    pub(super) pause: Duration,
    /// The files that concern the workspace as they are in the buffers.
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

    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        let resolved =
            |path: &Utf8Path| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock"));
        let ours = self.0.iter().filter(|(path, _)| resolved(path));
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
    let inbox = Inbox { wished, early: RefCell::default(), typed: Cell::new(None) };
    let mut unanswered = 0;
    let mut renew_graph = false;
    let mut recalled = false;
    let tell = |answered, verdict| {
        let judged = Event::Judged { workspace: workspace.clone(), answered, verdict };
        events.send(judged).is_ok()
    };
    while let Some((wish, count)) = inbox.newest(&mut renew_graph) {
        unanswered += count;
        if renew_graph {
            gate.forget_graph();
        }
        let waiting = Waiting { workspace, wish: &wish, inbox: &inbox, events };
        let Wish { options, buffers, .. } = &wish;
        let judge = AssertUnwindSafe(|| {
            if !wish.trusted {
                return Some(gate.judge_untrusted(options, buffers, databases));
            }
            if !std::mem::replace(&mut recalled, true)
                && let Some(verdict) = gate.recall(options, buffers)
            {
                let verdict = Arc::new(verdict);
                gate.start_from(Arc::clone(&verdict));
                tell(0, Some(verdict));
            }
            gate.judge(options, buffers, databases, &waiting)
        });
        let verdict = match catch_unwind(judge) {
            // Something newer is wanted, and the answer to that will be one to this as well.
            Ok(None) => continue,
            Ok(verdict) => verdict.map(Arc::new),
            Err(_) => None,
        };
        renew_graph = false;
        if verdict.is_none() {
            gate = Gate::new(workspace.clone());
        }
        let answered = std::mem::take(&mut unanswered);
        if !tell(answered, verdict.clone()) {
            return;
        }
        if let Some(verdict) = verdict.filter(|_| wish.trusted) {
            gate.remember(&wish.options, &verdict);
            gate.start_from(verdict);
        }
    }
}

/// The wishes that have come.
struct Inbox<'a> {
    wished: &'a channel::Receiver<Wish>,
    /// Those that were looked at while an older one was worked on.
    early: RefCell<VecDeque<Wish>>,
    /// When something was typed last.
    typed: Cell<Option<Instant>>,
}

impl Inbox<'_> {
    /// Waits for a wish and gives the newest, with how many it stands for. `None` when nobody
    /// wishes any more.
    fn newest(&self, renew_graph: &mut bool) -> Option<(Wish, usize)> {
        let early = self.early.borrow_mut().pop_front();
        let mut wish = early.or_else(|| self.wished.recv().ok())?;
        let mut count = 1;
        loop {
            *renew_graph |= wish.renew_graph;
            let early = self.early.borrow_mut().pop_front();
            let newer = early.or_else(|| match self.pause(&wish) {
                Some(pause) => self.wished.recv_timeout(pause).ok(),
                None => self.wished.try_recv().ok(),
            });
            let Some(newer) = newer else { return Some((wish, count)) };
            wish = newer;
            count += 1;
        }
    }

    /// How long to wait for what belongs to the same edit: not at all for one that stands alone, as a
    /// fix or an undo does, or the first of many (whose cargo is ended when the second comes); as long
    /// as is wanted while typing goes on.
    fn pause(&self, wish: &Wish) -> Option<Duration> {
        if !wish.typing {
            return None;
        }
        let before = self.typed.replace(Some(Instant::now()));
        let goes_on = before.is_some_and(|before| before.elapsed() < wish.pause * 2);
        goes_on.then_some(wish.pause)
    }
}

/// Who waits for the answer to `wish`.
struct Waiting<'a> {
    workspace: &'a Workspace,
    wish: &'a Wish,
    inbox: &'a Inbox<'a>,
    events: &'a mpsc::UnboundedSender<Event>,
}

impl Audience for Waiting<'_> {
    fn doing(&self, message: &str) {
        let _ = self.events.send(Event::Doing(self.workspace.clone(), message.to_owned()));
    }

    fn meanwhile(&self, verdict: Verdict) {
        let _ = self.events.send(Event::Meanwhile(self.workspace.clone(), Arc::new(verdict)));
    }

    /// Until a newer wish needs another resolution.
    fn still_waits(&self) -> bool {
        let mut early = self.inbox.early.borrow_mut();
        let mut waits = true;
        while let Ok(newer) = self.inbox.wished.try_recv() {
            waits &= !newer.renew_graph && resolve_alike(&self.wish.buffers, &newer.buffers);
            early.push_back(newer);
        }
        waits
    }
}
