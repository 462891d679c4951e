//! Searches the packages that have to move so that one of them can, in cargo's registry index: from the
//! package upwards through its dependents, up to the direct dependencies of the workspace.
//!
//! Upwards: for each dependent that rejects the new version, the later versions that accept it or do not
//! need the package. If there are none, its own dependents have to do without it. Downwards: one version
//! for each package that moves; only those are pinned that cargo would not move by itself. The result
//! is a plan: cargo decides whether it resolves.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{
    LockGraph, PackageVersions,
    blockers::{Blocker, blocked_reason},
    is_compatible,
    lock_graph::is_same_package,
    target::is_from_registry,
};
use crate::verdict::{PackageRef, Release};

/// How many levels of dependents are searched.
const MAX_LEVELS: usize = 24;

/// How many packages may move.
const MAX_PACKAGES: usize = 300;

/// Which of the allowed versions is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum VersionPick {
    Smallest,
    /// The newest compatible one, if there is any.
    Newest,
}

/// A package that is pinned to another version while cargo writes the lockfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct UpgradeStep {
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) to: Version,
    /// It is a direct dependency of the workspace.
    pub(in crate::fix) is_direct: bool,
}

/// The packages that have to move, direct dependencies first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct UpgradePlan {
    pub(in crate::fix) steps: Vec<UpgradeStep>,
}

impl UpgradeStep {
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        !is_compatible(&self.package.version, &self.to)
    }
}

impl UpgradePlan {
    /// Whether a direct dependency moves to a version that is not semver-compatible.
    pub(in crate::fix) fn is_breaking(&self) -> bool {
        self.steps.iter().any(|step| step.is_direct && step.is_breaking())
    }
}

/// The input of the search.
pub(in crate::fix) struct UpgradeSearch<'s> {
    pub(in crate::fix) locked: &'s LockGraph,
    pub(in crate::fix) versions: &'s PackageVersions,
    /// The direct dependencies of the workspace.
    pub(in crate::fix) direct: &'s BTreeSet<PackageRef>,
    /// Whether direct dependencies may move to incompatible versions.
    pub(in crate::fix) breaking: bool,
    /// Whether an optional dependency of a new version is treated as unused if the locked version
    /// requires it unconditionally.
    pub(in crate::fix) lenient: bool,
}

/// The packages that have to move, each with its possible versions.
type MovingPackages = BTreeMap<PackageRef, Vec<Version>>;

