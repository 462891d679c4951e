//! Threads and tasks that fail in the open: whatever panics is caught where it was started, logged
//! with what was being done, and told to whoever shows failures to the user.
//!
//! Nothing else in the program starts a thread or a task (`tests/house/threads.rs`). The panic hook
//! only takes down what it sees; the place that catches knows what was being done, so it reports.
//! A panic that nobody catches is reported by the hook itself.

mod failpoint;
mod restarts;

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    future::{Future, poll_fn},
    io,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    pin::pin,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    task::Poll,
    thread,
};

pub(crate) use failpoint::failpoint;
pub(crate) use restarts::Restarts;

/// The longest message of a panic that is passed on.
const LONGEST: usize = 2000;

/// How many panics of threads of `rayon` are remembered until whoever waits for them asks.
const CARRIED: usize = 16;

/// What a thread does, in words that follow "while": `checking`, and what is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doing {
    verb: &'static str,
    subject: Option<String>,
}

impl Doing {
    /// Something that is done to nothing in particular, such as `watching files`.
    pub(crate) fn just(verb: &'static str) -> Self {
        Self { verb, subject: None }
    }

    /// `verb` done to `subject`: a path, a method.
    pub(crate) fn to(verb: &'static str, subject: impl Into<String>) -> Self {
        Self { verb, subject: Some(subject.into()) }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{} `{}`", self.verb, harmless(subject)),
            None => f.write_str(self.verb),
        }
    }
}

/// A panic that was caught.
#[derive(Clone, Debug)]
pub(crate) struct Panic {
    /// The words of the panic, on one line.
    pub(crate) message: String,
}

/// A panic as the user is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What was being done.
    pub(crate) doing: Doing,
    /// It failed too often and is not started again.
    pub(crate) stays_down: bool,
}

/// What the hook sees of a panic.
#[derive(Debug)]
struct Seen {
    message: String,
    location: String,
    thread: String,
    /// Empty unless `RUST_BACKTRACE` asks for one.
    backtrace: String,
}

thread_local! {
    /// How many places on the stack of this thread catch panics.
    static CATCHERS: RefCell<usize> = const { RefCell::new(0) };
    /// The last panic of this thread.
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// The panics of threads whose library passes them on to the thread that waits.
static PASSED_ON: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

type Listener = Box<dyn Fn(Failure) + Send + Sync>;

/// Who shows failures to the user.
static LISTENER: OnceLock<Listener> = OnceLock::new();

/// What the listener was told of.
static TOLD: Mutex<BTreeSet<(&'static str, bool)>> = Mutex::new(BTreeSet::new());

/// Takes down every panic from now on. Called once, after the log was started.
pub(crate) fn see_panics() {
    std::panic::set_hook(Box::new(|panic| see(Seen::of(panic))));
}

/// Tells `listener` of failures from now on, once of each kind. Only the first call counts.
pub(crate) fn tell_failures(listener: impl Fn(Failure) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(listener));
}

/// Does something, and reports the panic that ends it.
///
/// # Errors
///
/// When it panics: an error of this program, which is logged and told.
pub(crate) fn caught<T>(doing: &Doing, work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch(work).map_err(|seen| {
        let panic = seen.log(doing);
        tell(doing.clone(), false);
        panic
    })
}

/// The same for what is awaited.
///
/// # Errors
///
/// See [`caught`].
pub(crate) async fn caught_while_awaited<T>(
    doing: &Doing,
    work: impl Future<Output = T>,
) -> Result<T, Panic> {
    let mut work = pin!(work);
    poll_fn(|context| match caught(doing, || work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Calls code of others that is known to panic on some input. The caller says what that means to
/// the user, so it is a warning in the log and nothing else.
///
/// # Errors
///
/// When it panics.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch(work).map_err(|seen| {
        tracing::warn!("{} at {}", seen.message, seen.location);
        Panic { message: seen.message }
    })
}

/// Starts a thread that ends with `work`, however that ends.
///
/// # Errors
///
/// When the system starts no thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    stack: Option<usize>,
    doing: Doing,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<Result<T, Panic>>> {
    let builder = thread::Builder::new().name(name.to_owned());
    let builder = match stack {
        Some(stack) => builder.stack_size(stack),
        None => builder,
    };
    builder.spawn(move || caught(&doing, work))
}

/// Starts a thread that does `work` until it returns: again when it panics, unless that happens too
/// often (see [`Restarts`]).
///
/// # Errors
///
/// When the system starts no thread.
pub(crate) fn supervised(
    name: &str,
    doing: Doing,
    mut work: impl FnMut() + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let mut restarts = Restarts::default();
        while caught(&doing, &mut work).is_err() {
            let Some(pause) = restarts.next() else {
                // Who is told of it may rely on there being nothing left of it.
                drop(work);
                give_up(&doing);
                return;
            };
            thread::sleep(pause);
        }
    })
}

/// Starts a thread within a scope. Unlike one of the scope's own it does not break off the scope.
pub(crate) fn scoped<'s, T: Send + 's>(
    scope: &'s thread::Scope<'s, '_>,
    doing: Doing,
    work: impl FnOnce() -> T + Send + 's,
) -> thread::ScopedJoinHandle<'s, Result<T, Panic>> {
    scope.spawn(move || caught(&doing, work))
}

