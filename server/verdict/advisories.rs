//! The facts about an advisory, as plain values.

use std::fs;

use camino::Utf8Path;
use cargo_deny::advisories::model::{Advisory as DenyAdvisory, Informational};
use rustsec::Advisory;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::AffectedPackages;

/// The facts of one advisory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdvisoryFacts {
    /// Its id, such as `RUSTSEC-2026-0009`.
    pub id: String,
    /// The package that it is about.
    pub package: String,
    /// Its title.
    pub title: String,
    /// Its text, untrusted Markdown.
    pub description: String,
    /// When it was published, `YYYY-MM-DD`.
    pub date: String,
    /// Its ids in other databases, such as `CVE-…`.
    pub aliases: Vec<String>,
    /// The severity and score of its CVSS vector, such as `high (7.5)`.
    pub severity: Option<String>,
    /// The packages of that name that it is about.
    pub affected: AffectedPackages,
    /// The paths of the affected functions.
    pub functions: Vec<String>,
    /// The URL of the announcement.
    pub url: Option<String>,
    /// Its kind.
    pub kind: AdvisoryKind,
}

/// The id, package and title of an advisory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisoryTitle {
    /// Its id, such as `RUSTSEC-2026-0009`.
    pub id: String,
    /// The package that it is about.
    pub package: String,
    /// Its title, untrusted.
    pub title: String,
}

/// The kinds of advisories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdvisoryKind {
    /// A vulnerability.
    #[default]
    Vulnerability,
    /// The package is unmaintained.
    Unmaintained,
    /// The package is unsound.
    Unsound,
    /// Information only.
    Notice,
}

impl AdvisoryKind {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Unmaintained => "unmaintained",
            Self::Unsound => "unsound",
            Self::Notice => "notice",
        }
    }
}

impl AdvisoryFacts {
    /// Reads the facts from cargo-deny's advisory, and CVSS and functions from the advisory's file.
    pub(super) fn of(advisory: &DenyAdvisory<'_>, database: &Utf8Path) -> Self {
        let data = &advisory.advisory;
        let strings = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
        let mut facts = Self {
            id: data.id.to_owned(),
            package: data.krate.to_owned(),
            title: data.title.to_owned(),
            description: data.description.to_owned(),
            date: data.date.to_string(),
            aliases: strings(&data.aliases),
            affected: AffectedPackages::of(advisory),
            url: data.url.map(str::to_owned),
            kind: match &data.informational {
                None => AdvisoryKind::Vulnerability,
                Some(Informational::Unmaintained) => AdvisoryKind::Unmaintained,
                Some(Informational::Unsound) => AdvisoryKind::Unsound,
                Some(Informational::Notice | Informational::Other(_)) => AdvisoryKind::Notice,
            },
            ..Self::default()
        };
        let file = database.join("crates").join(data.krate).join(format!("{}.md", data.id));
        if let Some(advisory) = fs::read_to_string(file).ok().and_then(|text| text.parse().ok()) {
            facts.complete_from(&advisory);
        }
        facts
    }

    fn complete_from(&mut self, advisory: &Advisory) {
        self.severity = advisory
            .metadata
            .cvss
            .as_ref()
            .map(|cvss| format!("{} ({:.1})", cvss.severity().as_str(), cvss.score()));
        if let Some(affected) = &advisory.affected {
            self.functions = affected.functions.keys().map(ToString::to_string).collect();
        }
    }

    /// Whether it is about a version, according to cargo-deny.
    pub fn affects(&self, version: &Version) -> bool {
        self.affected.has_version(version)
    }

    /// Whether it is about packages of a source, according to cargo-deny.
    pub fn is_about_source(&self, source: Option<&str>) -> bool {
        self.affected.has_source(source)
    }

    /// The patched versions, such as `^0.2.23 or >=0.3.47`; `None` if there are none.
    pub fn patched_versions(&self) -> Option<String> {
        alternatives(self.affected.patched())
    }

    /// The unaffected versions, in the same way.
    pub fn unaffected_versions(&self) -> Option<String> {
        alternatives(self.affected.unaffected())
    }

    /// The advisory's page, derived from its id.
    pub fn link(&self) -> Option<String> {
        let (kind, _) = self.id.split_once('-')?;
        match kind {
            "RUSTSEC" => Some(format!("https://rustsec.org/advisories/{}", self.id)),
            "CVE" => Some(format!("https://www.cve.org/CVERecord?id={}", self.id)),
            "GHSA" => Some(format!("https://github.com/advisories/{}", self.id)),
            _ => self.url.clone(),
        }
    }
}

fn alternatives(requirements: &[VersionReq]) -> Option<String> {
    let all: Vec<_> = requirements.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(" or "))
}
