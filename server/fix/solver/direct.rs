//! The direct dependencies of the workspace, and how their requirements may change.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use semver::{Op, Version};

use super::{
    attempt::Attempt,
    packages::{CrateId, Packages, Required, compatible_with},
    range::Range,
};
use crate::{model::lockfile::is_registry, verdict::UnlistedPackage};

/// All requirements in manifests of the workspace that resolve to one locked package.
#[derive(Clone, Debug)]
pub(in crate::fix) struct DirectDependency {
    pub(super) id: CrateId,
    pub(super) locked: Version,
    /// One for each dependency of a local package.
    pub(super) stated: Vec<Required>,
    /// The features that `[features]` tables enable, and whether the entries enable an optional dependency, too:
    /// then they must stay.
    enabled: Vec<(String, bool)>,
}

/// How the requirements for a direct dependency change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Alternative {
    /// They stay.
    Keep,
    /// They are raised within their range.
    Raise,
    /// They move to another range.
    Move(Range),
}

/// A package that no index lists: of the workspace, of a git repository or of a folder.
pub(super) struct Unlisted {
    /// Its position in the lockfile.
    pub(super) position: usize,
    /// Its dependencies from registries that are not direct dependencies of the workspace.
    pub(super) required: Vec<Required>,
}

/// The direct dependencies, and what the other packages that no index lists require.
pub(super) fn requirements_of(
    packages: &Packages<'_>,
    stated: &[UnlistedPackage],
) -> (Vec<DirectDependency>, Vec<Unlisted>) {
    let mut direct: BTreeMap<usize, DirectDependency> = BTreeMap::new();
    let mut unlisted = Vec::new();
    let by_name: HashMap<(&str, &Version), &UnlistedPackage> =
        stated.iter().map(|one| ((one.package.name.as_str(), &one.package.version), one)).collect();
    for (position, owner) in packages.lockfile().iter().enumerate() {
        if owner.source.as_deref().is_some_and(is_registry) {
            continue;
        }
        let is_local = owner.source.is_none();
        let known = by_name
            .get(&(owner.name.as_str(), &owner.version))
            .filter(|known| known.package.source.is_none() == is_local);
        let mut required = Vec::new();
        let mut met = vec![false; owner.dependencies.len()];
        for one in known.into_iter().flat_map(|known| &known.dependencies) {
            let edge = owner.dependencies.iter().enumerate().find(|(_, at)| {
                let dependency = &packages.lockfile()[**at];
                dependency.name == one.package
                    && dependency.source.as_deref() == Some(&one.source)
                    && one.requirement.matches(&dependency.version)
            });
            let Some((edge, at)) = edge else { continue };
            met[edge] = true;
            let locked = &packages.lockfile()[*at];
            let stated = Required {
                key: one.key.clone(),
                package: packages.id(&locked.name, &one.source),
                requirement: one.requirement.clone(),
                optional: false,
                default_features: one.default_features,
                features: one.features.clone(),
                ranges: OnceCell::new(),
            };
            let enabled: Vec<(String, bool)> = known
                .into_iter()
                .flat_map(|known| known.features.values().flatten())
                .filter_map(|value| {
                    let (key, feature) = value.split_once('/')?;
                    let must_stay = one.optional && !key.ends_with('?');
                    let is_it = key.trim_end_matches('?') == one.key;
                    is_it.then(|| (feature.to_owned(), must_stay))
                })
                .collect();
            if is_local {
                let direct = direct.entry(*at).or_insert_with(|| DirectDependency {
                    id: stated.package,
                    locked: locked.version.clone(),
                    stated: Vec::new(),
                    enabled: Vec::new(),
                });
                direct.stated.push(stated);
                direct.enabled.extend(enabled);
            } else {
                required.push(stated);
            }
        }
        // Without its manifest: compatible versions of what it has now.
        for (at, met) in owner.dependencies.iter().zip(met) {
            let dependency = &packages.lockfile()[*at];
            let Some(source) = dependency.source.as_deref().filter(|source| is_registry(source))
            else {
                continue;
            };
            if !met {
                required.push(Required {
                    key: dependency.name.clone(),
                    package: packages.id(&dependency.name, source),
                    requirement: compatible_with(&dependency.version),
                    optional: false,
                    default_features: false,
                    features: Vec::new(),
                    ranges: OnceCell::new(),
                });
            }
        }
        unlisted.push(Unlisted { position, required });
    }
    (direct.into_values().collect(), unlisted)
}

impl DirectDependency {
    /// The features that the workspace enables; whether they must exist. Those that a later range does not have are
    /// removed from the manifests, if `may_lack` is set.
    pub(super) fn features(&self, may_lack: bool) -> BTreeMap<String, bool> {
        let own = self.stated.iter().flat_map(|one| &one.features);
        let own = own.map(|one| (one.clone(), !may_lack));
        let default = self.stated.iter().any(|one| one.default_features);
        let default = default.then(|| ("default".to_owned(), false));
        let enabled = self.enabled.iter().cloned();
        let enabled = enabled.map(|(feature, must_stay)| (feature, must_stay || !may_lack));
        own.chain(default).chain(enabled).collect()
    }

    /// Whether all requirements accept a version.
    pub(super) fn accepts(&self, version: &Version) -> bool {
        self.stated.iter().all(|one| one.requirement.matches(version))
    }

    /// Whether a requirement has an upper bound that was set on purpose.
    pub(super) fn is_bounded(&self) -> bool {
        self.stated.iter().any(|one| {
            let comparators = &one.requirement.comparators;
            comparators.len() > 1
                || comparators.iter().any(|one| matches!(one.op, Op::Less | Op::LessEq))
        })
    }

    /// What is allowed in an attempt, in the order in which it is tried.
    pub(super) fn alternatives(
        &self,
        index: usize,
        attempt: &Attempt,
        packages: &Packages<'_>,
    ) -> Vec<Alternative> {
        if let Some(range) = attempt.moved.get(&index) {
            return vec![Alternative::Move(*range)];
        }
        let mut all = vec![Alternative::Keep];
        if attempt.kept.contains(&index) {
            return all;
        }
        let breaking = attempt.breaking && !attempt.unbroken.contains(&index);
        if attempt.raise && (breaking || !self.is_bounded()) {
            all.push(Alternative::Raise);
        }
        if breaking {
            let own = Range::of(&self.locked);
            let versions = packages.versions(self.id);
            let mut ranges: Vec<_> = versions
                .iter()
                .filter(|version| version.pre.is_empty())
                .map(Range::of)
                .filter(|range| *range > own)
                .collect();
            ranges.sort_unstable();
            ranges.dedup();
            all.extend(ranges.into_iter().map(Alternative::Move));
        }
        all
    }
}
