//! Threads and tasks whose panics are caught where they were started, logged with the activity, and shown
//! to the user.
//!
//! Only this module starts threads and tasks (`tests/house/threads.rs`). The panic hook only records a
//! panic; the code that catches it knows the activity and reports it. The hook itself reports a panic that
//! no code catches.

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

/// How many characters of a panic's message are used.
const MAX_MESSAGE: usize = 2000;

/// How many panics of `rayon` threads are kept until the waiting thread takes them.
const MAX_FORWARDED: usize = 16;

/// What a thread does, to follow "while": `checking`, and the checked manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    verb: &'static str,
    subject: Option<String>,
}

impl Activity {
    /// An activity without a subject, such as `watching files`.
    pub(crate) fn just(verb: &'static str) -> Self {
        Self { verb, subject: None }
    }

    /// An activity with a subject: a path, a method.
    pub(crate) fn to(verb: &'static str, subject: impl Into<String>) -> Self {
        Self { verb, subject: Some(subject.into()) }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{} `{}`", self.verb, one_line(subject)),
            None => f.write_str(self.verb),
        }
    }
}

/// A panic that was caught.
#[derive(Clone, Debug)]
pub(crate) struct Panic {
    /// The panic's message, on one line.
    pub(crate) message: String,
}

/// A panic as it is shown to the user.
#[derive(Clone, Debug)]
pub(crate) struct PanicReport {
    /// The activity that panicked.
    pub(crate) doing: Activity,
    /// It panicked too often and is not started again.
    pub(crate) gave_up: bool,
}

/// What the hook records of a panic.
#[derive(Debug)]
struct PanicRecord {
    message: String,
    location: String,
    thread: String,
    /// Empty unless `RUST_BACKTRACE` asks for one.
    backtrace: String,
}

thread_local! {
    /// How many callers on this thread's stack catch panics.
    static CATCHERS: RefCell<usize> = const { RefCell::new(0) };
    /// The last panic of this thread.
    static LAST: RefCell<Option<PanicRecord>> = const { RefCell::new(None) };
}

/// Panics of threads whose library resumes them on the waiting thread.
static FORWARDED: Mutex<Vec<PanicRecord>> = Mutex::new(Vec::new());

type Listener = Box<dyn Fn(PanicReport) + Send + Sync>;

/// Shows panics to the user.
static LISTENER: OnceLock<Listener> = OnceLock::new();

/// The panics that were already shown.
static REPORTED: Mutex<BTreeSet<(&'static str, bool)>> = Mutex::new(BTreeSet::new());

/// Records every panic from now on. Called once, after the log is set up.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| record_panic(PanicRecord::of(panic))));
}

/// Sends panics to `listener` from now on, each kind once. Only the first call has an effect.
pub(crate) fn set_panic_listener(listener: impl Fn(PanicReport) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(listener));
}

/// Runs `work` and reports its panic.
///
/// # Errors
///
/// When it panics; the panic is logged and shown.
pub(crate) fn catch_panic<T>(doing: &Activity, work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch(work).map_err(|seen| {
        let panic = seen.log(doing);
        report(doing.clone(), false);
        panic
    })
}

/// [`catch_panic`] for a future.
///
/// # Errors
///
/// See [`catch_panic`].
pub(crate) async fn catch_panic_async<T>(
    doing: &Activity,
    work: impl Future<Output = T>,
) -> Result<T, Panic> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_panic(doing, || work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Runs code of a library that is known to panic on some input. The panic is only a warning in the log: the
/// caller reports the consequence.
///
/// # Errors
///
/// When it panics.
pub(crate) fn catch_and_warn<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch(work).map_err(|seen| {
        tracing::warn!("{} at {}", seen.message, seen.location);
        Panic { message: seen.message }
    })
}

/// Starts a thread for `work`.
///
/// # Errors
///
/// When the system starts no thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    stack: Option<usize>,
    doing: Activity,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<Result<T, Panic>>> {
    let builder = thread::Builder::new().name(name.to_owned());
    let builder = match stack {
        Some(stack) => builder.stack_size(stack),
        None => builder,
    };
    builder.spawn(move || catch_panic(&doing, work))
}

/// Starts a thread that runs `work` until it returns, again after a panic, unless that happens too often
/// (see [`Restarts`]).
///
/// # Errors
///
/// When the system starts no thread.
pub(crate) fn supervised(
    name: &str,
    doing: Activity,
    mut work: impl FnMut() + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let mut restarts = Restarts::default();
        while catch_panic(&doing, &mut work).is_err() {
            let Some(pause) = restarts.next() else {
                // The listener may rely on everything being dropped.
                drop(work);
                give_up(&doing);
                return;
            };
            thread::sleep(pause);
        }
    })
}

