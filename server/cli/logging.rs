//! Messages and the log on standard error.

use std::{
    env,
    io::{IsTerminal, stderr},
};

use tracing_subscriber::EnvFilter;

use super::terminal::{escaped, escaped_line};
use crate::{process::Wait, report, threads};

/// Starts the log with this verbosity; `SUPERCARGO_LOG` overrides it. Panics are logged from now on.
pub(super) fn start(verbose: u8) {
    // The solver logs each of its steps.
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug,resolvo=off",
    };
    let filter =
        EnvFilter::try_from_env("SUPERCARGO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .without_time()
        .with_target(false);
    // The bridge from `log`, which cargo-deny uses, is part of `try_init`.
    let _ = log.try_init();
    threads::install_panic_hook();
}

/// Prints an error.
pub(super) fn error(message: &str) {
    print("error", anstyle::AnsiColor::Red.on_default().bold(), message);
}

/// Prints a warning.
pub(super) fn warn(message: &str) {
    print("warning", anstyle::AnsiColor::Yellow.on_default().bold(), message);
}

fn print(level: &str, style: anstyle::Style, message: &str) {
    let text = format!("{style}{level}{style:#}: {}\n", escaped(message));
    anstream::eprint!("{}", for_log(text, in_github_actions()));
}

/// Whether the runner of GitHub Actions reads the output.
pub(super) fn in_github_actions() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// A text in which the runner of GitHub Actions, if it reads it, finds no command.
pub(super) fn for_log(text: String, in_actions: bool) -> String {
    if in_actions { report::without_commands(&text) } else { text }
}

/// Prints what another program makes us wait for.
pub(super) fn waiting(wait: Wait<'_>) {
    if let Wait::For(sentence) = wait {
        let sentence = escaped_line(sentence);
        anstream::eprintln!("{}{sentence} ...{0:#}", anstyle::Style::new().dimmed());
    }
}

/// Prints what takes long, at a terminal; otherwise logs it.
pub(super) fn progress(message: &str) {
    if stderr().is_terminal() {
        let message = escaped_line(message);
        anstream::eprintln!("{}{message} ...{0:#}", anstyle::Style::new().dimmed());
    } else {
        tracing::info!("{message}");
    }
}
