//! One package at a time: how many lock entries each method moves to clear its errors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Bench, State};
use crate::commands;

/// A method to fix one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PackageMethod {
    Fix,
    Update,
    AuditFix,
}

pub(super) const PACKAGE_METHODS: [PackageMethod; 3] =
    [PackageMethod::Fix, PackageMethod::Update, PackageMethod::AuditFix];

/// A package with errors.
pub(super) struct PackageResult {
    /// `name@version`.
    pub(super) package: String,
    /// How many lock entries moved, for each method that clears all its errors.
    pub(super) moved: BTreeMap<PackageMethod, usize>,
}

impl PackageResult {
    /// Whether `fix` clears it and moves no more than any other method that clears it.
    pub(super) fn is_smallest(&self) -> bool {
        let others = [PackageMethod::Update, PackageMethod::AuditFix];
        let least = others.iter().filter_map(|method| self.moved.get(method)).min();
        least.is_none_or(|least| {
            self.moved.get(&PackageMethod::Fix).is_some_and(|ours| ours <= least)
        })
    }
}

impl Bench {
    /// Fixes every package with errors separately.
    pub(super) fn package_results(
        &self,
        original: &Path,
        name: &str,
        before: &State,
    ) -> Result<Vec<PackageResult>> {
        let packages: BTreeSet<&str> =
            before.errors.iter().map(|error| package_of(error)).collect();
        let mut package_results = Vec::new();
        for package in packages {
            let mut moved = BTreeMap::new();
            for method in PACKAGE_METHODS {
                let copy = self.scratch.join(format!("{method:?}-{package}")).join(name);
                self.copy(original, &copy)?;
                let outcome = self.apply_to_package(method, &copy, package, before);
                let state = outcome.and_then(|done| done.then(|| self.state(&copy)).transpose());
                fs::remove_dir_all(&copy)?;
                let Ok(Some(state)) = state else { continue };
                if !is_cleared(package, before, &state) {
                    continue;
                }
                moved.insert(method, before.entries.difference(&state.entries).count());
            }
            eprintln!("{name}, {package}: {moved:?}");
            package_results.push(PackageResult { package: package.to_owned(), moved });
        }
        Ok(package_results)
    }

    /// Applies one method; `false` if its tool is not installed.
    fn apply_to_package(
        &self,
        method: PackageMethod,
        folder: &Path,
        package: &str,
        before: &State,
    ) -> Result<bool> {
        let mut command = match method {
            PackageMethod::Fix => {
                let mut command = self.home.command(&self.supercargo);
                command.args(["fix", "--only", "advisories", "--format", "json", "--config"]);
                command.arg(&self.policy).args(["--package", package]);
                // It exits with an error if another package has errors.
                commands::capture(command.current_dir(folder))?;
                return Ok(true);
            }
            PackageMethod::Update => {
                let mut command = self.home.command("cargo");
                command.args(["update", "-p", package]);
                command
            }
            PackageMethod::AuditFix => {
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

/// Whether no new version of a package has the errors that it had before.
fn is_cleared(package: &str, before: &State, after: &State) -> bool {
    let identity = |error: &str| {
        let (what, of) = error.rsplit_once(' ')?;
        Some(format!("{what} {}", of.split('@').next()?))
    };
    let of_it = before.errors.iter().filter(|error| package_of(error) == package);
    let identities: BTreeSet<_> = of_it.filter_map(|error| identity(error)).collect();
    let others: BTreeSet<&String> =
        before.errors.iter().filter(|error| package_of(error) != package).collect();
    let mut left = after.errors.iter().filter(|error| !others.contains(error));
    !left.any(|error| identity(error).is_some_and(|identity| identities.contains(&identity)))
}
