//! Plans that change the policy: more precise entries, exceptions for one package, entries without effect
//! removed. Pure functions from text to text; only license files are read.
//!
//! A plan is not verified yet, but it is one edit: the rest of the text stays the same, the result has
//! exactly the intended content, and cargo-deny reads it with no more errors than before. There is no plan
//! for a broken policy, and none that disables a check or is broader than its purpose.

mod bans;
mod clarify;
pub(super) mod create;
mod deprecated;
mod duplicates;
mod exception;
mod ignore;
mod invariants;
mod licenses;
mod narrow;
mod reasons;
mod sources;
mod unused;

#[cfg(test)]
mod generated;
#[cfg(test)]
mod samples;

use std::collections::BTreeMap;

use super::{
    FixKind,
    document::{self, EditedText, TomlDocument, value},
};
use crate::{
    policy::{REASON_PLACEHOLDER, spec::entry as spec},
    text::{SourceText, Span},
    verdict::{Check, Code, Finding, Location, PackageFolder, PackageRef, PolicyText, Severity},
    workspace::is_exceptions,
};
#[doc(hidden)]
pub use invariants::fuzz_policy;

/// A change of the policy that may clear a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPlan {
    /// What kind of change it is.
    pub kind: FixKind,
    /// What it changes, for a menu.
    pub title: String,
    /// The changed policy.
    pub after: String,
    /// The span of `after` that the user has to replace.
    pub placeholder: Option<Span>,
}

/// A TOML text without the innermost list item that contains `offset` (in bytes), otherwise unchanged.
/// `None` if there is no such item or the text is broken.
pub(super) fn without_item(text: &str, offset: usize) -> Option<String> {
    Some(TomlDocument::read(text)?.without_item(offset)?.text)
}

/// The input of plans besides the finding.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFacts<'f> {
    /// The policy that the finding was checked with.
    pub policy: &'f PolicyText,
    /// The folders of the packages in the graph.
    pub packages: &'f BTreeMap<PackageRef, PackageFolder>,
}

/// The plans for a finding, in the order of their kinds.
pub fn plans(finding: &Finding, facts: &PolicyFacts<'_>) -> Vec<PolicyPlan> {
    let text = facts.policy.text.as_str();
    let wanted = matches!(finding.check, Check::Config | Check::Supercargo)
        || finding.severity > Severity::Note
        || unused::is_without_effect(finding.code);
    if facts.policy.path.is_none() || !wanted {
        return Vec::new();
    }
    let Some(errors_before) = error_counts(facts.policy) else { return Vec::new() };
    let Some(document) = TomlDocument::read(text) else { return Vec::new() };
    let input = PlanInput { finding, facts, document };
    let mut plans = input.plans();
    plans.retain(|plan| {
        plan.after != text
            && error_counts(&facts.with(&plan.after)).is_some_and(|now| now <= errors_before)
    });
    plans.sort_by_key(|plan| plan.kind);
    plans
}

/// How many errors cargo-deny finds in the policy: those of its parser and, if it can read everything, those
/// of invalid values. `None` for a broken policy. An exceptions file is read as the `licenses` of a policy.
fn error_counts(policy: &PolicyText) -> Option<(usize, usize)> {
    let loaded = if policy.path.as_ref().is_some_and(|path| is_exceptions(path)) {
        let content = policy.text.as_str().parse::<toml::Table>().ok()?;
        let licenses = toml::Table::from_iter([("licenses".to_owned(), content.into())]);
        let text = SourceText::new(&licenses.to_string());
        PolicyText { text, ..policy.clone() }.load()
    } else {
        policy.load()
    };
    let findings = match loaded {
        Ok(loaded) => loaded.findings,
        Err(findings) => findings,
    };
    let broken = [Some(Code::PolicySyntax), Some(Code::UnreadableFile)];
    if findings.iter().any(|finding| broken.contains(&finding.code)) {
        return None;
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let (unreadable, invalid): (Vec<_>, Vec<_>) =
        errors.partition(|error| ![None, Some(Code::Deprecated)].contains(&error.code));
    Some((unreadable.len(), invalid.len()))
}

impl PolicyFacts<'_> {
    fn with(&self, text: &str) -> PolicyText {
        PolicyText { text: SourceText::new(text), ..self.policy.clone() }
    }
}

/// A finding with the input of its plans.
struct PlanInput<'f> {
    finding: &'f Finding,
    facts: &'f PolicyFacts<'f>,
    document: TomlDocument<'f>,
}

