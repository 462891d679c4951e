//! A child between its start and the moment from which it may run.
//!
//! A program that is killed in between could not tell its [`super::guard`] of the child, which would
//! live on. So the child is a shell at first, which waits for a word and then becomes the program:
//! without the word, because this program is gone, it ends.

use std::{
    io,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::{confinement, programs};

/// Waits for a line, then becomes the program that its words name, which gets a null standard input.
#[cfg(unix)]
const SCRIPT: &str = r#"read -r word || exit 1; exec "$0" "$@" </dev/null"#;

/// A command that is ready to be started.
pub(super) struct Start {
    program: PathBuf,
    command: Command,
}

/// A child that waits.
pub(super) struct Waiting {
    pub(super) child: Child,
    #[cfg(unix)]
    word: Option<std::process::ChildStdin>,
}

impl Start {
    /// The command with its program looked up: its arguments, variables and folder are kept, and it
    /// gets a null standard input. `held` until [`Waiting::go`], else it runs at once.
    ///
    /// # Errors
    ///
    /// When the program is not there or may not be run.
    pub(super) fn of(command: &Command, held: bool) -> io::Result<Self> {
        let program = programs::found(command.get_program().as_ref())?;
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
        // The shell would only say it in its own words.
        access(program, Access::EXEC_OK)?;
        if program.is_dir() {
            return Err(rustix::io::Errno::ACCESS.into());
        }
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT]).arg(program).stdin(Stdio::piped());
        Ok(Some(shell))
    }

    /// Elsewhere there is no such shell, and no guard that is told.
    #[cfg(not(unix))]
    fn shell(_: &std::path::Path, _: bool) -> io::Result<Option<Command>> {
        Ok(None)
    }

    /// What is left to be said about how it starts.
    pub(super) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it; `confined` to these folders.
    pub(super) fn spawn(mut self, confined: Option<&[PathBuf]>) -> io::Result<Waiting> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "its pipe is kept on unix"))]
        let mut child = match confined {
            Some(writable) => confinement::spawn(&mut self.command, &self.program, writable)?,
            None => self.command.spawn()?,
        };
        #[cfg(unix)]
        let word = child.stdin.take();
        Ok(Waiting {
            child,
            #[cfg(unix)]
            word,
        })
    }
}

impl Waiting {
    /// Lets it run.
    pub(super) fn go(self) -> Child {
        #[cfg(unix)]
        if let Some(mut word) = self.word {
            // One that has been killed meanwhile does not read it.
            let _ = io::Write::write_all(&mut word, b"go\n");
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
    fn a_child_does_nothing_before_it_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("mark");
        let mut command = shell("echo \"$0 $1 $X\" > mark");
        command.current_dir(folder.path()).env("X", "y z");
        let waiting = Start::of(&command, true).and_then(|start| start.spawn(None));
        let waiting = waiting.expect("it starts");
        assert!(!mark.exists());
        assert!(waiting.go().wait().expect("it ends").success());
        assert_eq!(std::fs::read_to_string(mark).expect("written"), "a b $c \"d\" y z\n");
    }

    #[test]
    fn a_child_that_is_never_told_ends_without_having_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = shell("echo > mark; exec sleep 600");
        command.current_dir(folder.path());
        let waiting = Start::of(&command, true).and_then(|start| start.spawn(None));
        let Waiting { mut child, word } = waiting.expect("it starts");
        // As when this program is killed.
        drop(word);
        assert!(!child.wait().expect("it ends").success());
        assert!(!folder.path().join("mark").exists());
    }

    #[test]
    fn it_becomes_the_program_itself() {
        let mut start = Start::of(&shell("echo $$"), true).expect("it is there");
        start.command().stdout(Stdio::piped());
        let mut child = start.spawn(None).expect("it starts").go();
        let mut id = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut id).expect("text");
        assert_eq!(id.trim(), child.id().to_string());
        child.wait().expect("it ends");
    }

    #[test]
    fn what_cannot_be_run_is_said_in_the_words_of_the_system() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = folder.path().join("text");
        std::fs::write(&text, "").expect("written");
        for held in [true, false] {
            for program in [folder.path().join("none"), text.clone(), folder.path().to_owned()] {
                let started = Start::of(&Command::new(&program), held);
                let error = started.and_then(|start| start.spawn(None)).err().expect("an error");
                let expected = if program.ends_with("none") { 2 } else { 13 };
                assert_eq!(error.raw_os_error(), Some(expected), "{}", program.display());
            }
        }
    }
}
