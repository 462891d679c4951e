//! Which change of the policy hides a finding: an entry that the base's policy does not have, a removed ban, or a changed
//! key.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::{
    policy::entries::{PolicyEntry, PolicyList, entries},
    text::{SourceText, Span},
    verdict::{Check, Finding, PackageRef},
};

/// The keys of tables whose changes are named key by key.
const GRAPH: &str = "graph";

/// The changes from one policy to another.
#[derive(Debug)]
pub(super) struct PolicyChanges {
    added: Vec<PolicyEntry>,
    added_from: SourceText,
    removed: Vec<PolicyEntry>,
    /// The changed keys: the table, and a sentence.
    keys: Vec<(String, String)>,
}

/// What hides a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// What has changed, as in ``new `ignore` entry for `RUSTSEC-2020-0071` ``.
    pub what: String,
    /// The reason that the entry states.
    pub reason: Option<String>,
    /// The entry in the current policy, as bytes of its text.
    pub span: Option<Span>,
}

impl PolicyChanges {
    pub(super) fn between(base: &SourceText, head: &SourceText) -> Self {
        let of = |text: &SourceText| entries(text.as_str());
        let (before, after) = (of(base), of(head));
        let known = |text: &SourceText, all: &[PolicyEntry]| -> BTreeSet<_> {
            all.iter().map(|entry| content(text, entry)).collect()
        };
        let (known_before, known_after) = (known(base, &before), known(head, &after));
        let not_in = |text: &SourceText, all: Vec<PolicyEntry>, known: &BTreeSet<_>| {
            all.into_iter().filter(|entry| !known.contains(&content(text, entry))).collect()
        };
        Self {
            added: not_in(head, after, &known_before),
            added_from: head.clone(),
            removed: not_in(base, before, &known_after),
            keys: changed_keys(base.as_str(), head.as_str()),
        }
    }

    /// What hides a finding that the base's policy reports.
    pub(super) fn hiding(&self, finding: &Finding) -> PolicyChange {
        let about = |entry: &&PolicyEntry| is_about(entry, finding);
        if let Some(entry) = self.added.iter().filter(|entry| !is_ban(entry.list)).find(about) {
            return PolicyChange {
                what: format!("new `{}` entry for `{}`", entry.list.key(), entry.subject.value),
                reason: entry.reason.as_ref().map(|(reason, _)| reason.value.clone()),
                span: self.added_from.as_str().get(entry.span.clone()).map(|_| entry.span.clone()),
            };
        }
        if let Some(entry) = self.removed.iter().filter(|entry| is_ban(entry.list)).find(about) {
            let what =
                format!("removed `{}` entry for `{}`", entry.list.key(), entry.subject.value);
            return PolicyChange { what, reason: None, span: None };
        }
        let tables = [finding.check.name(), GRAPH];
        let changed = self.keys.iter().filter(|(table, _)| tables.contains(&table.as_str()));
        let changed: Vec<_> = changed.map(|(_, sentence)| sentence.as_str()).collect();
        let what = match changed.as_slice() {
            [] => "changed policy".to_owned(),
            changed => changed.join(", "),
        };
        PolicyChange { what, reason: None, span: None }
    }
}

/// Whether an entry makes findings instead of hiding them.
fn is_ban(list: PolicyList) -> bool {
    matches!(list, PolicyList::Deny | PolicyList::Features)
}

fn check_of(list: PolicyList) -> Check {
    match list {
        PolicyList::Ignore => Check::Advisories,
        PolicyList::License
        | PolicyList::Exception
        | PolicyList::ExceptionLicense
        | PolicyList::Clarify => Check::Licenses,
        PolicyList::Registry | PolicyList::Git | PolicyList::Organization => Check::Sources,
        _ => Check::Bans,
    }
}

/// Whether an entry can hide or cause a finding.
fn is_about(entry: &PolicyEntry, finding: &Finding) -> bool {
    if check_of(entry.list) != finding.check {
        return false;
    }
    let subject = entry.subject.value.as_str();
    let has = |package: &PackageRef| entry.package().is_some_and(|name| name.value == package.name);
    match entry.list {
        PolicyList::Ignore if entry.is_advisory() => {
            finding.advisory.as_ref().is_some_and(|advisory| advisory.id == subject)
        }
        PolicyList::License | PolicyList::ExceptionLicense => finding.message.contains(subject),
        PolicyList::SkipTree => finding.paths.iter().any(|path| path.iter().any(has)),
        PolicyList::Registry | PolicyList::Git | PolicyList::Organization => {
            let sources = finding.packages.iter().filter_map(|package| package.source.as_deref());
            let subject = subject.trim_end_matches(".git");
            sources.into_iter().any(|source| source.contains(subject))
        }
        _ => finding.packages.iter().any(has),
    }
}

/// An entry without its layout.
fn content(text: &SourceText, entry: &PolicyEntry) -> (PolicyList, String) {
    let content = text.as_str().get(entry.span.clone()).unwrap_or_default();
    (entry.list, content.split_whitespace().collect())
}

/// The keys with other values, besides lists of entries.
fn changed_keys(base: &str, head: &str) -> Vec<(String, String)> {
    let values = |text: &str| {
        let mut values = BTreeMap::new();
        flatten(&text.parse::<Table>().unwrap_or_default(), &mut Vec::new(), &mut values);
        values
    };
    let (before, after) = (values(base), values(head));
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let table = path.split('.').next().unwrap_or_default().to_owned();
            let sentence = match (before.get(path), after.get(path)) {
                (Some(before), Some(after)) if before != after => {
                    format!("`{path} = {after}`, which was `{before}`")
                }
                (Some(before), None) => format!("removed `{path} = {before}`"),
                (None, Some(after)) => format!("new `{path} = {after}`"),
                _ => return None,
            };
            Some((table, sentence))
        })
        .collect()
}

/// The values by their paths, without lists of entries.
fn flatten(table: &Table, path: &mut Vec<String>, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        path.push(key.clone());
        let names: Vec<_> = path.iter().map(String::as_str).collect();
        match value {
            Value::Table(table) => flatten(table, path, values),
            _ if PolicyList::at(&names).is_some() => {}
            value => {
                values.insert(path.join("."), value.to_string());
            }
        }
        path.pop();
    }
}
