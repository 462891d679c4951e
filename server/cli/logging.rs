//! Messages and the log on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::terminal::{escaped, escaped_line};
use crate::{process::Wait, threads};

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
    let message = escaped(message);
    anstream::eprintln!("{}error{0:#}: {message}", anstyle::AnsiColor::Red.on_default().bold());
}

/// Prints a warning.
pub(super) fn warn(message: &str) {
    let message = escaped(message);
    anstream::eprintln!(
        "{}warning{0:#}: {message}",
        anstyle::AnsiColor::Yellow.on_default().bold()
    );
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
