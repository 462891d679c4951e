//! Child processes: no standard input, a time limit, and none outlives the program. [`programs`] finds
//! the executable, [`environment`] sets its variables, [`confinement`] limits where it may write.

mod confinement;
mod environment;
mod guard;
mod others;
mod programs;
mod start;
mod temporary;
mod waits;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use camino::Utf8Path;

pub(crate) use environment::{cargo, git};
use guard::{KillGuard, ProcessName};
pub(crate) use others::{parent_process, wait_for_process};
pub(crate) use programs::{default_cargo, resolve_program, restart_with_safe_environment};
use start::StartCommand;
pub(crate) use temporary::{TemporaryError, TemporaryFolder, create_folders_below};
use waits::LockWait;
pub(crate) use waits::lock_failure;
pub use waits::{Wait, WaitReports};

/// How often `keep_running` is called while a child runs.
const CANCEL_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a child may run. Resolving with a cold index over a slow connection stays far below.
const CHILD_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the end of the program tries to delete a folder that a killed process or a thread still writes to.
const DELETE_TIMEOUT: Duration = Duration::from_millis(500);

/// The pause between two attempts.
const DELETE_INTERVAL: Duration = Duration::from_millis(2);

/// The running children of the program, or of one scope of it, which can be ended on its own.
#[derive(Clone, Debug, Default)]
pub struct Children {
    shared: Arc<Shared>,
    /// The scope's number; 0 is the whole program.
    scope: u64,
    /// They give way to what else the machine does.
    low_priority: bool,
    /// The folders they may write to, in addition to the temporary folder they run in and the tools' own
    /// folders. `None`: no restriction.
    writable: Option<Arc<[PathBuf]>>,
    waits: WaitReports,
}

/// The `nice` value of low-priority children: half of the maximum.
#[cfg(unix)]
const LOW_PRIORITY_NICE: i32 = 10;

#[derive(Debug, Default)]
struct Shared {
    /// Each child gets a process group of its own, with the processes it starts.
    in_groups: bool,
    running: Mutex<Running>,
    unused: Condvar,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// No new child may start.
    closed: bool,
    /// No new child may start in these scopes.
    closed_scopes: BTreeSet<u64>,
    /// By scope and number.
    children: BTreeMap<(u64, u64), Child>,
    /// The [`CleanupGuard`]s by number, each with the folder to delete.
    cleanups: BTreeMap<u64, Option<PathBuf>>,
    /// Folders that their owners could not delete, since a child was still writing to them.
    left: Vec<PathBuf>,
    /// The folders were deleted at the end of the program: no new one may be created.
    swept: bool,
    /// Ends the children when the program is killed.
    guard: KillGuard,
}

/// While this exists, the program waits at its end: its owner still has a folder to delete.
#[derive(Debug)]
pub(crate) struct CleanupGuard {
    children: Children,
    number: u64,
}

/// The result of a finished child.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) success: bool,
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Why a child has no output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Start(io::Error),
    #[error("not finished within {seconds} seconds{}", waiting_clause(waiting.as_ref()))]
    TimedOut {
        seconds: u64,
        /// What it was waiting for.
        waiting: Option<String>,
    },
    #[error("canceled")]
    Canceled,
}

impl Children {
    /// Children that are killed together with the processes they have started. Not for programs at a
    /// terminal: Ctrl-C would no longer reach them.
    pub fn in_groups() -> Self {
        let shared = Shared { in_groups: true, ..Shared::default() };
        Self { shared: Arc::new(shared), ..Self::default() }
    }

    /// A new scope, whose children can be ended without the others.
    #[must_use]
    pub fn in_own_scope(&self) -> Self {
        let mut running = self.lock();
        running.next += 1;
        Self { scope: running.next, ..self.clone() }
    }

    /// The same scope, but new children run with a low CPU priority.
    #[must_use]
    pub fn low_priority(&self) -> Self {
        Self { low_priority: true, ..self.clone() }
    }

