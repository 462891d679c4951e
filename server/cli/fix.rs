//! `supercargo fix`: do what is proved, and say what was done and what remains.

mod human;
mod json;

use std::{collections::BTreeSet, process::ExitCode};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    arguments::{FixArguments, Format},
    check::{PATIENCE, combined},
    logging,
    meant::{Manner, Meant, absolute, gate_options, workspaces},
};
use crate::{
    fix::{FixOptions, NotVerified, FixVerifier, FixReport, Overlay, FixScope, repair},
    gate::{Databases, Gate, NO_VERDICT, Verdict},
    resolve::Built,
    text::{Links, delete_leftovers},
    workspace::DecidingFiles,
};

/// A repair and what became of it.
struct Done<'d> {
    repair: &'d FixReport,
    /// Nothing was to be written.
    dry_run: bool,
    /// Where it was asked whether it compiles.
    built: Option<Built>,
}

impl Done<'_> {
    /// Whether the changes are not made although they were proved: they do not compile.
    fn is_refused(&self) -> bool {
        matches!(self.built, Some(Built::Fails(_)))
    }

    /// That of what remains on disk.
    fn exit_code(&self) -> u8 {
        let FixReport { before, verdict, .. } = self.repair;
        if self.is_refused() { before.exit_code() } else { verdict.exit_code() }
    }
}

/// Runs the word.
///
/// # Errors
///
/// When there is nothing to judge, or nobody reads what is said.
pub(super) fn run(arguments: &FixArguments) -> anyhow::Result<ExitCode> {
    let Meant { workspaces, missing } = workspaces(&arguments.gate)?;
    let manner = Manner { offline: arguments.gate.network.offline, locked: false, helps: false };
    let options = gate_options(&arguments.gate, manner)?;
    let databases = Databases::default();
    let here = absolute(Utf8Path::new("."))?;
    let wanted = FixScope {
        fix: FixOptions { breaking: arguments.breaking },
        allowed: arguments.remedies(),
        packages: arguments.packages.clone(),
    };
    let mut code = if missing { NO_VERDICT } else { 0 };
    for workspace in &workspaces {
        let mut gate = Gate::new(workspace.clone());
        let mut prover = FixVerifier {
            gate: &mut gate,
            options: &options,
            databases: &databases,
            audience: &logging::tell,
        };
        let Some(repair) = repair(&mut prover, &wanted, Overlay::default()) else { continue };
        let absent = wanted.packages.iter().find(|named| {
            repair.before.reached && !repair.before.folders.keys().any(|one| one.name == named.name)
        });
        if let Some(absent) = absent {
            let (name, folder) = (&absent.name, workspace.folder());
            logging::complain(&format!(
                "`{folder}` depends on no `{name}`: `cargo tree` lists its packages"
            ));
            code = NO_VERDICT;
            continue;
        }
        let mut done = Done { repair: &repair, dry_run: arguments.dry_run, built: None };
        if arguments.build && !repair.texts.changes().is_empty() {
            logging::tell("checking whether it compiles");
            match prover.build(&repair.before, &repair.texts) {
                Ok(built) => done.built = Some(built),
                Err(NotVerified::Unwanted) => continue,
                Err(NotVerified::Because(reason)) => {
                    logging::complain(&format!("whether it compiles cannot be told: {reason}"));
                    code = NO_VERDICT;
                    continue;
                }
            }
        }
        if !arguments.dry_run {
            delete_leftovers_of(&repair.before, arguments.links());
        }
        if !arguments.dry_run && !done.is_refused() {
            match repair.texts.write(&workspace.root, arguments.links()) {
                Ok(written) => written.notes.iter().for_each(|note| logging::warn(note)),
                Err(error) => {
                    logging::complain(&error.to_string());
                    code = NO_VERDICT;
                    continue;
                }
            }
        }
        match arguments.format {
            Format::Human => human::tell(&done, &here),
            Format::Json => json::tell(&done)?,
        }
        code = combined(code, done.exit_code());
    }
    // What was unpacked is deleted by those who used it.
    drop(databases);
    options.resolver.children.wait_until_unused(PATIENCE);
    Ok(ExitCode::from(code))
}

/// Deletes what an earlier run left that was killed when it wrote: also where there is nothing to
/// write this time.
fn delete_leftovers_of(verdict: &Verdict, links: Links) {
    let deciding = DecidingFiles::of_workspace(&verdict.workspace).files;
    let policies = verdict.policy.iter().chain(&verdict.exceptions).cloned();
    let is_written = |file: &Utf8PathBuf| {
        matches!(file.file_name(), Some("Cargo.toml" | "Cargo.lock")) && file.is_file()
    };
    let mut folders = BTreeSet::new();
    for file in deciding.into_iter().filter(is_written).chain(policies) {
        // Beside the file that a link points to, where that is written.
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
