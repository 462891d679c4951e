//! What a plan has to achieve, and which versions must not be selected for it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use semver::Version;

use super::Planner;
use crate::{
    fix::solver::{packages::CrateId, provider::Rejection, range::Range},
    model::lockfile::is_registry,
    verdict::{AdvisoryFacts, PackageRef},
};

/// What a plan has to achieve for a package.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::fix) struct Goal {
    /// The locked package.
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) kind: GoalKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::fix) enum GoalKind {
    /// No version of the package is affected.
    Clear(Arc<AdvisoryFacts>),
    /// This version is not selected any more.
    Replace,
    /// This version is not selected any more, and no other one than these and those of their ranges.
    ReplaceBy(Vec<Version>),
}

impl Planner<'_> {
    pub(super) fn goals(&self, goals: &[Goal]) -> Goals {
        let mut all = Goals::default();
        for goal in goals {
            let Some((id, version)) = self.find(&goal.package) else { continue };
            match &goal.kind {
                GoalKind::Clear(advisory) => {
                    all.cleared.entry(id).or_default().push(Arc::clone(advisory));
                }
                GoalKind::Replace => {
                    all.replaced.insert((id, version));
                }
                GoalKind::ReplaceBy(others) => {
                    all.replaced_by.insert((id, version), others.clone());
                }
            }
        }
        all
    }

    pub(super) fn find(&self, package: &PackageRef) -> Option<(CrateId, Version)> {
        let source = package.source.as_deref().filter(|one| is_registry(one))?;
        Some((self.packages.id(&package.name, source), package.version.clone()))
    }

    /// Why a version must not be selected.
    pub(super) fn rejection(
        &self,
        goals: &Goals,
        refused: &HashSet<(CrateId, Version)>,
        id: CrateId,
        version: &Version,
    ) -> Option<Rejection> {
        let one = (id, version.clone());
        if refused.contains(&one) {
            return Some(Rejection::Refused);
        }
        if goals.replaced.contains(&one) {
            return Some(Rejection::Replaced);
        }
        let replaced = goals.replaced_by.iter().filter(|((other, _), _)| *other == id);
        for ((_, locked), others) in replaced {
            let is_other = |other: &Version| Range::of(other) == Range::of(version);
            if locked == version || !others.iter().any(is_other) {
                return Some(Rejection::Replaced);
            }
        }
        if let Some(advisories) = goals.cleared.get(&id) {
            let affecting = advisories.iter().find(|advisory| advisory.affects(version));
            if let Some(advisory) = affecting {
                return Some(Rejection::Advisory(advisory.id.clone()));
            }
        }
        if self.packages.locked_in(id, Range::of(version)).as_ref() == Some(version) {
            return None;
        }
        let name = self.packages.name(id);
        let mut known = self.known_advisories.borrow_mut();
        let about = known.entry(name.clone()).or_insert_with(|| (self.advisories)(&name));
        let new = about.iter().find(|advisory| {
            advisory.affects(version)
                && !self.tolerated.contains(&(advisory.id.clone(), name.clone()))
        });
        new.map(|advisory| Rejection::Advisory(advisory.id.clone()))
    }
}

/// The goals by package.
#[derive(Default)]
pub(super) struct Goals {
    cleared: HashMap<CrateId, Vec<Arc<AdvisoryFacts>>>,
    replaced: HashSet<(CrateId, Version)>,
    replaced_by: HashMap<(CrateId, Version), Vec<Version>>,
}

impl Goals {
    /// Whether a package has to move.
    pub(super) fn concern(&self, id: CrateId, version: &Version) -> bool {
        let one = (id, version.clone());
        let advisories = self.cleared.get(&id).into_iter().flatten();
        self.replaced.contains(&one)
            || self.replaced_by.contains_key(&one)
            || advisories.into_iter().any(|advisory| advisory.affects(version))
    }
}
