//! `supercargo check`: checks workspaces and exits like cargo-deny.

use std::process::ExitCode;

use super::{
    CLEANUP_TIMEOUT,
    arguments::{CheckArguments, Format},
    exit_code,
    human::HumanPrinter,
    json, logging,
    targets::{RunOptions, Selection, gate_options, select_workspaces},
};
use crate::gate::{Databases, Gate, NO_VERDICT, OnDisk};

/// Runs the command.
///
/// # Errors
///
/// When there is no workspace to check.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let Selection { workspaces, missing } = select_workspaces(&arguments.gate)?;
    let run_options = RunOptions {
        offline: arguments.offline(),
        locked: arguments.locked(),
        helps: arguments.format == Format::Json,
    };
    let options = gate_options(&arguments.gate, run_options)?;
    let databases = Databases::default();
    let human = HumanPrinter::new()?;
    let mut code = if missing { NO_VERDICT } else { 0 };
    for (index, workspace) in workspaces.iter().enumerate() {
        let mut gate = Gate::new(workspace.clone());
        let Some(verdict) = gate.check(&options, &OnDisk, &databases, &logging::progress) else {
            continue;
        };
        match arguments.format {
            Format::Human => human.verdict(&verdict, options.checks, index == 0, arguments.strict),
            Format::Json => json::verdict(&verdict, options.checks)?,
        }
        code = exit_code::combined(code, exit_code::of_check(&verdict, arguments.strict));
    }
    // Dropping these deletes unpacked files.
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(ExitCode::from(code))
}
