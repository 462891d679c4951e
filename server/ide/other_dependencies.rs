//! What is shown at the other locations of a finding: the dependencies that also bring in its package, and the
//! members that inherit one. The finding itself is at its primary location.

use crate::verdict::{Code, Finding, Location, LocationRule, PackageRef};

/// How many packages one hint names.
const MAX_NAMED: usize = 5;

/// A finding at one of its other locations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherFinding {
    /// The package that comes through the dependency; `None` where the finding is not about a package.
    package: Option<PackageRef>,
    code: String,
    /// Where the finding is reported: `Cargo.toml:18`.
    reported_at: String,
}

impl OtherFinding {
    pub(crate) fn new(finding: &Finding, location: &Location, reported_at: String) -> Self {
        Self {
            package: brought(finding, location).cloned(),
            code: finding.shown_code().unwrap_or_else(|| finding.check.name()).to_owned(),
            reported_at,
        }
    }
}

/// `also brings `time` 0.3.44: RUSTSEC-2026-0009; see Cargo.toml:18`, for all findings of one dependency.
pub(crate) fn hint(findings: &[OtherFinding]) -> String {
    let mut clauses: Vec<(String, Vec<&str>, &str)> = Vec::new();
    for finding in findings {
        let subject = match &finding.package {
            Some(package) => format!("also brings `{}` {}: ", package.name, package.version),
            None => "belongs to ".to_owned(),
        };
        let same = clauses
            .iter_mut()
            .find(|(known, _, at)| *known == subject && *at == finding.reported_at);
        match same {
            Some((_, codes, _)) if codes.contains(&finding.code.as_str()) => {}
            Some((_, codes, _)) => codes.push(&finding.code),
            None => clauses.push((subject, vec![&finding.code], &finding.reported_at)),
        }
    }
    let shown = clauses.iter().take(MAX_NAMED);
    let shown =
        shown.map(|(subject, codes, at)| format!("{subject}{}; see {at}", codes.join(", ")));
    let text = shown.collect::<Vec<_>>().join(", and ");
    match clauses.len().saturating_sub(MAX_NAMED) {
        0 => text,
        more => format!("{text}, and {more} more"),
    }
}

/// What a related location says about its dependency.
pub(crate) fn related(finding: &Finding, location: &Location) -> String {
    match brought(finding, location) {
        // The finding names its only package.
        Some(_) if finding.packages.len() == 1 => "also brings it".to_owned(),
        Some(package) => format!("brings {}", package.version),
        None => "the same finding".to_owned(),
    }
}

/// The package that comes through the dependency at a location.
fn brought<'f>(finding: &'f Finding, location: &Location) -> Option<&'f PackageRef> {
    let is_brought = |rule| {
        matches!(
            rule,
            LocationRule::Package
                | LocationRule::Source
                | LocationRule::Dependents
                | LocationRule::Oldest
        )
    };
    finding.code.map(Code::location_rule).filter(|rule| is_brought(*rule))?;
    let path = location.via.and_then(|via| finding.paths.get(via));
    path.and_then(|path| path.last()).or_else(|| finding.packages.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(package: Option<(&str, &str)>, code: &str, at: &str) -> OtherFinding {
        let package = package.map(|(name, version)| PackageRef {
            name: name.to_owned(),
            version: version.parse().expect("a version"),
            source: None,
        });
        OtherFinding { package, code: code.to_owned(), reported_at: at.to_owned() }
    }

    #[test]
    fn findings_of_one_dependency_are_one_sentence() {
        let time = || other(Some(("time", "0.3.44")), "RUSTSEC-2026-0009", "Cargo.toml:18");
        assert_eq!(
            hint(&[time(), time()]),
            "also brings `time` 0.3.44: RUSTSEC-2026-0009; see Cargo.toml:18"
        );
        let rejected = other(Some(("time", "0.3.44")), "rejected", "Cargo.toml:18");
        let syn = other(Some(("syn", "1.0.109")), "duplicate", "a/Cargo.toml:7");
        let wildcard = other(None, "wildcard", "Cargo.toml:9");
        assert_eq!(
            hint(&[time(), rejected, syn, wildcard]),
            "also brings `time` 0.3.44: RUSTSEC-2026-0009, rejected; see Cargo.toml:18, \
             and also brings `syn` 1.0.109: duplicate; see a/Cargo.toml:7, \
             and belongs to wildcard; see Cargo.toml:9"
        );
    }

    #[test]
    fn hint_about_many_findings_is_cut() {
        let many: Vec<_> = (0..8)
            .map(|number| other(Some(("a", &format!("1.0.{number}"))), "duplicate", "Cargo.toml:1"))
            .collect();
        assert!(hint(&many).ends_with("`a` 1.0.4: duplicate; see Cargo.toml:1, and 3 more"));
    }
}
