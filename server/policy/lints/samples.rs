//! Policies for the tests of the lints, checked against a small graph: `own` (a member, MIT), `single`
//! 1.0.0 (ISC), `double` 1.0.0 and 2.0.0 (Zlib), and ten others (MIT). Today is 2026-01-01.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::date;
use semver::Version;

use super::{LintInput, lints};
use crate::{
    text::SourceText,
    verdict::{
        AdvisoryFacts, Check, Code, ExceptionsFile, Finding, GraphFacts, PackageFacts, PackageRef,
        PolicyText, Severity, own_finding,
    },
};

/// A policy in which `$0` marks the location of findings.
pub(crate) struct Sample {
    policy: PolicyText,
    mark: usize,
    findings: Vec<Finding>,
    reachable: BTreeMap<String, (PackageRef, Version)>,
}

impl Sample {
    pub(crate) fn new(text: &str) -> Self {
        let mark = text.find("$0").unwrap_or_default();
        let text = SourceText::new(&text.replacen("$0", "", 1));
        let policy = PolicyText { path: Some("/w/deny.toml".into()), text, exceptions: None };
        Self { policy, mark, findings: Vec::new(), reachable: BTreeMap::new() }
    }

    /// Adds a `deny.exceptions.toml`.
    pub(crate) fn with_exceptions(mut self, exceptions: ExceptionsFile) -> Self {
        self.policy.exceptions = Some(exceptions);
        self
    }

    /// Adds a finding of cargo-deny at the mark, about these packages.
    pub(crate) fn with(mut self, code: Code, severity: Severity, packages: &[&str]) -> Self {
        let rest = &self.policy.text.as_str()[self.mark..];
        let end = rest.find(['"', '\'']).unwrap_or(rest.len());
        let location = self.policy.location(self.mark..self.mark + end);
        let mut finding = own_finding(code, severity, String::new(), vec![location]);
        finding.check = code.check();
        finding.packages = packages.iter().map(|name| package(name)).collect();
        self.findings.push(finding);
        self
    }

    /// Adds a vulnerability of a package.
    pub(crate) fn advised(mut self, name: &str) -> Self {
        let mut finding =
            own_finding(Code::Vulnerability, Severity::Error, String::new(), Vec::new());
        finding.check = Check::Advisories;
        finding.packages = vec![package(name)];
        finding.advisory = Some(Arc::new(AdvisoryFacts::default()));
        self.findings.push(finding);
        self
    }

    /// Adds a version that fixes an ignored advisory.
    pub(crate) fn reachable(mut self, id: &str, name: &str, to: &str) -> Self {
        let to = Version::parse(to).expect("a version");
        self.reachable.insert(id.to_owned(), (package(name), to));
        self
    }

    pub(crate) fn lints(&self) -> Vec<Finding> {
        self.lints_of(&self.policy)
    }

    /// The lints of the same text without a file.
    pub(crate) fn without_path(&self) -> Vec<Finding> {
        self.lints_of(&PolicyText { path: None, ..self.policy.clone() })
    }

    fn lints_of(&self, policy: &PolicyText) -> Vec<Finding> {
        let graph = graph();
        lints(&LintInput {
            policy,
            findings: &self.findings,
            graph: &graph,
            reachable: &self.reachable,
            today: date(2026, 1, 1),
        })
    }

    /// The texts that findings with this code cover.
    pub(crate) fn covered(&self, code: Code, severity: Severity) -> Vec<String> {
        let lints = self.lints().into_iter();
        let these = lints.filter(|one| one.code == Some(code) && one.severity == severity);
        let text = self.policy.text.as_str();
        these.map(|finding| text[finding.locations[0].span.clone()].to_owned()).collect()
    }
}

/// Checks the texts that findings with this code cover, in any order.
pub(crate) fn check(policy: &str, code: Code, severity: Severity, expected: &[&str]) {
    let mut covered = Sample::new(policy).covered(code, severity);
    let mut expected: Vec<_> = expected.iter().map(|one| (*one).to_owned()).collect();
    covered.sort();
    expected.sort();
    assert_eq!(covered, expected, "{policy}");
}

fn package(name: &str) -> PackageRef {
    let source = "registry+https://github.com/rust-lang/crates.io-index".to_owned();
    PackageRef { name: name.to_owned(), version: Version::new(1, 0, 0), source: Some(source) }
}

fn graph() -> GraphFacts {
    let one = |name: &str, version: &str, license: &str, local: bool| PackageFacts {
        name: name.into(),
        version: version.parse().expect("a version"),
        source: (!local).then(|| "registry+https://github.com/rust-lang/crates.io-index".into()),
        license: Some(license.into()),
        terms: Vec::new(),
        needs_text: false,
        features: Vec::new(),
        enabled: Vec::new(),
        member: local,
        direct: false,
        build_script: false,
        dependents: 1,
        via: None,
    };
    let mut packages = vec![
        one("double", "1.0.0", "Zlib", false),
        one("double", "2.0.0", "Zlib", false),
        one("own", "0.1.0", "MIT", true),
        one("single", "1.0.0", "ISC", false),
    ];
    packages.extend((0..10).map(|number| one(&format!("z{number}"), "1.0.0", "MIT", false)));
    GraphFacts { packages, ..GraphFacts::default() }
}
