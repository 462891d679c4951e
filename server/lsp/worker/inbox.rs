//! What a worker was told and has not done yet.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
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
    Answer(Question),
    /// For a while nothing was told.
    Nothing,
    /// Nobody tells anything any more.
    End,
}

impl Inbox {
    pub(super) fn new(told: Receiver<Job>) -> Self {
        Self {
            told,
            wishes: RefCell::default(),
            questions: RefCell::default(),
            idle_since: Cell::new(Instant::now()),
            judged: Cell::new(false),
            typed: Cell::new(None),
            ended: Cell::new(false),
        }
    }

    /// Waits for something to do; with `has_more` until nothing was told for a while. Wishes come before questions.
    pub(super) fn next(&self, renew_graph: &mut bool, has_more: bool) -> Task {
        if self.judged.take() {
            self.idle_since.set(Instant::now());
        }
        loop {
            self.take();
            if let Some(wish) = self.first() {
                self.judged.set(true);
                let (wish, count) = self.newest(wish, renew_graph);
                return Task::Judge(Box::new(wish), count);
            }
            if let Some(question) = self.questions.borrow_mut().pop_front() {
                return Task::Answer(question);
            }
            let told = if has_more {
                self.told.recv_timeout(IDLE.saturating_sub(self.idle_since.get().elapsed()))
            } else {
                self.told.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match told {
                Ok(job) => self.put(job),
                Err(RecvTimeoutError::Timeout) => return Task::Nothing,
                Err(RecvTimeoutError::Disconnected) => return Task::End,
            }
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
            Job::Answer(question) => self.questions.borrow_mut().push_back(question),
        }
    }

    fn first(&self) -> Option<Wish> {
        self.wishes.borrow_mut().pop_front()
    }

    fn newest(&self, mut wish: Wish, renew_graph: &mut bool) -> (Wish, usize) {
        let mut count = 1;
        loop {
            *renew_graph |= wish.renew_graph;
            // Also of one that another takes the place of: it was typed.
            let pause = self.pause(&wish);
            self.take();
            let newer = self.first().or_else(|| self.wait_for(pause?));
            let Some(newer) = newer else { return (wish, count) };
            wish = newer;
            count += 1;
        }
    }

    fn wait_for(&self, pause: Duration) -> Option<Wish> {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            self.put(self.told.recv_timeout(left).ok()?);
            if let Some(wish) = self.first() {
                return Some(wish);
            }
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
