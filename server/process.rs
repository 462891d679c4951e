//! Child processes that read nothing from us, end in time, and never outlive the program: which
//! program ([`programs`]), in what environment ([`environment`]), writing where ([`confinement`]).

mod confinement;
mod environment;
mod guard;
mod others;
mod programs;
mod start;
mod temporary;

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
use guard::{Guard, Name};
pub(crate) use others::{end_of, parent};
pub(crate) use programs::{begin_anew, default_cargo, found};
use start::Start;
pub(crate) use temporary::{TemporaryError, TemporaryFolder};

/// How often it is asked whether a running child is still wanted.
const ASKED_EVERY: Duration = Duration::from_millis(20);

/// How long a child may run. Resolving with a cold index over a slow line stays far below.
const LIMIT: Duration = Duration::from_secs(600);

/// How often it is tried to delete a folder that somebody may still write to.
const DELETED_AGAIN: usize = 5;

/// The running children of the program, or of one of its parts.
#[derive(Clone, Debug, Default)]
pub struct Children {
    shared: Arc<Shared>,
    /// Which part; 0 is the program itself.
    part: u64,
    /// They give way to what else the machine does.
    gently: bool,
    /// Where they may write, besides the temporary folder of ours that they run in and what the
    /// tools keep for themselves; `None`: wherever the user may.
    writable: Option<Arc<[PathBuf]>>,
}

/// How far they give way: half of what is possible (`nice`).
#[cfg(unix)]
const GENTLE: i32 = 10;

#[derive(Debug, Default)]
struct Shared {
    /// Each child forms a group with the processes that it starts itself.
    in_groups: bool,
    running: Mutex<Running>,
    unused: Condvar,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// No further child is started.
    closed: bool,
    /// Nor for these parts.
    closed_parts: BTreeSet<u64>,
    /// By their part and their number.
    children: BTreeMap<(u64, u64), Child>,
    /// The [`Use`]s by their number, with the folder that is to be deleted.
    uses: BTreeMap<u64, Option<PathBuf>>,
    /// Ends the children when the program is killed.
    guard: Guard,
}

/// Somebody runs children and cleans up after them before this is dropped.
#[derive(Debug)]
pub(crate) struct Use {
    children: Children,
    number: u64,
}

/// What a finished child left behind.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Why a child left nothing behind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Start(io::Error),
    #[error("not finished within {seconds} seconds")]
    TimedOut { seconds: u64 },
    #[error("no longer wanted")]
    Unwanted,
}

impl Children {
    /// Children that are ended together with the processes that they have started. Not for programs
    /// at a terminal: its interrupts would no longer reach them.
    pub fn in_groups() -> Self {
        let shared = Shared { in_groups: true, ..Shared::default() };
        Self { shared: Arc::new(shared), ..Self::default() }
    }

    /// Those of a part of the program, which can be ended without the others.
    #[must_use]
    pub fn of_a_part(&self) -> Self {
        let mut running = self.lock();
        running.next += 1;
        Self { part: running.next, ..self.clone() }
    }

    /// The same, but those that are started from now on give way to what else the machine does.
    #[must_use]
    pub fn gently(&self) -> Self {
        Self { gently: true, ..self.clone() }
    }

    /// The same, but those that are started from now on may write only to these folders, to the
    /// [`TemporaryFolder`] that they run in, and to what the tools keep for themselves, such as
    /// cargo's home. Their own temporary files come there, too. On Linux the kernel sees to that,
    /// where it can ([`confinement`]).
    #[must_use]
    pub(crate) fn confined(&self, writable: &[&Utf8Path]) -> Self {
        let writable = writable.iter().map(|folder| folder.as_std_path().to_owned());
        Self { writable: Some(writable.collect()), ..self.clone() }
    }

    /// Runs a program to its end: null standard input, both outputs captured.
    pub(crate) fn run(&self, command: Command) -> Result<Output, RunError> {
        self.run_while(command, |_| false, &|| true)
    }

