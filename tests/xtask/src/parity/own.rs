//! The cases under `tests/parity/cases`, and the small advisory database that they are checked with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::case::Case;
use super::home::Home;
use super::job::{Job, Side, Unlocked};
use super::placement::{self, Placeholders};

/// The advisories that all tests share, and those that only the cases need.
const ADVISORIES: &[&str] = &["tests/fixtures/advisory-db", "tests/parity/advisories"];

/// Writes the cases whose name contains `filter` below `scratch`.
pub(crate) fn jobs(root: &Path, scratch: &Path, filter: Option<&str>) -> Result<Vec<Job>> {
    let home = home(root, scratch)?;
    let directory = root.join("tests/parity/cases");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "case") {
            paths.push(path);
        }
    }
    paths.sort();

    let mut jobs = Vec::new();
    for path in paths {
        let case = Case::read(&path)?;
        if filter.is_none_or(|filter| case.name.contains(filter)) {
            jobs.push(job(case, &home, scratch).with_context(|| path.display().to_string())?);
        }
    }
    Ok(jobs)
}

/// The home of the own cases.
pub(crate) fn home(root: &Path, scratch: &Path) -> Result<Home> {
    Home::create(&scratch.join("home/own"), |database| {
        for source in ADVISORIES {
            copy(&root.join(source), database)?;
        }
        if !database.join("crates").is_dir() {
            bail!("neither {} has advisories", ADVISORIES.join(" nor "));
        }
        placement::git(database, &["init", "--quiet", "--initial-branch", "main"])?;
        placement::git(database, &["add", "--all", "--force"])?;
        placement::git(database, &["commit", "--quiet", "--message", "advisories of the tests"])?;
        Ok(())
    })
}

fn job(case: Case, home: &Home, scratch: &Path) -> Result<Job> {
    let placeholders = Placeholders::create(&case, &scratch.join("git").join(&case.name))?;
    let side = |who: &str| -> Result<Side> {
        let here = scratch.join(who).join(&case.name);
        placeholders.write_workspace(&case, &here)?;
        let arguments =
            case.arguments.iter().map(|argument| placeholders.fill_in(argument, &here)).collect();
        Ok(Side { directory: here.join(&case.cwd), arguments })
    };

    let (theirs, ours) = (side("cargo-deny")?, side("supercargo")?);
    Ok(Job {
        theirs,
        ours,
        unlocked: (!case.has_lock()).then_some(Unlocked { file: case.path, placeholders }),
        name: case.name,
        home: home.clone(),
        checks: case.checks,
        check_arguments: case.check_arguments,
        fetch: case.fetch,
        claims: Some(case.claims),
    })
}

/// Copies what is in a directory, which may be absent, into another one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
