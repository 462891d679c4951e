//! Keys that the cargo-deny of a gate does not know.

use semver::Version;
use toml::de::{DeTable, DeValue};

use crate::{
    limits,
    model::tree,
    policy::schema::{POLICY, SchemaKey, SchemaTable},
    text::Span,
    verdict::{Code, Finding, PolicyText, Severity, own_finding},
};

/// The version of cargo-deny that a gate runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GateVersion {
    /// The newest version that it can be.
    pub version: Version,
    /// As it is written: `0.18`.
    pub number: String,
    /// The file and line of the gate.
    pub at: String,
}

/// A finding for each key that a gate with an older cargo-deny refuses.
pub(crate) fn newer_than_gates(policy: &PolicyText, gates: &[GateVersion]) -> Vec<Finding> {
    let Some(oldest) = gates.iter().min_by(|one, other| one.version.cmp(&other.version)) else {
        return Vec::new();
    };
    let text = policy.text.as_str();
    if policy.path.is_none() || text.len() > limits::EDITED_POLICY {
        return Vec::new();
    }
    let (parsed, _) = tree::parse(text);
    let mut newer = Vec::new();
    visit(parsed.get_ref(), &POLICY, &mut Vec::new(), &oldest.version, &mut newer);
    let finding = |(path, since, span): (String, &str, Span)| {
        let GateVersion { number, at, .. } = oldest;
        let message = format!("`{path}` needs cargo-deny {since}, but {at} runs {number}");
        let locations = vec![policy.location(span)];
        let mut finding = own_finding(Code::NewerThanGate, Severity::Warning, message, locations);
        finding.remedy = Some("upgrade cargo-deny there, or remove the key".to_owned());
        finding
    };
    newer.into_iter().map(finding).collect()
}

/// Adds the path, version and span of each key that is newer than a version.
fn visit<'p>(
    table: &'p DeTable<'_>,
    schema: &'static SchemaTable,
    path: &mut Vec<&'p str>,
    version: &Version,
    newer: &mut Vec<(String, &'static str, Span)>,
) {
    for (name, value) in table {
        let Some(key) = schema.key(name.get_ref()) else { continue };
        path.push(name.get_ref());
        if let Some(since) = is_newer(key, version) {
            newer.push((path.join("."), since, name.span()));
        } else if let Some(below) = key.value.table() {
            match value.get_ref() {
                DeValue::Table(table) => visit(table, below, path, version, newer),
                DeValue::Array(items) => {
                    for item in items.iter().filter_map(|item| item.get_ref().as_table()) {
                        visit(item, below, path, version, newer);
                    }
                }
                _ => {}
            }
        }
        path.pop();
    }
}

fn is_newer(key: &SchemaKey, version: &Version) -> Option<&'static str> {
    let since = key.since?;
    (*version < since.parse().ok()?).then_some(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceText;

    fn check(text: &str, versions: &[&str], expected: &[&str]) {
        let path = Some("/w/deny.toml".into());
        let policy = PolicyText { path, text: SourceText::new(text), exceptions: None };
        let gates = versions.iter().map(|version| GateVersion {
            version: version.parse().expect("a version"),
            number: (*version).to_owned(),
            at: "ci.yml:7".to_owned(),
        });
        let findings = newer_than_gates(&policy, &gates.collect::<Vec<_>>());
        let shown = findings.iter().map(|finding| {
            let span = finding.locations[0].span.clone();
            format!("{}: {}", &text[span], finding.message)
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn key_that_the_oldest_gate_does_not_know_is_reported() {
        let text = "[bans]\nmultiple-versions = \"deny\"\n[bans.std-replacements]\nlevel = \"warn\"\n\
                    [advisories]\nunsound = \"all\"\n[sources]\nunused-allowed-org = \"allow\"\n";
        check(text, &[], &[]);
        check(text, &["0.20.0"], &[]);
        check(
            text,
            &["0.20.2", "0.19.2"],
            &[
                "std-replacements: `bans.std-replacements` needs cargo-deny 0.20.0, but ci.yml:7 runs 0.19.2",
                "unused-allowed-org: `sources.unused-allowed-org` needs cargo-deny 0.19.9, but ci.yml:7 runs 0.19.2",
            ],
        );
        check("[advisories]\nunsou", &["0.18.6"], &[]);
        check("[licenses]\nallow = [\"MIT\"]\n", &["0.14.0"], &[]);
    }

    #[test]
    fn versions_of_the_schema_are_versions() {
        for (path, key) in POLICY.walk() {
            assert!(key.since.is_none_or(|since| since.parse::<Version>().is_ok()), "{path:?}");
        }
    }
}
