//! Runs a program and stops it before and after each of its system calls (`ptrace`): to look at
//! them, to kill or signal the program there, and to let a call fail.
//!
//! On a machine that does not permit that the tests fail: they would prove nothing.

use std::{
    collections::HashMap,
    fs,
    io::{Read as _, Seek as _},
    os::unix::{fs::FileExt as _, process::CommandExt as _},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

/// How long a program may run on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Stops until it is traced, then becomes the program.
const SCRIPT: &str = r#"kill -STOP $$; exec "$0" "$@""#;

/// Which processes are traced. The threads of a process always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// The program alone.
    Program,
    /// All that it starts too.
    Children,
}

/// A system call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The thread that makes it. A process has the number of its first thread.
    pub(crate) thread: i32,
    /// Which (`libc::SYS_*`).
    pub(crate) number: i64,
    /// Its arguments.
    pub(crate) arguments: [u64; 6],
}

/// Where a thread is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop<'s> {
    /// Before a call.
    Before(&'s Call),
    /// After it, with its result: a negative number is an error.
    After(&'s Call, i64),
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on.
    GoOn,
    /// The call does nothing and fails with this error. Only before a call.
    Fail(Errno),
    /// The program gets this signal before anything else.
    Signal(Signal),
}

/// How the program has ended.
#[derive(Debug)]
pub(crate) struct Traced {
    /// `None` where a signal has ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Call {
    /// The text that an argument points to, as for a path; `None` where it points to none.
    pub(crate) fn text(&self, argument: usize) -> Option<String> {
        let memory = fs::File::open(format!("/proc/{}/mem", self.thread)).ok()?;
        let mut text = Vec::new();
        let mut address = self.arguments[argument];
        // Never across the end of a page, behind which nothing may be.
        while text.len() < libc::PATH_MAX as usize {
            let mut chunk = [0; 64];
            let length = 64 - (address % 64);
            let chunk = &mut chunk[..usize::try_from(length).ok()?];
            memory.read_exact_at(chunk, address).ok()?;
            if let Some(end) = chunk.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&chunk[..end]);
                return Some(String::from_utf8_lossy(&text).into_owned());
            }
            text.extend_from_slice(chunk);
            address += length;
        }
        None
    }

    /// The paths that it names, for calls about files.
    pub(crate) fn paths(&self) -> Vec<String> {
        const FIRST: &[i64] = &[
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_creat,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_unlink,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_mkdir,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rmdir,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chmod,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_chown,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_stat,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_lstat,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_readlink,
            libc::SYS_execve,
            libc::SYS_truncate,
        ];
        const SECOND: &[i64] = &[
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_unlinkat,
            libc::SYS_mkdirat,
            libc::SYS_fchmodat,
            libc::SYS_fchownat,
            libc::SYS_newfstatat,
            libc::SYS_statx,
            libc::SYS_execveat,
            libc::SYS_readlinkat,
        ];
        const BOTH: &[i64] = &[
            #[cfg(target_arch = "x86_64")]
            libc::SYS_rename,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_link,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_symlink,
        ];
        const BOTH_AT: &[i64] = &[libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_linkat];
        let kinds: [(&[i64], &[usize]); 5] = [
            (FIRST, &[0]),
            (SECOND, &[1]),
            (BOTH, &[0, 1]),
            (BOTH_AT, &[1, 3]),
            (&[libc::SYS_symlinkat], &[0, 2]),
        ];
        let kind = kinds.iter().find(|(numbers, _)| numbers.contains(&self.number));
        let at: &[usize] = kind.map_or(&[], |(_, at)| *at);
        at.iter().filter_map(|argument| self.text(*argument)).collect()
    }

    /// Whether it opens a file in a way that may change it or create it.
    pub(crate) fn opens_for_writing(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let (old, creates) = (libc::SYS_open, libc::SYS_creat);
        #[cfg(not(target_arch = "x86_64"))]
        let (old, creates) = (-1, -1);
        let flags = match self.number {
            libc::SYS_openat => self.arguments[2],
            number if number == old => self.arguments[1],
            // The flags of the second are where its argument points to.
            number => return number == creates || number == libc::SYS_openat2,
        };
        let writes = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
        flags & u64::from(writes.unsigned_abs()) != 0
    }
}

