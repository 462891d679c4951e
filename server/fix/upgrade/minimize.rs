//! What cargo moves beside a plan. Freed of its old version a package goes to its newest one, which may
//! bring others that nobody needs; most of the time it may stay, or go a small step.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{PackageVersions, LockGraph, UpgradeStep, is_compatible, target::is_from_registry};
use crate::verdict::PackageRef;

/// How often it is looked again whether a smaller step will do, now that others make smaller ones.
const ROUNDS: usize = 8;

/// A package that moved beside the plan.
struct MovedPackage {
    /// As it was locked.
    before: PackageRef,
    /// What cargo has made of it.
    after: PackageRef,
    to: Version,
}

/// What is to be pinned when cargo writes the lock file once more: the packages that moved from
/// `before` to `after` beside the steps of a plan, in the smallest versions that will do. Nothing where
/// cargo has taken those already.
pub(in crate::fix) fn held_back(
    before: &LockGraph,
    after: &LockGraph,
    steps: &[UpgradeStep],
    histories: &PackageVersions,
) -> Vec<UpgradeStep> {
    let mut moved: Vec<_> = before
        .packages()
        .filter(|one| is_from_registry(one) && !after.packages().any(|other| other == *one))
        .filter(|one| !steps.iter().any(|step| step.package == **one))
        .filter_map(|one| MovedPackage::of(one, before, after))
        .collect();
    // What has come may go again, and what it requires with it.
    let came: BTreeSet<_> = after
        .packages()
        .filter(|one| !before.packages().any(|other| other.name == one.name))
        .collect();
    for _ in 0..ROUNDS {
        let chosen: BTreeMap<_, _> =
            moved.iter().map(|one| (one.after.clone(), one.to.clone())).collect();
        let mut changed = false;
        for one in &mut moved {
            let to = [true, false].into_iter().find_map(|all| {
                let counts = |holder: &PackageRef| all || !came.contains(holder);
                smallest(one, after, &chosen, histories, &counts)
            });
            let Some(to) = to else { continue };
            changed |= to < one.to;
            one.to = to.min(one.to.clone());
        }
        if !changed {
            break;
        }
    }
    if moved.iter().all(|one| one.to.to_string() == one.after.version) {
        return Vec::new();
    }
    let pinned = moved.into_iter();
    pinned.map(|one| UpgradeStep { package: one.before, to: one.to, declared: false }).collect()
}

/// How many packages are others or gone.
pub(in crate::fix) fn moves(before: &LockGraph, after: &LockGraph) -> usize {
    before.packages().filter(|one| !after.packages().any(|other| other == *one)).count()
}

impl MovedPackage {
    fn of(package: &PackageRef, before: &LockGraph, after: &LockGraph) -> Option<Self> {
        let locked = Version::parse(&package.version).ok()?;
        let is_new = |one: &&PackageRef| {
            one.name == package.name
                && one.source == package.source
                && !before.packages().any(|other| other == *one)
        };
        let mut new = after.packages().filter(is_new).filter_map(|one| {
            let version = Version::parse(&one.version).ok()?;
            (version > locked && is_compatible(&locked, &version)).then(|| (one.clone(), version))
        });
        let (after, to) = new.next()?;
        Some(Self { before: package.clone(), after, to })
    }
}

/// The smallest version from the locked one on that all who require the package and `counts` admit, in
/// the versions that were chosen for them; `None` where that cannot be told.
fn smallest(
    one: &MovedPackage,
    after: &LockGraph,
    chosen: &BTreeMap<PackageRef, Version>,
    histories: &PackageVersions,
    counts: &dyn Fn(&PackageRef) -> bool,
) -> Option<Version> {
    let locked = Version::parse(&one.before.version).ok()?;
    let newest = Version::parse(&one.after.version).ok()?;
    let history = histories.history(&one.after)?;
    let line: Vec<_> = history
        .iter()
        .filter(|release| release.version >= locked && release.version <= newest)
        .filter(|release| {
            !release.yanked && release.version.pre.is_empty() || release.version == locked
        })
        .map(|release| &release.version)
        .collect();
    let mut requirements = Vec::new();
    for holder in after.holders(&one.after) {
        // What a manifest of the workspace admits begins at the locked version or before.
        if !is_from_registry(holder) || !counts(holder) {
            continue;
        }
        let version = match chosen.get(holder) {
            Some(version) => version.clone(),
            None => Version::parse(&holder.version).ok()?,
        };
        let release = histories.release(holder, &version)?;
        let stated = release.requires.iter().filter(|required| required.package == one.after.name);
        let stated = stated.filter_map(|required| VersionReq::parse(&required.requirement).ok());
        // It may be required in two lines, of which this is one.
        requirements.extend(
            stated.filter(|requirement| line.iter().any(|version| requirement.matches(version))),
        );
    }
    let admitted = |version: &&Version| {
        requirements.iter().all(|requirement: &VersionReq| requirement.matches(version))
    };
    line.into_iter().filter(|version| **version <= one.to).find(admitted).cloned()
}
