//! `supercargo completions`: what shells complete by.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use clap_complete::{Shell, generate};

/// Runs the word.
///
/// # Errors
///
/// When nobody reads what is said.
pub(super) fn run(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(shell, &mut super::command(), "supercargo", &mut script);
    let mut out = std::io::stdout().lock();
    out.write_all(&script)
        .and_then(|()| out.flush())
        .context("standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