impl UpgradeSearch<'_> {
    /// The packages that have to move so that `package` is removed or has one of the `allowed` versions.
    ///
    /// # Errors
    ///
    /// Which packages prevent it: a sentence without a final period.
    pub(in crate::fix) fn plan(
        &self,
        package: &PackageRef,
        allowed: &[Version],
        pick: VersionPick,
    ) -> Result<UpgradePlan, String> {
        let strict = self.plan_once(package, allowed, pick);
        strict.or_else(|reason| {
            let lenient = UpgradeSearch { lenient: true, ..*self };
            lenient.plan_once(package, allowed, pick).map_err(|_| reason)
        })
    }

    fn plan_once(
        &self,
        package: &PackageRef,
        allowed: &[Version],
        pick: VersionPick,
    ) -> Result<UpgradePlan, String> {
        let mut moving = MovingPackages::new();
        moving.insert(package.clone(), self.allowed_versions(package, allowed.to_vec()));
        self.upwards(&mut moving);
        let stuck = |(package, versions): (&PackageRef, &Vec<Version>)| {
            versions.is_empty() && self.direct.contains(package)
        };
        if moving.iter().any(stuck) {
            return Err(self.blocked_reason(package, allowed, &moving));
        }
        let mut steps = self.downwards(package, &moving, pick);
        if self.breaking {
            let siblings = self.siblings(&steps);
            steps.extend(siblings);
        }
        Ok(UpgradePlan { steps })
    }

    /// Drops the versions that a direct dependency must not move to.
    fn allowed_versions(&self, package: &PackageRef, mut versions: Vec<Version>) -> Vec<Version> {
        if !self.breaking && self.direct.contains(package) {
            versions.retain(|to| is_compatible(&package.version, to));
        }
        versions
    }

    fn upwards(&self, moving: &mut MovingPackages) {
        for _ in 0..MAX_LEVELS {
            let mut changed = false;
            for dependent in self.locked.packages() {
                let Some(versions) = self.versions_for(dependent, moving) else { continue };
                if moving.get(dependent) != Some(&versions) && moving.len() < MAX_PACKAGES {
                    moving.insert(dependent.clone(), versions);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The later versions of a dependent that accept the moving packages; `None` if it can stay, or the
    /// index does not list it.
    fn versions_for(
        &self,
        dependent: &PackageRef,
        moving: &MovingPackages,
    ) -> Option<Vec<Version>> {
        if !is_from_registry(dependent) {
            return None;
        }
        let below = self.below(dependent, moving);
        if below.is_empty() {
            return None;
        }
        let history = self.versions.history(dependent)?;
        let locked = &dependent.version;
        let current = history.iter().find(|release| release.version == *locked)?;
        let accepts_all = |release: &Release| {
            below.iter().all(|(package, allowed)| self.accepts(release, current, package, allowed))
        };
        if !moving.contains_key(dependent) && accepts_all(current) {
            return None;
        }
        // Versions that were excluded before stay excluded.
        let before = moving.get(dependent);
        let versions = history
            .iter()
            .filter(|release| release.version > *locked && !release.yanked)
            .filter(|release| release.version.pre.is_empty() || !locked.pre.is_empty())
            .filter(|release| {
                before.is_none_or(|before| before.contains(&release.version))
                    && accepts_all(release)
            })
            .map(|release| release.version.clone());
        Some(self.allowed_versions(dependent, versions.collect()))
    }

    /// The moving packages that `dependent` depends on.
    fn below<'m>(
        &self,
        dependent: &PackageRef,
        moving: &'m MovingPackages,
    ) -> Vec<(&'m PackageRef, &'m Vec<Version>)> {
        let all = moving.iter().filter(|(package, _)| *package != dependent);
        all.filter(|(package, _)| {
            self.locked.dependencies(dependent).any(|one| is_same_package(one, package))
        })
        .collect()
    }

    fn downwards(
        &self,
        target: &PackageRef,
        moving: &MovingPackages,
        pick: VersionPick,
    ) -> Vec<UpgradeStep> {
        // The version of each package; `None` leaves it to cargo.
        let mut chosen: BTreeMap<&PackageRef, Option<Version>> = BTreeMap::new();
        let mut steps = Vec::new();
        while chosen.len() < moving.len() {
            let is_next = |package: &PackageRef| {
                !chosen.contains_key(package)
                    && self.locked.dependents(package).all(|dependent| {
                        dependent == package
                            || !moving.contains_key(dependent)
                            || chosen.contains_key(dependent)
                    })
            };
            // In a cycle any package can be next.
            let next = moving.keys().find(|package| is_next(package));
            let next = next.or_else(|| moving.keys().find(|one| !chosen.contains_key(one)));
            let Some(package) = next else { break };
            let step = self.step(package, moving, &chosen, pick);
            let is_kept = |step: &UpgradeStep| {
                step.is_direct || step.package == *target || {
                    self.could_stay(&step.package, &chosen)
                }
            };
            let step = step.filter(is_kept);
            chosen.insert(package, step.as_ref().map(|step| step.to.clone()));
            steps.extend(step);
        }
        steps
    }

    /// Direct dependencies that a moving package also depends on. If the new version needs another semver
    /// range of one, the workspace moves along: otherwise both versions would be in the graph.
    fn siblings(&self, steps: &[UpgradeStep]) -> Vec<UpgradeStep> {
        let mut siblings: Vec<UpgradeStep> = Vec::new();
        for step in steps.iter().filter(|step| step.is_direct) {
            let Some(release) = self.versions.release(&step.package, &step.to) else { continue };
            for shared in self.direct.iter().filter(|one| is_from_registry(one)) {
                let is_planned = |one: &UpgradeStep| one.package == *shared;
                if steps.iter().chain(&siblings).any(is_planned)
                    || !self
                        .locked
                        .dependencies(&step.package)
                        .any(|one| is_same_package(one, shared))
                {
                    continue;
                }
                let required = release.requires.iter().find(|one| one.package == shared.name);
                let required = required.and_then(|one| VersionReq::parse(&one.requirement).ok());
                let (Some(required), locked) = (required, &shared.version) else { continue };
                let history = self.versions.history(shared).unwrap_or_default();
                let mut candidates = history.iter().rev().filter(|one| !one.yanked);
                let is_candidate =
                    |one: &&Release| one.version > *locked && required.matches(&one.version);
                if required.matches(locked) {
                    continue;
                }
                siblings.extend(candidates.find(is_candidate).map(|one| UpgradeStep {
                    package: shared.clone(),
                    to: one.version.clone(),
                    is_direct: true,
                }));
            }
        }
        siblings
    }

    /// The step of a package; `None` if its dependents no longer need it or have no common version.
    fn step(
        &self,
        package: &PackageRef,
        moving: &MovingPackages,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
        pick: VersionPick,
    ) -> Option<UpgradeStep> {
        let is_direct = self.direct.contains(package);
        let requirements = self.requirements(package, chosen);
        if requirements.is_empty() && !is_direct && !self.has_unlisted_dependent(package) {
            return None;
        }
        let is_candidate = |version: &&Version| requirements.iter().all(|one| one.matches(version));
        let mut candidates: Vec<&Version> =
            moving.get(package)?.iter().filter(is_candidate).collect();
        if candidates.is_empty() && is_direct {
            candidates = moving.get(package)?.iter().collect();
        }
        let newer_rust = |version: &Version| self.versions.newer_rust(package, version);
        candidates.sort_by_cached_key(|version| (newer_rust(version), (*version).clone()));
        let locked = &package.version;
        let to = match pick {
            VersionPick::Smallest => candidates.first(),
            VersionPick::Newest => {
                let compatible = candidates.iter().rfind(|to| is_compatible(locked, to));
                compatible.or_else(|| candidates.last())
            }
        };
        let to = (*to?).clone();
        Some(UpgradeStep { package: package.clone(), to, is_direct })
    }

    /// Whether a dependent still accepts the locked version.
    fn could_stay(
        &self,
        package: &PackageRef,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
    ) -> bool {
        self.requirements(package, chosen).iter().any(|one| one.matches(&package.version))
    }

    /// Whether a dependent is not in the index, so that its requirement is unknown.
    fn has_unlisted_dependent(&self, package: &PackageRef) -> bool {
        let mut dependents = self.locked.dependents(package);
        dependents.any(|dependent| {
            !is_from_registry(dependent) || self.versions.history(dependent).is_none()
        })
    }

    /// The requirements of the dependents of a package, in their chosen versions.
    fn requirements(
        &self,
        package: &PackageRef,
        chosen: &BTreeMap<&PackageRef, Option<Version>>,
    ) -> Vec<VersionReq> {
        let mut all = Vec::new();
        for dependent in
            self.locked.dependents(package).filter(|dependent| is_from_registry(dependent))
        {
            let version = match chosen.get(dependent) {
                Some(Some(version)) => version.clone(),
                // cargo selects the version.
                Some(None) => continue,
                None => dependent.version.clone(),
            };
            let Some(release) = self.versions.release(dependent, &version) else { continue };
            let stated = release.requires.iter().filter(|one| one.package == package.name);
            all.extend(stated.filter_map(|one| VersionReq::parse(&one.requirement).ok()));
        }
        all
    }

    /// Names the dependents for which no version accepts an allowed one.
    fn blocked_reason(
        &self,
        target: &PackageRef,
        allowed: &[Version],
        moving: &MovingPackages,
    ) -> String {
        let mut blockers = Vec::new();
        if moving.get(target).is_some_and(Vec::is_empty) {
            blockers.extend(allowed.first().map(|first| Blocker::breaking(target, first)));
        }
        let everything = UpgradeSearch { breaking: true, ..*self };
        for (dependent, _) in moving.iter().filter(|(_, versions)| versions.is_empty()) {
            let below = self.below(dependent, moving);
            let is_blocked = |(one, allowed): &(&PackageRef, &Vec<Version>)| {
                *one != target && allowed.is_empty()
            };
            if dependent == target || below.iter().any(is_blocked) {
                continue;
            }
            let breaking = if self.breaking {
                None
            } else {
                everything.versions_for(dependent, &{
                    let mut others = moving.clone();
                    others.remove(dependent);
                    others
                })
            };
            if let Some(first) = breaking.unwrap_or_default().first() {
                blockers.push(Blocker::breaking(dependent, first));
                continue;
            }
            let history = self.versions.history(dependent).unwrap_or_default();
            let usable = history.iter().rev().filter(|one| !one.yanked);
            let newest = usable.max_by_key(|one| (one.version.pre.is_empty(), &one.version));
            let Some(newest) = newest else { continue };
            let requires_it = below.iter().find_map(|(package, allowed)| {
                let mut requires_it =
                    newest.requires.iter().filter(|one| one.package == package.name);
                let rejects = !self.accepts(newest, newest, package, allowed);
                requires_it.next().filter(|_| rejects)
            });
            blockers.extend(requires_it.map(|requires_it| Blocker::Requires {
                dependent: dependent.name.clone(),
                newest: newest.version.clone(),
                package: requires_it.package.clone(),
                requirement: requires_it.requirement.clone(),
            }));
        }
        blocked_reason(target, &blockers)
    }

    /// Whether a version of a dependent accepts one of the `allowed` versions of `package`, or does not need
    /// it. `current` is the locked version, whose dependencies are in use.
    fn accepts(
        &self,
        release: &Release,
        current: &Release,
        package: &PackageRef,
        allowed: &[Version],
    ) -> bool {
        let stated = || release.requires.iter().filter(|one| one.package == package.name);
        // If the locked version requires it unconditionally, the feature of the new version may be off.
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
