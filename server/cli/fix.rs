//! `supercargo fix`: applies verified fixes and reports them and the remaining findings.

mod human;
mod json;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    CLEANUP_TIMEOUT,
    arguments::{FixArguments, Format},
    ci_gates::CiGates,
    exit_code::combined,
    logging,
    targets::{RunOptions, Selection, absolute, gate_options, select_workspaces},
};
use crate::{
    fix::{
        EditableFolders, FixReport, FixScope, FixVerifier, NotVerified, Outside, Overlay, fix_all,
    },
    gate::{Databases, Gate, NO_VERDICT, Verdict},
    resolve::BuildResult,
    text::{Links, delete_leftovers},
    workspace::DecidingFiles,
};

/// A run of `fix_all`, and what was done with its result.
struct FixRun<'d> {
    report: &'d FixReport,
    /// Nothing is written.
    dry_run: bool,
    /// The result of `cargo check`, with `--build`.
    built: Option<BuildResult>,
}

impl FixRun<'_> {
    /// Whether the changes are not written because they do not compile.
    fn does_not_compile(&self) -> bool {
        matches!(self.built, Some(BuildResult::Failed(_)))
    }

    /// The exit code for the findings that remain on disk.
    fn exit_code(&self) -> u8 {
        let FixReport { before, verdict, .. } = self.report;
        if self.does_not_compile() { before.exit_code() } else { verdict.exit_code() }
    }
}

/// Runs the command.
///
/// # Errors
///
/// When there is no workspace to check, or standard output cannot be written.
pub(super) fn run(arguments: &FixArguments) -> anyhow::Result<ExitCode> {
    let Selection { workspaces, folders, missing } = select_workspaces(&arguments.gate)?;
    let deny = arguments.deny_options().map_err(anyhow::Error::msg)?;
    let options = gate_options(RunOptions::of(&arguments.gate, deny))?;
    let databases = Databases::default();
    let here = absolute(Utf8Path::new("."))?;
    let scope = FixScope {
        options: arguments.upgrades(),
        allowed_kinds: arguments.remedies(),
        packages: arguments.packages.clone(),
    };
    let mut code = if missing.is_empty() { 0 } else { NO_VERDICT };
    let outside = if arguments.outside() { Outside::Allowed } else { Outside::Refused };
    let editable = EditableFolders::below(folders, outside);
    let editable = match arguments.links() {
        Links::Followed => editable.following_links(),
        Links::Refused => editable,
    };
    let editable = Arc::new(editable);
    // With `--dry-run` the changes for one workspace are not on disk when the next one is fixed.
    let mut unwritten = BTreeMap::new();
    let mut ci = CiGates::new(arguments.gate.as_ci);
    for workspace in &workspaces {
        let options = ci.options_for(workspace, &options);
        let mut gate = Gate::new(workspace.clone());
        let mut verifier = FixVerifier {
            gate: &mut gate,
            options: &options,
            databases: &databases,
            progress: &logging::progress,
        };
        let texts = Overlay::over(unwritten.clone()).within(Arc::clone(&editable));
        let Some(report) = fix_all(&mut verifier, &scope, texts) else { continue };
        let absent = scope.packages.iter().find(|named| {
            report.before.complete
                && !report.before.folders.keys().any(|one| one.name == named.name)
        });
        if let Some(absent) = absent {
            let (name, folder) = (&absent.name, workspace.folder());
            logging::error(&format!(
                "package `{name}` is not a dependency of `{folder}`; list its packages with `cargo tree`"
            ));
            code = NO_VERDICT;
            continue;
        }
        let mut fix_run = FixRun { report: &report, dry_run: arguments.dry_run, built: None };
        if arguments.build && !report.texts.changes().is_empty() {
            logging::progress("running `cargo check` on the result");
            match verifier.build(&report.before, &report.texts) {
                Ok(built) => fix_run.built = Some(built),
                Err(NotVerified::Canceled) => continue,
                Err(NotVerified::Because(reason)) => {
                    logging::error(&format!(
                        "could not check whether the result compiles: {reason}"
                    ));
                    code = NO_VERDICT;
                    continue;
                }
            }
        }
        if !arguments.dry_run {
            delete_leftovers_of(&report.before, arguments.links());
        }
        if !arguments.dry_run && !fix_run.does_not_compile() {
            match report.texts.write(&workspace.root, arguments.links()) {
                Ok(written) => written.notes.iter().for_each(|note| logging::warn(note)),
                Err(error) => {
                    logging::error(&error.to_string());
                    code = NO_VERDICT;
                    continue;
                }
            }
        }
        if arguments.dry_run && !fix_run.does_not_compile() {
            let changes = report.texts.changes().iter();
            unwritten.extend(changes.map(|(path, change)| (path.clone(), change.after.clone())));
        }
        match arguments.format {
            Format::Human => human::print(&fix_run, &here),
            Format::Json => json::print(&fix_run)?,
        }
        code = combined(code, fix_run.exit_code());
    }
    // Dropping these deletes unpacked files.
    drop(databases);
    options.resolver.children.wait_for_cleanup(CLEANUP_TIMEOUT);
    Ok(ExitCode::from(code))
}

/// Deletes the temporary files of an earlier run that was killed while it wrote, even if there is nothing to
/// write this time.
fn delete_leftovers_of(verdict: &Verdict, links: Links) {
    let deciding = DecidingFiles::of_workspace(&verdict.workspace).files;
    let policies = verdict.policy.iter().chain(&verdict.exceptions).cloned();
    let is_written = |file: &Utf8PathBuf| {
        matches!(file.file_name(), Some("Cargo.toml" | "Cargo.lock")) && file.is_file()
    };
    let mut folders = BTreeSet::new();
    for file in deciding.into_iter().filter(is_written).chain(policies) {
        // In the folder of the file that a link points to, if that is written.
        let file = match links {
            Links::Followed => file.canonicalize_utf8().unwrap_or(file),
            Links::Refused => file,
        };
        folders.extend(file.parent().map(Utf8Path::to_owned));
    }
    for folder in &folders {
        delete_leftovers(folder);
    }
}
