//! What a worker was told and has not done yet.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use super::{Job, Question, Wish};

/// So long nothing is told before what nobody has asked for is begun: who types on is not to wait
/// for it.
const IDLE: Duration = Duration::from_millis(1500);

/// How long more is waited for after an edit that stands alone.
const ALONE: Duration = Duration::from_millis(15);

/// What has come.
pub(super) struct Inbox {
    told: Receiver<Job>,
    /// The wishes that were looked at while an older one was worked on.
    wishes: RefCell<VecDeque<Wish>>,
    /// The newest of those that were taken and not given out, until nothing more belongs to it.
    gathered: Option<Gathered>,
    questions: RefCell<VecDeque<Question>>,
    /// Since when nothing was told and nothing judged.
    idle_since: Cell<Instant>,
    /// The last task was to judge.
    judged: Cell<bool>,
    /// When something was typed last.
    typed: Cell<Option<Instant>>,
    /// Nobody tells anything any more.
    ended: Cell<bool>,
}

/// What is to be done next.
pub(super) enum Task {
    /// The newest wish, with how many it stands for.
    Judge(Box<Wish>, usize),
    FixResult(Question),
    /// For a while nothing was told.
    Nothing,
    /// Nothing yet: until something is told, or until then.
    Wait(Option<Due>),
    /// Nobody tells anything any more.
    End,
}

/// When there is something to do, if nothing is told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Instant,
    /// It is what nobody has asked for.
    pub(super) unasked: bool,
}

impl Due {
    /// What nobody has asked for may be done.
    pub(super) fn unasked_now() -> Self {
        Self { at: Instant::now(), unasked: true }
    }
}

/// A wish that waits for what belongs to the same edit.
struct Gathered {
    wish: Wish,
    /// How many wishes it stands for.
    count: usize,
    /// `None` where nothing is waited for.
    until: Option<Instant>,
}

impl Inbox {
    pub(super) fn new(told: Receiver<Job>) -> Self {
        Self {
            told,
            wishes: RefCell::default(),
            gathered: None,
            questions: RefCell::default(),
            idle_since: Cell::new(Instant::now()),
            judged: Cell::new(false),
            typed: Cell::new(None),
            ended: Cell::new(false),
        }
    }

    /// What is to be done now; with `has_more` also what nobody has asked for, when nothing was
    /// told for a while. Wishes come before questions.
    pub(super) fn next(&mut self, renew_graph: &mut bool, has_more: bool) -> Task {
        if self.judged.take() {
            self.idle_since.set(Instant::now());
        }
        self.take();
        self.gather(renew_graph);
        if let Some(Gathered { wish, count, until }) = self.gathered.take() {
            if let Some(at) = until.filter(|until| *until > Instant::now() && !self.ended.get()) {
                self.gathered = Some(Gathered { wish, count, until });
                return Task::Wait(Some(Due { at, unasked: false }));
            }
            self.judged.set(true);
            return Task::Judge(Box::new(wish), count);
        }
        if let Some(question) = self.questions.borrow_mut().pop_front() {
            return Task::FixResult(question);
        }
        if self.ended.get() {
            return Task::End;
        }
        let due = has_more.then(|| Due { at: self.idle_since.get() + IDLE, unasked: true });
        match due {
            Some(due) if due.at <= Instant::now() => Task::Nothing,
            due => Task::Wait(due),
        }
    }

    /// Whether every wish that has come is such, and there may be more. Asked while an older one is
    /// worked on.
    pub(super) fn all_wishes(&self, such: impl Fn(&Wish) -> bool) -> bool {
        self.take();
        !self.ended.get() && self.wishes.borrow().iter().all(such)
    }

    /// Whether nothing was told that has to be done before a proof is at its end.
    pub(super) fn has_no_wish(&self) -> bool {
        self.all_wishes(|wish| wish.facts_only)
    }

    /// The same, and no question either.
    pub(super) fn is_empty(&self) -> bool {
        self.has_no_wish() && self.questions.borrow().is_empty()
    }

    fn take(&self) {
        loop {
            match self.told.try_recv() {
                Ok(job) => self.put(job),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.ended.set(true),
            }
        }
    }

    fn put(&self, job: Job) {
        self.idle_since.set(Instant::now());
        match job {
            Job::Judge(wish) => self.wishes.borrow_mut().push_back(*wish),
            Job::FixResult(question) => self.questions.borrow_mut().push_back(question),
        }
    }

    /// Takes the wishes that have come; the newest takes the place of the others.
    fn gather(&mut self, renew_graph: &mut bool) {
        for wish in self.wishes.take() {
            *renew_graph |= wish.renew_graph;
            // Also of one that another takes the place of: it was typed.
            let until = self.pause(&wish).map(|pause| Instant::now() + pause);
            let count = self.gathered.as_ref().map_or(0, |older| older.count) + 1;
            self.gathered = Some(Gathered { wish, count, until });
        }
    }

    /// How long to wait for what belongs to the same edit: hardly for one that stands alone, as a fix
    /// or an undo does, or one that is saved at once; as long as is wanted while typing goes on.
    fn pause(&self, wish: &Wish) -> Option<Duration> {
        if !wish.typing {
            return None;
        }
        let before = self.typed.replace(Some(Instant::now()));
        let goes_on = before.is_some_and(|before| before.elapsed() < wish.pause * 2);
        Some(if goes_on { wish.pause } else { wish.pause.min(ALONE) })
    }
}
