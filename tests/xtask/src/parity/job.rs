//! One comparison: a workspace, a home, arguments, and the two programs run on it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::case::Claims;
use super::corpus;
use super::home::Home;
use super::outcome::Outcome;
use super::placement::Placeholders;
use super::{compare, ours, own, theirs};
use crate::commands;

pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) home: Home,
    pub(crate) theirs: Side,
    pub(crate) ours: Side,
    pub(crate) checks: Vec<String>,
    /// Arguments behind cargo-deny's `check`, for both programs.
    pub(crate) check_arguments: Vec<String>,
    /// Arguments for `cargo fetch`; `None` when it is not to be run.
    pub(crate) fetch: Option<Vec<String>>,
    pub(crate) claims: Option<Claims>,
    /// What is needed to add a lock file to an own case that has none.
    pub(crate) unlocked: Option<Unlocked>,
}

/// An own case without a lock file.
pub(crate) struct Unlocked {
    pub(crate) file: PathBuf,
    pub(crate) placeholders: Placeholders,
}

/// Where one of the programs runs, and with which arguments.
pub(crate) struct Side {
    pub(crate) directory: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// What a job yielded.
pub(crate) struct Run {
    pub(crate) name: String,
    /// Why a program could not be run, or its output not be read.
    failure: Option<String>,
    pub(crate) claims: Option<Claims>,
    pub(crate) theirs: Outcome,
    /// `None` when cargo-deny ran alone.
    pub(crate) ours: Option<Outcome>,
}

impl Job {
    /// Runs cargo-deny, and supercargo unless it is left out.
    pub(crate) fn run(&self, cargo_deny: &Path, supercargo: Option<&Path>, fetch: bool) -> Run {
        let mut run = Run {
            name: self.name.clone(),
            failure: None,
            claims: self.claims.clone(),
            theirs: Outcome::default(),
            ours: supercargo.map(|_| Outcome::default()),
        };
        if let Err(error) = self.fill(&mut run, cargo_deny, supercargo, fetch) {
            run.failure = Some(format!("{error:#}"));
        }
        run
    }

    fn fill(
        &self,
        run: &mut Run,
        cargo_deny: &Path,
        supercargo: Option<&Path>,
        fetch: bool,
    ) -> Result<()> {
        if fetch {
            self.fetch(&self.theirs)?;
        }
        run.theirs = theirs::run(cargo_deny, self)?;

        if let Some(binary) = supercargo {
            if fetch && self.ours.directory != self.theirs.directory {
                self.fetch(&self.ours)?;
            }
            run.ours = Some(ours::run(binary, self)?);
        }
        Ok(())
    }

    /// Brings what the workspace needs into the shared cargo home, with a second try: networks fail.
    pub(crate) fn fetch(&self, side: &Side) -> Result<()> {
        let Some(arguments) = &self.fetch else { return Ok(()) };
        let mut command = self.home.command("cargo");
        command.current_dir(&side.directory).arg("fetch").args(arguments);
        if let Some(at) = side.arguments.iter().position(|argument| argument == "--manifest-path") {
            command.args(&side.arguments[at..=at + 1]);
        }
        commands::output(&mut command).or_else(|_| commands::output(&mut command)).map(drop)
    }
}

impl Run {
    /// Changes one finding of ours, and says which; `None` when there is none to change.
    pub(crate) fn alter_one_finding(&mut self) -> Option<String> {
        let finding = self.ours.as_mut()?.findings.first_mut()?;
        let before = finding.to_string();
        let other = if finding.severity == "error" { "warning" } else { "error" };
        other.clone_into(&mut finding.severity);
        Some(format!("{}: `{before}` became `{finding}`", self.name))
    }

    /// Everything that is not as it should be, one sentence each.
    pub(crate) fn problems(&self) -> Vec<String> {
        if let Some(failure) = &self.failure {
            return vec![failure.clone()];
        }
        let mut problems =
            self.claims.as_ref().map_or_else(Vec::new, |claims| claims.broken_by(&self.theirs));
        if let Some(ours) = &self.ours {
            problems.extend(compare::differences(&self.theirs, ours));
        }
        problems
    }
}

/// The workspaces in a directory: the directory itself when it has a manifest, else the nearest ones below it.
///
/// They are checked in place, because their path dependencies may lie anywhere, so cargo must not touch a lock file that
/// exists.
pub(crate) fn below(root: &Path, scratch: &Path, directory: &Path) -> Result<Vec<Job>> {
    let home = match corpus::Shared::find(root) {
        Some(shared) => shared.home(scratch)?,
        None => own::home(root, scratch)?,
    };
    let directory = std::path::absolute(directory)?;
    let mut workspaces = Vec::new();
    find_manifests(&directory, &mut workspaces)?;
    if workspaces.is_empty() {
        bail!("there is no Cargo.toml in {}", directory.display());
    }

    let job = |workspace: PathBuf| {
        let locked: Vec<String> = workspace
            .join("Cargo.lock")
            .exists()
            .then(|| "--locked".to_owned())
            .into_iter()
            .collect();
        let side = || Side { directory: workspace.clone(), arguments: locked.clone() };
        Job {
            name: workspace.display().to_string(),
            home: home.clone(),
            theirs: side(),
            ours: side(),
            checks: Vec::new(),
            check_arguments: Vec::new(),
            fetch: Some(locked.clone()),
            claims: None,
            unlocked: None,
        }
    };
    Ok(workspaces.into_iter().map(job).collect())
}

fn find_manifests(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if directory.join("Cargo.toml").is_file() {
        found.push(directory.to_owned());
        return Ok(());
    }
    let mut below = Vec::new();
    for entry in fs::read_dir(directory)
        .with_context(|| format!("could not read {}", directory.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
            below.push(entry.path());
        }
    }
    below.sort();
    below.iter().try_for_each(|directory| find_manifests(directory, found))
}
