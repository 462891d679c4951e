//! A graph with findings for the tests.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;

use super::{CompletionFacts, CompletionRequest, Completions, PackageFiles, complete};
use crate::{
    policy::schema::POLICY,
    verdict::{
        AdvisoryFacts, AdvisoryTitle, Code, Finding, GraphFacts, PackageFacts, PackageRef,
        Severity, own_finding,
    },
};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) struct World {
    pub(super) graph: GraphFacts,
    pub(super) findings: Vec<Finding>,
    pub(super) advisories: Vec<AdvisoryTitle>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut packages = vec![
            package("app 0.1.0", "MIT", ""),
            package("forked 0.5.0-rc.1", "MIT", "git+https://github.com/three/forked?rev=1#12"),
            package("gpl 1.0.0", "GPL-3.0-only", CRATES_IO),
            package("llvm 2.0.0+build.5", "Apache-2.0 WITH LLVM-exception", CRATES_IO),
            package("ours 1.0.0", "MIT", "registry+https://registry.example.org/index"),
            package("ring 0.17.9", "", CRATES_IO),
            package("serde 1.0.0", "MIT", CRATES_IO),
            package("time 0.1.45", "MIT", CRATES_IO),
            package("time 0.3.44", "MIT", CRATES_IO),
        ];
        packages[0].member = true;
        packages[0].features = vec!["tls".into()];
        packages[5].needs_text = true;
        packages[6].features = ["default", "derive", "std"].map(Into::into).to_vec();
        packages[6].enabled = vec!["std".into()];
        let mut terms: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for package in &packages {
            for term in &package.terms {
                *terms.entry(Arc::clone(term)).or_default() += 1;
            }
        }
        let published_to = [("company".into(), vec!["app".into()])].into();
        let graph = GraphFacts { packages, terms, published_to, ..GraphFacts::default() };
        let mut vulnerable = found(&graph, Code::Vulnerability, &["time 0.3.44"]);
        let advisory = AdvisoryFacts {
            id: "RUSTSEC-2026-0009".to_owned(),
            package: "time".to_owned(),
            ..AdvisoryFacts::default()
        };
        vulnerable.advisory = Some(Arc::new(advisory));
        let findings = vec![
            vulnerable,
            found(&graph, Code::Yanked, &["time 0.1.45"]),
            found(&graph, Code::Duplicate, &["time 0.1.45", "time 0.3.44"]),
            found(&graph, Code::Rejected, &["gpl 1.0.0"]),
            found(&graph, Code::Unlicensed, &["ring 0.17.9"]),
            found(&graph, Code::SourceNotAllowed, &["forked 0.5.0-rc.1"]),
        ];
        let advisories = ["RUSTSEC-2020-0001", "RUSTSEC-2026-0009"].map(|id| AdvisoryTitle {
            id: id.to_owned(),
            package: "time".to_owned(),
            title: "A title".to_owned(),
        });
        Self { graph, findings, advisories: advisories.to_vec() }
    }

    pub(super) fn facts(&self) -> CompletionFacts<'_> {
        CompletionFacts {
            graph: &self.graph,
            findings: &self.findings,
            advisories: &self.advisories,
            files: &License,
        }
    }

    pub(super) fn complete(&self, text: &str, offset: usize) -> Completions {
        complete(text, offset, CompletionRequest { root: &POLICY, keys: true }, self.facts())
    }
}

/// The same files for every package.
struct License;

impl PackageFiles for License {
    fn licenses(&self, _: &PackageRef) -> Vec<(Utf8PathBuf, u32)> {
        vec![("LICENSE".into(), 0xbd0e_ed23)]
    }

    fn paths(&self, _: &PackageRef) -> Vec<Utf8PathBuf> {
        ["LICENSE", "scripts/build.sh", "odd [1]/x"].map(Into::into).to_vec()
    }
}

fn package(text: &str, license: &str, source: &str) -> PackageFacts {
    let (name, version) = text.split_once(' ').expect("a name and a version");
    PackageFacts {
        name: name.into(),
        version: version.parse().expect("a version"),
        source: (!source.is_empty()).then(|| source.into()),
        license: (!license.is_empty()).then(|| license.into()),
        terms: if license.is_empty() { Vec::new() } else { vec![license.into()] },
        needs_text: false,
        features: Vec::new(),
        enabled: Vec::new(),
        member: false,
        direct: true,
        build_script: false,
        dependents: 1,
        via: None,
    }
}

fn found(graph: &GraphFacts, code: Code, about: &[&str]) -> Finding {
    let mut finding = own_finding(code, Severity::Error, "a finding".to_owned(), Vec::new());
    let named =
        |one: &&PackageFacts| about.contains(&format!("{} {}", one.name, one.version).as_str());
    finding.packages = graph.packages.iter().filter(named).map(PackageFacts::package).collect();
    finding
}
