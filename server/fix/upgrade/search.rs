//! Which packages have to move so that one of them can: found in cargo's index, upwards from a
//! package through what requires it, until a manifest of the workspace does.
//!
//! Upwards: of each package that holds another one back, the later versions that admit what is
//! allowed of that one, or do without it. Where none does, its own parents have to do without it.
//! Downwards: of what is allowed one version each, and of these only those are pinned that cargo
//! would leave where they are. What cargo makes of it is another matter: this only spares it the
//! versions that cannot be.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{
    PackageVersions, LockGraph, is_compatible,
    locked::is_same,
    target::is_from_registry,
    words::{self, Blocker},
};
use crate::verdict::{PackageRef, Release};

/// How far upwards is looked.
const LEVELS: usize = 24;

/// How many packages may have to move.
const PACKAGES: usize = 300;

/// Which of the allowed versions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum VersionPick {
    Smallest,
    /// Of those that are compatible with the locked one, where there are any.
    Newest,
}

/// A package that is pinned to another version while cargo writes the lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct UpgradeStep {
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) to: Version,
    /// A manifest of the workspace requires it.
    pub(in crate::fix) declared: bool,
}

/// What has to move, from the manifests downwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct UpgradePlan {
    pub(in crate::fix) steps: Vec<UpgradeStep>,
}

impl UpgradeStep {
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        let locked = Version::parse(&self.package.version);
        !locked.is_ok_and(|locked| is_compatible(&locked, &self.to))
    }
}

impl UpgradePlan {
    /// Whether a package that the workspace's own code uses changes in ways that cargo does not
    /// take for compatible.
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        self.steps.iter().any(|step| step.declared && step.is_breaking())
    }
}

/// What is looked through.
pub(in crate::fix) struct UpgradeSearch<'s> {
    pub(in crate::fix) locked: &'s LockGraph,
    pub(in crate::fix) histories: &'s PackageVersions,
    /// What manifests of the workspace require.
    pub(in crate::fix) declared: &'s BTreeSet<PackageRef>,
    /// Whether what they require may move to versions that are not compatible.
    pub(in crate::fix) breaking: bool,
    /// Whether what a version requires with a feature only may be taken for not required, where the
    /// locked version requires it in any case.
    pub(in crate::fix) lenient: bool,
}

/// The packages that have to move, each with the versions that will do.
type MovingPackages = BTreeMap<PackageRef, Vec<Version>>;