    /// The same scope, but waits for locks are reported: those of new children, and ours.
    #[must_use]
    pub fn reporting_waits(&self, report: impl Fn(Wait<'_>) + Send + Sync + 'static) -> Self {
        Self { waits: WaitReports::to(report), ..self.clone() }
    }

    /// Where waits for locks are reported.
    pub(crate) fn waits(&self) -> &WaitReports {
        &self.waits
    }

    /// The same scope, but new children may write only to these folders, to the [`TemporaryFolder`]
    /// they run in (also for their own temporary files), and to the tools' own folders, such as cargo's
    /// home. Enforced by the kernel on Linux where it can be ([`confinement`]).
    #[must_use]
    pub(crate) fn confined(&self, writable: &[&Utf8Path]) -> Self {
        let writable = writable.iter().map(|folder| folder.as_std_path().to_owned());
        Self { writable: Some(writable.collect()), ..self.clone() }
    }

    /// Runs a program to its end, with no standard input and both outputs captured.
    pub(crate) fn run(&self, command: Command) -> Result<Output, RunError> {
        self.run_while(command, |_| false, &|| true)
    }

    /// Runs a program until it ends, its standard output `is_complete`, or `keep_running` returns false.
    /// A program whose output is complete has succeeded; it ends by itself, or with this program.
    ///
    /// The program is an absolute path, or a name that is looked up in `PATH`. Of the command, its
    /// arguments, folder and changed variables are used.
    #[expect(clippy::needless_pass_by_value, reason = "it is started once")]
    pub(crate) fn run_while(
        &self,
        command: Command,
        is_complete: fn(&[u8]) -> bool,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<Output, RunError> {
        let (id, name, stdout, stderr) = {
            let mut running = self.lock();
            if running.closed || running.closed_scopes.contains(&self.scope) {
                return Err(RunError::Canceled);
            }
            let held = running.guard.prepare();
            let mut start = StartCommand::of(&command, held).map_err(RunError::Start)?;
            start.command().stdout(Stdio::piped()).stderr(Stdio::piped());
            #[cfg(unix)]
            if self.shared.in_groups {
                std::os::unix::process::CommandExt::process_group(start.command(), 0);
            }
            let writable = self.writable_in(&running, command.get_current_dir());
            let waiting = start.spawn(writable.as_deref()).map_err(RunError::Start)?;
            #[cfg(unix)]
            if self.low_priority {
                let id = rustix::process::Pid::from_child(&waiting.child);
                let _ = rustix::process::setpriority_process(Some(id), LOW_PRIORITY_NICE);
            }
            let name = ProcessName::of(&waiting.child, self.shared.in_groups);
            running.guard.watch(&name);
            let mut child = waiting.go();
            let pipes = (child.stdout.take(), child.stderr.take());
            tracing::debug!("started process {}", child.id());
            running.next += 1;
            let id = (self.scope, running.next);
            running.children.insert(id, child);
            (id, name, pipes.0, pipes.1)
        };
        let deadline = Instant::now() + CHILD_TIMEOUT;
        let stdout = read_all(stdout, is_complete, |_| {});
        let blocked = Arc::new(Mutex::new(None));
        let blocked_now = Arc::clone(&blocked);
        let stderr = read_all(
            stderr,
            |_| false,
            move |read| {
                *blocked_now.lock().unwrap_or_else(PoisonError::into_inner) =
                    waits::cargo_wait(read);
            },
        );
        let mut wait = LockWait::new(&self.waits);
        let mut text = |pipe: &mpsc::Receiver<PipeOutput>| loop {
            match pipe.recv_timeout(CANCEL_POLL_INTERVAL) {
                Ok(read) => return Ok(read),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(PipeOutput::default()),
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    let waiting = blocked.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    return Err(RunError::TimedOut { seconds: CHILD_TIMEOUT.as_secs(), waiting });
                }
                Err(mpsc::RecvTimeoutError::Timeout) if !keep_running() => {
                    return Err(RunError::Canceled);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let blocked = blocked.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    wait.update(blocked.as_deref());
                }
            }
        };
        let texts = text(&stdout).and_then(|out| {
            if out.is_open {
                return Ok((out, PipeOutput::default()));
            }
            text(&stderr).map(|err| (out, err))
        });
        drop(wait);
        if let Ok((PipeOutput { text, is_open: true }, _)) = texts {
            let children = self.clone();
            thread::spawn(move || {
                // Received when the pipe ends.
                let _ = stdout.recv();
                children.reap(id, &name);
            });
            return Ok(Output {
                success: true,
                code: Some(0),
                stdout: text,
                stderr: String::new(),
            });
        }
        let child = self.lock().children.remove(&id);
        let Some(mut child) = child else {
            return Err(RunError::Canceled);
        };
        let (stdout, stderr) = match texts {
            Ok(texts) => texts,
            Err(error) => {
                self.kill(&mut child);
                let _ = child.wait();
                self.lock().guard.release(&name);
                return Err(error);
            }
        };
        let code = child.wait().ok().and_then(|status| status.code());
        self.lock().guard.release(&name);
        Ok(Output { success: code == Some(0), code, stdout: stdout.text, stderr: stderr.text })
    }

    /// The folders that a child running in this folder may write to, its own temporary folder first.
    fn writable_in(&self, running: &Running, folder: Option<&Path>) -> Option<Vec<PathBuf>> {
        let writable = self.writable.as_ref()?;
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        let temporary = running.cleanups.values().flatten().filter_map(|it| it.canonicalize().ok());
        let around = temporary
            .filter(|temporary| folder.as_ref().is_some_and(|it| it.starts_with(temporary)));
        Some(around.chain(writable.iter().cloned()).collect())
    }

    /// Waits for a child to end after its output has ended.
    fn reap(&self, id: (u64, u64), name: &ProcessName) {
        let child = self.lock().children.remove(&id);
        if let Some(mut child) = child {
            let _ = child.wait();
            self.lock().guard.release(name);
        }
    }

    /// Kills every running child of this scope (of all scopes if this is the program's) and lets no new
    /// one start.
    pub fn end(&self) {
        let mut running = self.lock();
        if self.scope == 0 {
            running.closed = true;
        } else {
            running.closed_scopes.insert(self.scope);
        }
        let ours = |(scope, _): &(u64, u64)| self.scope == 0 || *scope == self.scope;
        let ids: Vec<_> = running.children.keys().copied().filter(ours).collect();
        let ended: Vec<_> = ids.iter().filter_map(|id| running.children.remove(id)).collect();
        // Kill all of them before waiting for any.
        let mut ended: Vec<_> = ended
            .into_iter()
            .map(|mut child| {
                self.kill(&mut child);
                child
            })
            .collect();
        for child in &mut ended {
            let _ = child.wait();
            let name = ProcessName::of(child, self.shared.in_groups);
            running.guard.release(&name);
        }
        if running.children.is_empty() {
            running.guard.dismiss();
        }
    }

    /// Whether the program or the scope is ending.
    pub(crate) fn are_ending(&self) -> bool {
        let running = self.lock();
        running.closed || running.closed_scopes.contains(&self.scope)
    }

    /// Registers a cleanup that the end of the program waits for. `None` when the program is ending.
    pub(crate) fn cleanup_guard(&self) -> Option<CleanupGuard> {
        let mut running = self.lock();
        if running.closed {
            return None;
        }
        running.left.retain(|folder| !is_deleted(folder));
        running.next += 1;
        let number = running.next;
        running.cleanups.insert(number, None);
        Some(CleanupGuard { children: self.clone(), number })
    }

    /// Waits until all cleanups are done, at most `limit`, then deletes the folders that are left. Called
    /// at the end of the program.
    pub fn wait_for_cleanup(&self, limit: Duration) {
        let cleanup_guard = |running: &mut Running| !running.cleanups.is_empty();
        let waited = self.shared.unused.wait_timeout_while(self.lock(), limit, cleanup_guard);
        let (mut running, _) = waited.unwrap_or_else(PoisonError::into_inner);
        running.swept = true;
        let used = running.cleanups.values().flatten().cloned();
        let mut left: Vec<_> = used.chain(running.left.iter().cloned()).collect();
        drop(running);
        let deadline = Instant::now() + DELETE_TIMEOUT;
        loop {
            left.retain(|folder| !is_deleted(folder));
            if left.is_empty() || Instant::now() >= deadline {
                break;
            }
            thread::sleep(DELETE_INTERVAL);
        }
        for folder in left {
            tracing::debug!("could not delete `{}`", folder.display());
        }
    }

    fn kill(&self, child: &mut Child) {
        #[cfg(unix)]
        if self.shared.in_groups
            && let Some(group) =
                i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CleanupGuard {
    /// Creates a folder that is deleted at the end of the program if the owner has not. `None` if the
    /// program has already deleted its folders.
    fn create<T: AsRef<Path>>(
        &self,
        make: impl FnOnce() -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        let mut running = self.children.lock();
        if running.swept {
            return None;
        }
        let made = make();
        if let Ok(folder) = &made {
            running.cleanups.insert(self.number, Some(folder.as_ref().to_owned()));
        }
        Some(made)
    }
}

impl Drop for CleanupGuard {
    /// The owner has deleted the folder, unless a child wrote to it at the same time.
    fn drop(&mut self) {
        let mut running = self.children.lock();
        let folder = running.cleanups.remove(&self.number).flatten();
        running.left.extend(folder.filter(|folder| !is_deleted(folder)));
        drop(running);
        self.children.shared.unused.notify_all();
    }
}

/// Deletes a folder with its content; returns whether it is gone.
fn is_deleted(folder: &Path) -> bool {
    let is_gone = |error: io::Error| error.kind() == io::ErrorKind::NotFound && !folder.exists();
    fs::remove_dir_all(folder).map_or_else(is_gone, |()| true)
}

/// The text read from a pipe.
#[derive(Debug, Default)]
struct PipeOutput {
    text: String,
    /// The pipe has not ended yet.
    is_open: bool,
}

/// A clause about what a program was waiting for.
pub(crate) fn waiting_clause(waiting: Option<&String>) -> String {
    waiting.map(|waiting| format!(": {waiting}")).unwrap_or_default()
}

/// Sends a pipe's content when the pipe ends, or earlier when the content `is_complete`. `on_read` gets the content
/// after each part.
fn read_all(
    pipe: Option<impl io::Read + Send + 'static>,
    is_complete: fn(&[u8]) -> bool,
    on_read: impl Fn(&[u8]) + Send + 'static,
) -> mpsc::Receiver<PipeOutput> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        let mut pipe = pipe;
        while let Some(Ok(read @ 1..)) = pipe.as_mut().map(|pipe| io::Read::read(pipe, &mut chunk))
        {
            bytes.extend_from_slice(&chunk[..read]);
            on_read(&bytes);
            if is_complete(&bytes) {
                let _ = sender.send(PipeOutput { text: into_text(&mut bytes), is_open: true });
            }
        }
        let _ = sender.send(PipeOutput { text: into_text(&mut bytes), is_open: false });
    });
    receiver
}

