//! The packages that a plan moves first: those of the goals, those that depend on them, and those on which they depend.

use std::collections::HashSet;

use semver::Version;

use super::{Planner, goals::Goals};
use crate::{
    fix::solver::{attempt::Attempt, packages::CrateId},
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
