//! Minimizes the moves outside of a plan. cargo moves a package that it has to change to the newest
//! version, which may bring further packages. Usually it can stay, or make a smaller step.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{LockGraph, PackageVersions, UpgradeStep, is_compatible, target::is_from_registry};
use crate::verdict::PackageRef;

/// How often smaller steps are searched: each round may allow further ones.
const MAX_ROUNDS: usize = 8;

/// A package that moved although it is not in the plan.
struct MovedPackage {
    /// The locked package.
    before: PackageRef,
    /// The package that cargo selected.
    after: PackageRef,
    to: Version,
}

/// The pins for the next lockfile: the packages outside of `steps` that moved from `before` to `after`, each
/// in the smallest version that its dependents accept. Empty if cargo has selected those already.
pub(in crate::fix) fn pins_for_smaller_moves(
    before: &LockGraph,
    after: &LockGraph,
    steps: &[UpgradeStep],
    versions_of: &PackageVersions,
) -> Vec<UpgradeStep> {
    let mut moved: Vec<_> = before
        .packages()
        .filter(|one| is_from_registry(one) && !after.packages().any(|other| other == *one))
        .filter(|one| !steps.iter().any(|step| step.package == **one))
        .filter_map(|one| MovedPackage::of(one, before, after))
        .collect();
    // A new package may not be needed any more, so its requirements count less.
    let added: BTreeSet<_> = after
        .packages()
        .filter(|one| !before.packages().any(|other| other.name == one.name))
        .collect();
    for _ in 0..MAX_ROUNDS {
        let chosen: BTreeMap<_, _> =
            moved.iter().map(|one| (one.after.clone(), one.to.clone())).collect();
        let mut changed = false;
        for one in &mut moved {
            let to = [true, false].into_iter().find_map(|all| {
                let counts = |dependent: &PackageRef| all || !added.contains(dependent);
                smallest(one, after, &chosen, versions_of, &counts)
            });
            let Some(to) = to else { continue };
            changed |= to < one.to;
            one.to = to.min(one.to.clone());
        }
        if !changed {
            break;
        }
    }
    if moved.iter().all(|one| one.to == one.after.version) {
        return Vec::new();
    }
    let pinned = moved.into_iter();
    pinned.map(|one| UpgradeStep { package: one.before, to: one.to, is_direct: false }).collect()
}

/// How many packages were replaced or removed.
pub(in crate::fix) fn moved_count(before: &LockGraph, after: &LockGraph) -> usize {
    before.packages().filter(|one| !after.packages().any(|other| other == *one)).count()
}

impl MovedPackage {
    fn of(package: &PackageRef, before: &LockGraph, after: &LockGraph) -> Option<Self> {
        let locked = &package.version;
        let is_new = |one: &&PackageRef| {
            one.name == package.name
                && one.source == package.source
                && !before.packages().any(|other| other == *one)
        };
        let mut new = after.packages().filter(is_new);
        let after =
            new.find(|one| one.version > *locked && is_compatible(locked, &one.version))?.clone();
        let to = after.version.clone();
        Some(Self { before: package.clone(), after, to })
    }
}

/// The smallest version, not older than the locked one, that all dependents for which `counts` is true
/// accept in their chosen versions. `None` if that is unknown.
fn smallest(
    one: &MovedPackage,
    after: &LockGraph,
    chosen: &BTreeMap<PackageRef, Version>,
    versions_of: &PackageVersions,
    counts: &dyn Fn(&PackageRef) -> bool,
) -> Option<Version> {
    let (locked, newest) = (&one.before.version, &one.after.version);
    let history = versions_of.history(&one.after)?;
    let candidates: Vec<_> = history
        .iter()
        .filter(|release| release.version >= *locked && release.version <= *newest)
        .filter(|release| {
            !release.yanked && release.version.pre.is_empty() || release.version == *locked
        })
        .map(|release| &release.version)
        .collect();
    let mut requirements = Vec::new();
    for dependent in after.dependents(&one.after) {
        // A manifest of the workspace accepts the locked version.
        if !is_from_registry(dependent) || !counts(dependent) {
            continue;
        }
        let version = match chosen.get(dependent) {
            Some(version) => version.clone(),
            None => dependent.version.clone(),
        };
        let release = versions_of.release(dependent, &version)?;
        let required =
            release.requires.iter().filter(|required| required.package == one.after.name);
        let parsed = required.filter_map(|required| VersionReq::parse(&required.requirement).ok());
        // The dependent may require the package in two semver ranges, of which this is one.
        requirements.extend(
            parsed.filter(|requirement| {
                candidates.iter().any(|version| requirement.matches(version))
            }),
        );
    }
    let accepted = |version: &&Version| {
        requirements.iter().all(|requirement: &VersionReq| requirement.matches(version))
    };
    candidates.into_iter().filter(|version| **version <= one.to).find(accepted).cloned()
}
