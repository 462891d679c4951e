//! Checks one workspace for the newest request; older requests are dropped. Without a check request
//! it handles fix requests, and then verifies upgrades in the background.
//!
//! It has no thread of its own: the [`pool`] runs its tasks one by one.

mod fix_search;
mod graph_request;
mod inbox;
mod policy_check;
mod pool;

use std::{
    cell::Cell,
    sync::{Arc, Mutex, PoisonError, mpsc as channel},
};

use tokio::sync::mpsc;

use super::event::{CheckRequest, Event, FixRequest, GraphReply};
use crate::{
    gate::{Databases, Gate, OtherUses, Progress, Verdict, resolves_equally},
    process::Wait,
    threads::{self, Activity, Panic},
    workspace::{RuledWorkspaces, Workspace},
};
use fix_search::FixSearch;
use graph_request::CheckedInput;
use inbox::{Inbox, Task, WorkerMessage};
use policy_check::PolicyCheck;
use pool::{Due, Pool, PoolSlot, TaskOutcome, Work};

/// The threads that check all workspaces.
pub(super) struct CheckPool(Pool<CheckWorker>);

impl CheckPool {
    pub(super) fn start() -> Self {
        Self(Pool::start())
    }
}

/// The main loop's end of a worker. Dropping it cancels the worker's tasks and frees its memory.
pub(super) struct CheckWorkerHandle {
    /// `None` when it is dropped.
    messages: Option<channel::Sender<WorkerMessage>>,
    slot: PoolSlot<CheckWorker>,
}

impl CheckWorkerHandle {
    pub(super) fn start(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
        pool: &CheckPool,
    ) -> Self {
        let (messages, received) = channel::channel();
        let name = workspace.manifest.clone();
        let worker = CheckWorker::new(workspace, databases, events, received);
        Self { messages: Some(messages), slot: pool.0.add(&name, worker) }
    }

    /// Requests a check; the verdict comes as [`Event::Checked`].
    pub(super) fn request_check(&self, request: CheckRequest) {
        self.send(WorkerMessage::Check(Box::new(request)));
    }

    /// Requests fixes for the last verdict.
    pub(super) fn request_fixes(&self, request: FixRequest) {
        self.send(WorkerMessage::Fix(request));
    }

    /// Whether files of the workspace are open: such a workspace comes before others.
    pub(super) fn has_open_files(&self, has: bool) {
        self.slot.set_preferred(has);
    }

    /// Requests all dependencies of the workspace, after the checks that were requested before.
    pub(super) fn request_graph(&self, reply: GraphReply) {
        self.send(WorkerMessage::Graph(reply));
    }

    fn send(&self, message: WorkerMessage) {
        if let Some(messages) = &self.messages {
            let _ = messages.send(message);
            self.slot.wake();
        }
    }
}

impl Drop for CheckWorkerHandle {
    fn drop(&mut self) {
        // A running task sees this and stops.
        self.messages = None;
        self.slot.end();
    }
}

/// The state of a worker between two tasks, of which each runs on some thread of the pool.
struct CheckWorker {
    workspace: Workspace,
    databases: Arc<Databases>,
    events: mpsc::UnboundedSender<Event>,
    gate: Gate,
    inbox: Inbox,
    fix_search: FixSearch,
    /// What was checked last.
    checked: Option<CheckedInput>,
    /// The check with the policy of the base, until it has run.
    policy_check: Option<PolicyCheck>,
    /// How many check requests were taken and have no result yet.
    unfinished_requests: usize,
    renew_graph: bool,
    /// The kept verdict of an earlier run was looked up.
    recalled: bool,
}

impl CheckWorker {
    fn new(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
        messages: channel::Receiver<WorkerMessage>,
    ) -> Self {
        let fix_search = FixSearch::new(workspace.clone(), Arc::clone(&databases), events.clone());
        Self {
            gate: Gate::new(workspace.clone()),
            workspace,
            databases,
            events,
            inbox: Inbox::new(messages),
            fix_search,
            checked: None,
            policy_check: None,
            unfinished_requests: 0,
            renew_graph: false,
            recalled: false,
        }
    }