    /// Runs a program to its end, or until what it has written to standard output `is_all`, or
    /// until it is no longer `wanted`, which is asked while it runs. One that has written all has
    /// succeeded and is left to end by itself, as long as this program runs.
    ///
    /// The program is named by an absolute path, or by a name that is looked up in `PATH`; of the
    /// command its arguments, its folder and the variables that it sets or removes count.
    #[expect(clippy::needless_pass_by_value, reason = "it is started once")]
    pub(crate) fn run_while(
        &self,
        command: Command,
        is_all: fn(&[u8]) -> bool,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Output, RunError> {
        let (id, name, stdout, stderr) = {
            let mut running = self.lock();
            if running.closed || running.closed_parts.contains(&self.part) {
                return Err(RunError::Unwanted);
            }
            let held = running.guard.prepare();
            let mut start = Start::of(&command, held).map_err(RunError::Start)?;
            start.command().stdout(Stdio::piped()).stderr(Stdio::piped());
            #[cfg(unix)]
            if self.shared.in_groups {
                std::os::unix::process::CommandExt::process_group(start.command(), 0);
            }
            let writable = self.writable_in(&running, command.get_current_dir());
            let waiting = start.spawn(writable.as_deref()).map_err(RunError::Start)?;
            #[cfg(unix)]
            if self.gently {
                let id = rustix::process::Pid::from_child(&waiting.child);
                let _ = rustix::process::setpriority_process(Some(id), GENTLE);
            }
            let name = Name::of(&waiting.child, self.shared.in_groups);
            running.guard.watch(&name);
            let mut child = waiting.go();
            let pipes = (child.stdout.take(), child.stderr.take());
            tracing::debug!("process {} runs and is watched", child.id());
            running.next += 1;
            let id = (self.part, running.next);
            running.children.insert(id, child);
            (id, name, pipes.0, pipes.1)
        };
        let deadline = Instant::now() + LIMIT;
        let stdout = read_all(stdout, is_all);
        let stderr = read_all(stderr, |_| false);
        let text = |pipe: &mpsc::Receiver<Read>| loop {
            match pipe.recv_timeout(ASKED_EVERY) {
                Ok(read) => return Ok(read),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(Read::default()),
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    return Err(RunError::TimedOut { seconds: LIMIT.as_secs() });
                }
                Err(mpsc::RecvTimeoutError::Timeout) if !wanted() => {
                    return Err(RunError::Unwanted);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        };
        let texts = text(&stdout).and_then(|out| {
            if out.goes_on {
                return Ok((out, Read::default()));
            }
            text(&stderr).map(|err| (out, err))
        });
        if let Ok((Read { text, goes_on: true }, _)) = texts {
            let children = self.clone();
            thread::spawn(move || {
                // Comes when the pipe ends.
                let _ = stdout.recv();
                children.reap(id, &name);
            });
            return Ok(Output { success: true, stdout: text, stderr: String::new() });
        }
        let child = self.lock().children.remove(&id);
        let Some(mut child) = child else {
            return Err(RunError::Unwanted);
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
        let success = child.wait().is_ok_and(|status| status.success());
        self.lock().guard.release(&name);
        Ok(Output { success, stdout: stdout.text, stderr: stderr.text })
    }

    /// Where a child may write that runs in this folder, its own place first.
    fn writable_in(&self, running: &Running, folder: Option<&Path>) -> Option<Vec<PathBuf>> {
        let writable = self.writable.as_ref()?;
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        let temporary = running.uses.values().flatten().filter_map(|it| it.canonicalize().ok());
        let around = temporary
            .filter(|temporary| folder.as_ref().is_some_and(|it| it.starts_with(temporary)));
        Some(around.chain(writable.iter().cloned()).collect())
    }

    /// Waits for the end of a child whose output has ended.
    fn reap(&self, id: (u64, u64), name: &Name) {
        let child = self.lock().children.remove(&id);
        if let Some(mut child) = child {
            let _ = child.wait();
            self.lock().guard.release(name);
        }
    }

    /// Ends every running child of this part, of all parts if it is the program; none is started
    /// afterwards.
    pub fn end(&self) {
        let mut running = self.lock();
        if self.part == 0 {
            running.closed = true;
        } else {
            running.closed_parts.insert(self.part);
        }
        let ours = |(part, _): &(u64, u64)| self.part == 0 || *part == self.part;
        let ids: Vec<_> = running.children.keys().copied().filter(ours).collect();
        let ended: Vec<_> = ids.iter().filter_map(|id| running.children.remove(id)).collect();
        // All are told before the end of one is waited for.
        let mut ended: Vec<_> = ended
            .into_iter()
            .map(|mut child| {
                self.kill(&mut child);
                child
            })
            .collect();
        for child in &mut ended {
            let _ = child.wait();
            let name = Name::of(child, self.shared.in_groups);
            running.guard.release(&name);
        }
        if running.children.is_empty() {
            running.guard.dismiss();
        }
    }

    /// Says that something is to be cleaned up when the children have ended. `None` when that is
    /// no longer waited for.
    pub(crate) fn in_use(&self) -> Option<Use> {
        let mut running = self.lock();
        if running.closed {
            return None;
        }
        running.next += 1;
        let number = running.next;
        running.uses.insert(number, None);
        Some(Use { children: self.clone(), number })
    }

    /// Waits until everybody has cleaned up, but no longer than `limit`: then the folders that are
    /// left are deleted for those who are not done. For the end of the program.
    pub fn wait_until_unused(&self, limit: Duration) {
        let in_use = |running: &mut Running| !running.uses.is_empty();
        let waited = self.shared.unused.wait_timeout_while(self.lock(), limit, in_use);
        let (running, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let left: Vec<_> = running.uses.values().flatten().cloned().collect();
        drop(running);
        for folder in left {
            // Again if something was written to it meanwhile.
            let gone = (0..DELETED_AGAIN).any(|_| {
                let deleted = fs::remove_dir_all(&folder);
                deleted.is_ok() || !folder.exists()
            });
            if !gone {
                tracing::debug!("`{}` is left", folder.display());
            }
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

impl Use {
    /// It is about this folder.
    fn of_folder(&self, folder: PathBuf) {
        self.children.lock().uses.insert(self.number, Some(folder));
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.children.lock().uses.remove(&self.number);
        self.children.shared.unused.notify_all();
    }
}

/// What was read of a pipe.
#[derive(Debug, Default)]
struct Read {
    text: String,
    /// The pipe has not ended.
    goes_on: bool,
}

/// Gives what a pipe holds when it ends, or, before, when that `is_all`.
fn read_all(
    pipe: Option<impl io::Read + Send + 'static>,
    is_all: fn(&[u8]) -> bool,
) -> mpsc::Receiver<Read> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        let mut pipe = pipe;
        while let Some(Ok(read @ 1..)) = pipe.as_mut().map(|pipe| io::Read::read(pipe, &mut chunk))
        {
            bytes.extend_from_slice(&chunk[..read]);
            if is_all(&bytes) {
                let _ = sender.send(Read { text: into_text(&mut bytes), goes_on: true });
            }
        }
        let _ = sender.send(Read { text: into_text(&mut bytes), goes_on: false });
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
    fn both_outputs_are_captured_and_standard_input_is_empty() {
        let output = Children::default().run(shell("cat; echo out; echo err >&2; exit 3"));
        let output = output.expect("it runs");
        assert_eq!((output.success, &*output.stdout, &*output.stderr), (false, "out\n", "err\n"));
    }

    #[test]
    fn a_running_child_is_ended_with_the_program() {
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
    fn a_part_ends_without_the_others() {
        let children = Children::default();
        let (one, other) = (children.of_a_part(), children.of_a_part());
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
    fn what_a_child_has_started_is_ended_with_it() {
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
    fn a_child_that_is_no_longer_wanted_is_ended() {
        let children = Children::in_groups();
        let asked = std::cell::Cell::new(0);
        let wanted = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let run = children.run_while(shell("sleep 600 & wait"), |_| false, &wanted);
        assert!(matches!(run, Err(RunError::Unwanted)));
        assert!(children.lock().children.is_empty());
        assert!(children.run(shell("true")).is_ok(), "another one may follow");
    }

    #[test]
    fn a_child_that_has_written_all_is_left_to_end() {
        let children = Children::in_groups();
        let is_all = |bytes: &[u8]| bytes.ends_with(b"all\n");
        let script = "echo all; while [ ! -e \"$0\" ]; do sleep 0.01; done; echo more";
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = shell(script);
        command.arg(folder.path().join("go"));
        let output = children.run_while(command, is_all, &|| true).expect("it runs");
        assert_eq!((output.success, &*output.stdout), (true, "all\n"));
        assert_eq!(children.lock().children.len(), 1, "it is ended with the program");
        std::fs::write(folder.path().join("go"), "").expect("written");
        while !children.lock().children.is_empty() {
            thread::yield_now();
        }
    }

    #[test]
    fn the_end_waits_for_those_who_clean_up() {
        let children = Children::default();
        let used = children.in_use().expect("not ended");
        let cleaning = thread::spawn(move || drop(used));
        children.wait_until_unused(Duration::from_secs(60));
        assert!(children.lock().uses.is_empty());
        children.end();
        assert!(children.in_use().is_none());
        cleaning.join().expect("no panic");
    }

    #[test]
    fn a_missing_program_is_said() {
        let error = Children::default().run(Command::new("/nowhere/cargo"));
        assert!(matches!(error, Err(RunError::Start(_))));
    }
}
