//! The state of a workspace that upgrades start from, and the plans for it.

use std::{cell::OnceCell, collections::BTreeSet, sync::Arc};

use semver::Version;

use super::{CheckedTexts, policy_ignores};
use crate::{
    fix::{
        solver::{Goal, NoPlan, PackageVersions, Plan, PlanOptions, Planner},
        upgrade::{Blocked, LockGraph, NoPlanReason, UpgradeTarget},
    },
    gate::{Databases, Texts as _},
    model::lockfile::{LockedPackage, Lockfile},
    verdict::{AdvisoryFacts, AdvisoryKind, Severity},
};

/// The state of a workspace that upgrades start from.
pub(in crate::fix) struct UpgradeContext<'g> {
    pub(super) current: CheckedTexts<'g>,
    pub(super) locked: LockGraph,
    pub(super) versions: &'g PackageVersions,
    lockfile: Vec<LockedPackage>,
    databases: &'g Databases,
    /// The advisories that may stay: those of the findings, and those that the policy ignores.
    tolerated: OnceCell<BTreeSet<(String, String)>>,
}

impl<'g> UpgradeContext<'g> {
    pub(in crate::fix) fn of(
        current: CheckedTexts<'g>,
        versions: &'g PackageVersions,
        databases: &'g Databases,
    ) -> Self {
        let text = current.texts.read(&current.verdict.workspace.lockfile());
        let lockfile = text.as_ref().ok().and_then(|text| Lockfile::graph(text.as_str()));
        let locked = text.as_ref().map(LockGraph::read).unwrap_or_default();
        let lockfile = lockfile.unwrap_or_default();
        Self { current, locked, versions, lockfile, databases, tolerated: OnceCell::new() }
    }

    /// Whether cargo's downloads say which versions it can select offline: not where the locked packages come from
    /// elsewhere, such as a vendor folder.
    pub(super) fn has_downloads(&self) -> bool {
        self.lockfile.iter().any(|one| self.versions.is_downloaded(&one.name, &one.version))
    }

    /// The plan that achieves the goals with the fewest changes.
    pub(super) fn plan(
        &self,
        goals: &[Goal],
        options: &PlanOptions,
        is_canceled: &dyn Fn() -> bool,
    ) -> Result<Plan, NoPlan> {
        self.with_planner(is_canceled, |planner| planner.plan(goals, options))
    }

    /// Searches plans: each search uses what the ones before have read.
    pub(super) fn with_planner<T>(
        &self,
        is_canceled: &dyn Fn() -> bool,
        then: impl FnOnce(&Planner<'_>) -> T,
    ) -> T {
        self.versions.read_locked(&self.lockfile);
        let advisories = |name: &str| self.advisories_of(name);
        let tolerated = self.tolerated.get_or_init(|| self.tolerated()).clone();
        let unlisted = &self.current.verdict.graph.unlisted;
        let planner = Planner::new(
            self.versions,
            &self.lockfile,
            unlisted,
            &advisories,
            tolerated,
            is_canceled,
        );
        then(&planner)
    }

    /// The advisories about a package that would be errors: vulnerabilities are with every gate that checks
    /// advisories, the other kinds if one of them is now.
    fn advisories_of(&self, name: &str) -> Vec<Arc<AdvisoryFacts>> {
        let is_error = |kind: AdvisoryKind| {
            let mut findings = self.current.verdict.findings.iter();
            kind == AdvisoryKind::Vulnerability
                || findings.any(|one| {
                    let is_of_kind = one.advisory.as_ref().is_some_and(|one| one.kind == kind);
                    is_of_kind && one.severity == Severity::Error
                })
        };
        let all = self.databases.advisories_of(name);
        all.into_iter().filter(|one| is_error(one.kind)).map(Arc::new).collect()
    }

    fn tolerated(&self) -> BTreeSet<(String, String)> {
        let findings = self.current.verdict.findings.iter();
        let known = findings.filter_map(|finding| finding.advisory.as_ref());
        let mut all: BTreeSet<_> = known.map(|one| (one.id.clone(), one.package.clone())).collect();
        for id in policy_ignores(self.current) {
            if let Some(advisory) = self.databases.advisory(&id) {
                all.insert((advisory.id, advisory.package));
            }
        }
        all
    }

    /// Why there is no plan. `breaking` is the plan with breaking upgrades, if only that one exists.
    pub(super) fn reason(
        &self,
        target: &UpgradeTarget,
        no_plan: NoPlan,
        breaking: Option<Plan>,
    ) -> NoPlanReason {
        NoPlanReason {
            package: target.package.name.clone(),
            no_version: target.no_version_reason(self.versions),
            blocked: Blocked::of(no_plan, breaking),
        }
    }

    /// Whether a compatible version of the package is newer than the one that the plan selects.
    pub(super) fn has_newer(&self, target: &UpgradeTarget, plan: &Plan) -> bool {
        let step = plan.steps.iter().find(|step| step.package == target.package);
        step.is_none_or(|step| self.versions.has_newer(&step.new_package()))
    }

    /// The version of a package after an upgrade; `None` if it is removed.
    pub(super) fn version_after(
        &self,
        target: &UpgradeTarget,
        plan: &Plan,
        after: &LockGraph,
    ) -> Option<Version> {
        let package = &target.package;
        if let Some(step) = plan.steps.iter().find(|step| step.package == *package) {
            return Some(step.to.clone());
        }
        if let Some(other) = target.later_version_in(after) {
            return Some(other);
        }
        let before: Vec<_> = self.locked.versions(&package.name).collect();
        let new = after.versions(&package.name).filter(|version| !before.contains(version));
        new.max().cloned()
    }
}
