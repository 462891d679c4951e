//! Compares the verdict on changed texts with the one before the change.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use semver::Version;

use super::{CheckedTexts, Overlay};
use crate::{
    gate::{Texts as _, Verdict},
    model::lockfile::{LockedPackage, Lockfile},
    verdict::{Check, Code, Finding, PackageRef, Severity, source_name},
};

/// The check of a change, compared with the check before it.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The verdict on the changed texts.
    pub verdict: Verdict,
    /// The warnings and errors that the change clears.
    pub cleared: Vec<Finding>,
    /// The warnings and errors that the change causes.
    pub introduced: Vec<Finding>,
    /// The lock entries that the change adds, removes or replaces.
    pub moved: Vec<MovedEntry>,
}

/// A lock entry before and after a change; one of them is `None` if the package was added or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedEntry {
    /// The package.
    pub name: String,
    /// Its source, if the lockfile has packages of this name from several.
    pub source: Option<String>,
    /// The version before.
    pub before: Option<Version>,
    /// The version after.
    pub after: Option<Version>,
}

impl Verification {
    /// Compares `verdict` on `overlay` with `before`. `None` if the check did not complete: then
    /// nothing is verified.
    pub(super) fn of(
        before: CheckedTexts<'_>,
        overlay: &Overlay,
        verdict: Verdict,
    ) -> Option<Self> {
        if !verdict.complete {
            return None;
        }
        // What is withheld because of other workspaces depends on the text of the policy.
        let (old, new) = (before.verdict.with_withheld(), verdict.with_withheld());
        let cleared = unmatched(&old.findings, &new.findings);
        let introduced = unmatched(&new.findings, &old.findings);
        let moved = moved_entries(before.texts, overlay, &verdict.workspace.lockfile());
        Some(Self { verdict, cleared, introduced, moved })
    }

    /// The warnings and errors of `after` that `before` does not have.
    pub(super) fn introduced(before: &Verdict, after: &Verdict) -> Vec<Finding> {
        unmatched(&after.findings, &before.findings)
    }

    /// Whether the change clears a finding.
    pub(super) fn clears(&self, finding: &Finding) -> bool {
        self.cleared.iter().any(|one| is_same(one, finding))
    }

    /// Whether the change clears a finding of the same kind about the same packages, in whatever versions.
    pub(super) fn clears_alike(&self, finding: &Finding) -> bool {
        self.cleared.iter().any(|one| identity(one) == identity(finding))
    }
}

/// Whether two findings are the same, about the same versions.
pub(super) fn is_same(one: &Finding, other: &Finding) -> bool {
    identity(one) == identity(other) && one.packages == other.packages
}

/// Identifies a finding, whatever the versions: an upgrade from an affected version to another affected
/// version clears nothing. Findings about no package are identified by their message.
type FindingIdentity<'f> = (Check, Option<Code>, Severity, Option<&'f str>, Vec<&'f str>);

fn identity(finding: &Finding) -> FindingIdentity<'_> {
    let mut names: Vec<_> = finding.packages.iter().map(|one| one.name.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        names.push(&finding.message);
    }
    let advisory = finding.advisory.as_ref().map(|advisory| advisory.id.as_str());
    (finding.check, finding.code, finding.severity, advisory, names)
}

/// The warnings and errors of `all` that have no counterpart among `others`.
fn unmatched(all: &[Finding], others: &[Finding]) -> Vec<Finding> {
    let mut counted: BTreeMap<_, usize> = BTreeMap::new();
    for other in others.iter().filter(|other| is_cargo_deny_problem(other)) {
        *counted.entry(identity(other)).or_default() += 1;
    }
    let mut same: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for one in all.iter().filter(|one| is_cargo_deny_problem(one)) {
        same.entry(identity(one)).or_default().push(one);
    }
    let mut unmatched = Vec::new();
    for (identity, mut findings) in same {
        let kept = counted.get(&identity).copied().unwrap_or(0);
        // Findings about the same versions are matched first.
        findings.sort_by_key(|one| {
            !others
                .iter()
                .any(|other| other.packages == one.packages && self::identity(other) == identity)
        });
        unmatched.extend(findings.into_iter().skip(kept).cloned());
    }
    unmatched
}

/// Whether it is a warning or an error of cargo-deny, not one of our own findings.
pub(super) fn is_cargo_deny_problem(finding: &Finding) -> bool {
    finding.check != Check::Supercargo && finding.severity >= Severity::Warning
}

pub(super) fn moved_entries(
    before: &Overlay,
    after: &Overlay,
    lockfile: &Utf8Path,
) -> Vec<MovedEntry> {
    let entries = |texts: &Overlay| -> BTreeSet<PackageRef> {
        let text = texts.read(lockfile).ok();
        let packages = text.and_then(|text| Lockfile::graph(text.as_str())).unwrap_or_default();
        let entry = |package: LockedPackage| PackageRef {
            name: package.name,
            version: package.version,
            source: package.source,
        };
        packages.into_iter().map(entry).collect()
    };
    let (before, after) = (entries(before), entries(after));
    // Another commit of a repository is another version of the same package.
    let package = |one: &PackageRef| (one.name.clone(), source_name(one.source.as_deref()));
    let all: BTreeSet<_> = before.iter().chain(&after).map(package).collect();
    let only = |these: &BTreeSet<PackageRef>, those: &BTreeSet<PackageRef>| {
        let mut by_package: BTreeMap<(String, String), Vec<Version>> = BTreeMap::new();
        for one in these.difference(those) {
            by_package.entry(package(one)).or_default().push(one.version.clone());
        }
        by_package
    };
    let (mut gone, mut new) = (only(&before, &after), only(&after, &before));
    let mut moved = Vec::new();
    let keys: BTreeSet<_> = gone.keys().chain(new.keys()).cloned().collect();
    for key in keys {
        let mut left = gone.remove(&key).unwrap_or_default().into_iter();
        let mut came = new.remove(&key).unwrap_or_default().into_iter();
        let (name, source) = key;
        let has_several = all.iter().filter(|(other, _)| *other == name).count() > 1;
        loop {
            let (before, after) = (left.next(), came.next());
            if before.is_none() && after.is_none() {
                break;
            }
            let source = Some(source.clone()).filter(|_| has_several);
            moved.push(MovedEntry { name: name.clone(), source, before, after });
        }
    }
    moved.sort_by(|a: &MovedEntry, b| a.name.cmp(&b.name));
    moved
}
