//! The messages that a worker has received and not handled yet.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use super::pool::Due;
use crate::lsp::event::{CheckRequest, FixRequest, GraphReply};

/// How long no message may come before background work starts, so that it never delays typing.
const IDLE_TIME: Duration = Duration::from_millis(1500);

/// How long to wait for more edits after a single one.
const SINGLE_EDIT_DEBOUNCE: Duration = Duration::from_millis(5);

/// A message to a worker.
#[derive(Debug)]
pub(super) enum WorkerMessage {
    Check(Box<CheckRequest>),
    Fix(FixRequest),
    Graph(GraphReply),
}

/// The messages that have come.
pub(super) struct Inbox {
    messages: Receiver<WorkerMessage>,
    /// The check requests that came while an older one was handled.
    check_requests: RefCell<VecDeque<CheckRequest>>,
    /// The newest check request, until its pause is over.
    pending: Option<DebouncedCheck>,
    fix_requests: RefCell<VecDeque<FixRequest>>,
    /// A fix request has come since the last task was taken.
    has_new_fix_request: Cell<bool>,
    graph_requests: RefCell<VecDeque<GraphReply>>,
    /// When the last message came or the last check ended.
    idle_since: Cell<Instant>,
    /// The last task was a check.
    checked: Cell<bool>,
    /// When a manifest was edited last.
    last_edit: Cell<Option<Instant>>,
    /// The sender is gone.
    ended: Cell<bool>,
}

/// The next task of a worker.
pub(super) enum Task {
    /// The newest check request, with how many requests it replaces.
    Check(Box<CheckRequest>, usize),
    Fix(FixRequest),
    /// All dependencies of the workspace are requested.
    Graph(GraphReply),
    /// No message came for a while: background work may start.
    Background,
    /// Nothing before the next message or that time.
    Wait(Option<Due>),
    /// The sender is gone.
    End,
}

/// A check request that waits for more edits.
struct DebouncedCheck {
    request: CheckRequest,
    /// How many requests it replaces.
    count: usize,
    /// When the pause is over; `None` where there is none.
    until: Option<Instant>,
}

impl Inbox {
    pub(super) fn new(messages: Receiver<WorkerMessage>) -> Self {
        Self {
            messages,
            check_requests: RefCell::default(),
            pending: None,
            fix_requests: RefCell::default(),
            has_new_fix_request: Cell::new(false),
            graph_requests: RefCell::default(),
            idle_since: Cell::new(Instant::now()),
            checked: Cell::new(false),
            last_edit: Cell::new(None),
            ended: Cell::new(false),
        }
    }

    /// The next task; with `has_more` also background work, when no message came for a while. Check
    /// requests come before graph requests, then come fix requests, the newest of which comes first: the
    /// user waits for it.
    pub(super) fn next(&mut self, renew_graph: &mut bool, has_more: bool) -> Task {
        if self.checked.take() {
            self.idle_since.set(Instant::now());
        }
        self.receive();
        self.merge_check_requests(renew_graph);
        if let Some(DebouncedCheck { request, count, until }) = self.pending.take() {
            if let Some(at) = until.filter(|until| *until > Instant::now() && !self.ended.get()) {
                self.pending = Some(DebouncedCheck { request, count, until });
                return Task::Wait(Some(Due { at, background: false }));
            }
            self.checked.set(true);
            return Task::Check(Box::new(request), count);
        }
        if let Some(reply) = self.graph_requests.borrow_mut().pop_front() {
            return Task::Graph(reply);
        }
        if let Some(request) = self.fix_requests.borrow_mut().pop_back() {
            self.has_new_fix_request.set(false);
            return Task::Fix(request);
        }
        if self.ended.get() {
            return Task::End;
        }
        let due = has_more.then(|| Due { at: self.idle_since.get() + IDLE_TIME, background: true });
        match due {
            Some(due) if due.at <= Instant::now() => Task::Background,
            due => Task::Wait(due),
        }
    }

    /// Whether all waiting check requests match, and the sender is still there. Called while an older
    /// request is handled.
    pub(super) fn all_check_requests(&self, matches: impl Fn(&CheckRequest) -> bool) -> bool {
        self.receive();
        !self.ended.get() && self.check_requests.borrow().iter().all(matches)
    }

    /// The same for the requests that have come since the last call with this count of examined ones. While a task runs,
    /// requests are only added.
    pub(super) fn new_check_requests(
        &self,
        examined: &Cell<usize>,
        matches: impl Fn(&CheckRequest) -> bool,
    ) -> bool {
        self.receive();
        let requests = self.check_requests.borrow();
        let new = requests.iter().skip(examined.replace(requests.len()));
        !self.ended.get() && new.into_iter().all(matches)
    }

    /// Whether no waiting check request interrupts the verification of a fix.
    pub(super) fn has_no_check_request(&self) -> bool {
        self.all_check_requests(|request| request.facts_only)
    }

    /// The same, and no other request waits either.
    pub(super) fn is_empty(&self) -> bool {
        self.has_no_check_request()
            && !self.has_fix_request()
            && self.graph_requests.borrow().is_empty()
    }

    /// Whether a fix request waits.
    pub(super) fn has_fix_request(&self) -> bool {
        self.receive();
        !self.fix_requests.borrow().is_empty()
    }

    /// Whether a fix request has come while another one is handled: the user is on another line now.
    pub(super) fn has_new_fix_request(&self) -> bool {
        self.receive();
        self.has_new_fix_request.get()
    }

    /// Takes the rest of a fix request back: it is the last to be handled.
    pub(super) fn postpone(&self, rest: FixRequest) {
        self.fix_requests.borrow_mut().push_front(rest);
    }

    /// Takes a graph request back: a check comes first.
    pub(super) fn postpone_graph(&self, reply: GraphReply) {
        self.graph_requests.borrow_mut().push_front(reply);
    }

    fn receive(&self) {
        loop {
            match self.messages.try_recv() {
                Ok(message) => self.put(message),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.ended.set(true),
            }
        }
    }

    fn put(&self, message: WorkerMessage) {
        self.idle_since.set(Instant::now());
        match message {
            WorkerMessage::Check(request) => self.check_requests.borrow_mut().push_back(*request),
            WorkerMessage::Fix(request) => {
                self.has_new_fix_request.set(true);
                self.fix_requests.borrow_mut().push_back(request);
            }
            WorkerMessage::Graph(reply) => self.graph_requests.borrow_mut().push_back(reply),
        }
    }

    /// Merges the waiting check requests: the newest replaces the others.
    fn merge_check_requests(&mut self, renew_graph: &mut bool) {
        for request in self.check_requests.take() {
            *renew_graph |= request.renew_graph;
            // A replaced request counts as an edit, too.
            let until = self.pause(&request).map(|pause| Instant::now() + pause);
            let count = self.pending.as_ref().map_or(0, |older| older.count) + 1;
            self.pending = Some(DebouncedCheck { request, count, until });
        }
    }

    /// How long to wait for more edits: very short after a single edit (a fix, an undo), the pause of
    /// the settings while the user types.
    fn pause(&self, request: &CheckRequest) -> Option<Duration> {
        if !request.typing {
            return None;
        }
        let before = self.last_edit.replace(Some(Instant::now()));
        let is_typing = before.is_some_and(|before| before.elapsed() < request.pause * 2);
        Some(if is_typing { request.pause } else { request.pause.min(SINGLE_EDIT_DEBOUNCE) })
    }
}