    /// Checks the workspace for a request that replaces `count` requests. After a panic it tries once
    /// more, with a new gate.
    fn check(&mut self, request: CheckRequest, count: usize) {
        self.unfinished_requests += count;
        self.fix_search.stop();
        self.policy_check = None;
        if self.renew_graph {
            self.gate.forget_graph();
        }
        let mut verdict = None;
        for may_repeat in [true, false] {
            match self.check_once(&request) {
                // A newer request has cancelled this one; its result counts for both.
                Ok(None) => return,
                Ok(checked) => {
                    verdict = checked;
                    if !may_repeat || !self.gate.engine_panicked() {
                        break;
                    }
                }
                Err(_) => verdict = None,
            }
            self.gate = self.gate.restarted();
        }
        self.renew_graph = false;
        self.checked = Some(CheckedInput::of(&request));
        let verdict = verdict.map(Arc::new);
        let request_count = std::mem::take(&mut self.unfinished_requests);
        self.send_verdict(request_count, verdict.clone());
        if let Some(verdict) = verdict.filter(|_| request.trusted) {
            self.gate.remember(&request.options, &verdict);
            self.gate.set_baseline(Arc::clone(&verdict));
            self.policy_check = PolicyCheck::of(&request, &verdict);
            self.fix_search.start(request, verdict);
            if self.policy_check.as_ref().is_some_and(|check| !check.takes_long()) {
                self.work_in_background(&|| true);
            }
        }
    }

    /// Checks with the policy of the base, or looks for an upgrade.
    fn work_in_background(&mut self, may_continue: &dyn Fn() -> bool) {
        let Some(check) = self.policy_check.take() else {
            return self.fix_search.search_next(&self.inbox, may_continue);
        };
        let Self { gate, databases, events, inbox, .. } = self;
        if check.run(gate, databases, events, inbox, may_continue) {
            self.policy_check = Some(check);
        }
    }

    /// Sends all dependencies of what was checked last.
    fn send_graph(&mut self, reply: GraphReply) {
        let Self { workspace, checked, gate, databases, inbox, .. } = self;
        let Some(checked) = checked else { return };
        match checked.dependencies(workspace, gate, databases, inbox) {
            Ok(Some(found)) => _ = reply.send(found),
            Ok(None) => self.inbox.postpone_graph(reply),
            Err(_) => self.gate = self.gate.restarted(),
        }
    }

    fn check_once(&mut self, request: &CheckRequest) -> Result<Option<Verdict>, Panic> {
        let activity = self.activity();
        let Self { workspace, databases, events, gate, inbox, recalled, .. } = self;
        let latest = Arc::default();
        let progress = WorkerProgress {
            workspace,
            request,
            inbox,
            events,
            latest,
            examined: Cell::new(0),
            is_cancelled: Cell::new(false),
        };
        let CheckRequest { options, buffers, .. } = request;
        let mut options = options.clone();
        options.resolver.children = options.resolver.children.reporting_waits(progress.waits());
        let options = &options;
        let settled = |verdict: Verdict| settled(verdict, request, events);
        threads::catch_panic(&activity, || {
            threads::failpoint("worker");
            if !request.trusted {
                return Some(gate.check_untrusted(options, buffers, databases));
            }
            if !std::mem::replace(recalled, true)
                && let Some(verdict) = gate.recall(options, buffers)
            {
                let verdict = Arc::new(settled(verdict));
                gate.set_baseline(Arc::clone(&verdict));
                let (workspace, verdict) = (workspace.clone(), Some(verdict));
                let _ = events.send(Event::Checked { workspace, request_count: 0, verdict });
            }
            gate.check(options, buffers, databases, &progress).map(settled)
        })
    }

    fn send_verdict(&self, request_count: usize, verdict: Option<Arc<Verdict>>) {
        let workspace = self.workspace.clone();
        let _ = self.events.send(Event::Checked { workspace, request_count, verdict });
    }
}

