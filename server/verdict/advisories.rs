//! What is known about an advisory, as plain values.

use std::fs;

use camino::Utf8Path;
use cargo_deny::advisories::model::{Advisory as Judged, Informational};
use rustsec::Advisory;

/// The facts of one advisory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdvisoryFacts {
    /// Its id, such as `RUSTSEC-2026-0009`.
    pub id: String,
    /// The package that it is about.
    pub package: String,
    /// Its title.
    pub title: String,
    /// Its text, Markdown from outside: not to be trusted.
    pub description: String,
    /// When it was published, `YYYY-MM-DD`.
    pub date: String,
    /// The same advisory elsewhere, such as `CVE-…`.
    pub aliases: Vec<String>,
    /// The severity and score that its CVSS vector stands for, such as `high (7.5)`.
    pub severity: Option<String>,
    /// Requirements for versions that are patched.
    pub patched: Vec<String>,
    /// Requirements for versions that never had it.
    pub unaffected: Vec<String>,
    /// The paths of the affected functions.
    pub functions: Vec<String>,
    /// Where it was announced.
    pub url: Option<String>,
    /// `vulnerability`, `unmaintained`, `unsound` or `notice`.
    pub kind: &'static str,
}

impl AdvisoryFacts {
    /// What cargo-deny judged, with what only the advisory's file tells (CVSS, functions).
    pub(super) fn of(judged: &Judged<'_>, database: &Utf8Path) -> Self {
        let data = &judged.advisory;
        let strings = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
        let requirements =
            |all: &[semver::VersionReq]| all.iter().map(ToString::to_string).collect();
        let mut facts = Self {
            id: data.id.to_owned(),
            package: data.krate.to_owned(),
            title: data.title.to_owned(),
            description: data.description.to_owned(),
            date: data.date.to_string(),
            aliases: strings(&data.aliases),
            patched: requirements(&judged.versions.patched),
            unaffected: requirements(&judged.versions.unaffected),
            url: data.url.map(str::to_owned),
            kind: match &data.informational {
                None => "vulnerability",
                Some(Informational::Unmaintained) => "unmaintained",
                Some(Informational::Unsound) => "unsound",
                Some(Informational::Notice | Informational::Other(_)) => "notice",
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

    /// The advisory's page, where its id tells one.
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
