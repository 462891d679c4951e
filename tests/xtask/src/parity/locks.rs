//! `cargo xtask parity --add-locks`: a lock file for every own case that needs one.
//!
//! A case with crates of a registry must say their versions, or its verdict would change with the registry.

use std::fs::{self, OpenOptions};
use std::io::Write;

use anyhow::{Context as _, Result};

use super::job::Job;

/// Resolves the workspaces and appends the lock files that name a registry to their case files.
pub(crate) fn add(jobs: &[Job]) -> Result<()> {
    for job in jobs {
        let Some(case) = &job.unlocked else { continue };
        job.fetch(&job.theirs).with_context(|| job.name.clone())?;
        let Ok(lock) = fs::read_to_string(job.theirs.directory.join("Cargo.lock")) else {
            continue;
        };
        if !lock.contains("source = \"registry+") {
            continue;
        }
        let mut file = OpenOptions::new().append(true).open(&case.file)?;
        write!(file, "#- Cargo.lock\n{}", case.placeholders.take_out(&lock))?;
        println!("{}: lock file added", job.name);
    }
    Ok(())
}
