//! Policies and findings for the tests of plans.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;
use expect_test::Expect;
use similar::TextDiff;

use super::{PolicyFacts, PolicyPlan, plans};
use crate::{
    text::SourceText,
    verdict::{
        AdvisoryFacts, Check, Code, Finding, Location, PackageFolder, PackageRef, PolicyText,
        Related, Role, Severity, own_finding,
    },
};

pub(super) const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A policy in which `$0` marks the primary or related locations of the finding.
pub(super) struct PolicySample {
    pub(super) policy: PolicyText,
    marks: Vec<usize>,
    pub(super) packages: BTreeMap<PackageRef, PackageFolder>,
}

impl PolicySample {
    pub(super) fn new(text: &str) -> Self {
        let (mut plain, mut marks) = (String::new(), Vec::new());
        for (index, part) in text.split("$0").enumerate() {
            if index > 0 {
                marks.push(plain.len());
            }
            plain.push_str(part);
        }
        let path = Some(Utf8PathBuf::from("/w/deny.toml"));
        let policy = PolicyText { path, text: SourceText::new(&plain), exceptions: None };
        Self { policy, marks, packages: BTreeMap::new() }
    }

    /// A package with this license field.
    pub(super) fn licensed(mut self, package: &str, license: &str) -> Self {
        let folder = PackageFolder {
            folder: "/nowhere".into(),
            license: Some(license.to_owned()),
            license_file: None,
        };
        self.packages.insert(self::package(package), folder);
        self
    }

    /// A package in a folder.
    pub(super) fn at(mut self, package: &str, folder: Utf8PathBuf) -> Self {
        let folder = PackageFolder { folder, ..PackageFolder::default() };
        self.packages.insert(self::package(package), folder);
        self
    }

    fn locations(&self) -> Vec<Location> {
        let location = |start: &usize| {
            let text = &self.policy.text.as_str()[*start..];
            let end = text.find(['"', '\'', '\n', ' ', ',', ']', '}']).unwrap_or(text.len());
            Location {
                file: self.policy.name().into(),
                text: self.policy.text.clone(),
                span: *start..*start + end.max(1).min(text.len()),
                role: Role::Primary,
                via: None,
            }
        };
        self.marks.iter().map(location).collect()
    }

    /// A finding with that code at the marks, which are related locations if it is about packages.
    pub(super) fn finding(&self, code: Code, packages: &[&str]) -> Finding {
        let mut finding = own_finding(code, Severity::Error, String::new(), self.locations());
        finding.check = code.check();
        finding.packages = packages.iter().map(|one| package(one)).collect();
        if !packages.is_empty() && code != Code::ClarificationOutdated {
            let related = finding.locations.drain(..);
            let message = String::new();
            finding.related =
                related.map(|location| Related { location, message: message.clone() }).collect();
        }
        if code.check() == Check::Advisories && code != Code::Yanked && !packages.is_empty() {
            let id = "RUSTSEC-2024-0001".to_owned();
            finding.advisory = Some(Arc::new(AdvisoryFacts { id, ..AdvisoryFacts::default() }));
        }
        finding
    }

    /// A finding about the policy itself, without a code.
    pub(super) fn about_policy(&self) -> Finding {
        let mut finding = self.finding(Code::Deprecated, &[]);
        finding.code = None;
        finding
    }

    pub(super) fn plans(&self, finding: &Finding) -> Vec<PolicyPlan> {
        plans(finding, &PolicyFacts { policy: &self.policy, packages: &self.packages })
    }

    /// The titles of the plans with the changed lines; placeholders are between guillemets.
    pub(super) fn shown(&self, finding: &Finding) -> String {
        let mut shown = String::new();
        for plan in self.plans(finding) {
            let PolicyPlan { kind, title, mut after, placeholder } = plan;
            if let Some(span) = placeholder {
                after.insert(span.end, '»');
                after.insert(span.start, '«');
            }
            shown.push_str(&format!("{kind:?}: {title}\n"));
            let diff = TextDiff::from_lines(self.policy.text.as_str(), &after);
            let hunks = diff.unified_diff().context_radius(1).to_string();
            for line in hunks.lines() {
                shown.push_str(format!("  {line}").trim_end());
                shown.push('\n');
            }
        }
        if shown.is_empty() { "no plan\n".to_owned() } else { shown }
    }
}

/// The package `name version`, from crates.io.
pub(super) fn package(text: &str) -> PackageRef {
    let (name, version) = text.split_once(' ').expect("a name and a version");
    PackageRef {
        name: name.to_owned(),
        version: version.parse().expect("a version"),
        source: Some(CRATES_IO.to_owned()),
    }
}

/// Compares the plans for a finding with that code, at the marks or about the packages.
pub(super) fn check(policy: &str, code: Code, packages: &[&str], expected: &Expect) {
    let sample = PolicySample::new(policy);
    expected.assert_eq(&sample.shown(&sample.finding(code, packages)));
}

/// Asserts that there is no plan.
pub(super) fn check_none(policy: &str, code: Code, packages: &[&str]) {
    let sample = PolicySample::new(policy);
    assert_eq!(sample.shown(&sample.finding(code, packages)), "no plan\n", "{policy}");
}
