//! What judges one workspace: it works on the newest wish and forgets older ones. When nothing is
//! wished it answers questions about fixes, and proves upgrades before anybody asks.
//!
//! It has no thread of its own: the [`pool`] gives it turns, each for one of these things.

mod inbox;
mod pool;
mod proving;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, mpsc as channel},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{mpsc, oneshot};

use super::owner::Event;
use crate::{
    fix::FixReport,
    gate::{Audience, Databases, Gate, GateOptions, OnDisk, Texts, Verdict, resolve_alike},
    text::SourceText,
    threads::{self, Doing, Panic},
    workspace::Workspace,
};
use inbox::{Due, Inbox, Task};
use pool::{Pool, Seat, Turn, Work};
use proving::Proving;

/// The threads that judge all workspaces.
pub(super) struct CheckPool(Pool<WorkspaceState>);

impl CheckPool {
    pub(super) fn start() -> Self {
        Self(Pool::start())
    }
}

/// A worker. Dropping it ends what is being done for it, and gives back what it holds.
pub(super) struct Worker {
    /// `None` when it ends.
    jobs: Option<channel::Sender<Job>>,
    seat: Seat<WorkspaceState>,
}

/// What a worker is told.
#[derive(Debug)]
enum Job {
    Judge(Box<Wish>),
    FixResult(Question),
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
    FixReport { of: Arc<Verdict>, reply: oneshot::Sender<FixReport> },
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
        pool: &CheckPool,
    ) -> Self {
        let (jobs, told) = channel::channel();
        let name = workspace.manifest.clone();
        let seat = pool.0.seat(&name, WorkspaceState::new(workspace, databases, events, told));
        Self { jobs: Some(jobs), seat }
    }

    /// Wishes for a verdict; `Event::Judged` brings it.
    pub(super) fn wish(&self, wish: Wish) {
        self.tell(Job::Judge(Box::new(wish)));
    }

    /// Asks about the last verdict.
    pub(super) fn ask(&self, question: Question) {
        self.tell(Job::FixResult(question));
    }

    /// Whether files of the workspace are open: it then comes before others.
    pub(super) fn has_open_files(&self, has: bool) {
        self.seat.prefer(has);
    }

    fn tell(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
            self.seat.tell();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // What is being done for it sees this and breaks off.
        self.jobs = None;
        self.seat.end();
    }
}

/// What is known of a workspace between two turns. No thread is its own: one of the pool has it for
/// a turn.
struct WorkspaceState {
    workspace: Workspace,
    databases: Arc<Databases>,
    events: mpsc::UnboundedSender<Event>,
    gate: Gate,
    inbox: Inbox,
    proving: Proving,
    /// How many wishes were begun and not answered.
    unanswered: usize,
    renew_graph: bool,
    /// The verdict of an earlier run was looked for.
    recalled: bool,
}

impl WorkspaceState {
    fn new(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
        told: channel::Receiver<Job>,
    ) -> Self {
        let proving = Proving::new(workspace.clone(), Arc::clone(&databases), events.clone());
        Self {
            gate: Gate::new(workspace.clone()),
            workspace,
            databases,
            events,
            inbox: Inbox::new(told),
            proving,
            unanswered: 0,
            renew_graph: false,
            recalled: false,
        }
    }

    /// Judges for a wish that stands for `count`. What panics is done once more, with nothing kept
    /// that may have caused it.
    fn judge(&mut self, wish: Wish, count: usize) {
        self.unanswered += count;
        self.proving.stop();
        if self.renew_graph {
            self.gate.forget_graph();
        }
        let mut verdict = None;
        for may_repeat in [true, false] {
            match self.judge_once(&wish) {
                // Something newer is wanted, and the answer to that will be one to this as well.
                Ok(None) => return,
                Ok(judged) => {
                    verdict = judged;
                    if !may_repeat || !self.gate.broke() {
                        break;
                    }
                }
                Err(_) => verdict = None,
            }
            self.gate = self.gate.anew();
        }
        self.renew_graph = false;
        let verdict = verdict.map(Arc::new);
        let answered = std::mem::take(&mut self.unanswered);
        self.answer(answered, verdict.clone());
        if let Some(verdict) = verdict.filter(|_| wish.trusted) {
            self.gate.remember(&wish.options, &verdict);
            self.gate.start_from(Arc::clone(&verdict));
            self.proving.begin(wish, verdict);
        }
    }

    fn judge_once(&mut self, wish: &Wish) -> Result<Option<Verdict>, Panic> {
        let doing = self.doing();
        let Self { workspace, databases, events, gate, inbox, recalled, .. } = self;
        let waiting = Waiting { workspace, wish, inbox, events };
        let Wish { options, buffers, .. } = wish;
        threads::caught(&doing, || {
            threads::failpoint("worker");
            if !wish.trusted {
                return Some(gate.judge_untrusted(options, buffers, databases));
            }
            if !std::mem::replace(recalled, true)
                && let Some(verdict) = gate.recall(options, buffers)
            {
                let verdict = Arc::new(verdict);
                gate.start_from(Arc::clone(&verdict));
                let (workspace, verdict) = (workspace.clone(), Some(verdict));
                let _ = events.send(Event::Judged { workspace, answered: 0, verdict });
            }
            gate.judge(options, buffers, databases, &waiting)
        })
    }

    fn answer(&self, answered: usize, verdict: Option<Arc<Verdict>>) {
        let workspace = self.workspace.clone();
        let _ = self.events.send(Event::Judged { workspace, answered, verdict });
    }
}

impl Work for WorkspaceState {
    fn doing(&self) -> Doing {
        Doing::to("checking", self.workspace.manifest.as_str())
    }

    fn turn(&mut self, unasked: bool, may_go_on: &dyn Fn() -> bool) -> Turn {
        match self.inbox.next(&mut self.renew_graph, self.proving.has_more()) {
            Task::Judge(wish, count) => self.judge(*wish, count),
            Task::FixResult(question) => self.proving.answer(question, &mut self.gate, &self.inbox),
            Task::Nothing if unasked => self.proving.go_on(&self.inbox, may_go_on),
            // Its turn comes when nobody else has something to do.
            Task::Nothing => return Turn::Wait(Some(Due::unasked_now())),
            Task::Wait(due) => return Turn::Wait(due),
            Task::End => return Turn::End,
        }
        Turn::Again
    }

    fn reset(&mut self) {
        self.gate = self.gate.anew();
        self.proving.stop();
        self.proving.rest();
        let answered = std::mem::take(&mut self.unanswered);
        if answered > 0 {
            self.answer(answered, None);
        }
    }

    fn is_warm(&self) -> bool {
        self.gate.is_warm() || self.proving.is_warm()
    }

    fn rest(&mut self) {
        self.gate.rest();
        self.proving.rest();
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
