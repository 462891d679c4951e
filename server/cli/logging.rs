//! What goes to standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::terminal::{escaped, escaped_line};
use crate::threads;

/// Starts the log: errors only, more when asked for, whatever `SUPERCARGO_LOG` says.
///
/// Panics are logged from here on, by whoever catches them.
pub(super) fn start(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
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
    threads::see_panics();
}

/// One sentence about what went wrong.
pub(super) fn complain(message: &str) {
    let message = escaped(message);
    anstream::eprintln!("{}error{0:#}: {message}", anstyle::AnsiColor::Red.on_default().bold());
}

/// One sentence about what somebody should know.
pub(super) fn warn(message: &str) {
    let message = escaped(message);
    anstream::eprintln!(
        "{}warning{0:#}: {message}",
        anstyle::AnsiColor::Yellow.on_default().bold()
    );
}

/// One sentence about something that takes long, for people who wait at a terminal.
pub(super) fn tell(message: &str) {
    if stderr().is_terminal() {
        let message = escaped_line(message);
        anstream::eprintln!("{}{message} ...{0:#}", anstyle::Style::new().dimmed());
    } else {
        tracing::info!("{message}");
    }
}
