//! Ends the children where the program cannot: it was killed, or has crashed.
//!
//! A shell is told through a pipe which children are running. Only this program holds the other
//! end, so the pipe ends with the program, however that ends; the shell then ends what is left.
//! (The system's own means, `PR_SET_PDEATHSIG`, reaches neither what a child has started nor any
//! system but Linux.) A child does nothing before the shell knows of it ([`super::start`]).

use std::{
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Keeps the ids of what runs; kills them at the end of its input. Signals of a terminal do not
/// reach it: it has a group of its own.
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
pub(super) struct Guard {
    /// `None` where there is none, or none is needed.
    shell: Option<(Child, ChildStdin)>,
    tried: bool,
}

/// A child, or the group of one: as `kill` names it.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(child: &Child, in_groups: bool) -> Self {
        Self(if in_groups { format!("-{}", child.id()) } else { child.id().to_string() })
    }
}

impl Guard {
    /// Starts the shell, before the first child is: that could outlive the program meanwhile. Gives
    /// whether there is one.
    pub(super) fn prepare(&mut self) -> bool {
        if !std::mem::replace(&mut self.tried, true) {
            self.shell = start();
        }
        self.shell.is_some()
    }

    /// From now on the child is ended with the program.
    pub(super) fn watch(&mut self, name: &Name) {
        self.tell('+', name);
    }

    /// The child has ended.
    pub(super) fn release(&mut self, name: &Name) {
        self.tell('-', name);
    }

    /// There are no children; the next one starts another shell.
    pub(super) fn dismiss(&mut self) {
        self.tried = false;
        if let Some((mut shell, input)) = self.shell.take() {
            drop(input);
            let _ = shell.wait();
        }
    }

    fn tell(&mut self, sign: char, Name(name): &Name) {
        if let Some((_, input)) = &mut self.shell {
            let _ = input.write_all(format!("{sign} {name}\n").as_bytes());
        }
    }
}

impl Drop for Guard {
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

/// Elsewhere there is no such shell.
#[cfg(not(unix))]
fn start() -> Option<(Child, ChildStdin)> {
    let _ = (SCRIPT, Command::new::<&str>, Stdio::null);
    None
}
