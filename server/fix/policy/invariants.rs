//! Invariants of plans for any text, asserted by the tests and the fuzzer.

use std::collections::BTreeMap;

use semver::Version;

use super::{
    PolicyFacts, PolicyPlan,
    document::{TomlDocument, TomlNode},
    error_counts, plans,
};
use crate::{
    text::SourceText,
    verdict::{
        AdvisoryFacts, Code, Finding, Location, PackageFolder, PackageRef, PolicyText, Role,
        Severity, own_finding,
    },
};

/// Makes plans for an arbitrary text and asserts their invariants.
///
/// # Panics
///
/// If an invariant is violated.
#[doc(hidden)]
pub fn fuzz_policy(text: &str) {
    let path = Some("/w/deny.toml".into());
    let policy = PolicyText { path, text: SourceText::new(text), exceptions: None };
    let package = |name: &str, major: u64, source: &str| PackageRef {
        name: name.to_owned(),
        version: Version::new(major, 0, 0),
        source: Some(source.to_owned()),
    };
    let index = "registry+https://github.com/rust-lang/crates.io-index";
    let (old, new) = (package("a", 1, index), package("a", 2, index));
    let git = package("b", 1, "git+https://github.com/one/b?rev=1#1");
    let folder = PackageFolder {
        folder: "/nowhere/at/all".into(),
        license: Some("Apache 2.0 / ISC".to_owned()),
        license_file: None,
    };
    let packages = BTreeMap::from([(old.clone(), folder)]);
    let facts = PolicyFacts { policy: &policy, packages: &packages };
    let about = |code, packages: &[&PackageRef]| {
        let mut finding = own_finding(code, Severity::Error, String::new(), Vec::new());
        finding.packages = packages.iter().map(|package| (*package).clone()).collect();
        finding
    };
    let mut findings = vec![
        about(Code::Yanked, &[&old]),
        about(Code::Rejected, &[&old]),
        about(Code::ParseError, &[&old]),
        about(Code::Duplicate, &[&old, &new]),
        about(Code::NotAllowed, &[&old]),
        about(Code::BuildScriptNotAllowed, &[&old]),
        about(Code::SourceNotAllowed, &[&git]),
        about(Code::SourceNotAllowed, &[&old]),
    ];
    let mut advisory = about(Code::Vulnerability, &[&old]);
    let id = "RUSTSEC-2024-0001".to_owned();
    advisory.advisory = Some(AdvisoryFacts { id, ..AdvisoryFacts::default() }.into());
    findings.push(advisory);
    if let Some(document) = TomlDocument::read(policy.text.as_str()) {
        let mut starts = Vec::new();
        items(&document.root, &mut starts);
        for start in starts {
            let mut unused = about(Code::UnmatchedSkip, &[]);
            let (file, text) = (policy.name().to_owned(), policy.text.clone());
            let span = start..start + 1;
            unused.locations =
                vec![Location { file: file.into(), text, span, role: Role::Primary, via: None }];
            findings.push(unused);
        }
    }
    for finding in findings {
        for plan in plans(&finding, &facts) {
            check_invariants(&finding, &facts, &plan);
        }
    }
}

fn items(node: &TomlNode, starts: &mut Vec<usize>) {
    for child in node.children().unwrap_or_default() {
        starts.extend(child.span.as_ref().map(|span| span.start));
        items(child, starts);
    }
    node.entries().iter().for_each(|entry| items(&entry.node, starts));
}

/// Asserts the invariants of a plan that adds or removes an entry.
///
/// # Panics
///
/// If an invariant is violated.
pub(super) fn check_invariants(finding: &Finding, facts: &PolicyFacts<'_>, plan: &PolicyPlan) {
    let before = facts.policy.text.as_str();
    let PolicyPlan { after, placeholder, title, .. } = plan;
    let details = || format!("{title}\n--- before\n{before}\n--- after\n{after}\n");
    assert!(
        after.parse::<toml_edit::DocumentMut>().is_ok(),
        "the result is not TOML: {}",
        details()
    );
    let changed = facts.with(after);
    let (now, then) = (error_counts(&changed), error_counts(facts.policy));
    assert!(now.is_some() && now <= then, "cargo-deny reports more errors: {}", details());
    assert_ne!(before, after);
    if let Some(span) = placeholder {
        let marked = after.get(span.clone());
        assert!(marked.is_some_and(|text| !text.is_empty()), "nothing to fill in: {}", details());
    }
    let mixed = |text: &str| text.replace("\r\n", "").contains('\n') && text.contains("\r\n");
    assert!(mixed(before) || !mixed(after), "mixed line endings: {}", details());
    let adds = before.len() < after.len();
    let (shorter, longer) = if adds { (before, after.as_str()) } else { (after.as_str(), before) };
    assert!(is_part_of(shorter, longer), "something else has changed: {}", details());
    let facts = PolicyFacts { policy: &changed, ..*facts };
    let again = plans(finding, &facts).into_iter().any(|other| other.title == *title);
    assert!(!again, "the plan is offered again: {}", details());
}

/// Whether `longer` is `shorter` with insertions, except for spaces.
fn is_part_of(shorter: &str, longer: &str) -> bool {
    let solid = |c: &char| !matches!(c, ' ' | '\t');
    let mut rest = longer.chars().filter(solid);
    shorter.chars().filter(solid).all(|c| rest.any(|other| other == c))
}
