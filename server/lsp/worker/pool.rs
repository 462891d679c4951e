//! A fixed number of threads that run the tasks of any number of workers.
//!
//! A worker is ready when it has a message, or when its waiting time is over (see [`Due`]): a pause
//! blocks no thread. Workspaces with open files come first, then the others in the order of their
//! paths, then background work. One thread is always left for workspaces with open files, however
//! long a program runs for another one; and background work stops when its thread is needed.
//!
//! After a check a worker keeps its graph, with a thread and much memory, for the next verdict. Only
//! the workers that were used last keep it: the others build it again when they need it.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
    time::Instant,
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::threads::{self, Activity};

/// The smallest number of threads: more than the processors of a small machine, since threads wait for
/// programs.
const MIN_THREADS: usize = 4;

const MAX_THREADS: usize = 8;

/// How many workers with open files keep their graphs.
const MAX_CACHES_OPEN: usize = 32;

/// How many other workers keep their graphs.
const MAX_CACHES: usize = 8;

/// When a worker has its next task, if no message comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Instant,
    /// The task is background work.
    pub(super) background: bool,
}

impl Due {
    /// Background work may start now.
    pub(super) fn background_now() -> Self {
        Self { at: Instant::now(), background: true }
    }
}

/// Work that consists of tasks.
pub(super) trait Work: Send + 'static {
    /// What its tasks do, for the log.
    fn activity(&self) -> Activity;

    /// Runs one task: a `background` task only when that is set, and only while it `may_continue`.
    fn run(&mut self, background: bool, may_continue: &dyn Fn() -> bool) -> TaskOutcome;

    /// A task has panicked: drops all state that may have caused it, and reports the failure.
    fn recover(&mut self);

    /// Whether it keeps data that only makes the next task faster.
    fn has_cache(&self) -> bool;

    /// Drops that data.
    fn drop_cache(&mut self);
}

/// What follows a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskOutcome {
    /// Perhaps another task.
    Again,
    /// Nothing before the next message or that time.
    Wait(Option<Due>),
    /// The work has ended.
    End,
}

/// The threads. Dropping it ends all work, and then the threads.
pub(super) struct Pool<W: Work>(Arc<PoolShared<W>>);

/// The owner's handle of work in the pool.
pub(super) struct PoolSlot<W: Work> {
    pool: Arc<PoolShared<W>>,
    key: Key,
}

/// Work by its path, in whose order it runs. The number distinguishes work of the same path.
type Key = (Utf8PathBuf, u64);

struct PoolShared<W> {
    state: Mutex<PoolState<W>>,
    changed: Condvar,
}

struct PoolState<W> {
    threads: usize,
    slots: BTreeMap<Key, SlotState<W>>,
    /// The number of the next slot, and of the next task.
    next: u64,
    ended: bool,
}

struct SlotState<W> {
    /// `None` while a thread runs it.
    work: Option<W>,
    running: Option<Urgency>,
    open: bool,
    has_message: bool,
    due: Option<Due>,
    ended: bool,
    has_cache: bool,
    /// The number of the last task that was not background work.
    used: u64,
}

/// The order in which tasks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// The work ends, which takes no time.
    End,
    Open,
    Closed,
    /// Background work of a workspace with open files.
    BackgroundOpen,
    BackgroundClosed,
}

impl Urgency {
    fn is_background(self) -> bool {
        self >= Self::BackgroundOpen
    }

    /// Whether it leaves a thread to workspaces with open files.
    fn yields(self) -> bool {
        self >= Self::Closed
    }
}

impl<W: Work> Pool<W> {
    /// Starts a number of threads that fits the machine.
    pub(super) fn start() -> Self {
        let threads = available_parallelism().map_or(MIN_THREADS, NonZero::get);
        Self::with_threads(threads.clamp(MIN_THREADS, MAX_THREADS))
    }

    fn with_threads(threads: usize) -> Self {
        let state = PoolState { threads, slots: BTreeMap::new(), next: 0, ended: false };
        let shared = Arc::new(PoolShared { state: Mutex::new(state), changed: Condvar::new() });
        for number in 1..=threads {
            let for_thread = Arc::clone(&shared);
            let activity = Activity::just("running the tasks of workers");
            let work = move || for_thread.run_tasks();
            if let Err(error) = threads::supervised(&format!("worker-{number}"), activity, work) {
                tracing::error!("could not start a thread that checks workspaces: {error}");
                let mut state = shared.lock();
                state.threads = state.threads.saturating_sub(1);
            }
        }
        Self(shared)
    }

