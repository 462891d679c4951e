//! Running other programs: with their output shown, or with their output read.
//!
//! A program never gets our standard input, and one whose output is read is stopped when it takes too long.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// No program that the harness runs on a small workspace needs longer, even when it has to download crates.
const LIMIT: Duration = Duration::from_secs(600);

/// What a program left behind.
pub(crate) struct Captured {
    /// `None` when a signal ended it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program with its output on our terminal, and says whether it succeeded.
pub(crate) fn show(command: &mut Command) -> Result<bool> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("could not start {}", describe(command)))?;
    Ok(status.success())
}

/// Runs a program and reads its output, whatever its exit code.
pub(crate) fn capture(command: &mut Command) -> Result<Captured> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {}", describe(command)))?;

    let stdout = read_all(child.stdout.take());
    let stderr = read_all(child.stderr.take());
    let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(LIMIT), stderr.recv_timeout(LIMIT)) else {
        // Best effort: the program may have ended this very moment.
        let _ = child.kill();
        bail!("{} was stopped after {} seconds", describe(command), LIMIT.as_secs());
    };
    let status = child.wait().with_context(|| format!("could not await {}", describe(command)))?;

    Ok(Captured { exit_code: status.code(), stdout, stderr })
}

/// Runs a program that must succeed, and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let captured = capture(command)?;
    if captured.exit_code != Some(0) {
        bail!("{} failed:\n{}", describe(command), captured.stderr.trim_end());
    }
    Ok(captured.stdout)
}

/// The command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    format!("`{line}`")
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read before a failure is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // The receiver is gone after the time limit.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
