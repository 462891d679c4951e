//! The upgrades that clear a finding, in two steps: a menu has its first action early.

use super::{
    FixVerifier, NotVerified, UpgradeContext,
    joint::levels,
    known_fix::known_fix,
    verify_upgrade::{NoUpgrade, VerifiedPlan},
};
use crate::fix::{
    CheckedTexts, Fix, FixOptions, FixResult, NoFixReason,
    solver::{PackageVersions, PlanOptions},
    upgrade::{RequirementUpdate, UpgradeTarget},
};
use crate::verdict::{Check, Finding, PackageRef};

/// The first verified upgrade of each package of a finding; [`FixVerifier::further_upgrades`] goes on from it.
pub(crate) struct FirstUpgrades {
    by_target: Vec<(UpgradeTarget, Result<FirstUpgrade, NoUpgrade>)>,
    no_lockfile: bool,
}

struct FirstUpgrade {
    verified: VerifiedPlan,
    fix: Fix,
}

/// The package whose first upgrade is found before the others: the only one of a finding of cargo-deny.
pub(crate) fn upgraded_package(finding: &Finding) -> Option<&PackageRef> {
    match finding.packages.as_slice() {
        [package] if finding.check != Check::Supercargo => Some(package),
        _ => None,
    }
}

impl FirstUpgrades {
    /// The fixes, the best of each package.
    pub(crate) fn fixes(&self) -> impl Iterator<Item = &Fix> {
        let found = self.by_target.iter().filter_map(|(_, first)| first.as_ref().ok());
        found.map(|first| &first.fix)
    }
}

impl std::fmt::Debug for FirstUpgrades {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fixes().map(|fix| &fix.title)).finish()
    }
}

impl FixVerifier<'_> {
    /// The verified upgrades that clear the findings about the package of `finding`: the smallest; the
    /// same in `Cargo.lock` only, if the requirement accepts it; the newest compatible one; and a breaking
    /// one if nothing else clears them.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`]. If no upgrade is verified, the result has the reason.
    pub fn upgrades(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
    ) -> Result<FixResult, NotVerified> {
        let versions = PackageVersions::of(current.verdict, current.texts);
        let first = self.first_upgrades(current, finding, &versions)?;
        self.further_upgrades(current, finding, &versions, &first, &[])
    }

    /// The first of these upgrades, if it is compatible. `versions` are those of the current verdict.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub(crate) fn first_upgrades(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
        versions: &PackageVersions,
    ) -> Result<FirstUpgrades, NotVerified> {
        let targets = UpgradeTarget::of(&current.verdict.findings, finding);
        let mut first = FirstUpgrades { by_target: Vec::new(), no_lockfile: false };
        if targets.is_empty() {
            return Ok(first);
        }
        if !current.verdict.workspace.lockfile().is_file() {
            first.no_lockfile = true;
            return Ok(first);
        }
        let context = UpgradeContext::of(current, versions, self.databases);
        let offered = FixOptions { breaking: false, newer_rust: true };
        let levels = levels(offered, versions.rust.as_ref());
        for target in targets {
            let found = self.best_plan(&context, &target, &levels)?.map(|verified| {
                let fix = context.fix(&target, &verified);
                FirstUpgrade { verified, fix }
            });
            first.by_target.push((target, found));
        }
        Ok(first)
    }

    /// All upgrades, with the first ones. Instead of searching a breaking upgrade it takes one of the `known` fixes of the
    /// same texts, if that upgrades only the dependency that brings the package.
    ///
    /// # Errors
    ///
    /// [`NotVerified::Canceled`].
    pub(crate) fn further_upgrades(
        &mut self,
        current: CheckedTexts<'_>,
        finding: &Finding,
        versions: &PackageVersions,
        first: &FirstUpgrades,
        known: &[&Fix],
    ) -> Result<FixResult, NotVerified> {
        let mut result = FixResult::default();
        if first.no_lockfile {
            result.no_fix_reason = Some(NoFixReason::NoLockfile);
        }
        if first.by_target.is_empty() {
            return Ok(result);
        }
        let context = UpgradeContext::of(current, versions, self.databases);
        for (target, first) in &first.by_target {
            let found = match first {
                Ok(first) => Ok(self.with_further(&context, target, first)?),
                Err(failed) => match known_fix(known, current, finding, target) {
                    Some(known) => Ok(vec![known.clone()]),
                    None => self.last_upgrade(&context, target, failed)?.map(|fix| vec![fix]),
                },
            };
            match found {
                Ok(fixes) => result.fixes.extend(fixes),
                Err(reason) => {
                    result.no_fix_reason.get_or_insert(reason);
                }
            }
        }
        if !result.fixes.is_empty() {
            result.no_fix_reason = None;
        }
        Ok(result)
    }

    /// The first upgrade, and the further ones that are compatible.
    fn with_further(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        first: &FirstUpgrade,
    ) -> Result<Vec<Fix>, NotVerified> {
        let FirstUpgrade { verified: first, fix } = first;
        let mut more = Vec::new();
        if first.raised_accepting {
            let plan = first.plan.clone();
            more.push(self.verified(context, target, plan, RequirementUpdate::KeepAccepting));
        }
        if context.has_newer(target, &first.plan) {
            let newest = Some(target.package.clone());
            let options = PlanOptions { newest, ..PlanOptions::default() };
            let (goals, update) = (target.goals(), RequirementUpdate::Raise);
            more.push(self.verified_plan(context, &[target], &goals, options, update));
        }
        let mut fixes = vec![fix.clone()];
        for verified in more {
            match verified {
                Ok(verified) => {
                    let fix = context.fix(target, &verified);
                    if !fixes.iter().any(|one| one.has_same_edits(&fix)) {
                        fixes.push(fix);
                    }
                }
                Err(NoUpgrade::Unverified(NotVerified::Canceled)) => {
                    return Err(NotVerified::Canceled);
                }
                Err(_) => {}
            }
        }
        Ok(fixes)
    }

    /// The upgrade where none is compatible: a breaking one or, at last, one to older versions; or why there is none.
    fn last_upgrade(
        &mut self,
        context: &UpgradeContext<'_>,
        target: &UpgradeTarget,
        failed: &NoUpgrade,
    ) -> Result<Result<Fix, NoFixReason>, NotVerified> {
        let offered = FixOptions { breaking: true, newer_rust: true };
        let levels = levels(offered, context.versions.rust.as_ref());
        if let Ok(verified) = self.best_plan(context, target, &levels)? {
            return Ok(Ok(context.fix(target, &verified)));
        }
        let all = PlanOptions { newer_rust: true, ..PlanOptions::default() };
        Ok(Err(self.no_upgrade_reason(context, target, &all, failed)))
    }
}
