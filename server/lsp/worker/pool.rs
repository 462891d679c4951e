//! A fixed number of threads that take turns with any number of workspaces.
//!
//! Whoever was told something is ready, and so is whoever has waited long enough (see [`Due`]): a
//! pause blocks no thread. Workspaces with open files come first, then the others in the order of
//! their paths, then what nobody has asked for. One thread is always left for those with open
//! files, however long a program takes that is run for another one; and what nobody has asked for
//! breaks off when its thread is needed.
//!
//! A workspace that was judged keeps its graph, with a thread and much memory, for the next
//! verdict. Only the last ones do: the others build it again when they need it.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
    time::Instant,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::inbox::Due;
use crate::threads::{self, Doing};

/// The fewest threads: programs are waited for, so it is more than a small machine has processors.
const FEWEST: usize = 4;

/// The most threads.
const MOST: usize = 8;

/// How many workspaces with open files keep their graphs.
const WARM_OPEN: usize = 32;

/// How many others do.
const WARM: usize = 8;

/// Something that is done turn by turn.
pub(super) trait Work: Send + 'static {
    /// What its turns do, for the log.
    fn doing(&self) -> Doing;

    /// Does one thing; what nobody has asked for only when `unasked`, and only as long as it
    /// `may_go_on`.
    fn turn(&mut self, unasked: bool, may_go_on: &dyn Fn() -> bool) -> Turn;

    /// A turn has panicked: whoever waits is told, and nothing is kept that may have caused it.
    fn reset(&mut self);

    /// Whether it holds what only makes the next turn faster.
    fn is_warm(&self) -> bool;

    /// Gives that back.
    fn rest(&mut self);
}

/// What comes after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Perhaps another one.
    Again,
    /// Nothing until it is told something, or until then.
    Wait(Option<Due>),
    /// Nothing any more.
    End,
}

/// The threads. Dropping it ends all that has a seat, and then the threads.
pub(super) struct Pool<W: Work>(Arc<Shared<W>>);

/// A place in the pool.
pub(super) struct Seat<W: Work> {
    pool: Arc<Shared<W>>,
    key: Key,
}

/// By paths, and in their order. A number tells apart those that come one after the other.
type Key = (Utf8PathBuf, u64);

struct Shared<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
}

struct State<W> {
    threads: usize,
    seats: BTreeMap<Key, Seated<W>>,
    /// The number of the next seat, and of the next turn.
    next: u64,
    ended: bool,
}

struct Seated<W> {
    /// `None` while a thread has it.
    work: Option<W>,
    running: Option<Urgency>,
    open: bool,
    told: bool,
    due: Option<Due>,
    ended: bool,
    warm: bool,
    /// The number of the last turn that somebody has asked for.
    used: u64,
}

/// What is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// It ends, which takes no time.
    End,
    Open,
    Closed,
    /// What nobody has asked for, where files are open.
    UnaskedOpen,
    UnaskedClosed,
}

impl Urgency {
    fn is_unasked(self) -> bool {
        self >= Self::UnaskedOpen
    }

    /// Whether it leaves a thread to those with open files.
    fn yields(self) -> bool {
        self >= Self::Closed
    }
}

impl<W: Work> Pool<W> {
    /// As many threads as the machine bears.
    pub(super) fn start() -> Self {
        let threads = available_parallelism().map_or(FEWEST, NonZero::get);
        Self::with_threads(threads.clamp(FEWEST, MOST))
    }

    fn with_threads(threads: usize) -> Self {
        let state = State { threads, seats: BTreeMap::new(), next: 0, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        for number in 1..=threads {
            let for_thread = Arc::clone(&shared);
            let doing = Doing::just("giving turns to workspaces");
            let work = move || for_thread.take_turns();
            if let Err(error) = threads::supervised(&format!("worker-{number}"), doing, work) {
                tracing::error!("could not start a thread that checks workspaces: {error}");
                let mut state = shared.lock();
                state.threads = state.threads.saturating_sub(1);
            }
        }
        Self(shared)
    }

    /// Gives a seat to `work`, whose turns come in the order of such names.
    pub(super) fn seat(&self, name: &Utf8Path, work: W) -> Seat<W> {
        let mut state = self.0.lock();
        state.next += 1;
        let key = (name.to_owned(), state.next);
        let seated = Seated {
            work: Some(work),
            running: None,
            open: false,
            told: false,
            due: None,
            ended: false,
            warm: false,
            used: 0,
        };
        state.seats.insert(key.clone(), seated);
        Seat { pool: Arc::clone(&self.0), key }
    }
}

impl<W: Work> Drop for Pool<W> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        for seated in state.seats.values_mut() {
            seated.ended = true;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

impl<W: Work> Seat<W> {
    /// There is something to do.
    pub(super) fn tell(&self) {
        self.change(|seated| seated.told = true);
    }

