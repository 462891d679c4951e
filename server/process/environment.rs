//! The environment of children: their output does not depend on the user's settings, and no variable makes
//! them do more than asked.

use std::{env, path::Path, process::Command};

/// Variables of cargo, rustup and what they start.
const OF_CARGO: [(&str, &str); 9] = [
    // A backtrace in standard error would be shown as a part of the message.
    ("RUST_BACKTRACE", "0"),
    ("RUST_LIB_BACKTRACE", "0"),
    // These win over cargo's configuration.
    ("CARGO_TERM_COLOR", "never"),
    ("CARGO_TERM_HYPERLINKS", "false"),
    ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ("CARGO_TERM_QUIET", "false"),
    ("CARGO_TERM_UNICODE", "false"),
    ("CARGO_TERM_VERBOSE", "false"),
    ("RUSTUP_TERM_COLOR", "never"),
];

/// Logs of cargo and rustup to standard error, and of cargo to a file in the current folder.
const LOGS: [&str; 5] =
    ["CARGO_LOG", "CARGO_LOG_PROFILE", "CARGO_LOG_PROFILE_CAPTURE_ARGS", "RUSTC_LOG", "RUSTUP_LOG"];

/// Keeps rustup (`cargo` may be its proxy) from installing a toolchain.
const OF_RUSTUP_OFFLINE: [(&str, &str); 2] = [
    ("RUSTUP_AUTO_INSTALL", "0"),
    // For rustup before 1.28.1, which does not know that variable: it finds no toolchain here.
    ("RUSTUP_DIST_SERVER", "file:///nowhere"),
];

/// The `GIT_*` variables for access to servers and for the configuration. All others are removed: they could
/// point git to another repository, index or object store. A name that ends with `_` is a prefix.
const KEPT_GIT_VARIABLES: [&str; 16] = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_",
];

/// Cargo, to be run by [`super::Children`]. When `offline`, rustup opens no connection either.
pub(crate) fn cargo(program: &Path, offline: bool) -> Command {
    let mut command = Command::new(program);
    command.envs(OF_CARGO);
    for variable in LOGS {
        command.env_remove(variable);
    }
    if offline {
        command.envs(OF_RUSTUP_OFFLINE);
    }
    command
}

/// Git, to be run by [`super::Children`]: it asks nothing at a terminal, speaks English, and finds
/// its repository by its arguments only.
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    let is_kept = |name: &str| {
        KEPT_GIT_VARIABLES
            .iter()
            .any(|kept| name == *kept || kept.ends_with('_') && name.starts_with(kept))
    };
    for (name, _) in env::vars_os() {
        // Names are case-insensitive on Windows.
        let text = name.to_string_lossy().to_uppercase();
        if text.starts_with("GIT_") && !is_kept(&text) {
            command.env_remove(name);
        }
    }
    command.env("GIT_TERMINAL_PROMPT", "0");
    // Store branches as files in clones: every git and our code can read them.
    command.env("GIT_DEFAULT_REF_FORMAT", "files");
    // `LANGUAGE` would win over `LC_MESSAGES`, but not over the locale `C`.
    command.env("LC_ALL", "C");
    command
}
