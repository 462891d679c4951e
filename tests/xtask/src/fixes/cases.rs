//! One package at a time: how many lock entries each way moves to clear what is found about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Bench, State};
use crate::commands;

/// A way to clear one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Single {
    Fix,
    Update,
    AuditFix,
}

pub(super) const SINGLES: [Single; 3] = [Single::Fix, Single::Update, Single::AuditFix];

/// A package with errors.
pub(super) struct Case {
    /// `name@version`.
    pub(super) package: String,
    /// How many lock entries moved, by the ways that clear all its errors.
    pub(super) moved: BTreeMap<Single, usize>,
}

impl Case {
    /// Whether ours clears it with no more moves than any other way that does.
    pub(super) fn is_smallest(&self) -> bool {
        let others = [Single::Update, Single::AuditFix];
        let least = others.iter().filter_map(|way| self.moved.get(way)).min();
        least.is_none_or(|least| self.moved.get(&Single::Fix).is_some_and(|ours| ours <= least))
    }
}

impl Bench {
    /// Every package with errors, alone.
    pub(super) fn cases(&self, original: &Path, name: &str, before: &State) -> Result<Vec<Case>> {
        let packages: BTreeSet<&str> =
            before.errors.iter().map(|error| package_of(error)).collect();
        let mut cases = Vec::new();
        for package in packages {
            let mut moved = BTreeMap::new();
            for way in SINGLES {
                let copy = self.scratch.join(format!("{way:?}-{package}")).join(name);
                self.copy(original, &copy)?;
                let outcome = self.single(way, &copy, package, before);
                let state = outcome.and_then(|done| done.then(|| self.state(&copy)).transpose());
                fs::remove_dir_all(&copy)?;
                let Ok(Some(state)) = state else { continue };
                if !is_cleared(package, before, &state) {
                    continue;
                }
                moved.insert(way, before.entries.difference(&state.entries).count());
            }
            eprintln!("{name}, {package}: {moved:?}");
            cases.push(Case { package: package.to_owned(), moved });
        }
        Ok(cases)
    }

    /// `false` where the way cannot be gone on this machine.
    fn single(&self, way: Single, folder: &Path, package: &str, before: &State) -> Result<bool> {
        let mut command = match way {
            Single::Fix => {
                let mut command = self.home.command(&self.supercargo);
                command.args(["fix", "--only", "advisories", "--format", "json", "--config"]);
                command.arg(&self.policy).args(["--package", package]);
                // It fails where something else stays.
                commands::capture(command.current_dir(folder))?;
                return Ok(true);
            }
            Single::Update => {
                let mut command = self.home.command("cargo");
                command.args(["update", "-p", package]);
                command
            }
            Single::AuditFix => {
                let Some(cargo_audit) = &self.cargo_audit else { return Ok(false) };
                let mut command: Command = self.home.command(cargo_audit);
                command.args(["audit", "--no-fetch", "--stale", "--db"]);
                command.arg(self.home.database());
                for error in before.errors.iter().filter(|error| package_of(error) != package) {
                    let ids = error.split(' ').filter(|word| word.starts_with("RUSTSEC-"));
                    ids.for_each(|id| {
                        command.args(["--ignore", id]);
                    });
                }
                command.arg("fix");
                commands::capture(command.current_dir(folder))?;
                return Ok(true);
            }
        };
        commands::output(command.current_dir(folder)).map(|_| true)
    }
}

/// The package of an error in the form of [`State::errors`].
fn package_of(error: &str) -> &str {
    error.split(' ').next_back().unwrap_or(error)
}

/// Whether what was found about a package is found of no version of it any more that came for it.
fn is_cleared(package: &str, before: &State, after: &State) -> bool {
    let matter = |error: &str| {
        let (what, of) = error.rsplit_once(' ')?;
        Some(format!("{what} {}", of.split('@').next()?))
    };
    let of_it = before.errors.iter().filter(|error| package_of(error) == package);
    let matters: BTreeSet<_> = of_it.filter_map(|error| matter(error)).collect();
    let others: BTreeSet<&String> =
        before.errors.iter().filter(|error| package_of(error) != package).collect();
    let mut left = after.errors.iter().filter(|error| !others.contains(error));
    !left.any(|error| matter(error).is_some_and(|matter| matters.contains(&matter)))
}