    /// Whether it comes before others.
    pub(super) fn prefer(&self, preferred: bool) {
        self.change(|seated| seated.open = preferred);
    }

    /// Ends, after what is being done.
    pub(super) fn end(&self) {
        self.change(|seated| seated.ended = true);
    }

    fn change(&self, by: impl FnOnce(&mut Seated<W>)) {
        if let Some(seated) = self.pool.lock().seats.get_mut(&self.key) {
            by(seated);
        }
        self.pool.changed.notify_all();
    }
}

/// What a thread has taken.
enum Taken<W> {
    Turn(Key, W, Urgency),
    /// To let it rest.
    Warm(Key, W),
    Ended(W),
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does until the pool ends.
    fn take_turns(&self) {
        while let Some(taken) = self.take() {
            match taken {
                Taken::Ended(work) => {
                    let doing = work.doing();
                    // It was reported, and there is nothing left of it.
                    let _ = threads::caught(&doing, || drop(work));
                }
                Taken::Warm(key, mut work) => {
                    let doing = work.doing();
                    let _ = threads::caught(&doing, || work.rest());
                    self.put_back(&key, work, None);
                }
                Taken::Turn(key, mut work, urgency) => {
                    let doing = work.doing();
                    let may_go_on = || !self.lock().needs_a_thread(Instant::now());
                    let turn =
                        threads::caught(&doing, || work.turn(urgency.is_unasked(), &may_go_on));
                    let turn = turn.unwrap_or_else(|_| {
                        let _ = threads::caught(&doing, || work.reset());
                        Turn::Wait(None)
                    });
                    self.put_back(&key, work, Some(turn));
                }
            }
        }
    }

