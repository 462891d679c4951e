//! `supercargo completions`: generates shell completions.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use clap_complete::{Shell, generate};

/// Runs the command.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn run(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(shell, &mut super::command(), "supercargo", &mut script);
    let mut out = std::io::stdout().lock();
    out.write_all(&script)
        .and_then(|()| out.flush())
        .context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
