//! The packages that a plan moves first: those of the goals, those that depend on them, and those on which they depend.

use std::{collections::HashSet, rc::Rc};

use resolvo::NameId;
use semver::Version;

use super::{Planner, goals::Goals, solution::Solution};
use crate::{
    fix::solver::{
        attempt::Attempt,
        packages::CrateId,
        provider::{Name, Provider},
        range::Range,
    },
    model::lockfile::is_registry,
};

impl Planner<'_> {
    /// The locked packages of registries that are not near to the goals.
    pub(super) fn far_from(&self, goals: &Goals) -> HashSet<(CrateId, Version)> {
        let lockfile = self.packages.lockfile();
        let of_registry = |position: usize| {
            let one = &lockfile[position];
            let source = one.source.as_deref().filter(|source| is_registry(source))?;
            Some((self.packages.id(&one.name, source), one.version.clone()))
        };
        let all: Vec<Option<(CrateId, Version)>> = (0..lockfile.len()).map(of_registry).collect();
        let is_goal = |position: &usize| {
            all[*position].as_ref().is_some_and(|(id, version)| goals.concern(*id, version))
        };
        let targets: Vec<usize> = (0..lockfile.len()).filter(is_goal).collect();
        let mut dependents = vec![Vec::new(); lockfile.len()];
        for (position, package) in lockfile.iter().enumerate() {
            for dependency in &package.dependencies {
                dependents[*dependency].push(position);
            }
        }
        let dependencies: Vec<&[usize]> =
            lockfile.iter().map(|package| package.dependencies.as_slice()).collect();
        let dependents: Vec<&[usize]> = dependents.iter().map(Vec::as_slice).collect();
        let mut near = reachable(&targets, &dependents);
        near.extend(reachable(&targets, &dependencies));
        let far = all.into_iter().enumerate().filter(|(position, _)| !near.contains(position));
        far.filter_map(|(_, package)| package).collect()
    }

    /// An attempt in which also the requirements for far packages stay as they are.
    pub(super) fn nearby(&self, mut attempt: Attempt) -> Attempt {
        let direct = self.direct.iter().enumerate();
        let far = direct.filter(|(_, one)| attempt.far.contains(&(one.id, one.locked.clone())));
        attempt.kept.extend(far.map(|(index, _)| index));
        attempt
    }

    /// Adds the packages that have to move if packages move that may.
    fn add_required_by_newer_versions(
        &self,
        far: &HashSet<(CrateId, Version)>,
        moving: &mut HashSet<(CrateId, Version)>,
    ) {
        let locked = self.packages.locked().into_iter().map(|one| (one.id, one.version));
        let mut open: Vec<(CrateId, Version)> =
            locked.filter(|one| !far.contains(one) || moving.contains(one)).collect();
        while let Some((id, locked)) = open.pop() {
            let versions = self.packages.versions(id);
            for version in versions.iter().filter(|version| **version > locked) {
                for required in &self.packages.release(id, version).dependencies {
                    for locked in self.packages.locked_versions(required.package).iter() {
                        let one = (required.package, locked.clone());
                        if required.requirement.matches(locked)
                            || !far.contains(&one)
                            || moving.contains(&one)
                        {
                            continue;
                        }
                        let range = Range::of(locked);
                        let versions = self.packages.versions(required.package);
                        let mut versions = versions.iter().filter(|one| Range::of(one) == range);
                        if versions.any(|version| required.requirement.matches(version)) {
                            moving.insert(one.clone());
                            open.push(one);
                        }
                    }
                }
            }
        }
    }

    /// The attempt with the least freedom that also has this solution: it is only made smaller, for which nothing else needs
    /// to move.
    pub(super) fn as_far_as(&self, solution: &Solution, attempt: &Attempt) -> Attempt {
        let stays = |package: &&(CrateId, Version)| solution.selected.contains_key(*package);
        let far = attempt.far.iter().filter(stays).cloned().collect();
        let changed: HashSet<usize> =
            self.changes_of(solution).into_iter().map(|(index, _)| index).collect();
        let mut nearby = self.nearby(Attempt { far: Rc::new(far), ..attempt.clone() });
        nearby.kept.retain(|index| attempt.kept.contains(index) || !changed.contains(index));
        nearby
    }

    /// Lets the packages of some names move, and the requirements for them change, as far as `any` attempt may do that.
    pub(super) fn widen(
        &self,
        provider: &Provider<'_>,
        nearby: &mut Attempt,
        any: &Attempt,
        names: &HashSet<NameId>,
    ) {
        let far = Rc::make_mut(&mut nearby.far);
        let mut moving = HashSet::new();
        for name in names {
            match provider.pool.resolve_package_name(*name) {
                Name::Package(id, range) | Name::Feature { id, range, .. } => {
                    let locked = self.packages.locked_in(*id, *range);
                    moving.extend(locked.map(|locked| (*id, locked)));
                }
                Name::Direct(index) => {
                    let direct = &self.direct[*index];
                    moving.insert((direct.id, direct.locked.clone()));
                }
                Name::Enabled { .. } | Name::Wide(_) | Name::WideFeature { .. } => {}
            }
        }
        self.add_required_by_newer_versions(far, &mut moving);
        far.retain(|package| !moving.contains(package));
        for (index, direct) in self.direct.iter().enumerate() {
            if moving.contains(&(direct.id, direct.locked.clone())) && !any.kept.contains(&index) {
                nearby.kept.remove(&index);
            }
        }
    }
}

/// The positions that lead from the first ones along `edges`, with the first ones.
fn reachable(first: &[usize], edges: &[&[usize]]) -> HashSet<usize> {
    let mut open = first.to_vec();
    let mut reached = HashSet::new();
    while let Some(position) = open.pop() {
        if reached.insert(position) {
            open.extend_from_slice(edges[position]);
        }
    }
    reached
}
