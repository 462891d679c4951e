//! The input of the policy template, from the verdict with a policy that permits nothing.

use std::collections::BTreeSet;

use super::licenses::declared_or_recognized;
use crate::{
    gate::Verdict,
    policy::template::{Duplicates, TemplateInput, Wildcards},
    verdict::{Code, Finding, PackageRef, Severity},
};

/// A policy that permits nothing: its findings show what the new policy has to permit.
pub(in crate::fix) const PERMIT_NOTHING: &str = r#"[licenses]
allow = []
[bans]
multiple-versions = "deny"
wildcards = "deny"
[sources]
allow-registry = []
unknown-registry = "deny"
unknown-git = "deny"
"#;

/// The template input from the verdict with [`PERMIT_NOTHING`]. A `strict` policy denies duplicates.
pub(in crate::fix) fn template_input(verdict: &Verdict, strict: bool) -> TemplateInput {
    let mut input = TemplateInput::default();
    let with = |code| verdict.findings.iter().filter(move |finding| finding.code == Some(code));
    for package in with(Code::Rejected).filter_map(|finding| finding.packages.first()) {
        if let Some(expression) = verdict.folders.get(package).and_then(declared_or_recognized) {
            input.licensed.push((package.clone(), expression));
        }
    }
    input.private = unlicensed(verdict).any(|package| package.source.is_none());
    if strict {
        let duplicates = with(Code::Duplicate).map(|finding| finding.packages.clone());
        input.duplicates = Duplicates::Deny(duplicates.collect());
    }
    if with(Code::Wildcard).next().is_some() {
        input.wildcards = Wildcards::Paths;
    }
    input.sources = verdict.folders.keys().filter_map(|package| package.source.clone()).collect();
    input
}

/// Removes settings from the input that did not help in the first policy.
pub(in crate::fix) fn drop_ineffective(input: &mut TemplateInput, verdict: &Verdict) {
    // `licenses.private` does not cover packages that can be published.
    input.private &= has_private(verdict);
    let wildcards = verdict.findings.iter().filter(|one| one.code == Some(Code::Wildcard));
    let names: BTreeSet<String> = wildcards
        .flat_map(|finding| &finding.packages)
        .map(|package| package.name.clone())
        .collect();
    if !names.is_empty() {
        input.wildcards = Wildcards::Of(names.into_iter().collect());
    }
}

/// Adds the packages with an unknown license to the input; returns whether there are any.
pub(in crate::fix) fn add_unlicensed(input: &mut TemplateInput, verdict: &Verdict) -> bool {
    input.unlicensed = unlicensed(verdict).cloned().collect();
    input.unlicensed.sort();
    input.unlicensed.dedup();
    !input.unlicensed.is_empty()
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
