//! What cargo moves beside a plan. Freed of its old version a package goes to its newest one, which may
//! bring others that nobody needs; most of the time it may stay, or go a small step.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};

use super::{Histories, Locked, Step, is_compatible, target::is_from_registry};
use crate::verdict::PackageRef;

/// How often it is looked again whether a smaller step will do, now that others make smaller ones.
const ROUNDS: usize = 8;

/// A package that moved beside the plan.
struct Beside {
    /// As it was locked.
    before: PackageRef,
    /// What cargo has made of it.
    after: PackageRef,
    to: Version,
}

/// What is to be held back when cargo writes the lock file once more: the packages that moved from
/// `before` to `after` beside the steps of a plan, and the smallest versions that will do.
pub(in crate::fix) fn held_back(
    before: &Locked,
    after: &Locked,
    steps: &[Step],
    histories: &Histories,
) -> Vec<Step> {
    let mut moved: Vec<_> = before
        .packages()
        .filter(|one| is_from_registry(one) && !after.packages().any(|other| other == *one))
        .filter(|one| !steps.iter().any(|step| step.package == **one))
        .filter_map(|one| Beside::of(one, before, after))
        .collect();
    for _ in 0..ROUNDS {
        let chosen: BTreeMap<_, _> =
            moved.iter().map(|one| (one.after.clone(), one.to.clone())).collect();
        let mut changed = false;
        for one in &mut moved {
            let Some(to) = smallest(one, after, &chosen, histories) else { continue };
            changed |= to < one.to;
            one.to = to.min(one.to.clone());
        }
        if !changed {
            break;
        }
    }
    let is_held = |one: &Beside| one.to.to_string() != one.after.version;
    let held = moved.into_iter().filter(is_held);
    held.map(|one| Step { package: one.before, to: one.to, declared: false }).collect()
}

/// How many packages are others or gone.
pub(in crate::fix) fn moves(before: &Locked, after: &Locked) -> usize {
    before.packages().filter(|one| !after.packages().any(|other| other == *one)).count()
}

impl Beside {
    fn of(package: &PackageRef, before: &Locked, after: &Locked) -> Option<Self> {
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

/// The smallest version from the locked one on that all who require the package admit, in the versions
/// that were chosen for them; `None` where that cannot be told.
fn smallest(
    one: &Beside,
    after: &Locked,
    chosen: &BTreeMap<PackageRef, Version>,
    histories: &Histories,
) -> Option<Version> {
    let mut requirements = Vec::new();
    for holder in after.holders(&one.after) {
        // What a manifest of the workspace admits begins at the locked version or before.
        if !is_from_registry(holder) {
            continue;
        }
        let version = match chosen.get(holder) {
            Some(version) => version.clone(),
            None => Version::parse(&holder.version).ok()?,
        };
        let release = histories.release(holder, &version)?;
        let stated = release.requires.iter().filter(|required| required.package == one.after.name);
        // It may be required in two lines, of which this is one.
        let stated = stated.filter_map(|required| VersionReq::parse(&required.requirement).ok());
        requirements.extend(stated.filter(|requirement| requirement.matches(&one.to)));
    }
    let locked = Version::parse(&one.before.version).ok()?;
    let history = histories.history(&one.after)?;
    let candidates = history.iter().filter(|release| {
        (!release.yanked || release.version == locked)
            && (release.version.pre.is_empty() || release.version == locked)
            && release.version >= locked
            && release.version <= one.to
            && requirements.iter().all(|requirement| requirement.matches(&release.version))
    });
    candidates.map(|release| release.version.clone()).min()
}
