//! The packages that cannot stay with what a solution selects: each possible version of a package that has moved
//! requires them newer. Trying to keep them would be a search without a result.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{Planner, solution::Solution};
use crate::fix::solver::{
    attempt::Attempt,
    packages::{CrateId, Release},
    provider::Provider,
    range::Range,
};

/// A package in a range of compatible versions.
type Node = (CrateId, Range);

impl Planner<'_> {
    /// The locked packages that must move while the solution's packages stay in their ranges. There can be others:
    /// each requirement is looked at by itself.
    pub(super) fn forced_moves(
        &self,
        provider: &Provider<'_>,
        attempt: &Attempt,
        solution: &Solution,
    ) -> BTreeSet<(CrateId, Version)> {
        let mut possible: BTreeMap<Node, Vec<Version>> = BTreeMap::new();
        let mut open: Vec<(CrateId, Version)> = Vec::new();
        for (id, version) in solution.selected.keys() {
            let node = (*id, Range::of(version));
            if self.packages.locked_in(node.0, node.1).as_ref() != Some(version) {
                possible.insert(node, self.possible_versions(provider, attempt, node));
                open.push((*id, version.clone()));
            }
        }
        let mut forced = BTreeSet::new();
        while let Some((id, version)) = open.pop() {
            let node = (id, Range::of(&version));
            let releases: Vec<_> =
                possible[&node].iter().map(|one| self.packages.release(id, one)).collect();
            let dependencies = &solution.selected[&(id, version)];
            for (dependency, selected) in dependencies {
                let node = (*dependency, Range::of(selected));
                let Some(known) = possible.get_mut(&node) else { continue };
                let before = known.len();
                known.retain(|one| releases.iter().any(|release| self.accepts(release, node, one)));
                if known.len() < before {
                    open.push((*dependency, selected.clone()));
                }
            }
        }
        for (node, versions) in possible {
            let locked = self.packages.locked_in(node.0, node.1);
            forced.extend(locked.filter(|one| !versions.contains(one)).map(|one| (node.0, one)));
        }
        forced
    }

    /// The versions in a range that could be selected.
    fn possible_versions(
        &self,
        provider: &Provider<'_>,
        attempt: &Attempt,
        (id, range): Node,
    ) -> Vec<Version> {
        let locked = self.packages.locked_in(id, range);
        let is_possible = |version: &Version| {
            if (provider.rejects)(id, version).is_some() {
                return false;
            }
            if locked.as_ref() == Some(version) {
                return true;
            }
            let release = self.packages.release(id, version);
            let is_newer = |rust: &Version| self.rust.is_some_and(|stated| rust > stated);
            !release.yanked && (attempt.newer_rust || !release.rust.as_ref().is_some_and(is_newer))
        };
        let versions = self.packages.versions(id);
        let in_range = versions.iter().filter(|version| Range::of(version) == range);
        in_range.filter(|version| is_possible(version)).cloned().collect()
    }

    /// Whether a release could be selected together with a version of a package, as far as the requirements say that it
    /// always has. A requirement that other ranges satisfy does not bind this one.
    fn accepts(&self, release: &Release, (id, range): Node, version: &Version) -> bool {
        let versions = self.packages.versions(id);
        release.unconditional().filter(|one| one.package == id).all(|one| {
            let matching = versions.iter().filter(|other| one.requirement.matches(other));
            let ranges: Vec<_> = matching.map(Range::of).collect();
            one.requirement.matches(version)
                || ranges.is_empty()
                || ranges.iter().any(|other| *other != range)
        })
    }
}
