//! The rules of a run: one for each advisory, and one for each code.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    level,
    model::{Configuration, Help, Message, Rule, SarifResult},
};
use crate::{
    ide::{explain, markup::Markup},
    report::text::{self, line},
    verdict::{AdvisoryFacts, AdvisoryKind, Finding, Severity},
};

/// The rules so far, by id.
#[derive(Default)]
pub(super) struct Rules {
    by_id: BTreeMap<String, (usize, Severity, Rule)>,
}

impl Rules {
    /// The id and the index of the rule of a finding.
    pub(super) fn of(&mut self, finding: &Finding) -> (String, usize) {
        let id = line(text::code(finding));
        let next = self.by_id.len();
        if let Some((index, severity, _)) = self.by_id.get_mut(&id) {
            *severity = (*severity).max(finding.severity);
            return (id, *index);
        }
        self.by_id.insert(id.clone(), (next, finding.severity, rule(&id, finding)));
        (id, next)
    }

    /// The rules by id, each at its highest level; the results get the new indices.
    pub(super) fn sorted(self, results: &mut [SarifResult]) -> Vec<Rule> {
        let mut positions = vec![0; self.by_id.len()];
        for (position, (index, _, _)) in self.by_id.values().enumerate() {
            positions[*index] = position;
        }
        for result in results {
            result.rule_index = positions[result.rule_index];
        }
        let all = self.by_id.into_values().map(|(_, severity, mut rule)| {
            rule.default_configuration.level = level(severity).0;
            rule.properties.insert("problem.severity", json!(problem_severity(severity)));
            rule
        });
        all.collect()
    }
}

fn rule(id: &str, finding: &Finding) -> Rule {
    let link = finding.link().map(|link| line(&link));
    let (description, help) = match (&finding.advisory, finding.code) {
        (Some(advisory), _) => (advisory_description(advisory), explain::advisory(advisory)),
        (None, Some(code)) => {
            let help = explain::code(code.name()).unwrap_or_default();
            (sentence(code.description()), help)
        }
        (None, None) => {
            let description = "a finding of cargo-deny about the policy";
            (sentence(description), Markup::default().text(sentence(description)))
        }
    };
    Rule {
        id: id.to_owned(),
        short_description: Message::new(description),
        help: Help { text: text::lines(&help.plain()), markdown: text::lines(&help.markdown()) },
        help_uri: link.filter(|link| link.starts_with("https://") || link.starts_with("http://")),
        default_configuration: Configuration { level: level(finding.severity).0 },
        properties: properties(finding),
    }
}

/// `time: A crafted date can exhaust the stack`
fn advisory_description(advisory: &AdvisoryFacts) -> String {
    format!("{}: {}", line(&advisory.package), line(&advisory.title))
}

/// A clause as a sentence without backticks, which no one renders.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars().filter(|c| *c != '`');
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The properties that GitHub reads.
fn properties(finding: &Finding) -> BTreeMap<&'static str, Value> {
    let mut tags = vec![finding.check.name()];
    let mut properties = BTreeMap::new();
    if let Some(advisory) = &finding.advisory {
        if matches!(advisory.kind, AdvisoryKind::Vulnerability | AdvisoryKind::Unsound) {
            tags.push("security");
            if let Some(score) = score(advisory) {
                properties.insert("security-severity", json!(score));
            }
        }
        tags.push(advisory.kind.name());
    }
    properties.insert("tags", json!(tags));
    properties.insert("precision", json!("very-high"));
    properties
}

/// The CVSS score of an advisory, from `high (7.5)`.
fn score(advisory: &AdvisoryFacts) -> Option<&str> {
    let (_, score) = advisory.severity.as_ref()?.split_once('(')?;
    let score = score.trim_end_matches(')');
    score.parse::<f64>().is_ok().then_some(score)
}

fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note | Severity::Help => "recommendation",
    }
}
