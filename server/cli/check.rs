//! `supercargo check`: checks workspaces and exits like cargo-deny.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;

use super::{
    CLEANUP_TIMEOUT,
    arguments::{CheckArguments, Format},
    exit_code,
    human::HumanPrinter,
    installed_engine::InstalledEngine,
    json, logging,
    outputs::{Checked, CheckedRun, Outputs},
    shared_policy::SharedPolicies,
    shown::ShownFindings,
    targets::{RunOptions, Selection, gate_options, select_workspaces},
};
use crate::{
    gate::{Databases, NO_VERDICT},
    verdict::Severity,
};

/// Runs the command. The reports are written whatever the result is.
///
/// # Errors
///
/// When there is no workspace to check.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let outputs = Outputs::of(arguments);
    let mut run = CheckedRun::default();
    let result = check(arguments, &outputs, &mut run);
    if let Err(error) = &result {
        run.failures.push(format!("{error:#}"));
        run.exit_code = NO_VERDICT;
    }
    let all_written = outputs.write(&run);
    result?;
    Ok(ExitCode::from(exit_code::with_reports(run.exit_code, all_written)))
}

fn check(
    arguments: &CheckArguments,
    outputs: &Outputs<'_>,
    run: &mut CheckedRun,
) -> anyhow::Result<()> {
    let Selection { workspaces, missing, .. } = select_workspaces(&arguments.gate)?;
    let deny = arguments.deny_options().map_err(anyhow::Error::msg)?;
    let printed = arguments.printed();
    let shown = ShownFindings::of(arguments, printed.unwrap_or(Format::Human));
    let mut lowest = shown.lowest_severity;
    if outputs.need_records() {
        lowest = lowest.min(ShownFindings::of(arguments, Format::Json).lowest_severity);
    }
    let options = gate_options(RunOptions {
        helps: lowest == Some(Severity::Help) || arguments.engine.is_some(),
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
    run.exit_code = if missing.is_empty() { 0 } else { NO_VERDICT };
    run.failures = missing;
    let mut shared = SharedPolicies::new(&arguments.gate, &workspaces, &options, &databases);
    for (index, workspace) in workspaces.iter().enumerate() {
        let Some(verdict) = shared.verdict(workspace) else { continue };
        let checks = shared.options_for(workspace).checks();
        match printed {
            Some(Format::Human) => {
                print_text(&outputs.for_log(human.verdict(&verdict, checks, index == 0, shown)));
            }
            Some(Format::Json) => json::verdict(&verdict, checks, shown)?,
            None => {}
        }
        let exit_code = exit_code::of_check(&verdict, arguments.strict);
        run.exit_code = exit_code::combined(run.exit_code, exit_code);
        if let Some(engine) = engine.as_ref().filter(|_| workspace.manifest.is_file()) {
            let compared = engine.compare(&verdict, &options);
            let failure = match &compared {
                Ok(comparison) => comparison.failure(),
                Err(error) => {
                    let error = format!("{error:#}");
                    logging::error(&error);
                    Some(error)
                }
            };
            if let (Ok(comparison), Some(format)) = (&compared, printed) {
                let output = comparison.output(format, shown)?;
                match format {
                    Format::Human => {
                        print_text(&outputs.for_log(String::from_utf8_lossy(&output).into_owned()));
                    }
                    Format::Json => print_records(&output)?,
                }
            }
            if let Some(failure) = failure {
                run.exit_code = NO_VERDICT;
                run.failures.push(failure);
            }
        }
        if outputs.are_needed() {
            run.workspaces.push(Checked { verdict, checks, exit_code });
        }
    }
    // Dropping these deletes unpacked files.
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(())
}

fn print_text(text: &str) {
    // Fails if the reader has closed the pipe.
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

fn print_records(lines: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(lines).and_then(|()| out.flush()).context("could not write to standard output")
}
