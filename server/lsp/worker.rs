//! The thread that judges one workspace: it works on the newest wish and forgets older ones. When
//! nothing is wished it answers questions about fixes, and proves upgrades before anybody asks.

mod inbox;
mod proving;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc as channel},
    thread,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{mpsc, oneshot};

use super::owner::Event;
use crate::{
    fix::Repair,
    gate::{Audience, Databases, Gate, GateOptions, OnDisk, Texts, Verdict, resolve_alike},
    text::SourceText,
    workspace::Workspace,
};
use inbox::{Inbox, Task};
use proving::Proving;

/// A running worker. Dropping it lets the thread end after what it is doing.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: channel::Sender<Job>,
}

/// What a worker is told.
#[derive(Debug)]
enum Job {
    Judge(Box<Wish>),
    Answer(Question),
}

/// A wish for a verdict.
#[derive(Debug)]
pub(super) struct Wish {
    /// Manifests or the lock file have changed on disk.
    pub(super) renew_graph: bool,
    /// A manifest is being edited: what comes within a short pause belongs to the same edit.
    pub(super) typing: bool,
    /// Only what cargo's index or the advisories say may be otherwise. Cargo itself writes the index
    /// while fixes are proved: that is no reason to break off.
    pub(super) facts_only: bool,
    /// Upgrades are looked for before anybody asks.
    pub(super) proves_when_idle: bool,
    /// Programs may be started.
    pub(super) trusted: bool,
    /// How long that pause is.
    pub(super) pause: Duration,
    /// The files that concern the workspace as they are in the buffers.
    pub(super) buffers: Buffers,
    pub(super) options: GateOptions,
}

/// A question about the last verdict, which names it. It is dropped when there is another one.
#[derive(Debug)]
pub(super) enum Question {
    /// What can be done about findings of it, by their places in its list; `Event::Answered` brings
    /// the answers.
    Fixes { of: Arc<Verdict>, findings: Vec<usize> },
    /// All that can be proved, one after the other.
    Repair { of: Arc<Verdict>, reply: oneshot::Sender<Repair> },
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
        let (jobs, told) = channel::channel();
        thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || run(&workspace, &databases, &events, told))?;
        Ok(Self { jobs })
    }

    /// Wishes for a verdict; `Event::Judged` brings it.
    pub(super) fn wish(&self, wish: Wish) {
        let _ = self.jobs.send(Job::Judge(Box::new(wish)));
    }

    /// Asks about the last verdict.
    pub(super) fn ask(&self, question: Question) {
        let _ = self.jobs.send(Job::Answer(question));
    }
}

fn run(
    workspace: &Workspace,
    databases: &Databases,
    events: &mpsc::UnboundedSender<Event>,
    told: channel::Receiver<Job>,
) {
    let mut gate = Gate::new(workspace.clone());
    let inbox = Inbox::new(told);
    let mut proving = Proving::new(workspace, databases, events);
    let mut unanswered = 0;
    let mut renew_graph = false;
    let mut recalled = false;
    let tell = |answered, verdict| {
        let judged = Event::Judged { workspace: workspace.clone(), answered, verdict };
        events.send(judged).is_ok()
    };
    loop {
        let (wish, count) = match inbox.next(&mut renew_graph, proving.has_more()) {
            Task::Judge(wish, count) => (*wish, count),
            Task::Answer(question) => {
                proving.answer(question, &mut gate, &inbox);
                continue;
            }
            Task::Nothing => {
                proving.go_on(&inbox);
                continue;
            }
            Task::End => return,
        };
        unanswered += count;
        proving.stop();
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
            gate.start_from(Arc::clone(&verdict));
            proving.begin(wish, verdict);
        }
    }
}

/// Who waits for the answer to `wish`.
struct Waiting<'a> {
    workspace: &'a Workspace,
    wish: &'a Wish,
    inbox: &'a Inbox,
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
        self.inbox.all_wishes(|newer| {
            !newer.renew_graph && resolve_alike(&self.wish.buffers, &newer.buffers)
        })
    }
}
