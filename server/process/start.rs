//! Starts a child that waits until the [`super::guard`] knows its id.
//!
//! If this program were killed after the start and before the guard knows the child, the child would live
//! on. So the child is first a shell, which waits for a line on its standard input and then becomes the
//! program. If the pipe ends without a line because this program is gone, the shell ends too.

use std::{
    io,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::{confinement, programs};

/// Waits for a line, then becomes the program in its arguments, without standard input.
#[cfg(unix)]
const SCRIPT: &str = r#"read -r line || exit 1; exec "$0" "$@" </dev/null"#;

/// A command that is ready to be started.
pub(super) struct StartCommand {
    program: PathBuf,
    command: Command,
}

/// A child that waits for [`HeldChild::go`].
pub(super) struct HeldChild {
    pub(super) child: Child,
    #[cfg(unix)]
    go_pipe: Option<std::process::ChildStdin>,
}

impl StartCommand {
    /// Takes over a command's arguments, variables and folder, looks up its program, and gives it no
    /// standard input. It is `held` until [`HeldChild::go`], else it runs at once.
    ///
    /// # Errors
    ///
    /// When the program does not exist or is not executable.
    pub(super) fn of(command: &Command, held: bool) -> io::Result<Self> {
        let program = programs::resolve_program(command.get_program().as_ref())?;
        let mut started = Self::shell(&program, held)?.unwrap_or_else(|| {
            let mut direct = Command::new(&program);
            direct.stdin(Stdio::null());
            direct
        });
        started.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => started.env(name, value),
                None => started.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            started.current_dir(folder);
        }
        Ok(Self { program, command: started })
    }

    /// The shell that becomes the program.
    #[cfg(unix)]
    fn shell(program: &std::path::Path, held: bool) -> io::Result<Option<Command>> {
        use rustix::fs::{Access, access};

        if !held {
            return Ok(None);
        }
        // The shell would hide the system's error.
        access(program, Access::EXEC_OK)?;
        if program.is_dir() {
            return Err(rustix::io::Errno::ACCESS.into());
        }
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT]).arg(program).stdin(Stdio::piped());
        Ok(Some(shell))
    }

    /// No shell and no guard on other systems.
    #[cfg(not(unix))]
    fn shell(_: &std::path::Path, _: bool) -> io::Result<Option<Command>> {
        Ok(None)
    }

    /// The command, to set its output and its group.
    pub(super) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it, `confined` to these folders.
    pub(super) fn spawn(mut self, confined: Option<&[PathBuf]>) -> io::Result<HeldChild> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "its pipe is kept on unix"))]
        let mut child = match confined {
            Some(writable) => confinement::spawn(&mut self.command, &self.program, writable)?,
            None => self.command.spawn()?,
        };
        #[cfg(unix)]
        let go_pipe = child.stdin.take();
        Ok(HeldChild {
            child,
            #[cfg(unix)]
            go_pipe,
        })
    }
}

impl HeldChild {
    /// Lets it run.
    pub(super) fn go(self) -> Child {
        #[cfg(unix)]
        if let Some(mut go_pipe) = self.go_pipe {
            // Fails if the child was killed meanwhile.
            let _ = io::Write::write_all(&mut go_pipe, b"go\n");
        }
        self.child
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, "a b", "$c \"d\""]);
        command
    }

    #[test]
    fn held_child_does_nothing_before_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("mark");
        let mut command = shell("echo \"$0 $1 $X\" > mark");
        command.current_dir(folder.path()).env("X", "y z");
        let waiting = StartCommand::of(&command, true).and_then(|start| start.spawn(None));
        let waiting = waiting.expect("it starts");
        assert!(!mark.exists());
        assert!(waiting.go().wait().expect("it ends").success());
        assert_eq!(std::fs::read_to_string(mark).expect("written"), "a b $c \"d\" y z\n");
    }

    #[test]
    fn held_child_ends_without_running_when_the_pipe_closes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = shell("echo > mark; exec sleep 600");
        command.current_dir(folder.path());
        let waiting = StartCommand::of(&command, true).and_then(|start| start.spawn(None));
        let HeldChild { mut child, go_pipe } = waiting.expect("it starts");
        // As when this program is killed.
        drop(go_pipe);
        assert!(!child.wait().expect("it ends").success());
        assert!(!folder.path().join("mark").exists());
    }

    #[test]
    fn shell_is_replaced_by_the_program() {
        let mut start = StartCommand::of(&shell("echo $$"), true).expect("it is there");
        start.command().stdout(Stdio::piped());
        let mut child = start.spawn(None).expect("it starts").go();
        let mut id = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut id).expect("text");
        assert_eq!(id.trim(), child.id().to_string());
        child.wait().expect("it ends");
    }

    #[test]
    fn program_that_cannot_be_run_is_a_system_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = folder.path().join("text");
        std::fs::write(&text, "").expect("written");
        for held in [true, false] {
            for program in [folder.path().join("none"), text.clone(), folder.path().to_owned()] {
                let started = StartCommand::of(&Command::new(&program), held);
                let error = started.and_then(|start| start.spawn(None)).err().expect("an error");
                let expected = if program.ends_with("none") { 2 } else { 13 };
                assert_eq!(error.raw_os_error(), Some(expected), "{}", program.display());
            }
        }
    }
}