/// Looks for other workspaces with the same policy if the verdict depends on them, and withholds what they may need.
fn settled(
    verdict: Verdict,
    request: &CheckRequest,
    events: &mpsc::UnboundedSender<Event>,
) -> Verdict {
    let Some(options) = request.sharer_search.as_ref() else { return verdict };
    if !verdict.policy_use.asks_others() {
        return verdict;
    }
    let mut others = OtherUses::default();
    for policy in verdict.policy.iter().chain(&verdict.exceptions).cloned() {
        let ruled = RuledWorkspaces::of(&policy, options);
        others.more = others.more.max(usize::from(ruled.truncated));
        let others_of = ruled.workspaces.iter().filter(|one| **one != verdict.workspace);
        others.workspaces.extend(others_of.map(|one| (one.clone(), None)));
        let _ = events.send(Event::RuledWorkspacesFound { policy, ruled });
    }
    verdict.with_other_uses(&others)
}

impl Work for CheckWorker {
    fn activity(&self) -> Activity {
        Activity::to("checking", self.workspace.manifest.as_str())
    }

    fn run(&mut self, background: bool, may_continue: &dyn Fn() -> bool) -> TaskOutcome {
        let has_more = self.policy_check.is_some() || self.fix_search.has_more();
        match self.inbox.next(&mut self.renew_graph, has_more) {
            Task::Check(request, count) => self.check(*request, count),
            Task::Graph(reply) => self.send_graph(reply),
            Task::Fix(request) => self.fix_search.handle(request, &mut self.gate, &self.inbox),
            Task::Background if background => self.work_in_background(may_continue),
            // It runs when no other worker has a task.
            Task::Background => return TaskOutcome::Wait(Some(Due::background_now())),
            Task::Wait(due) => return TaskOutcome::Wait(due),
            Task::End => return TaskOutcome::End,
        }
        TaskOutcome::Again
    }

    fn recover(&mut self) {
        self.gate = self.gate.restarted();
        self.fix_search.stop();
        self.policy_check = None;
        self.fix_search.drop_cache();
        let request_count = std::mem::take(&mut self.unfinished_requests);
        if request_count > 0 {
            self.send_verdict(request_count, None);
        }
    }

    fn has_cache(&self) -> bool {
        self.gate.has_graph() || self.fix_search.has_cache()
    }

    fn drop_cache(&mut self) {
        self.gate.release_memory();
        self.fix_search.drop_cache();
    }
}

/// Sends the progress of a check to the main loop; a newer request cancels it.
struct WorkerProgress<'a> {
    workspace: &'a Workspace,
    request: &'a CheckRequest,
    inbox: &'a Inbox,
    events: &'a mpsc::UnboundedSender<Event>,
    /// The step that was reported last, shown again after a wait.
    latest: Arc<Mutex<String>>,
    /// How many newer requests were compared with this one.
    examined: Cell<usize>,
    /// One of these needs another resolution.
    is_cancelled: Cell<bool>,
}

impl WorkerProgress<'_> {
    /// Shows waits for locks as progress.
    fn waits(&self) -> impl Fn(Wait<'_>) + Send + Sync + 'static {
        let (workspace, events) = (self.workspace.clone(), self.events.clone());
        let latest = Arc::clone(&self.latest);
        move |wait| {
            let message = match wait {
                Wait::For(sentence) => sentence.to_owned(),
                Wait::Over => latest.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            };
            let _ = events.send(Event::ProgressMessage(workspace.clone(), message));
        }
    }
}

impl Progress for WorkerProgress<'_> {
    fn report(&self, message: &str) {
        message.clone_into(&mut self.latest.lock().unwrap_or_else(PoisonError::into_inner));
        let event = Event::ProgressMessage(self.workspace.clone(), message.to_owned());
        let _ = self.events.send(event);
    }

    fn provisional_verdict(&self, verdict: Verdict) {
        let event = Event::ProvisionalVerdict(self.workspace.clone(), Arc::new(verdict));
        let _ = self.events.send(event);
    }

    /// When there is a newer request.
    fn is_outdated(&self) -> bool {
        !self.inbox.all_check_requests(|_| false)
    }

    /// When a newer request needs another resolution, which is decided once for each.
    fn is_cancelled(&self) -> bool {
        let resolves_equally = |newer: &CheckRequest| {
            !newer.renew_graph && resolves_equally(&self.request.buffers, &newer.buffers)
        };
        if !self.is_cancelled.get() {
            let all_equal = self.inbox.new_check_requests(&self.examined, resolves_equally);
            self.is_cancelled.set(!all_equal);
        }
        self.is_cancelled.get()
    }
}