fn into_text(bytes: &mut Vec<u8>) -> String {
    String::from_utf8(std::mem::take(bytes))
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn run_captures_both_outputs_and_gives_no_standard_input() {
        let output = Children::default().run(shell("cat; echo out; echo err >&2; exit 3"));
        let output = output.expect("it runs");
        assert_eq!((output.success, &*output.stdout, &*output.stderr), (false, "out\n", "err\n"));
    }

    #[test]
    fn end_kills_running_child_and_starts_no_new_one() {
        let children = Children::default();
        let other = children.clone();
        let run = thread::spawn(move || other.run(shell("echo started; exec sleep 600")));
        while children.lock().children.is_empty() {
            thread::yield_now();
        }
        children.end();
        assert!(run.join().expect("no panic").is_err());
        assert!(children.run(shell("true")).is_err());
    }

    #[test]
    fn end_of_scope_leaves_other_scopes_running() {
        let children = Children::default();
        let (one, other) = (children.in_own_scope(), children.in_own_scope());
        let running = one.clone();
        let run = thread::spawn(move || running.run(shell("exec sleep 600")));
        while children.lock().children.is_empty() {
            thread::yield_now();
        }
        one.end();
        assert!(run.join().expect("no panic").is_err());
        assert!(one.run(shell("true")).is_err());
        assert!(other.run(shell("true")).is_ok() && children.run(shell("true")).is_ok());
    }

    #[test]
    fn end_kills_grandchild() {
        let children = Children::in_groups();
        let other = children.clone();
        // Both hold the pipe open: the run returns when both have ended.
        let run = thread::spawn(move || other.run(shell("sleep 600 & wait")));
        while children.lock().children.is_empty() {
            thread::yield_now();
        }
        children.end();
        assert!(run.join().expect("no panic").is_err());
    }

    #[test]
    fn canceled_child_is_killed() {
        let children = Children::in_groups();
        let asked = std::cell::Cell::new(0);
        let keep_running = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let run = children.run_while(shell("sleep 600 & wait"), |_| false, &keep_running);
        assert!(matches!(run, Err(RunError::Canceled)));
        assert!(children.lock().children.is_empty());
        assert!(children.run(shell("true")).is_ok(), "another one may follow");
    }

    #[test]
    fn child_with_complete_output_keeps_running() {
        let children = Children::in_groups();
        let is_complete = |bytes: &[u8]| bytes.ends_with(b"all\n");
        let script = "echo all; while [ ! -e \"$0\" ]; do sleep 0.01; done; echo more";
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = shell(script);
        command.arg(folder.path().join("go"));
        let output = children.run_while(command, is_complete, &|| true).expect("it runs");
        assert_eq!((output.success, &*output.stdout), (true, "all\n"));
        assert_eq!(children.lock().children.len(), 1, "it is ended with the program");
        std::fs::write(folder.path().join("go"), "").expect("written");
        while !children.lock().children.is_empty() {
            thread::yield_now();
        }
    }

    #[test]
    fn end_waits_for_cleanup() {
        let children = Children::default();
        let used = children.cleanup_guard().expect("not ended");
        let cleaning = thread::spawn(move || drop(used));
        children.wait_for_cleanup(Duration::from_secs(60));
        assert!(children.lock().cleanups.is_empty());
        children.end();
        assert!(children.cleanup_guard().is_none());
        cleaning.join().expect("no panic");
    }

    #[test]
    fn missing_program_is_a_start_error() {
        let error = Children::default().run(Command::new("/nowhere/cargo"));
        assert!(matches!(error, Err(RunError::Start(_))));
    }
}