    /// Adds work, which runs in the order of such names.
    pub(super) fn add(&self, name: &Utf8Path, work: W) -> PoolSlot<W> {
        let mut state = self.0.lock();
        state.next += 1;
        let key = (name.to_owned(), state.next);
        let slot = SlotState {
            work: Some(work),
            running: None,
            open: false,
            has_message: false,
            due: None,
            ended: false,
            has_cache: false,
            used: 0,
        };
        state.slots.insert(key.clone(), slot);
        PoolSlot { pool: Arc::clone(&self.0), key }
    }
}

impl<W: Work> Drop for Pool<W> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        for slot in state.slots.values_mut() {
            slot.ended = true;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

impl<W: Work> PoolSlot<W> {
    /// The work has a message.
    pub(super) fn wake(&self) {
        self.change(|slot| slot.has_message = true);
    }

    /// Whether the work comes before other work.
    pub(super) fn set_preferred(&self, preferred: bool) {
        self.change(|slot| slot.open = preferred);
    }

    /// Ends the work, after its running task.
    pub(super) fn end(&self) {
        self.change(|slot| slot.ended = true);
    }

    fn change(&self, by: impl FnOnce(&mut SlotState<W>)) {
        if let Some(slot) = self.pool.lock().slots.get_mut(&self.key) {
            by(slot);
        }
        self.pool.changed.notify_all();
    }
}

/// What a thread does next.
enum PoolTask<W> {
    Run(Key, W, Urgency),
    DropCache(Key, W),
    End(W),
}

impl<W: Work> PoolShared<W> {
    fn lock(&self) -> MutexGuard<'_, PoolState<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs tasks until the pool ends.
    fn run_tasks(&self) {
        while let Some(taken) = self.take() {
            match taken {
                PoolTask::End(work) => {
                    let activity = work.activity();
                    // A panic is logged already, and the work is gone.
                    let _ = threads::catch_panic(&activity, || drop(work));
                }
                PoolTask::DropCache(key, mut work) => {
                    let activity = work.activity();
                    let _ = threads::catch_panic(&activity, || work.drop_cache());
                    self.put_back(&key, work, None);
                }
                PoolTask::Run(key, mut work, urgency) => {
                    let activity = work.activity();
                    let may_continue = || !self.lock().needs_a_thread(Instant::now());
                    let outcome = threads::catch_panic(&activity, || {
                        work.run(urgency.is_background(), &may_continue)
                    });
                    let outcome = outcome.unwrap_or_else(|_| {
                        let _ = threads::catch_panic(&activity, || work.recover());
                        TaskOutcome::Wait(None)
                    });
                    self.put_back(&key, work, Some(outcome));
                }
            }
        }
    }

