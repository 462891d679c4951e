//! `supercargo check`: checks workspaces and exits like cargo-deny.

use std::{collections::BTreeSet, process::ExitCode, thread};

use super::{
    CLEANUP_TIMEOUT,
    arguments::{CheckArguments, Format},
    base::BaseComparisons,
    exit_code::{self, Compared},
    human::HumanPrinter,
    installed_engine::InstalledEngine,
    json, logging,
    shared_policy::SharedPolicies,
    shown::ShownFindings,
    targets::{RunOptions, Selection, gate_options, select_workspaces},
};
use crate::{
    gate::{Databases, NO_VERDICT},
    verdict::Severity,
};

/// Runs the command.
///
/// # Errors
///
/// When there is no workspace to check.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let Selection { workspaces, missing, .. } = select_workspaces(&arguments.gate)?;
    let deny = arguments.deny_options().map_err(anyhow::Error::msg)?;
    let shown = ShownFindings::of(arguments);
    let options = gate_options(RunOptions {
        helps: shown.lowest_severity == Some(Severity::Help) || arguments.engine.is_some(),
        ..RunOptions::of(&arguments.gate, deny)
    })?;
    arguments.output.apply_color();
    let manifest_path = arguments.gate.manifest_path.as_deref();
    let engine = arguments.engine.as_deref();
    let engine = engine
        .map(|program| InstalledEngine::find(program, manifest_path, &options))
        .transpose()?;
    let databases = Databases::default();
    let mut human = HumanPrinter::new()?;
    let mut code = if missing { NO_VERDICT } else { 0 };
    code = thread::scope(|scope| -> anyhow::Result<u8> {
        let mut shared = SharedPolicies::new(&arguments.gate, &workspaces, &options, &databases);
        let mut bases = BaseComparisons::start(scope, arguments, &workspaces, &options, &databases);
        let mut failures = BTreeSet::new();
        for (index, workspace) in workspaces.iter().enumerate() {
            let Some(verdict) = shared.verdict(workspace) else { continue };
            let checks = shared.options_for(workspace).checks();
            let comparison =
                bases.as_mut().map(|bases| bases.compare(index, &verdict, &mut shared));
            let comparison = comparison.transpose().unwrap_or_else(|error| {
                // The same for each workspace of a repository.
                let message = error.to_string();
                if failures.insert(message.clone()) {
                    logging::error(&message);
                }
                code = NO_VERDICT;
                None
            });
            let compared = bases.as_ref().zip(comparison.as_ref()).map(|(bases, comparison)| {
                let code = bases.exit_code(comparison, &verdict);
                Compared { comparison, code }
            });
            match arguments.format {
                Format::Human => human.verdict(&verdict, checks, index == 0, shown, compared),
                Format::Json => json::verdict(&verdict, checks, shown, compared)?,
            }
            let of_check = exit_code::of_check(&verdict, arguments.strict, compared);
            code = exit_code::combined(code, of_check);
            if let Some(engine) = engine.as_ref().filter(|_| workspace.manifest.is_file()) {
                match engine.compare(&verdict, &options) {
                    Ok(comparison) => {
                        comparison.print(arguments.format, shown)?;
                        if !comparison.has_verdict() {
                            code = NO_VERDICT;
                        }
                    }
                    Err(error) => {
                        logging::error(&format!("{error:#}"));
                        code = NO_VERDICT;
                    }
                }
            }
        }
        for (folder, findings) in bases.iter_mut().flat_map(BaseComparisons::removed) {
            match arguments.format {
                Format::Human => human.removed(&folder, &findings, shown),
                Format::Json => json::removed(&folder, &findings, shown)?,
            }
        }
        Ok(code)
    })?;
    // Dropping these deletes unpacked files.
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(ExitCode::from(code))
}
