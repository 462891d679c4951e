//! Real workspaces and the whole advisory database, where the shared data is at hand.
//!
//! The archive and the bundle lie beside the repository and are no part of it; without them the comparison has the own cases
//! only, and says so.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::home::Home;
use super::job::{Job, Side};
use super::{editor, placement};
use crate::commands;

/// The options of cargo-deny with which each workspace is checked under the strict policy: those of the program and those of
/// `check`.
const OPTIONS: &[(&str, &[&str], &[&str])] = &[
    ("all features", &["--all-features"], &[]),
    ("few features", &["--no-default-features", "--exclude-dev"], &[]),
    ("one target", &["--target", "x86_64-pc-windows-msvc"], &[]),
    ("published", &["--workspace", "--exclude-unpublished"], &[]),
    ("excluded", &["--workspace", "--exclude", "syn", "--exclude", "serde"], &[]),
    (
        "levels",
        &[],
        &["-D", "warnings", "-W", "duplicate", "-A", "rejected", "-A", "vulnerability"],
    ),
];

/// The policy that finds as much as possible.
const STRICT: &str = "tests/parity/strict.deny.toml";

/// The shared data, known to exist.
pub(crate) struct Shared {
    archive: PathBuf,
    bundle: PathBuf,
}

impl Shared {
    /// Looks in the folder that `SUPERCARGO_SHARED` names, else in `../shared`.
    pub(crate) fn find(root: &Path) -> Option<Self> {
        let named = env::var_os("SUPERCARGO_SHARED").map(PathBuf::from);
        let data = named.unwrap_or_else(|| root.join("../shared")).join("data");
        let shared =
            Self { archive: data.join("corpus.tar.xz"), bundle: data.join("advisory-db.bundle") };
        (shared.archive.is_file() && shared.bundle.is_file()).then_some(shared)
    }

    /// The whole advisory database, as a bundle of git.
    pub(crate) fn bundle(&self) -> Result<PathBuf> {
        fs::canonicalize(&self.bundle).context("could not find the advisory database")
    }

    /// Clones the advisory database into a directory that does not exist yet.
    pub(crate) fn clone_database(&self, directory: &Path) -> Result<()> {
        let above = directory.parent().unwrap_or(directory);
        let bundle = self.bundle()?;
        let (bundle, target) = (bundle.display().to_string(), directory.display().to_string());
        placement::git(above, &["clone", "--quiet", "--branch", "main", &bundle, &target]).map(drop)
    }

    /// The home with the whole advisory database.
    pub(crate) fn home(&self, scratch: &Path) -> Result<Home> {
        Home::create(&scratch.join("home/corpus"), |database| self.clone_database(database))
    }

    /// Unpacks the workspaces into a directory and gives their names.
    pub(crate) fn unpack(&self, directory: &Path) -> Result<Vec<String>> {
        fs::create_dir_all(directory)?;
        commands::output(
            Command::new("tar").arg("-xJf").arg(&self.archive).arg("-C").arg(directory),
        )?;
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

/// Unpacks the workspaces whose name contains `filter` below `scratch`, once for each policy: an editor takes the policy
/// from the workspace.
pub(crate) fn editor_jobs(root: &Path, scratch: &Path, filter: Option<&str>) -> Result<Vec<Job>> {
    let shared = found(root)?;
    let home = shared.home(scratch)?;
    let mut jobs = Vec::new();
    for (policy, directory) in [("own policy", "own"), ("strict policy", "strict")] {
        let above = scratch.join("corpus").join(directory);
        for name in shared.unpack(&above)? {
            let job_name = format!("{name}, {policy}");
            if filter.is_some_and(|filter| !job_name.contains(filter)) {
                continue;
            }
            if directory == "strict" {
                editor::set_policy(&above.join(&name), &root.join(STRICT))?;
            }
            let side =
                || Side { directory: above.join(&name), arguments: vec!["--locked".to_owned()] };
            jobs.push(Job {
                name: job_name,
                home: home.clone(),
                theirs: side(),
                ours: side(),
                checks: Vec::new(),
                check_arguments: Vec::new(),
                fetch: Some(vec!["--locked".to_owned()]),
                claims: None,
                unlocked: None,
            });
        }
    }
    Ok(jobs)
}

fn found(root: &Path) -> Result<Shared> {
    Shared::find(root).context(
        "`--shared` needs `data/corpus.tar.xz` and `data/advisory-db.bundle` in `../shared` (or in $SUPERCARGO_SHARED)",
    )
}

/// Unpacks the workspaces whose name contains `filter` below `scratch`, once for each program.
pub(crate) fn jobs(
    root: &Path,
    scratch: &Path,
    filter: Option<&str>,
    deny_options: bool,
) -> Result<Vec<Job>> {
    let shared = found(root)?;
    let home = shared.home(scratch)?;
    let (theirs, ours) = (scratch.join("corpus/cargo-deny"), scratch.join("corpus/supercargo"));
    let names = shared.unpack(&theirs)?;
    shared.unpack(&ours)?;

    let strict = root.join(STRICT).display().to_string();
    let strict = || vec!["--config".to_owned(), strict.clone()];
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut ways = vec![
        ("own policy".to_owned(), vec![], vec![]),
        ("strict policy".to_owned(), strict(), vec![]),
    ];
    let more = if deny_options { OPTIONS } else { &[] };
    ways.extend(more.iter().map(|(what, program, check)| {
        let program = [strict(), owned(program)].concat();
        (format!("strict policy, {what}"), program, owned(check))
    }));
    let mut jobs = Vec::new();
    for name in names {
        for (policy, arguments, check_arguments) in &ways {
            let job_name = format!("{name}, {policy}");
            if filter.is_some_and(|filter| !job_name.contains(filter)) {
                continue;
            }
            let arguments: Vec<String> =
                std::iter::once("--locked".to_owned()).chain(arguments.clone()).collect();
            let side =
                |above: &Path| Side { directory: above.join(&name), arguments: arguments.clone() };
            jobs.push(Job {
                name: job_name,
                home: home.clone(),
                theirs: side(&theirs),
                ours: side(&ours),
                checks: Vec::new(),
                check_arguments: check_arguments.clone(),
                fetch: Some(vec!["--locked".to_owned()]),
                claims: None,
                unlocked: None,
            });
        }
    }
    Ok(jobs)
}
