//! `supercargo check`: checks workspaces and exits like cargo-deny.

use std::{collections::BTreeSet, io::Write as _, process::ExitCode, thread};

use anyhow::Context as _;
use camino::Utf8Path;

use super::{
    CLEANUP_TIMEOUT,
    arguments::{CheckArguments, Format},
    base::BaseComparisons,
    exit_code::{self, Compared},
    human::HumanPrinter,
    installed_engine::{EngineComparison, InstalledEngine},
    json, logging,
    outputs::{Checked, CheckedRun, Outputs},
    report_fixes::FixSearch,
    shared_policy::SharedPolicies,
    shown::ShownFindings,
    targets::{RunOptions, Selection, gate_options, select_workspaces},
};
use crate::{
    gate::{Databases, NO_VERDICT, Verdict},
    verdict::{CheckSet, Finding, Severity},
    workspace::Workspace,
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
    let Selection { workspaces, folders, missing } = select_workspaces(&arguments.gate)?;
    let deny = arguments.deny_options().map_err(anyhow::Error::msg)?;
    let printed = arguments.printed();
    let shown = ShownFindings::of(arguments, printed.unwrap_or(Format::Human));
    let mut lowest = shown.lowest_severity;
    if outputs.need_records() {
        lowest = lowest.min(ShownFindings::of(arguments, Format::Json).lowest_severity);
    }
    let options = gate_options(RunOptions {
        helps: lowest == Some(Severity::Help) || arguments.engine.is_some(),
        dependency_graph: outputs.need_page(),
        ..RunOptions::of(&arguments.gate, deny)
    })?;
    arguments.output.apply_color();
    let manifest_path = arguments.gate.manifest_path.as_deref();
    let engine = arguments.engine.as_deref();
    let engine = engine
        .map(|program| InstalledEngine::find(program, manifest_path, &options))
        .transpose()?;
    let databases = Databases::default();
    run.exit_code = if missing.is_empty() { 0 } else { NO_VERDICT };
    run.failures = missing;
    let printer = Printer { human: HumanPrinter::new()?, outputs, printed, shown };
    thread::scope(|scope| {
        let bases = BaseComparisons::start(scope, arguments, &workspaces, &options, &databases);
        let mut shared = SharedPolicies::new(&arguments.gate, &workspaces, &options, &databases);
        check_all(arguments, &workspaces, &mut shared, bases, engine.as_ref(), printer, run)?;
        if outputs.need_page() {
            FixSearch::new(folders, &databases).add_to(&mut run.workspaces, &mut shared);
        }
        anyhow::Ok(())
    })?;
    // Dropping these deletes unpacked files.
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(())
}

fn check_all<'o>(
    arguments: &'o CheckArguments,
    workspaces: &[Workspace],
    shared: &mut SharedPolicies<'o>,
    mut bases: Option<BaseComparisons>,
    engine: Option<&InstalledEngine>,
    mut printer: Printer<'_>,
    run: &mut CheckedRun,
) -> anyhow::Result<()> {
    let mut failures = BTreeSet::new();
    for (index, workspace) in workspaces.iter().enumerate() {
        let Some(verdict) = shared.verdict(workspace) else { continue };
        let checks = shared.options_for(workspace).checks();
        let comparison = bases.as_mut().map(|bases| bases.compare(index, &verdict, shared));
        let comparison = comparison.transpose().unwrap_or_else(|error| {
            // The same for each workspace of a repository.
            let message = error.to_string();
            if failures.insert(message.clone()) {
                logging::error(&message);
                run.failures.push(message);
            }
            run.exit_code = NO_VERDICT;
            None
        });
        let compared = bases.as_ref().zip(comparison.as_ref()).map(|(bases, comparison)| {
            Compared { comparison, code: bases.exit_code(comparison, &verdict) }
        });
        printer.verdict(&verdict, checks, index == 0, compared)?;
        let exit_code = exit_code::of_check(&verdict, arguments.strict, compared);
        run.exit_code = exit_code::combined(run.exit_code, exit_code);
        if let Some(engine) = engine.filter(|_| workspace.manifest.is_file())
            && let Some(failure) = printer.engine(&engine.compare(&verdict, shared.options()))?
        {
            run.exit_code = NO_VERDICT;
            run.failures.push(failure);
        }
        if printer.outputs.are_needed() {
            run.workspaces.push(Checked { verdict, checks, exit_code, comparison, fixes: None });
        }
    }
    for (folder, findings) in bases.iter_mut().flat_map(BaseComparisons::removed) {
        printer.removed(&folder, &findings)?;
    }
    Ok(())
}

/// Prints on standard output what no report takes it for.
struct Printer<'a> {
    human: HumanPrinter,
    outputs: &'a Outputs<'a>,
    printed: Option<Format>,
    shown: ShownFindings,
}

impl Printer<'_> {
    fn verdict(
        &mut self,
        verdict: &Verdict,
        checks: CheckSet,
        is_first: bool,
        compared: Option<Compared<'_>>,
    ) -> anyhow::Result<()> {
        match self.printed {
            Some(Format::Human) => {
                let text = self.human.verdict(verdict, checks, is_first, self.shown, compared);
                print_text(&self.outputs.for_log(text));
            }
            Some(Format::Json) => json::verdict(verdict, checks, self.shown, compared)?,
            None => {}
        }
        Ok(())
    }

    /// The findings of a workspace that only the base has.
    fn removed(&self, folder: &Utf8Path, findings: &[Finding]) -> anyhow::Result<()> {
        match self.printed {
            Some(Format::Human) => {
                let text = self.human.removed(folder, findings, self.shown);
                print_text(&self.outputs.for_log(text));
            }
            Some(Format::Json) => json::removed(folder, findings, self.shown)?,
            None => {}
        }
        Ok(())
    }

    /// Prints what an installed cargo-deny finds besides, and returns why it has no verdict.
    fn engine(
        &self,
        compared: &anyhow::Result<EngineComparison<'_>>,
    ) -> anyhow::Result<Option<String>> {
        let comparison = match compared {
            Ok(comparison) => comparison,
            Err(error) => {
                let error = format!("{error:#}");
                logging::error(&error);
                return Ok(Some(error));
            }
        };
        if let Some(format) = self.printed {
            let output = comparison.output(format, self.shown)?;
            match format {
                Format::Human => {
                    let text = String::from_utf8_lossy(&output).into_owned();
                    print_text(&self.outputs.for_log(text));
                }
                Format::Json => print_records(&output)?,
            }
        }
        Ok(comparison.failure())
    }
}

fn print_text(text: &str) {
    // Fails if the reader has closed the pipe.
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

fn print_records(lines: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(lines).and_then(|()| out.flush()).context("could not write to standard output")
}
