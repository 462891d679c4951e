//! A package that something speaks against.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use semver::Version;

use crate::{
    fix::{Verification, verification::is_cargo_deny_problem},
    verdict::{AdvisoryFacts, Check, Code, Finding, PackageRef, Severity},
};

/// Whose findings are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum TargetScope {
    /// What is worth another version by itself: advisories, withdrawn versions, and what fails the
    /// gate.
    Needed,
    /// Whatever another version may clear.
    Asked,
}

/// A package and everything that speaks against the locked version of it.
#[derive(Clone, Debug)]
pub(in crate::fix) struct UpgradeTarget {
    pub(in crate::fix) package: PackageRef,
    pub(in crate::fix) severity: Severity,
    /// The advisories that a version can clear are told by `patched` and `unaffected`.
    pub(super) advisories: Vec<Arc<AdvisoryFacts>>,
    pub(super) yanked: bool,
    /// Its license is unknown or not allowed: what later versions state is not known before they
    /// are tried.
    pub(super) license: bool,
    /// The later versions that are locked, too, of a package that is to be there once.
    pub(super) others: Vec<Version>,
}

impl UpgradeTarget {
    /// The packages of registries that findings speak against, the worst first.
    pub(in crate::fix) fn all(findings: &[Finding], scope: TargetScope) -> Vec<Self> {
        let mut all: BTreeMap<PackageRef, Self> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| counts(finding)) {
            let needed = scope == TargetScope::Asked || finding.severity == Severity::Error;
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
                        let others = later(package, packages);
                        if others.is_empty() {
                            continue;
                        }
                        let Some(target) = Self::entry(&mut all, package, finding) else {
                            continue;
                        };
                        target.others = others;
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

    /// Those that a finding is about: for a duplicate one for each version but the newest.
    pub(in crate::fix) fn of(findings: &[Finding], finding: &Finding) -> Vec<Self> {
        let is_duplicate = finding.code == Some(Code::Duplicate);
        let mut all = Self::all(findings, TargetScope::Asked);
        all.retain(|target| {
            finding.packages.contains(&target.package)
                && (!is_duplicate || !target.others.is_empty())
        });
        if is_duplicate {
            for target in &mut all {
                (target.yanked, target.license) = (false, false);
                target.advisories.clear();
            }
        } else {
            for target in &mut all {
                target.others.clear();
            }
        }
        all
    }

    /// Whether nothing but its license speaks against it.
    pub(in crate::fix) fn is_only_about_license(&self) -> bool {
        self.license && self.advisories.is_empty() && !self.yanked && self.others.is_empty()
    }

    /// Whether its license is unknown or not allowed.
    pub(in crate::fix) fn is_about_license(&self) -> bool {
        self.license
    }

    /// How many findings about the package are left after a change, whatever its version is then.
    pub(in crate::fix) fn left_by(&self, proof: &Verification) -> usize {
        let is_mine = |finding: &&Finding| {
            counts(finding)
                && finding.check != Check::Bans
                && finding.packages.iter().any(|one| one.name == self.package.name)
        };
        proof.verdict.findings.iter().filter(is_mine).count()
    }

    fn entry<'a>(
        all: &'a mut BTreeMap<PackageRef, Self>,
        package: &PackageRef,
        finding: &Finding,
    ) -> Option<&'a mut Self> {
        if !is_from_registry(package) {
            return None;
        }
        let target = all.entry(package.clone()).or_insert_with(|| Self {
            package: package.clone(),
            severity: finding.severity,
            advisories: Vec::new(),
            yanked: false,
            license: false,
            others: Vec::new(),
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

fn later(package: &PackageRef, packages: &[PackageRef]) -> Vec<Version> {
    let Ok(version) = Version::parse(&package.version) else { return Vec::new() };
    let versions = packages.iter().filter(|other| other.source == package.source);
    let versions = versions.filter_map(|other| Version::parse(&other.version).ok());
    let mut later: Vec<_> = versions.filter(|other| *other > version).collect();
    later.sort();
    later
}

pub(super) fn is_from_registry(package: &PackageRef) -> bool {
    package
        .source
        .as_deref()
        .is_some_and(|source| source.starts_with("registry+") || source.starts_with("sparse+"))
}