impl UpgradeSearch<'_> {
    /// What has to move so that `package` is gone or one of the `allowed` versions.
    ///
    /// # Errors
    ///
    /// Who is in the way, a sentence without its end.
    pub(in crate::fix) fn plan(
        &self,
        package: &PackageRef,
        allowed: &[Version],
        pick: VersionPick,
    ) -> Result<UpgradePlan, String> {
        let strict = self.plan_at_once(package, allowed, pick);
        strict.or_else(|reason| {
            let lenient = UpgradeSearch { lenient: true, ..*self };
            lenient.plan_at_once(package, allowed, pick).map_err(|_| reason)
        })
    }

    fn plan_at_once(
        &self,
        package: &PackageRef,
        allowed: &[Version],
        pick: VersionPick,
    ) -> Result<UpgradePlan, String> {
        let mut moving = MovingPackages::new();
        moving.insert(package.clone(), self.permitted(package, allowed.to_vec()));
        self.upwards(&mut moving);
        let stuck = |(package, versions): (&PackageRef, &Vec<Version>)| {
            versions.is_empty() && self.declared.contains(package)
        };
        if moving.iter().any(stuck) {
            return Err(self.reason(package, allowed, &moving));
        }
        let mut steps = self.downwards(package, &moving, pick);
        if self.breaking {
            let siblings = self.siblings(&steps);
            steps.extend(siblings);
        }
        Ok(UpgradePlan { steps })
    }

    /// What the workspace's manifests may be changed to.
    fn permitted(&self, package: &PackageRef, mut versions: Vec<Version>) -> Vec<Version> {
        if !self.breaking && self.declared.contains(package) {
            let locked = Version::parse(&package.version);
            versions.retain(|to| locked.as_ref().is_ok_and(|locked| is_compatible(locked, to)));
        }
        versions
    }

    fn upwards(&self, moving: &mut MovingPackages) {
        for _ in 0..LEVELS {
            let mut changed = false;
            for holder in self.locked.packages() {
                let Some(versions) = self.versions_for(holder, moving) else { continue };
                if moving.get(holder) != Some(&versions) && moving.len() < PACKAGES {
                    moving.insert(holder.clone(), versions);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The later versions of a package that get along with what moves; `None` where it may stay, or
    /// nothing is known of it.
    fn versions_for(&self, holder: &PackageRef, moving: &MovingPackages) -> Option<Vec<Version>> {
        if !is_from_registry(holder) {
            return None;
        }
        let below = self.below(holder, moving);
        if below.is_empty() {
            return None;
        }
        let history = self.histories.history(holder)?;
        let locked = Version::parse(&holder.version).ok()?;
        let current = history.iter().find(|release| release.version == locked)?;
        let gets_along = |release: &Release| {
            below.iter().all(|(package, allowed)| self.admits(release, current, package, allowed))
        };
        if !moving.contains_key(holder) && gets_along(current) {
            return None;
        }
        // What was ruled out before stays so.
        let before = moving.get(holder);
        let versions = history
            .iter()
            .filter(|release| release.version > locked && !release.yanked)
            .filter(|release| release.version.pre.is_empty() || !locked.pre.is_empty())
            .filter(|release| {
                before.is_none_or(|before| before.contains(&release.version)) && gets_along(release)
            })
            .map(|release| release.version.clone());
        Some(self.permitted(holder, versions.collect()))
    }

    /// Of what moves, what `holder` depends on.
    fn below<'m>(
        &self,
        holder: &PackageRef,
        moving: &'m MovingPackages,
    ) -> Vec<(&'m PackageRef, &'m Vec<Version>)> {
        let all = moving.iter().filter(|(package, _)| *package != holder);
        all.filter(|(package, _)| self.locked.depends(holder).any(|one| is_same(one, package)))
            .collect()
    }

    fn downwards(&self, target: &PackageRef, moving: &MovingPackages, pick: VersionPick) -> Vec<UpgradeStep> {
        // What becomes of each: a version, or whatever cargo makes of it.
        let mut chosen: BTreeMap<&PackageRef, Option<Version>> = BTreeMap::new();
        let mut steps = Vec::new();
        while chosen.len() < moving.len() {
            let is_next = |package: &PackageRef| {
                !chosen.contains_key(package)
                    && self.locked.holders(package).all(|holder| {
                        holder == package
                            || !moving.contains_key(holder)
                            || chosen.contains_key(holder)
                    })
            };
            // In a circle any one is the next.
            let next = moving.keys().find(|package| is_next(package));
            let next = next.or_else(|| moving.keys().find(|one| !chosen.contains_key(one)));
            let Some(package) = next else { break };
            let step = self.step(package, moving, &chosen, pick);
            let is_kept = |step: &UpgradeStep| {
                step.declared || step.package == *target || {
                    self.could_stay(&step.package, &chosen)
                }
            };
            let step = step.filter(is_kept);
            chosen.insert(package, step.as_ref().map(|step| step.to.clone()));
            steps.extend(step);
        }
        steps
    }

    /// What the workspace requires beside a package that moves, and shares with it: where that takes
    /// another line of it now, the workspace is to follow, or there would be two of it.
    fn siblings(&self, steps: &[UpgradeStep]) -> Vec<UpgradeStep> {
        let mut siblings: Vec<UpgradeStep> = Vec::new();
        for step in steps.iter().filter(|step| step.declared) {
            let Some(release) = self.histories.release(&step.package, &step.to) else { continue };
            for shared in self.declared.iter().filter(|one| is_from_registry(one)) {
                let known = |one: &UpgradeStep| one.package == *shared;
                if steps.iter().chain(&siblings).any(known)
                    || !self.locked.depends(&step.package).any(|one| is_same(one, shared))
                {
                    continue;
                }
                let wanted = release.requires.iter().find(|one| one.package == shared.name);
                let wanted = wanted.and_then(|one| VersionReq::parse(&one.requirement).ok());
                let (Some(wanted), Ok(locked)) = (wanted, Version::parse(&shared.version)) else {
                    continue;
                };
                let history = self.histories.history(shared).unwrap_or_default();
                let mut fitting = history.iter().rev().filter(|one| !one.yanked);
                let fits = |one: &&Release| one.version > locked && wanted.matches(&one.version);
                if wanted.matches(&locked) {
                    continue;
                }
                siblings.extend(fitting.find(fits).map(|one| UpgradeStep {
                    package: shared.clone(),
                    to: one.version.clone(),
                    declared: true,
                }));
            }
        }
        siblings
    }

    /// The version that a package is pinned to; `None` where what holds it does without it or
    /// leaves no common choice.
    fn step(
        &self,
        package: &PackageRef,
        moving: &MovingPackages,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
        pick: VersionPick,
    ) -> Option<UpgradeStep> {
        let declared = self.declared.contains(package);
        let requirements = self.requirements(package, chosen);
        if requirements.is_empty() && !declared && !self.is_held_unseen(package) {
            return None;
        }
        let fits = |version: &&Version| requirements.iter().all(|one| one.matches(version));
        let mut fitting: Vec<&Version> = moving.get(package)?.iter().filter(fits).collect();
        if fitting.is_empty() && declared {
            fitting = moving.get(package)?.iter().collect();
        }
        let newer_rust = |version: &Version| self.histories.newer_rust(package, version);
        fitting.sort_by_cached_key(|version| (newer_rust(version), (*version).clone()));
        let locked = Version::parse(&package.version).ok()?;
        let to = match pick {
            VersionPick::Smallest => fitting.first(),
            VersionPick::Newest => {
                let compatible = fitting.iter().rfind(|to| is_compatible(&locked, to));
                compatible.or_else(|| fitting.last())
            }
        };
        let to = (*to?).clone();
        Some(UpgradeStep { package: package.clone(), to, declared })
    }

    /// Whether what holds a package would still have the locked version.
    fn could_stay(
        &self,
        package: &PackageRef,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
    ) -> bool {
        let Ok(locked) = Version::parse(&package.version) else { return false };
        self.requirements(package, chosen).iter().any(|one| one.matches(&locked))
    }

    /// Whether something requires it of which no index tells what it requires.
    fn is_held_unseen(&self, package: &PackageRef) -> bool {
        let mut holders = self.locked.holders(package);
        holders.any(|holder| !is_from_registry(holder) || self.histories.history(holder).is_none())
    }

    /// What the packages that hold this one require of it, in the versions that were chosen.
    fn requirements(
        &self,
        package: &PackageRef,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
    ) -> Vec<VersionReq> {
        let mut all = Vec::new();
        for holder in self.locked.holders(package).filter(|holder| is_from_registry(holder)) {
            let version = match chosen.get(holder) {
                Some(Some(version)) => version.clone(),
                // Nobody knows yet.
                Some(None) => continue,
                None => match Version::parse(&holder.version) {
                    Ok(version) => version,
                    Err(_) => continue,
                },
            };
            let Some(release) = self.histories.release(holder, &version) else { continue };
            let stated = release.requires.iter().filter(|one| one.package == package.name);
            all.extend(stated.filter_map(|one| VersionReq::parse(&one.requirement).ok()));
        }
        all
    }

    /// Who is in the way: those for which no version gets along with what is allowed of what they
    /// require.
    fn reason(&self, target: &PackageRef, allowed: &[Version], moving: &MovingPackages) -> String {
        let mut blockers = Vec::new();
        if moving.get(target).is_some_and(Vec::is_empty) {
            blockers.extend(allowed.first().map(|first| Blocker::breaking(target, first)));
        }
        let everything = UpgradeSearch { breaking: true, ..*self };
        for (holder, _) in moving.iter().filter(|(_, versions)| versions.is_empty()) {
            let below = self.below(holder, moving);
            let is_blocked = |(one, allowed): &(&PackageRef, &Vec<Version>)| {
                *one != target && allowed.is_empty()
            };
            if holder == target || below.iter().any(is_blocked) {
                continue;
            }
            let breaking = if self.breaking {
                None
            } else {
                everything.versions_for(holder, &{
                    let mut others = moving.clone();
                    others.remove(holder);
                    others
                })
            };
            if let Some(first) = breaking.unwrap_or_default().first() {
                blockers.push(Blocker::breaking(holder, first));
                continue;
            }
            let history = self.histories.history(holder).unwrap_or_default();
            let usable = history.iter().rev().filter(|one| !one.yanked);
            let newest = usable.max_by_key(|one| (one.version.pre.is_empty(), &one.version));
            let Some(newest) = newest else { continue };
            let wants = below.iter().find_map(|(package, allowed)| {
                let mut wants = newest.requires.iter().filter(|one| one.package == package.name);
                let refuses = !self.admits(newest, newest, package, allowed);
                wants.next().filter(|_| refuses)
            });
            blockers.extend(wants.map(|wants| Blocker::Requires {
                holder: holder.name.clone(),
                newest: newest.version.clone(),
                package: wants.package.clone(),
                requirement: wants.requirement.clone(),
            }));
        }
        words::blocked(target, &blockers)
    }

    /// Whether a version of a package gets along with one of the `allowed` versions of another, or does
    /// without it. `current` is the locked version: what that one requires is in use.
    fn admits(
        &self,
        release: &Release,
        current: &Release,
        package: &PackageRef,
        allowed: &[Version],
    ) -> bool {
        let stated = || release.requires.iter().filter(|one| one.package == package.name);
        // A feature that brings it may not be in use where it was no matter of a feature before.
        let was_optional =
            current.requires.iter().any(|one| one.package == package.name && one.optional);
        let mut needed =
            stated().filter(|one| !one.optional || was_optional || !self.lenient).peekable();
        needed.peek().is_none()
            || needed.any(|one| {
                VersionReq::parse(&one.requirement)
                    .is_ok_and(|requirement| allowed.iter().any(|to| requirement.matches(to)))
            })
    }
}
