//! `cargo xtask parity`: the verdict of supercargo against that of the real cargo-deny.
//!
//! Both programs check the same workspaces, offline and with the same advisory database, and every finding that only one of
//! them has is printed. Texts and positions are not compared: what counts is which check says which code how loudly about
//! which packages, how many of each there are, and the exit code.

mod case;
mod codes;
mod compare;
pub(crate) mod corpus;
mod editor;
pub(crate) mod home;
pub(crate) mod job;
mod locks;
mod options;
mod ours;
pub(crate) mod outcome;
mod own;
mod placement;
mod report;
mod sarif;
mod std_data;
pub(crate) mod theirs;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rayon::prelude::*;

use self::job::{Job, Run};
use self::options::{Mode, Options, Selection};
use crate::tools;

/// Runs the harness; `true` when there is no difference.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let Some(options) = Options::parse(arguments)? else {
        print!("{}", options::HELP);
        return Ok(true);
    };

    let root = tools::root()?;
    let scratch = scratch()?;
    let jobs = gather(&root, scratch.path(), &options)?;
    if options.mode == Mode::AddLocks {
        return locks::add(&jobs).map(|()| true);
    }

    if options.mode == Mode::Editor {
        let passed = editor::run(&jobs, &tools::supercargo(&root)?, options.fetch);
        if options.keep {
            println!("the workspaces are kept in {}", scratch.keep().display());
        }
        return Ok(passed);
    }

    let theirs = tools::cargo_deny(&root)?;
    let ours = match options.mode {
        Mode::OnlyTheirs => None,
        _ => Some(tools::supercargo(&root)?),
    };
    let mut runs: Vec<Run> =
        jobs.par_iter().map(|job| job.run(&theirs, ours.as_deref(), options.fetch)).collect();

    if options.mode == Mode::SeedDifference {
        let altered = runs.iter_mut().find_map(Run::alter_one_finding);
        println!(
            "seeded a difference: {}",
            altered.context("supercargo has no finding that could be altered")?
        );
    }

    let passed = report::print(&runs);
    if options.keep {
        println!("the workspaces are kept in {}", scratch.keep().display());
    }
    Ok(passed)
}

/// A directory outside of the repository, so that neither its policy nor its manifest nor its `.cargo/config.toml` rules a
/// workspace in it: cargo and cargo-deny look for all of these upwards.
fn scratch() -> Result<tempfile::TempDir> {
    let directory = tempfile::Builder::new().prefix("supercargo-parity-").tempdir()?;
    for above in directory.path().ancestors() {
        for name in [
            "deny.toml",
            ".deny.toml",
            "deny.exceptions.toml",
            ".deny.exceptions.toml",
            "Cargo.toml",
        ] {
            if above.join(name).exists() {
                bail!(
                    "{} would rule every workspace of the comparison",
                    above.join(name).display()
                );
            }
        }
    }
    Ok(directory)
}

fn gather(root: &Path, scratch: &Path, options: &Options) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    let filter = options.filter.as_deref();
    for selection in &options.selections {
        jobs.extend(match selection {
            Selection::Own => own::jobs(root, scratch, filter)?,
            Selection::Shared if options.mode == Mode::Editor => {
                corpus::editor_jobs(root, scratch, filter)?
            }
            Selection::Shared => corpus::jobs(root, scratch, filter, options.command_lines)?,
            Selection::Directory(directory) => job::below(root, scratch, directory)?,
        });
    }
    if jobs.is_empty() {
        bail!("there is no workspace to compare");
    }
    Ok(jobs)
}