/// Starts a task that nobody waits for.
pub(crate) fn task(doing: Doing, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        // It was reported.
        let _ = caught_while_awaited(&doing, work).await;
    });
}

/// Does something that may block on a thread where it may. `None` when it panics, or the program
/// ends before it was begun.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: Doing,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let done = tokio::task::spawn_blocking(move || caught(&doing, work)).await;
    done.ok()?.ok()
}

/// Says that something failed too often and is not started again.
pub(crate) fn give_up(doing: &Doing) {
    tracing::error!("{doing} has failed too often and is not started again");
    tell(doing.clone(), true);
}

fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Seen> {
    let change = |by: fn(&mut usize)| CATCHERS.with_borrow_mut(by);
    change(|catchers| *catchers += 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    change(|catchers| *catchers -= 1);
    done.map_err(|payload| Seen::for_payload(&*payload))
}

/// What becomes of a panic when it begins.
fn see(seen: Seen) {
    let is_caught = CATCHERS.try_with(|catchers| catchers.try_borrow().is_ok_and(|one| *one > 0));
    if is_caught.unwrap_or(false) {
        tracing::debug!("{} at {}", seen.message, seen.location);
        let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(seen)));
    } else if rayon::current_thread_index().is_some() {
        let mut passed_on = lock(&PASSED_ON);
        if passed_on.len() >= CARRIED {
            passed_on.remove(0);
        }
        passed_on.push(seen);
    } else {
        let doing = Doing::just("doing something in the background");
        seen.log(&doing);
        tell(doing, false);
    }
}

fn tell(doing: Doing, stays_down: bool) {
    let Some(listener) = LISTENER.get() else { return };
    let is_new = lock(&TOLD).insert((doing.verb, stays_down));
    if is_new {
        listener(Failure { doing, stays_down });
    }
}

impl Seen {
    fn of(panic: &PanicHookInfo<'_>) -> Self {
        let backtrace = Backtrace::capture();
        let is_wanted = backtrace.status() == BacktraceStatus::Captured;
        Self {
            message: message(panic.payload()),
            location: panic.location().map(ToString::to_string).unwrap_or_default(),
            thread: thread::current().name().unwrap_or("?").to_owned(),
            backtrace: if is_wanted { format!("\n{backtrace}") } else { String::new() },
        }
    }

    /// What was seen of a panic that was caught on this thread.
    fn for_payload(payload: &(dyn Any + Send)) -> Self {
        let message = message(payload);
        let last = LAST.take().filter(|last| last.message == message);
        let passed_on = || {
            let mut passed_on = lock(&PASSED_ON);
            let at = passed_on.iter().position(|seen| seen.message == message)?;
            Some(passed_on.remove(at))
        };
        last.or_else(passed_on).unwrap_or_else(|| Self {
            message,
            location: "an unknown place".to_owned(),
            thread: String::new(),
            backtrace: String::new(),
        })
    }

    fn log(self, doing: &Doing) -> Panic {
        let Self { message, location, thread, backtrace } = self;
        tracing::error!(
            "thread `{thread}` panicked while {doing}: {message} ({location}){backtrace}"
        );
        Panic { message }
    }
}

/// The words of a panic.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    harmless(text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given"))
}

/// One line without control characters, capped.
fn harmless(text: &str) -> String {
    let shown = text.chars().take(LONGEST);
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn panic_is_an_error_with_its_words() {
        let panic = caught(&Doing::just("testing"), || panic!("one\ntwo {}", 3));
        assert_eq!(panic.map_err(|panic| panic.message), Err::<(), _>("one two 3".to_owned()));
        assert!(matches!(guarded(|| 7), Ok(7)));
    }

    #[test]
    fn panic_of_a_thread_of_rayon_is_caught_by_who_waits() {
        let caught = guarded(|| rayon::join(|| panic!("there"), || ()));
        assert_eq!(caught.map_err(|panic| panic.message).err().as_deref(), Some("there"));
    }

    #[test]
    fn supervised_thread_that_panics_does_its_work_again() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let work = move || assert!(counted.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
        let thread = supervised("again", Doing::just("testing"), work).expect("it starts");
        thread.join().expect("it ends without a panic");
        assert_eq!(times.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn supervised_thread_that_always_panics_ends() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let work = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            panic!("always");
        };
        let thread = supervised("never", Doing::just("testing"), work).expect("it starts");
        thread.join().expect("it ends without a panic");
        assert_eq!(times.load(Ordering::SeqCst), Restarts::MOST + 1);
    }

    #[test]
    fn awaited_panic_is_an_error_after_what_was_awaited() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let work = async {
            tokio::task::yield_now().await;
            panic!("later");
        };
        let done = runtime.block_on(caught_while_awaited::<()>(&Doing::just("testing"), work));
        assert_eq!(done.map_err(|panic| panic.message), Err("later".to_owned()));
    }

    #[test]
    fn subject_is_named_on_one_line() {
        assert_eq!(
            Doing::to("checking", "/a\n/Cargo.toml").to_string(),
            "checking `/a /Cargo.toml`"
        );
    }
}
