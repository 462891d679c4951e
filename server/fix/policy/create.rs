//! A policy where there is none: what it is made for, told from a verdict on a policy that permits
//! nothing.

use std::collections::BTreeSet;

use super::licenses::declared_or_recognized;
use crate::{
    gate::Verdict,
    policy::template::{Ground, Wildcards},
    verdict::{Code, Finding, PackageRef, Severity},
};

/// A policy that permits nothing: what is found by it is what a policy has to speak of.
pub(in crate::fix) const NOTHING: &str = r#"[licenses]
allow = []
[bans]
multiple-versions = "deny"
wildcards = "deny"
[sources]
allow-registry = []
unknown-registry = "deny"
unknown-git = "deny"
"#;

/// What a policy is made for, by the verdict on [`NOTHING`].
pub(in crate::fix) fn ground(verdict: &Verdict) -> Ground {
    let mut ground = Ground::default();
    let with = |code| verdict.findings.iter().filter(move |finding| finding.code == Some(code));
    for package in with(Code::Rejected).filter_map(|finding| finding.packages.first()) {
        if let Some(expression) = verdict.folders.get(package).and_then(declared_or_recognized) {
            ground.licensed.push((package.clone(), expression));
        }
    }
    ground.private = unlicensed(verdict).any(|package| package.source.is_none());
    ground.duplicates = with(Code::Duplicate).map(|finding| finding.packages.clone()).collect();
    if with(Code::Wildcard).next().is_some() {
        ground.wildcards = Wildcards::Paths;
    }
    ground.sources = verdict.folders.keys().filter_map(|package| package.source.clone()).collect();
    ground
}

/// What the policy that was made by a ground did not mend is left to somebody.
pub(in crate::fix) fn lower(ground: &mut Ground, verdict: &Verdict) {
    // `private` says nothing of packages that may be published.
    ground.private &= has_private(verdict);
    let wildcards = verdict.findings.iter().filter(|one| one.code == Some(Code::Wildcard));
    let names: BTreeSet<String> = wildcards
        .flat_map(|finding| &finding.packages)
        .map(|package| package.name.clone())
        .collect();
    if !names.is_empty() {
        ground.wildcards = Wildcards::Of(names.into_iter().collect());
    }
}

/// Notes of which packages nothing can be told, and says whether there are any.
pub(in crate::fix) fn name_unlicensed(ground: &mut Ground, verdict: &Verdict) -> bool {
    ground.unlicensed = unlicensed(verdict).cloned().collect();
    ground.unlicensed.sort();
    ground.unlicensed.dedup();
    !ground.unlicensed.is_empty()
}

fn has_private(verdict: &Verdict) -> bool {
    let is_one = |finding: &Finding| finding.code == Some(Code::SkippedPrivateWorkspaceCrate);
    verdict.findings.iter().any(is_one)
}

fn unlicensed(verdict: &Verdict) -> impl Iterator<Item = &PackageRef> {
    let is_one = |finding: &&Finding| {
        finding.code == Some(Code::Unlicensed) && finding.severity == Severity::Error
    };
    verdict.findings.iter().filter(is_one).filter_map(|finding| finding.packages.first())
}
