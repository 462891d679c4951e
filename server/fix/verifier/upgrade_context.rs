//! Where upgrades start from, and which are to be tried for a target.

use std::collections::BTreeSet;

use semver::Version;

use super::CheckedTexts;
use crate::{
    fix::upgrade::{PackageVersions, LockGraph, VersionPick, UpgradePlan, UpgradeSearch, UpgradeTarget},
    gate::Texts as _,
    verdict::PackageRef,
};

/// How many versions of one kind are tried at most.
const TRIES: usize = 4;

/// What plans for a workspace are made from.
pub(in crate::fix) struct UpgradeContext<'g> {
    pub(super) now: CheckedTexts<'g>,
    pub(super) locked: LockGraph,
    pub(super) histories: &'g PackageVersions,
    /// What local packages require.
    declared: BTreeSet<PackageRef>,
}

/// What may be tried for a target, each in the order in which it is.
#[derive(Default)]
pub(super) struct UpgradePlans {
    pub(super) compatible: Vec<UpgradePlan>,
    pub(super) breaking: Vec<UpgradePlan>,
    /// Why there are no more of them.
    pub(super) reason: Option<String>,
}

impl<'g> UpgradeContext<'g> {
    pub(in crate::fix) fn of(now: CheckedTexts<'g>, histories: &'g PackageVersions) -> Self {
        let lock_file = now.texts.read(&now.verdict.workspace.lock_file());
        let locked = lock_file.map(|text| LockGraph::read(&text)).unwrap_or_default();
        let mut declared: BTreeSet<_> =
            now.verdict.declared.iter().map(|one| one.package.clone()).collect();
        declared.extend(locked.required_locally().cloned());
        Self { now, locked, histories, declared }
    }

    fn search(&self, breaking: bool) -> UpgradeSearch<'_> {
        UpgradeSearch {
            locked: &self.locked,
            histories: self.histories,
            declared: &self.declared,
            breaking,
            lenient: false,
        }
    }

    pub(super) fn plans(&self, target: &UpgradeTarget) -> UpgradePlans {
        let mut plans = UpgradePlans::default();
        let clear = match target.clear(self.histories) {
            Ok(clear) => clear,
            Err(reason) => return UpgradePlans { reason: Some(reason), ..plans },
        };
        if let Some(reason) = clear.none {
            self.plan_without(target, &mut plans);
            let blocked = plans.reason.take().map_or_else(String::new, |why| format!("; {why}"));
            plans.reason = Some(format!("{reason}{blocked}"));
            return plans;
        }
        let compatible = clear.compatible();
        let mut wishes: Vec<(&[Version], VersionPick)> = Vec::new();
        if !target.is_only_about_license() {
            wishes.push((&compatible, VersionPick::Smallest));
            wishes.push((&clear.versions, VersionPick::Smallest));
            wishes.extend(
                compatible.chunks(1).skip(1).take(TRIES - 2).map(|one| (one, VersionPick::Smallest)),
            );
        }
        wishes.push((&compatible, VersionPick::Newest));
        wishes.push((&clear.versions, VersionPick::Newest));
        // Better than nothing where no compatible one clears all.
        if compatible.is_empty() {
            wishes.push((&clear.partly, VersionPick::Smallest));
        }
        let package = &target.package;
        for (versions, pick) in wishes.into_iter().filter(|(versions, _)| !versions.is_empty()) {
            match self.search(false).plan(package, versions, pick) {
                Ok(plan) if !plans.compatible.contains(&plan) && !plan.steps.is_empty() => {
                    plans.compatible.push(plan);
                }
                Ok(_) => {}
                Err(reason) => plans.reason = Some(reason),
            }
        }
        let lines = clear.later_lines();
        let mut wishes: Vec<(&[Version], VersionPick)> = Vec::new();
        if !target.is_only_about_license() {
            wishes.push((&clear.versions, VersionPick::Smallest));
            wishes.extend(lines.chunks(1).take(TRIES).map(|one| (one, VersionPick::Smallest)));
        }
        // By its number it may be the one that is compatible.
        let newest: Vec<_> = clear.versions.iter().max().cloned().into_iter().collect();
        wishes.push((&newest, VersionPick::Newest));
        for (versions, pick) in wishes.into_iter().filter(|(versions, _)| !versions.is_empty()) {
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
    /// Plans that do without a package.
    fn plan_without(&self, target: &UpgradeTarget, plans: &mut UpgradePlans) {
        if self.declared.contains(&target.package) {
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
