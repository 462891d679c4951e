//! `cargo xtask test --only editors`: the story in the real editors, by `tests/editors/run.mjs`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{commands, tools};

/// Plays the story; `true` when it passed everywhere. Editors that cannot be had are named and, with
/// `CI=true`, a failure.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let (server, deny) = (tools::supercargo(root)?, tools::cargo_deny(root)?);
    let mut command = Command::new("node");
    command.current_dir(root).arg("tests/editors/run.mjs");
    command.arg("--server").arg(server).arg("--deny").arg(deny);
    commands::show(&mut command)
}

/// Installs what [`run`] needs. What cannot be installed is no failure here: [`run`] tries it again.
pub(crate) fn install(root: &Path) -> Result<bool> {
    let mut command = Command::new("node");
    commands::show(command.current_dir(root).args(["tests/editors/run.mjs", "--install"]))
}

/// The settings that VS Code shows are those of the server.
pub(crate) fn settings_are_fresh(root: &Path) -> Result<bool> {
    let mut command = Command::new("node");
    commands::show(
        command.current_dir(root).args(["editors/vscode/scripts/settings.mjs", "--check"]),
    )
}