    /// Waits for something to do; `None` when nothing will come any more.
    fn take(&self) -> Option<Taken<W>> {
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

    fn put_back(&self, key: &Key, work: W, turn: Option<Turn>) {
        let mut state = self.lock();
        if let Some(seated) = state.seats.get_mut(key) {
            seated.warm = work.is_warm();
            seated.work = Some(work);
            seated.running = None;
            match turn {
                None => {}
                Some(Turn::Again) => seated.told = true,
                Some(Turn::Wait(due)) => seated.due = due,
                Some(Turn::End) => seated.ended = true,
            }
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl<W: Work> State<W> {
    fn take(&mut self, now: Instant) -> Option<Taken<W>> {
        let ready = self.seats.iter().filter_map(|(key, seated)| Some((seated.urgency(now)?, key)));
        let first = ready.filter(|(urgency, _)| self.has_a_thread_for(*urgency)).min();
        let Some((urgency, key)) = first.map(|(urgency, key)| (urgency, key.clone())) else {
            return self.take_warm();
        };
        if urgency == Urgency::End {
            return self.seats.remove(&key).and_then(|seated| seated.work).map(Taken::Ended);
        }
        self.next += 1;
        let used = self.next;
        let seated = self.seats.get_mut(&key)?;
        seated.told = false;
        seated.due = None;
        seated.running = Some(urgency);
        if !urgency.is_unasked() {
            seated.used = used;
        }
        let work = seated.work.take()?;
        Some(Taken::Turn(key, work, urgency))
    }

    /// One that holds a graph and was not needed for the longest time, if too many do.
    fn take_warm(&mut self) -> Option<Taken<W>> {
        for (open, most) in [(false, WARM), (true, WARM_OPEN)] {
            let warm = self.seats.iter().filter(|(_, seated)| seated.warm && seated.open == open);
            if warm.clone().count() <= most {
                continue;
            }
            let idle = warm.filter(|(_, seated)| seated.work.is_some());
            let oldest = idle.min_by_key(|(_, seated)| seated.used).map(|(key, _)| key.clone());
            let Some(key) = oldest else { continue };
            let seated = self.seats.get_mut(&key)?;
            seated.warm = false;
            seated.running = Some(Urgency::End);
            let work = seated.work.take()?;
            return Some(Taken::Warm(key, work));
        }
        None
    }

    /// Whether one of the threads may be used for that.
    fn has_a_thread_for(&self, urgency: Urgency) -> bool {
        let running = |such: fn(Urgency) -> bool| {
            self.seats.values().filter(|seated| seated.running.is_some_and(such)).count()
        };
        let yielding_fits = || running(Urgency::yields) + 1 < self.threads.max(2);
        match urgency {
            Urgency::End | Urgency::Open => true,
            Urgency::Closed => yielding_fits(),
            Urgency::UnaskedOpen | Urgency::UnaskedClosed => {
                yielding_fits() && running(Urgency::is_unasked) + 2 < self.threads.max(3)
            }
        }
    }

    /// Whether what somebody has asked for waits for a thread.
    fn needs_a_thread(&self, now: Instant) -> bool {
        let running = self.seats.values().filter(|seated| seated.running.is_some()).count();
        let all_run = running >= self.threads;
        let waiting = self.seats.values().filter_map(|seated| seated.urgency(now));
        let mut asked = waiting.filter(|urgency| !urgency.is_unasked());
        asked.any(|urgency| all_run || !self.has_a_thread_for(urgency))
    }

    /// When something that waits is ready, if nothing is told before.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        let idle = self.seats.values().filter(|seated| seated.work.is_some());
        // What is ready already waits for a thread, not for a time.
        idle.filter_map(|seated| seated.due).map(|due| due.at).filter(|at| *at > now).min()
    }
}

impl<W> Seated<W> {
    /// How urgent its next turn is, if it is ready for one.
    fn urgency(&self, now: Instant) -> Option<Urgency> {
        self.work.as_ref()?;
        let is_due = self.due.filter(|due| due.at <= now);
        let asked = self.told || is_due.is_some_and(|due| !due.unasked);
        Some(match (self.open, asked) {
            _ if self.ended => Urgency::End,
            (true, true) => Urgency::Open,
            (false, true) => Urgency::Closed,
            _ if is_due.is_none() => return None,
            (true, false) => Urgency::UnaskedOpen,
            (false, false) => Urgency::UnaskedClosed,
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

    /// How long anything may take on a busy machine.
    const LIMIT: Duration = Duration::from_secs(60);

    /// Tells of each of its turns, and goes on when it is let.
    struct Told {
        name: &'static str,
        begun: Sender<(&'static str, bool)>,
        go_on: Receiver<Turn>,
        warm: bool,
    }

    impl Work for Told {
        fn doing(&self) -> Doing {
            Doing::to("testing", self.name)
        }

        fn turn(&mut self, unasked: bool, may_go_on: &dyn Fn() -> bool) -> Turn {
            self.begun.send((self.name, unasked)).expect("the test listens");
            self.warm = true;
            if unasked {
                while may_go_on() {
                    std::thread::yield_now();
                }
                return Turn::Wait(None);
            }
            self.go_on.recv_timeout(LIMIT).expect("the test lets it go on")
        }

        fn reset(&mut self) {
            self.begun.send(("reset", false)).expect("the test listens");
        }

        fn is_warm(&self) -> bool {
            self.warm
        }

        fn rest(&mut self) {
            self.warm = false;
            self.begun.send(("rest", false)).expect("the test listens");
        }
    }

    struct Table {
        pool: Pool<Told>,
        begin: Sender<(&'static str, bool)>,
        begun: Receiver<(&'static str, bool)>,
    }

    impl Table {
        fn with_threads(threads: usize) -> Self {
            let (begin, begun) = channel();
            Self { pool: Pool::with_threads(threads), begin, begun }
        }

        fn seat(&self, name: &'static str) -> (Seat<Told>, Sender<Turn>) {
            let (let_go, go_on) = channel();
            let work = Told { name, begun: self.begin.clone(), go_on, warm: false };
            (self.pool.seat(name.into(), work), let_go)
        }

        fn begun(&self) -> (&'static str, bool) {
            self.begun.recv_timeout(LIMIT).expect("a turn")
        }
    }

    const DONE: Turn = Turn::Wait(None);

    #[test]
    fn open_ones_come_first_and_then_the_order_of_names() {
        let table = Table::with_threads(2);
        let (busy, busy_go) = table.seat("busy");
        busy.tell();
        assert_eq!(table.begun().0, "busy");
        let (c, c_go) = table.seat("c");
        let (b, b_go) = table.seat("b");
        // The other thread is left for those with open files.
        c.tell();
        b.tell();
        let (open, open_go) = table.seat("d");
        open.prefer(true);
        open.tell();
        assert_eq!(table.begun().0, "d");
        for go in [&b_go, &c_go, &open_go] {
            go.send(DONE).expect("it waits");
        }
        busy_go.send(DONE).expect("it waits");
        assert_eq!((table.begun().0, table.begun().0), ("b", "c"));
    }

    #[test]
    fn one_seat_has_one_turn_at_a_time_and_loses_no_word() {
        let table = Table::with_threads(4);
        let (seat, go) = table.seat("one");
        seat.tell();
        assert_eq!(table.begun().0, "one");
        seat.tell();
        seat.tell();
        let (other, other_go) = table.seat("other");
        other.tell();
        assert_eq!(table.begun().0, "other", "and not another turn of the first");
        other_go.send(DONE).expect("it waits");
        go.send(DONE).expect("it waits");
        assert_eq!(table.begun().0, "one");
        go.send(DONE).expect("it waits");
    }

    #[test]
    fn unasked_turn_waits_for_its_time_and_breaks_off_when_its_thread_is_needed() {
        let table = Table::with_threads(3);
        let (idle, idle_go) = table.seat("a");
        let due = Due { at: Instant::now() + Duration::from_millis(20), unasked: true };
        idle_go.send(Turn::Wait(Some(due))).expect("it waits");
        idle.tell();
        assert_eq!((table.begun(), table.begun()), (("a", false), ("a", true)));
        assert!(Instant::now() >= due.at);
        let (b, b_go) = table.seat("b");
        let (c, c_go) = table.seat("c");
        b.tell();
        assert_eq!(table.begun(), ("b", false), "there is another thread");
        // The third is left for open ones, so that the unasked one has to give way.
        c.tell();
        assert_eq!(table.begun(), ("c", false));
        b_go.send(DONE).expect("it waits");
        c_go.send(DONE).expect("it waits");
    }

    #[test]
    fn only_the_last_ones_stay_warm() {
        let table = Table::with_threads(2);
        let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let seats: Vec<_> = names.iter().map(|name| table.seat(name)).collect();
        for (seat, go) in &seats {
            go.send(DONE).expect("it waits");
            seat.tell();
        }
        let begun: Vec<_> = (0..names.len() + 2).map(|_| table.begun().0).collect();
        assert_eq!(begun.iter().filter(|name| **name == "rest").count(), 2, "{begun:?}");
    }

    #[test]
    fn panic_in_a_turn_costs_that_turn() {
        let table = Table::with_threads(2);
        let (seat, go) = table.seat("one");
        // It panics when nobody can let it go on.
        drop(go);
        seat.tell();
        assert_eq!(table.begun().0, "one");
        assert_eq!(table.begun().0, "reset");
        let (other, other_go) = table.seat("other");
        other.tell();
        assert_eq!(table.begun().0, "other");
        other_go.send(DONE).expect("it waits");
    }

    #[test]
    fn what_has_a_seat_is_dropped_when_it_ends() {
        let table = Table::with_threads(2);
        let (seat, go) = table.seat("one");
        seat.end();
        // The receiver goes with the work.
        while go.send(DONE).is_ok() {
            std::thread::yield_now();
        }
        let (_seat, go) = table.seat("two");
        drop(table);
        while go.send(DONE).is_ok() {
            std::thread::yield_now();
        }
    }
}
