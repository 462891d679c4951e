//! Kills the children when the program is killed or crashes.
//!
//! A shell reads from a pipe which children are running. Only this program has the other end, so the pipe
//! ends when the program does, for whatever reason, and the shell kills the remaining children.
//! (`PR_SET_PDEATHSIG` does not reach grandchildren and exists on Linux only.) A child does nothing before
//! the shell knows its id ([`super::start`]).

use std::{
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Keeps the ids of the running children and kills them at the end of its input. The shell has a process
/// group of its own, so signals of the terminal do not reach it.
const SCRIPT: &str = r#"
all=
while read -r sign id; do
    rest=
    for one in $all; do [ "$one" = "$id" ] || rest="$rest $one"; done
    all=$rest
    [ "$sign" = + ] && all="$all $id"
done
for one in $all; do kill -KILL "$one"; done
"#;

/// The shell, started with the first child.
#[derive(Debug, Default)]
pub(super) struct KillGuard {
    /// `None` if it could not be started or is not needed.
    shell: Option<(Child, ChildStdin)>,
    start_attempted: bool,
}

/// The id of a child, or of its process group, as `kill` takes it.
#[derive(Clone, Debug)]
pub(super) struct ProcessName(String);

impl ProcessName {
    pub(super) fn of(child: &Child, in_groups: bool) -> Self {
        Self(if in_groups { format!("-{}", child.id()) } else { child.id().to_string() })
    }
}

impl KillGuard {
    /// Starts the shell, which must run before the first child. Returns whether it runs.
    pub(super) fn prepare(&mut self) -> bool {
        if !std::mem::replace(&mut self.start_attempted, true) {
            self.shell = start();
        }
        self.shell.is_some()
    }

    /// Kills this child when the program ends.
    pub(super) fn watch(&mut self, name: &ProcessName) {
        self.send('+', name);
    }

    /// The child has ended.
    pub(super) fn release(&mut self, name: &ProcessName) {
        self.send('-', name);
    }

    /// Ends the shell when there are no children; the next child starts another one.
    pub(super) fn dismiss(&mut self) {
        self.start_attempted = false;
        if let Some((mut shell, input)) = self.shell.take() {
            drop(input);
            let _ = shell.wait();
        }
    }

    fn send(&mut self, sign: char, ProcessName(name): &ProcessName) {
        if let Some((_, input)) = &mut self.shell {
            let _ = input.write_all(format!("{sign} {name}\n").as_bytes());
        }
    }
}

impl Drop for KillGuard {
    fn drop(&mut self) {
        self.dismiss();
    }
}

#[cfg(unix)]
fn start() -> Option<(Child, ChildStdin)> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut shell = command.spawn().ok()?;
    let input = shell.stdin.take()?;
    Some((shell, input))
}

/// No shell on other systems.
#[cfg(not(unix))]
fn start() -> Option<(Child, ChildStdin)> {
    let _ = (SCRIPT, Command::new::<&str>, Stdio::null);
    None
}