impl PlanInput<'_> {
    fn plans(&self) -> Vec<PolicyPlan> {
        let Some(code) = self.finding.code else {
            let first = duplicates::plans(self).into_iter();
            return first.chain(deprecated::plans(self)).collect();
        };
        match code {
            Code::Unlicensed
            | Code::NoLicenseField
            | Code::EmptyLicenseField
            | Code::GatherFailure
            | Code::ParseError => clarify::plans(self),
            Code::ClarificationOutdated => clarify::updated_hashes(self),
            Code::Rejected => exception::plans(self),
            Code::Vulnerability | Code::Notice | Code::Unmaintained | Code::Unsound => {
                ignore::advisory(self)
            }
            Code::Yanked => ignore::yanked(self),
            Code::Duplicate => bans::skip(self),
            Code::NotAllowed => bans::allow(self),
            Code::BuildScriptNotAllowed => bans::build_script(self),
            Code::Banned | Code::UnmatchedWrapper => bans::wrapper(self),
            Code::FeatureNotExplicitlyAllowed => bans::feature(self),
            Code::ExactFeaturesMismatch => bans::exact_features(self),
            Code::SourceNotAllowed => sources::plans(self),
            Code::Deprecated | Code::UnexpectedValue | Code::Wanted => deprecated::plans(self),
            Code::MissingReason => reasons::missing(self),
            Code::PastDue => reasons::past_due(self),
            Code::UnreadableDate => reasons::unreadable_date(self),
            Code::BroadEntry => narrow::broad(self),
            Code::AllowedForOne => narrow::allowed_for_one(self),
            Code::WholeOrganization => narrow::organization(self),
            Code::IgnoreHasFix => reasons::unneeded(self),
            Code::IgnoresNothing => narrow::ignores_nothing(self),
            Code::CheckTurnedOff | Code::LowConfidence => narrow::enable_check(self),
            code if unused::is_without_effect(Some(code)) => unused::plans(self),
            _ => Vec::new(),
        }
    }

    /// The package that the finding is about.
    fn package(&self) -> Option<&PackageRef> {
        self.finding.packages.first()
    }

    /// The primary location of the finding in the policy, if the policy has not changed.
    fn location(&self) -> Option<&Location> {
        self.locations().next()
    }

    fn locations(&self) -> impl Iterator<Item = &Location> {
        self.finding.locations.iter().filter(|location| self.is_in_policy(location))
    }

    /// The related locations of the finding in the policy.
    fn related(&self) -> impl Iterator<Item = &Location> {
        self.finding
            .related
            .iter()
            .map(|related| &related.location)
            .filter(|it| self.is_in_policy(it))
    }

    fn is_in_policy(&self, location: &Location) -> bool {
        location.file == self.facts.policy.name() && location.text == self.facts.policy.text
    }
}

impl PolicyPlan {
    fn new(kind: FixKind, title: impl Into<String>, edited: EditedText) -> Self {
        Self { kind, title: title.into(), after: edited.text, placeholder: edited.placeholder }
    }
}

/// `name` and version, for a title.
fn named(package: &PackageRef) -> String {
    format!("`{}` {}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the first plan for a finding about the policy itself, until there is none. Returns the
    /// policy and the number of findings that remain.
    fn fixed(text: &str) -> (String, usize) {
        let path = Some("/w/deny.toml".into());
        let mut policy = PolicyText { path, text: SourceText::new(text), exceptions: None };
        let packages = BTreeMap::new();
        for _ in 0..20 {
            let findings = match policy.load() {
                Ok(loaded) => loaded.findings,
                Err(findings) => findings,
            };
            let facts = PolicyFacts { policy: &policy, packages: &packages };
            let plan = findings.iter().flat_map(|finding| plans(finding, &facts)).next();
            let Some(plan) = plan else {
                return (policy.text.as_str().to_owned(), findings.len());
            };
            policy = facts.with(&plan.after);
        }
        panic!("no end after 20 fixes: {}", policy.text.as_str());
    }

    #[test]
    fn findings_about_the_policy_are_fixed() {
        let policy = r#"targets = [{ triple = "x86_64-unknown-linux-gnu" }] # ours
all-features = true

[advisories]
vulnerability = "deny"
unmaintained = "warn"
notice = "warn"
severity-threshold = "medium"
ignore = [
    "RUSTSEC-2020-0001", # first
    { id = "RUSTSEC-2020-0001", reason = "r" },
    "RUSTSEC-2020-0001",
    "time@0.3.44",
    { crate = "time@0.3.44" },
]
db-urls = ["https://example.org/a", "https://example.org/a"]

[licenses]
unlicensed = "deny"
confidence-threshold = 1
copyleft = "warn"

[bans]
allow-build-scripts = ["ring"]
"#;
        let (fixed, left) = fixed(policy);
        assert_eq!(left, 0, "{fixed}");
        let expected = expect_test::expect![[r#"

            [advisories]
            unmaintained = "all"
            ignore = [
                { id = "RUSTSEC-2020-0001", reason = "r" },
                "time@0.3.44",
            ]
            db-urls = ["https://example.org/a"]

            [licenses]
            confidence-threshold = 1.0

            [bans]
            build = { allow-build-scripts = ["ring"], executables = "allow", interpreted = "warn" }

            [graph]
            targets = [{ triple = "x86_64-unknown-linux-gnu" }] # ours
            all-features = true
        "#]];
        expected.assert_eq(&fixed);
    }

    #[test]
    fn policy_with_unknown_keys_is_fixed_partly() {
        let (fixed, left) = fixed("[advisories]\nnonsense = 1\nunsound = \"deny\"\n");
        assert_eq!(fixed, "[advisories]\nnonsense = 1\nunsound = \"all\"\n");
        assert_eq!(left, 1);
    }
}
