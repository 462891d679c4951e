//! The proof: a change is judged like the workspace itself, and compared with what was before.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::{CheckedTexts, Overlay};
use crate::{
    gate::{Texts as _, Verdict},
    model::lockfile::{LockedPackage, Lockfile},
    verdict::{Check, Code, Finding, PackageRef, Severity},
};

/// A change that was carried out and judged.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The verdict on the changed texts.
    pub verdict: Verdict,
    /// The warnings and errors that are gone.
    pub cleared: Vec<Finding>,
    /// Those that were not there before.
    pub introduced: Vec<Finding>,
    /// The lock entries that are others now.
    pub moved: Vec<MovedEntry>,
}

/// A lock entry before and after; one of them is `None` where a package came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedEntry {
    /// The package.
    pub name: String,
    /// Its version before.
    pub before: Option<String>,
    /// Its version after.
    pub after: Option<String>,
}

impl Verification {
    /// The verdict on `overlay` against the one on the texts before it. `None` where no verdict was
    /// reached: then nothing is proved.
    pub(super) fn of(before: CheckedTexts<'_>, overlay: &Overlay, verdict: Verdict) -> Option<Self> {
        if !verdict.reached {
            return None;
        }
        let cleared = missing(&before.verdict.findings, &verdict.findings);
        let introduced = missing(&verdict.findings, &before.verdict.findings);
        let moved = moved(before.texts, overlay, &verdict.workspace.lock_file());
        Some(Self { verdict, cleared, introduced, moved })
    }

    /// Whether a finding is among those that are gone.
    pub(super) fn clears(&self, finding: &Finding) -> bool {
        let same = |one: &&Finding| kind(one) == kind(finding) && one.packages == finding.packages;
        self.cleared.iter().any(|one| same(&one))
    }
}

/// What tells findings apart whatever the versions: one package upgraded from an affected version
/// to another affected one has cleared nothing. Those that are about no package differ by what they say.
type Kind<'f> = (Check, Option<Code>, Severity, Option<&'f str>, Vec<&'f str>);

fn kind(finding: &Finding) -> Kind<'_> {
    let mut names: Vec<_> = finding.packages.iter().map(|one| one.name.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        names.push(&finding.message);
    }
    let advisory = finding.advisory.as_ref().map(|advisory| advisory.id.as_str());
    (finding.check, finding.code, finding.severity, advisory, names)
}

/// The warnings and errors of `all` that have no counterpart among `others`.
fn missing(all: &[Finding], others: &[Finding]) -> Vec<Finding> {
    let mut counted: BTreeMap<_, usize> = BTreeMap::new();
    for other in others.iter().filter(|other| counts(other)) {
        *counted.entry(kind(other)).or_default() += 1;
    }
    let mut same: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for one in all.iter().filter(|one| counts(one)) {
        same.entry(kind(one)).or_default().push(one);
    }
    let mut missing = Vec::new();
    for (kind, mut findings) in same {
        let kept = counted.get(&kind).copied().unwrap_or(0);
        // Those about the same versions are counterparts of each other first.
        findings.sort_by_key(|one| {
            !others.iter().any(|other| other.packages == one.packages && self::kind(other) == kind)
        });
        missing.extend(findings.into_iter().skip(kept).cloned());
    }
    missing
}

/// Whether it is cargo-deny's, and more than told.
pub(super) fn counts(finding: &Finding) -> bool {
    finding.check != Check::Supercargo && finding.severity >= Severity::Warning
}

fn moved(before: &Overlay, after: &Overlay, lock_file: &Utf8Path) -> Vec<MovedEntry> {
    let entries = |texts: &Overlay| -> BTreeSet<PackageRef> {
        let text = texts.read(lock_file).ok();
        let packages = text.and_then(|text| Lockfile::graph(text.as_str())).unwrap_or_default();
        let entry = |package: LockedPackage| PackageRef {
            name: package.name,
            version: package.version.to_string(),
            source: package.source,
        };
        packages.into_iter().map(entry).collect()
    };
    let (before, after) = (entries(before), entries(after));
    let only = |these: &BTreeSet<PackageRef>, those: &BTreeSet<PackageRef>| {
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in these.difference(those) {
            by_name.entry(one.name.clone()).or_default().push(one.version.clone());
        }
        by_name
    };
    let (gone, mut new) = (only(&before, &after), only(&after, &before));
    let mut moved = Vec::new();
    for (name, versions) in gone {
        let mut came = new.remove(&name).unwrap_or_default().into_iter();
        for version in versions {
            moved.push(MovedEntry {
                name: name.clone(),
                before: Some(version),
                after: came.next(),
            });
        }
        let more = came.map(|version| (None, Some(version)));
        moved.extend(more.map(|(before, after)| MovedEntry { name: name.clone(), before, after }));
    }
    let came = new.into_iter().flat_map(|(name, versions)| {
        versions.into_iter().map(move |version| (name.clone(), version))
    });
    moved.extend(came.map(|(name, version)| MovedEntry {
        name,
        before: None,
        after: Some(version),
    }));
    moved.sort_by(|a, b| a.name.cmp(&b.name));
    moved
}
