//! A package with findings that another version may clear.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::Arc,
};

use semver::Version;

use super::LockGraph;
use crate::{
    fix::{
        Verification,
        solver::{Goal, GoalKind},
        verification::is_cargo_deny_problem,
    },
    model::lockfile::is_registry,
    verdict::{AdvisoryFacts, Check, Code, Finding, PackageRef, Severity},
};

/// Which findings make a package a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum TargetScope {
    /// Advisories, yanked versions, and errors of other checks: the ones that `fix` upgrades.
    Needed,
    /// Any finding that another version may clear.
    Any,
}

/// A package and the findings about its locked version.
#[derive(Clone, Debug)]
pub(in crate::fix) struct UpgradeTarget {
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) severity: Severity,
    /// `patched` and `unaffected` of these say which versions clear them.
    pub(super) advisories: Vec<Arc<AdvisoryFacts>>,
    pub(super) yanked: bool,
    /// Its license is unknown or not allowed. The index does not list licenses, so later versions have
    /// to be tried.
    pub(super) license: bool,
    /// For a duplicate: the later locked versions.
    pub(super) later_versions: Vec<Version>,
    /// For a duplicate: the other versions but the newest, which have to be replaced, too.
    other_versions: Vec<PackageRef>,
}

impl UpgradeTarget {
    /// The registry packages with findings, the worst first.
    pub(in crate::fix) fn all(findings: &[Finding], scope: TargetScope) -> Vec<Self> {
        let mut all: BTreeMap<PackageRef, Self> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| is_cargo_deny_problem(finding)) {
            let needed = scope == TargetScope::Any || finding.severity == Severity::Error;
            let (yanked, license) = (finding.code == Some(Code::Yanked), is_about_license(finding));
            let advised = finding.check == Check::Advisories && finding.advisory.is_some();
            match finding.packages.as_slice() {
                [package] if yanked || advised || license && needed => {
                    let Some(target) = Self::entry(&mut all, package, finding) else { continue };
                    target.yanked |= yanked;
                    target.license |= license;
                    target.advisories.extend(finding.advisory.clone());
                }
                packages if finding.code == Some(Code::Duplicate) && needed => {
                    for package in packages {
                        let later = later_versions(package, packages);
                        if later.is_empty() {
                            continue;
                        }
                        let Some(target) = Self::entry(&mut all, package, finding) else {
                            continue;
                        };
                        target.later_versions = later;
                        let others = packages.iter().filter(|other| {
                            *other != package && !later_versions(other, packages).is_empty()
                        });
                        target.other_versions = others.cloned().collect();
                    }
                }
                _ => {}
            }
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|target| {
            (target.advisories.is_empty() && !target.yanked, Reverse(target.severity))
        });
        all
    }

    /// The targets of one finding: for a duplicate, the oldest version with the others.
    pub(in crate::fix) fn of(findings: &[Finding], finding: &Finding) -> Vec<Self> {
        let is_duplicate = finding.code == Some(Code::Duplicate);
        let mut all = Self::all(findings, TargetScope::Any);
        all.retain(|target| {
            finding.packages.contains(&target.package)
                && (!is_duplicate || !target.later_versions.is_empty())
        });
        if is_duplicate {
            // One source after the other.
            all.sort_by(|one, other| one.package.cmp(&other.package));
            let mut seen = BTreeSet::new();
            all.retain(|target| {
                let is_new = seen.insert(target.package.clone());
                seen.extend(target.other_versions.iter().cloned());
                is_new
            });
            for target in &mut all {
                (target.yanked, target.license) = (false, false);
                target.advisories.clear();
            }
        } else {
            for target in &mut all {
                target.later_versions.clear();
                target.other_versions.clear();
            }
        }
        all
    }

    /// What a plan has to achieve, one goal after the other.
    pub(in crate::fix) fn goals(&self) -> Vec<Goal> {
        let goal = |kind| Goal { package: self.package.clone(), kind };
        let mut all: Vec<_> =
            self.advisories.iter().map(|one| goal(GoalKind::Clear(Arc::clone(one)))).collect();
        all.dedup();
        if !self.later_versions.is_empty() {
            all.push(goal(GoalKind::ReplaceBy(self.later_versions.clone())));
            let newest = self.later_versions.last().cloned();
            all.extend(self.other_versions.iter().map(|other| Goal {
                package: other.clone(),
                kind: GoalKind::ReplaceBy(newest.iter().cloned().collect()),
            }));
        } else if self.yanked || self.license {
            all.push(goal(GoalKind::Replace));
        }
        all
    }

    /// The versions that a plan has to replace.
    pub(in crate::fix) fn packages(&self) -> impl Iterator<Item = &PackageRef> {
        iter::once(&self.package).chain(&self.other_versions)
    }

    /// Whether only all its goals together clear a finding.
    pub(in crate::fix) fn is_only_duplicate(&self) -> bool {
        let has_more = self.yanked || self.license || !self.advisories.is_empty();
        !self.later_versions.is_empty() && !has_more
    }

    /// The version of a duplicate that is left after a change.
    pub(in crate::fix) fn later_version_in(&self, after: &LockGraph) -> Option<Version> {
        let mut left =
            after.versions(&self.package.name).filter(|one| self.later_versions.contains(one));
        left.next().cloned()
    }

    /// Whether all its findings are about its license.
    pub(in crate::fix) fn is_only_about_license(&self) -> bool {
        self.license && self.advisories.is_empty() && !self.yanked && self.later_versions.is_empty()
    }

    /// Whether its license is unknown or not allowed.
    pub(in crate::fix) fn is_about_license(&self) -> bool {
        self.license
    }

    /// How many findings about the package remain after a change, in whatever version.
    pub(in crate::fix) fn findings_left(&self, verification: &Verification) -> usize {
        let is_about_it = |finding: &&Finding| {
            is_cargo_deny_problem(finding)
                && finding.check != Check::Bans
                && finding.packages.iter().any(|one| one.name == self.package.name)
        };
        verification.verdict.findings.iter().filter(is_about_it).count()
    }

    fn entry<'a>(
        all: &'a mut BTreeMap<PackageRef, Self>,
        package: &PackageRef,
        finding: &Finding,
    ) -> Option<&'a mut Self> {
        if !package.source.as_deref().is_some_and(is_registry) {
            return None;
        }
        let target = all.entry(package.clone()).or_insert_with(|| Self {
            package: package.clone(),
            severity: finding.severity,
            advisories: Vec::new(),
            yanked: false,
            license: false,
            later_versions: Vec::new(),
            other_versions: Vec::new(),
        });
        target.severity = target.severity.max(finding.severity);
        Some(target)
    }
}

fn is_about_license(finding: &Finding) -> bool {
    matches!(
        finding.code,
        Some(
            Code::Unlicensed
                | Code::NoLicenseField
                | Code::EmptyLicenseField
                | Code::GatherFailure
                | Code::Rejected
        )
    )
}

fn later_versions(package: &PackageRef, packages: &[PackageRef]) -> Vec<Version> {
    let versions = packages.iter().filter(|other| other.source == package.source);
    let versions = versions.map(|other| &other.version);
    let mut later: Vec<_> = versions.filter(|other| **other > package.version).cloned().collect();
    later.sort();
    later
}