    /// Waits for the next task; `None` when the pool has ended.
    fn take(&self) -> Option<PoolTask<W>> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if let Some(taken) = state.take(now) {
                return Some(taken);
            }
            if state.ended {
                return None;
            }
            state = match state.next_due(now) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let waited = self.changed.wait_timeout(state, due.duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn put_back(&self, key: &Key, work: W, outcome: Option<TaskOutcome>) {
        let mut state = self.lock();
        if let Some(slot) = state.slots.get_mut(key) {
            slot.has_cache = work.has_cache();
            slot.work = Some(work);
            slot.running = None;
            match outcome {
                None => {}
                Some(TaskOutcome::Again) => slot.has_message = true,
                Some(TaskOutcome::Wait(due)) => slot.due = due,
                Some(TaskOutcome::End) => slot.ended = true,
            }
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl<W: Work> PoolState<W> {
    fn take(&mut self, now: Instant) -> Option<PoolTask<W>> {
        let ready = self.slots.iter().filter_map(|(key, slot)| Some((slot.urgency(now)?, key)));
        let first = ready.filter(|(urgency, _)| self.has_a_thread_for(*urgency)).min();
        let Some((urgency, key)) = first.map(|(urgency, key)| (urgency, key.clone())) else {
            return self.take_cache();
        };
        if urgency == Urgency::End {
            return self.slots.remove(&key).and_then(|slot| slot.work).map(PoolTask::End);
        }
        self.next += 1;
        let used = self.next;
        let slot = self.slots.get_mut(&key)?;
        slot.has_message = false;
        slot.due = None;
        slot.running = Some(urgency);
        if !urgency.is_background() {
            slot.used = used;
        }
        let work = slot.work.take()?;
        Some(PoolTask::Run(key, work, urgency))
    }

    /// The work whose cache was not used for the longest time, if there are too many caches.
    fn take_cache(&mut self) -> Option<PoolTask<W>> {
        for (open, most) in [(false, MAX_CACHES), (true, MAX_CACHES_OPEN)] {
            let cached = self.slots.iter().filter(|(_, slot)| slot.has_cache && slot.open == open);
            if cached.clone().count() <= most {
                continue;
            }
            let idle = cached.filter(|(_, slot)| slot.work.is_some());
            let oldest = idle.min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone());
            let Some(key) = oldest else { continue };
            let slot = self.slots.get_mut(&key)?;
            slot.has_cache = false;
            slot.running = Some(Urgency::End);
            let work = slot.work.take()?;
            return Some(PoolTask::DropCache(key, work));
        }
        None
    }

    /// Whether a thread may be used for tasks of this urgency.
    fn has_a_thread_for(&self, urgency: Urgency) -> bool {
        let running = |matches: fn(Urgency) -> bool| {
            self.slots.values().filter(|slot| slot.running.is_some_and(matches)).count()
        };
        let yielding_fits = || running(Urgency::yields) + 1 < self.threads.max(2);
        match urgency {
            Urgency::End | Urgency::Open => true,
            Urgency::Closed => yielding_fits(),
            Urgency::BackgroundOpen | Urgency::BackgroundClosed => {
                yielding_fits() && running(Urgency::is_background) + 2 < self.threads.max(3)
            }
        }
    }

    /// Whether a task other than background work waits for a thread.
    fn needs_a_thread(&self, now: Instant) -> bool {
        let running = self.slots.values().filter(|slot| slot.running.is_some()).count();
        let all_run = running >= self.threads;
        let waiting = self.slots.values().filter_map(|slot| slot.urgency(now));
        let mut asked = waiting.filter(|urgency| !urgency.is_background());
        asked.any(|urgency| all_run || !self.has_a_thread_for(urgency))
    }

    /// When waiting work is ready, if no message comes before.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        let idle = self.slots.values().filter(|slot| slot.work.is_some());
        // Work that is ready waits for a thread, not for a time.
        idle.filter_map(|slot| slot.due).map(|due| due.at).filter(|at| *at > now).min()
    }
}

impl<W> SlotState<W> {
    /// How urgent its next task is, if it is ready.
    fn urgency(&self, now: Instant) -> Option<Urgency> {
        self.work.as_ref()?;
        let is_due = self.due.filter(|due| due.at <= now);
        let asked = self.has_message || is_due.is_some_and(|due| !due.background);
        Some(match (self.open, asked) {
            _ if self.ended => Urgency::End,
            (true, true) => Urgency::Open,
            (false, true) => Urgency::Closed,
            _ if is_due.is_none() => return None,
            (true, false) => Urgency::BackgroundOpen,
            (false, false) => Urgency::BackgroundClosed,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, Sender, channel},
        time::Duration,
    };

    use super::*;

    /// A generous limit for a busy machine.
    const TEST_TIMEOUT: Duration = Duration::from_secs(60);

    /// Reports the start of each task, and ends it when the test says so.
    struct TestWork {
        name: &'static str,
        begun: Sender<(&'static str, bool)>,
        results: Receiver<TaskOutcome>,
        has_cache: bool,
    }

    impl Work for TestWork {
        fn activity(&self) -> Activity {
            Activity::to("testing", self.name)
        }

        fn run(&mut self, background: bool, may_continue: &dyn Fn() -> bool) -> TaskOutcome {
            self.begun.send((self.name, background)).expect("the test listens");
            self.has_cache = true;
            if background {
                while may_continue() {
                    std::thread::yield_now();
                }
                return TaskOutcome::Wait(None);
            }
            self.results.recv_timeout(TEST_TIMEOUT).expect("the test ends the task")
        }

        fn recover(&mut self) {
            self.begun.send(("recover", false)).expect("the test listens");
        }

        fn has_cache(&self) -> bool {
            self.has_cache
        }

        fn drop_cache(&mut self) {
            self.has_cache = false;
            self.begun.send(("drop cache", false)).expect("the test listens");
        }
    }

    struct TestPool {
        pool: Pool<TestWork>,
        begin: Sender<(&'static str, bool)>,
        begun: Receiver<(&'static str, bool)>,
    }

    impl TestPool {
        fn with_threads(threads: usize) -> Self {
            let (begin, begun) = channel();
            Self { pool: Pool::with_threads(threads), begin, begun }
        }

        fn add(&self, name: &'static str) -> (PoolSlot<TestWork>, Sender<TaskOutcome>) {
            let (end, results) = channel();
            let work = TestWork { name, begun: self.begin.clone(), results, has_cache: false };
            (self.pool.add(name.into(), work), end)
        }

        fn begun(&self) -> (&'static str, bool) {
            self.begun.recv_timeout(TEST_TIMEOUT).expect("a task")
        }
    }

    const DONE: TaskOutcome = TaskOutcome::Wait(None);

    #[test]
    fn open_workspaces_come_first_and_then_the_order_of_names() {
        let pool = TestPool::with_threads(2);
        let (busy, busy_end) = pool.add("busy");
        busy.wake();
        assert_eq!(pool.begun().0, "busy");
        let (c, c_end) = pool.add("c");
        let (b, b_end) = pool.add("b");
        // The other thread is left for workspaces with open files.
        c.wake();
        b.wake();
        let (open, open_end) = pool.add("d");
        open.set_preferred(true);
        open.wake();
        assert_eq!(pool.begun().0, "d");
        for end in [&b_end, &c_end, &open_end] {
            end.send(DONE).expect("it waits");
        }
        busy_end.send(DONE).expect("it waits");
        assert_eq!((pool.begun().0, pool.begun().0), ("b", "c"));
    }

    #[test]
    fn work_runs_one_task_at_a_time_and_loses_no_message() {
        let pool = TestPool::with_threads(4);
        let (slot, end) = pool.add("one");
        slot.wake();
        assert_eq!(pool.begun().0, "one");
        slot.wake();
        slot.wake();
        let (other, other_end) = pool.add("other");
        other.wake();
        assert_eq!(pool.begun().0, "other", "and not another task of the first");
        other_end.send(DONE).expect("it waits");
        end.send(DONE).expect("it waits");
        assert_eq!(pool.begun().0, "one");
        end.send(DONE).expect("it waits");
    }

    #[test]
    fn background_task_waits_for_its_time_and_stops_when_its_thread_is_needed() {
        let pool = TestPool::with_threads(3);
        let (idle, idle_end) = pool.add("a");
        let due = Due { at: Instant::now() + Duration::from_millis(20), background: true };
        idle_end.send(TaskOutcome::Wait(Some(due))).expect("it waits");
        idle.wake();
        assert_eq!((pool.begun(), pool.begun()), (("a", false), ("a", true)));
        assert!(Instant::now() >= due.at);
        let (b, b_end) = pool.add("b");
        let (c, c_end) = pool.add("c");
        b.wake();
        assert_eq!(pool.begun(), ("b", false), "there is another thread");
        // The third thread is left for open workspaces, so the background task has to stop.
        c.wake();
        assert_eq!(pool.begun(), ("c", false));
        b_end.send(DONE).expect("it waits");
        c_end.send(DONE).expect("it waits");
    }

    #[test]
    fn only_the_last_used_work_keeps_its_cache() {
        let pool = TestPool::with_threads(2);
        let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let slots: Vec<_> = names.iter().map(|name| pool.add(name)).collect();
        for (slot, end) in &slots {
            end.send(DONE).expect("it waits");
            slot.wake();
        }
        let begun: Vec<_> = (0..names.len() + 2).map(|_| pool.begun().0).collect();
        assert_eq!(begun.iter().filter(|name| **name == "drop cache").count(), 2, "{begun:?}");
    }

    #[test]
    fn panic_in_a_task_ends_only_that_task() {
        let pool = TestPool::with_threads(2);
        let (slot, end) = pool.add("one");
        // It panics when no result can come.
        drop(end);
        slot.wake();
        assert_eq!(pool.begun().0, "one");
        assert_eq!(pool.begun().0, "recover");
        let (other, other_end) = pool.add("other");
        other.wake();
        assert_eq!(pool.begun().0, "other");
        other_end.send(DONE).expect("it waits");
    }

    #[test]
    fn work_is_dropped_when_it_ends() {
        let pool = TestPool::with_threads(2);
        let (slot, end) = pool.add("one");
        slot.end();
        // The receiver is dropped with the work.
        while end.send(DONE).is_ok() {
            std::thread::yield_now();
        }
        let (_slot, end) = pool.add("two");
        drop(pool);
        while end.send(DONE).is_ok() {
            std::thread::yield_now();
        }
    }
}
