//! What the solver chose, as packages, and as a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use semver::Version;

use super::{Plan, Planner, SelectedPackage};
use crate::fix::solver::{
    direct::Alternative,
    packages::{CrateId, Required},
    provider::Candidate,
    range::Range,
    step::UpgradeStep,
};
use crate::verdict::PackageRef;

/// What the solver chose.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub(super) alternatives: Vec<Alternative>,
    /// The needed packages with their dependencies.
    pub(super) selected: BTreeMap<(CrateId, Version), BTreeSet<(CrateId, Version)>>,
}

impl Planner<'_> {
    pub(super) fn has_duplicate_links(&self, solution: &Solution) -> bool {
        let mut all = HashSet::new();
        let releases =
            solution.selected.keys().map(|(id, version)| self.packages.release(*id, version));
        releases.filter_map(|release| release.links.clone()).any(|links| !all.insert(links))
    }

    /// The chosen packages that are needed.
    pub(super) fn solution_of(&self, chosen: &[&Candidate]) -> Solution {
        let mut alternatives = vec![Alternative::Keep; self.direct.len()];
        let mut versions: HashMap<CrateId, Vec<&Version>> = HashMap::new();
        let mut features: HashMap<(CrateId, &Version), Vec<&str>> = HashMap::new();
        for candidate in chosen {
            match candidate {
                Candidate::Package(id, version) => versions.entry(*id).or_default().push(version),
                Candidate::Enabled { id, version, feature } => {
                    features.entry((*id, version)).or_default().push(feature);
                }
                Candidate::Direct(index, alternative) => alternatives[*index] = *alternative,
                Candidate::Feature { .. } | Candidate::Wide(..) | Candidate::WideFeature { .. } => {
                }
            }
        }
        let in_range = |id: CrateId, range: Range| {
            let all = versions.get(&id).into_iter().flatten();
            all.copied().find(|version| Range::of(version) == range).cloned()
        };
        let matching = |required: &Required| {
            let all = versions.get(&required.package).into_iter().flatten();
            let mut all: Vec<&Version> =
                all.copied().filter(|version| required.requirement.matches(version)).collect();
            // Of several, one in a range that is locked.
            all.sort_by_key(|version| {
                let locked = self.packages.locked_in(required.package, Range::of(version));
                (locked.is_none(), std::cmp::Reverse(*version))
            });
            all.first().map(|version| (required.package, (*version).clone()))
        };
        let mut open: Vec<(CrateId, Version)> = Vec::new();
        for (direct, alternative) in self.direct.iter().zip(&alternatives) {
            let range = match alternative {
                Alternative::Move(range) => *range,
                _ => Range::of(&direct.locked),
            };
            open.extend(in_range(direct.id, range).map(|version| (direct.id, version)));
        }
        open.extend(self.unlisted.iter().flat_map(|one| &one.required).filter_map(matching));
        let mut selected: BTreeMap<(CrateId, Version), BTreeSet<(CrateId, Version)>> =
            BTreeMap::new();
        while let Some(package) = open.pop() {
            if selected.contains_key(&package) {
                continue;
            }
            let release = self.packages.release(package.0, &package.1);
            let mut dependencies: BTreeSet<_> =
                release.unconditional().filter_map(matching).collect();
            let enabled = features.get(&(package.0, &package.1)).into_iter().flatten();
            for feature in enabled {
                let keys: Vec<&str> = match release.features.get(*feature) {
                    None => vec![feature],
                    Some(values) => values
                        .iter()
                        .filter_map(|value| {
                            let named = value.strip_prefix("dep:");
                            let weak = || value.split_once('/').map(|(key, _)| key);
                            named.or_else(|| weak().map(|key| key.trim_end_matches('?')))
                        })
                        .collect(),
                };
                let named =
                    release.dependencies.iter().filter(|one| keys.contains(&one.key.as_str()));
                dependencies.extend(named.filter_map(matching));
            }
            open.extend(dependencies.iter().cloned());
            selected.insert(package, dependencies);
        }
        Solution { alternatives, selected }
    }

    /// The direct dependencies whose requirements change, by their index, and whether they move to another range.
    pub(super) fn changes_of(&self, solution: &Solution) -> Vec<(usize, bool)> {
        let all = self.direct.iter().zip(&solution.alternatives).enumerate();
        let changed = all.filter_map(|(index, (direct, alternative))| match alternative {
            Alternative::Keep => None,
            Alternative::Move(_) => Some((index, true)),
            Alternative::Raise => {
                let own = Range::of(&direct.locked);
                let mut all = solution.selected.keys();
                let to = all.find(|(id, version)| *id == direct.id && Range::of(version) == own)?;
                (!direct.accepts(&to.1)).then_some((index, direct.is_bounded()))
            }
        });
        changed.collect()
    }

    pub(super) fn plan_of(&self, solution: &Solution, is_cut: bool) -> Plan {
        let package = |(id, version): &(CrateId, Version)| self.packages.package(*id, version);
        let selected: BTreeMap<PackageRef, SelectedPackage> = solution
            .selected
            .iter()
            .map(|(one, dependencies)| {
                let release = self.packages.release(one.0, &one.1);
                let dependencies = dependencies.iter().map(package).collect();
                let checksum = release.checksum.clone();
                (package(one), SelectedPackage { checksum, dependencies })
            })
            .collect();
        let locked = self.packages.locked();
        let locked: BTreeSet<(CrateId, Version)> =
            locked.into_iter().map(|one| (one.id, one.version)).collect();
        let dropped: BTreeSet<PackageRef> = locked
            .iter()
            .filter(|one| !solution.selected.contains_key(*one))
            .map(package)
            .collect();
        let changes = self.changes_of(solution);
        let mut steps = Vec::new();
        for (index, (direct, alternative)) in
            self.direct.iter().zip(&solution.alternatives).enumerate()
        {
            let range = match alternative {
                Alternative::Move(range) => *range,
                _ => Range::of(&direct.locked),
            };
            let mut all = solution.selected.keys();
            let to = all.find(|(id, version)| *id == direct.id && Range::of(version) == range);
            let Some((id, to)) = to.filter(|(_, to)| *to != direct.locked) else { continue };
            let package = self.packages.package(*id, &direct.locked);
            let is_breaking = changes.contains(&(index, true));
            steps.push(UpgradeStep { package, to: to.clone(), is_direct: true, is_breaking });
        }
        // The others: to the version in their range, else to one that is new.
        for (id, version) in locked.iter().filter(|one| !solution.selected.contains_key(*one)) {
            let before = self.packages.package(*id, version);
            if steps.iter().any(|step| step.package == before) {
                continue;
            }
            let new = solution
                .selected
                .keys()
                .filter(|(other, to)| other == id && !locked.contains(&(*id, to.clone())))
                .map(|(_, to)| to);
            let range = Range::of(version);
            let mut new: Vec<&Version> = new.collect();
            new.sort_by_key(|to| (Range::of(to) != range, Range::of(to) < range, (*to).clone()));
            let Some(to) = new.first() else { continue };
            let is_same_range = Range::of(to) == range;
            let to = (*to).clone();
            let step = UpgradeStep { package: before, to, is_direct: false, is_breaking: false };
            let is_taken = |other: &UpgradeStep| other.new_package() == step.new_package();
            if is_same_range || !steps.iter().any(is_taken) {
                steps.push(step);
            }
        }
        Plan { steps, selected, dropped, is_cut }
    }
}