/// Runs a program to its end. Of the command's environment only what it sets itself is kept, its
/// standard input is empty.
pub(crate) fn trace(
    command: &Command,
    follow: Follow,
    mut on_stop: impl FnMut(Stop<'_>) -> Then + Send,
) -> Traced {
    // A tracer is a thread: what it waits for are its own children, not those of other tests.
    thread::scope(|scope| scope.spawn(|| traced(command, follow, &mut on_stop)).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn traced(command: &Command, follow: Follow, on_stop: &mut dyn FnMut(Stop<'_>) -> Then) -> Traced {
    let mut outputs = [0, 1].map(|_| tempfile::tempfile().expect("a temporary file"));
    let shared = |file: &fs::File| Stdio::from(file.try_clone().expect("a file is shared"));
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(SCRIPT).arg(command.get_program()).args(command.get_args());
    shell.env_clear().stdin(Stdio::null());
    shell.stdout(shared(&outputs[0])).stderr(shared(&outputs[1]));
    for (name, value) in command.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    // Signals of a terminal are for the tests.
    shell.process_group(0);
    #[expect(clippy::zombie_processes, reason = "the tracer waits for it, by its id")]
    let child = shell.spawn().expect("a shell starts");
    let program = Pid::from_raw(child.id().cast_signed());
    let own = WaitPidFlag::__WNOTHREAD | WaitPidFlag::__WALL;
    let stopped = waitpid(program, Some(own | WaitPidFlag::WUNTRACED));
    assert_eq!(stopped, Ok(WaitStatus::Stopped(program, Signal::SIGSTOP)));
    let mut options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    if follow == Follow::Children {
        options |= Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
    }
    if let Err(error) = ptrace::seize(program, options) {
        let _ = kill(program, Signal::SIGKILL);
        let _ = waitpid(program, Some(own));
        panic!("this machine does not let tests trace programs (`ptrace`): {error}");
    }
    kill(program, Signal::SIGCONT).expect("it goes on");
    let (ended, watched) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let late = watched.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = kill(program, Signal::SIGKILL);
        }
        late
    });
    let code = Tracer { program, begun: false, calls: HashMap::new() }.run(on_stop);
    drop(ended);
    assert!(!watch.join().expect("it watches"), "not finished within {LIMIT:?}");
    let [stdout, stderr] = outputs.each_mut().map(|file| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    Traced { code, stdout, stderr }
}

struct Tracer {
    program: Pid,
    /// The shell has become the program.
    begun: bool,
    /// By thread, those that have begun.
    calls: HashMap<Pid, Begun>,
}

struct Begun {
    call: Call,
    /// The registers that it had, and the error with which it ends.
    fails: Option<(libc::user_regs_struct, Errno)>,
}

impl Tracer {
    fn run(mut self, on_stop: &mut dyn FnMut(Stop<'_>) -> Then) -> Option<i32> {
        let mut code = None;
        let own = WaitPidFlag::__WNOTHREAD | WaitPidFlag::__WALL;
        loop {
            // Who was killed meanwhile says so by itself.
            let _gone: nix::Result<()> = match waitpid(None, Some(own)) {
                Err(Errno::ECHILD) => return code,
                Err(Errno::EINTR) => continue,
                Err(error) => panic!("could not wait for a traced program: {error}"),
                Ok(WaitStatus::Exited(thread, ended)) => {
                    self.calls.remove(&thread);
                    if thread == self.program {
                        code = Some(ended);
                    }
                    continue;
                }
                Ok(WaitStatus::Signaled(thread, ..)) => {
                    self.calls.remove(&thread);
                    continue;
                }
                Ok(WaitStatus::PtraceSyscall(thread)) => {
                    let done = self.stopped(thread, on_stop);
                    done.and_then(|()| ptrace::syscall(thread, None))
                }
                Ok(WaitStatus::PtraceEvent(thread, _, event)) => {
                    if event == libc::PTRACE_EVENT_EXEC && thread == self.program {
                        self.begun = true;
                    }
                    ptrace::syscall(thread, None)
                }
                Ok(WaitStatus::Stopped(thread, signal)) => ptrace::syscall(thread, signal),
                Ok(other) => panic!("a traced program is in an unknown state: {other:?}"),
            };
        }
    }

    fn stopped(
        &mut self,
        thread: Pid,
        on_stop: &mut dyn FnMut(Stop<'_>) -> Then,
    ) -> nix::Result<()> {
        let before = ptrace::syscall_info(thread)?.op == libc::PTRACE_SYSCALL_INFO_ENTRY;
        let registers = ptrace::getregs(thread)?;
        let then = if before {
            let call = registers::call(thread.as_raw(), &registers);
            let then = if self.begun { on_stop(Stop::Before(&call)) } else { Then::GoOn };
            let mut fails = None;
            if let Then::Fail(error) = then {
                ptrace::setregs(thread, registers::harmless(registers))?;
                fails = Some((registers, error));
            }
            self.calls.insert(thread, Begun { call, fails });
            then
        } else {
            let Some(Begun { call, fails }) = self.calls.remove(&thread) else { return Ok(()) };
            let mut result = registers::result(&registers);
            if let Some((own, error)) = fails {
                result = -i64::from(error as i32);
                ptrace::setregs(thread, registers::with_result(own, result))?;
            }
            if self.begun { on_stop(Stop::After(&call, result)) } else { Then::GoOn }
        };
        if let Then::Signal(signal) = then {
            kill(self.program, signal)?;
        }
        Ok(())
    }
}

/// The registers that a system call uses (`man syscall`).
#[cfg(target_arch = "x86_64")]
mod registers {
    use nix::libc::user_regs_struct;

    use super::Call;

    pub(super) fn call(thread: i32, r: &user_regs_struct) -> Call {
        let arguments = [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9];
        Call { thread, number: r.orig_rax.cast_signed(), arguments }
    }

    pub(super) fn result(r: &user_regs_struct) -> i64 {
        r.rax.cast_signed()
    }

    /// A call with arguments by which no call does anything: no such file, no such address.
    pub(super) fn harmless(mut r: user_regs_struct) -> user_regs_struct {
        for register in [&mut r.rdi, &mut r.rsi, &mut r.rdx, &mut r.r10, &mut r.r8, &mut r.r9] {
            *register = u64::MAX;
        }
        r
    }

    pub(super) fn with_result(mut r: user_regs_struct, result: i64) -> user_regs_struct {
        r.rax = result.cast_unsigned();
        r
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use nix::libc::user_regs_struct;

    use super::Call;

    pub(super) fn call(thread: i32, r: &user_regs_struct) -> Call {
        let arguments = std::array::from_fn(|index| r.regs[index]);
        Call { thread, number: r.regs[8].cast_signed(), arguments }
    }

    pub(super) fn result(r: &user_regs_struct) -> i64 {
        r.regs[0].cast_signed()
    }

    /// A call with arguments by which no call does anything: no such file, no such address.
    pub(super) fn harmless(mut r: user_regs_struct) -> user_regs_struct {
        r.regs[..6].fill(u64::MAX);
        r
    }

    pub(super) fn with_result(mut r: user_regs_struct, result: i64) -> user_regs_struct {
        r.regs[0] = result.cast_unsigned();
        r
    }
}