/// Starts a thread in a scope. Unlike `scope.spawn`, its panic does not end the scope.
pub(crate) fn scoped<'s, T: Send + 's>(
    scope: &'s thread::Scope<'s, '_>,
    doing: Activity,
    work: impl FnOnce() -> T + Send + 's,
) -> thread::ScopedJoinHandle<'s, Result<T, Panic>> {
    scope.spawn(move || catch_panic(&doing, work))
}

/// Starts a detached task.
pub(crate) fn task(doing: Activity, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        // Already reported.
        let _ = catch_panic_async(&doing, work).await;
    });
}

/// Runs blocking code on a thread for blocking code. `None` if it panics, or if the program ends before it
/// starts.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: Activity,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let done = tokio::task::spawn_blocking(move || catch_panic(&doing, work)).await;
    done.ok()?.ok()
}

/// Reports that an activity panicked too often and is not started again.
pub(crate) fn give_up(doing: &Activity) {
    tracing::error!("{doing} panicked too often and is not started again");
    report(doing.clone(), true);
}

fn catch<T>(work: impl FnOnce() -> T) -> Result<T, PanicRecord> {
    let change = |by: fn(&mut usize)| CATCHERS.with_borrow_mut(by);
    change(|catchers| *catchers += 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    change(|catchers| *catchers -= 1);
    done.map_err(|payload| PanicRecord::for_payload(&*payload))
}

/// The panic hook.
fn record_panic(seen: PanicRecord) {
    let is_caught = CATCHERS.try_with(|catchers| catchers.try_borrow().is_ok_and(|one| *one > 0));
    if is_caught.unwrap_or(false) {
        tracing::debug!("{} at {}", seen.message, seen.location);
        let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(seen)));
    } else if rayon::current_thread_index().is_some() {
        let mut forwarded = lock(&FORWARDED);
        if forwarded.len() >= MAX_FORWARDED {
            forwarded.remove(0);
        }
        forwarded.push(seen);
    } else {
        let doing = Activity::just("doing something in the background");
        seen.log(&doing);
        report(doing, false);
    }
}

fn report(doing: Activity, gave_up: bool) {
    let Some(listener) = LISTENER.get() else { return };
    let is_new = lock(&REPORTED).insert((doing.verb, gave_up));
    if is_new {
        listener(PanicReport { doing, gave_up });
    }
}

impl PanicRecord {
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

    /// The record of a panic that this thread caught.
    fn for_payload(payload: &(dyn Any + Send)) -> Self {
        let message = message(payload);
        let last = LAST.take().filter(|last| last.message == message);
        let forwarded = || {
            let mut forwarded = lock(&FORWARDED);
            let at = forwarded.iter().position(|seen| seen.message == message)?;
            Some(forwarded.remove(at))
        };
        last.or_else(forwarded).unwrap_or_else(|| Self {
            message,
            location: "unknown location".to_owned(),
            thread: String::new(),
            backtrace: String::new(),
        })
    }

    fn log(self, doing: &Activity) -> Panic {
        let Self { message, location, thread, backtrace } = self;
        tracing::error!(
            "thread `{thread}` panicked while {doing}: {message} ({location}){backtrace}"
        );
        Panic { message }
    }
}

/// A panic's message.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    one_line(text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given"))
}

/// One line without control characters, capped.
fn one_line(text: &str) -> String {
    let shown = text.chars().take(MAX_MESSAGE);
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
    fn panic_is_an_error_with_its_message() {
        let panic = catch_panic(&Activity::just("testing"), || panic!("one\ntwo {}", 3));
        assert_eq!(panic.map_err(|panic| panic.message), Err::<(), _>("one two 3".to_owned()));
        assert!(matches!(catch_and_warn(|| 7), Ok(7)));
    }

    #[test]
    fn panic_of_rayon_thread_is_caught_by_waiting_thread() {
        let catch_panic = catch_and_warn(|| rayon::join(|| panic!("there"), || ()));
        assert_eq!(catch_panic.map_err(|panic| panic.message).err().as_deref(), Some("there"));
    }

    #[test]
    fn supervised_thread_is_restarted_after_panic() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let work = move || assert!(counted.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
        let thread = supervised("again", Activity::just("testing"), work).expect("it starts");
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
        let thread = supervised("never", Activity::just("testing"), work).expect("it starts");
        thread.join().expect("it ends without a panic");
        assert_eq!(times.load(Ordering::SeqCst), Restarts::MAX + 1);
    }

    #[test]
    fn panic_after_await_is_an_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let work = async {
            tokio::task::yield_now().await;
            panic!("later");
        };
        let done = runtime.block_on(catch_panic_async::<()>(&Activity::just("testing"), work));
        assert_eq!(done.map_err(|panic| panic.message), Err("later".to_owned()));
    }

    #[test]
    fn subject_is_named_on_one_line() {
        assert_eq!(
            Activity::to("checking", "/a\n/Cargo.toml").to_string(),
            "checking `/a /Cargo.toml`"
        );
    }
}
