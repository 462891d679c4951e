//! Which upgrades are tried for a package, and in which order.

use std::collections::BTreeSet;

use semver::Version;

use super::CheckedTexts;
use crate::{
    fix::upgrade::{
        LockGraph, PackageVersions, UpgradePlan, UpgradeSearch, UpgradeTarget, VersionPick,
    },
    gate::Texts as _,
    verdict::PackageRef,
};

/// How many versions of one kind are tried.
const MAX_TRIES: usize = 4;

/// The state of a workspace that upgrades start from.
pub(in crate::fix) struct UpgradeContext<'g> {
    pub(super) current: CheckedTexts<'g>,
    pub(super) locked: LockGraph,
    pub(super) versions: &'g PackageVersions,
    /// The direct dependencies of local packages.
    direct: BTreeSet<PackageRef>,
}

/// The plans for a package, in the order in which they are tried.
#[derive(Default)]
pub(super) struct UpgradePlans {
    pub(super) compatible: Vec<UpgradePlan>,
    pub(super) breaking: Vec<UpgradePlan>,
    /// Why there are no further plans.
    pub(super) reason: Option<String>,
}

impl<'g> UpgradeContext<'g> {
    pub(in crate::fix) fn of(current: CheckedTexts<'g>, versions: &'g PackageVersions) -> Self {
        let lockfile = current.texts.read(&current.verdict.workspace.lockfile());
        let locked = lockfile.map(|text| LockGraph::read(&text)).unwrap_or_default();
        let mut direct: BTreeSet<_> =
            current.verdict.declared.iter().map(|one| one.package.clone()).collect();
        direct.extend(locked.required_locally().cloned());
        Self { current, locked, versions, direct }
    }

    fn search(&self, breaking: bool) -> UpgradeSearch<'_> {
        UpgradeSearch {
            locked: &self.locked,
            versions: self.versions,
            direct: &self.direct,
            breaking,
            lenient: false,
        }
    }

    pub(super) fn plans(&self, target: &UpgradeTarget) -> UpgradePlans {
        let mut plans = UpgradePlans::default();
        let clearing = match target.clearing_versions(self.versions) {
            Ok(clearing) => clearing,
            Err(reason) => return UpgradePlans { reason: Some(reason), ..plans },
        };
        if let Some(reason) = clearing.none_reason {
            self.plan_removal(target, &mut plans);
            let blocked =
                plans.reason.take().map_or_else(String::new, |reason| format!("; {reason}"));
            plans.reason = Some(format!("{reason}{blocked}"));
            return plans;
        }
        let compatible = clearing.compatible();
        let mut choices: Vec<(&[Version], VersionPick)> = Vec::new();
        if !target.is_only_about_license() {
            choices.push((&compatible, VersionPick::Smallest));
            choices.push((&clearing.versions, VersionPick::Smallest));
            choices.extend(
                compatible
                    .chunks(1)
                    .skip(1)
                    .take(MAX_TRIES - 2)
                    .map(|one| (one, VersionPick::Smallest)),
            );
        }
        choices.push((&compatible, VersionPick::Newest));
        choices.push((&clearing.versions, VersionPick::Newest));
        // Clears some findings if no compatible version clears all.
        if compatible.is_empty() {
            choices.push((&clearing.partial, VersionPick::Smallest));
        }
        let package = &target.package;
        for (versions, pick) in choices.into_iter().filter(|(versions, _)| !versions.is_empty()) {
            match self.search(false).plan(package, versions, pick) {
                Ok(plan) if !plans.compatible.contains(&plan) && !plan.steps.is_empty() => {
                    plans.compatible.push(plan);
                }
                Ok(_) => {}
                Err(reason) => plans.reason = Some(reason),
            }
        }
        let ranges = clearing.later_ranges();
        let mut choices: Vec<(&[Version], VersionPick)> = Vec::new();
        if !target.is_only_about_license() {
            choices.push((&clearing.versions, VersionPick::Smallest));
            choices
                .extend(ranges.chunks(1).take(MAX_TRIES).map(|one| (one, VersionPick::Smallest)));
        }
        // The newest version may also be the compatible one.
        let newest: Vec<_> = clearing.versions.iter().max().cloned().into_iter().collect();
        choices.push((&newest, VersionPick::Newest));
        for (versions, pick) in choices.into_iter().filter(|(versions, _)| !versions.is_empty()) {
            match self.search(true).plan(package, versions, pick) {
                Ok(plan) if plan.is_breaking() && !plans.breaking.contains(&plan) => {
                    plans.breaking.push(plan);
                }
                Err(reason) if plans.breaking.is_empty() => {
                    plans.reason.get_or_insert(reason);
                }
                _ => {}
            }
        }
        plans
    }
}

impl UpgradeContext<'_> {
    /// Adds plans that remove a package.
    fn plan_removal(&self, target: &UpgradeTarget, plans: &mut UpgradePlans) {
        if self.direct.contains(&target.package) {
            return;
        }
        for breaking in [false, true] {
            for pick in [VersionPick::Smallest, VersionPick::Newest] {
                match self.search(breaking).plan(&target.package, &[], pick) {
                    Ok(plan) if plan.steps.is_empty() => {}
                    Ok(plan) => {
                        let kind = if plan.is_breaking() {
                            &mut plans.breaking
                        } else {
                            &mut plans.compatible
                        };
                        if !kind.contains(&plan) {
                            kind.push(plan);
                        }
                    }
                    Err(reason) => {
                        plans.reason.get_or_insert(reason);
                    }
                }
            }
        }
    }
}
