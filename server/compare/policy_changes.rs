//! Which change of the policy hides a finding: an entry that the base's policy does not have, a removed ban, or a changed
//! key.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use crate::{
    policy::entries::{PolicyEntry, PolicyList, entries, key},
    text::{FilePath, SourceText, Span},
    verdict::{Check, Finding, Location, PackageRef, Role},
};

/// The keys of tables whose changes are named key by key.
const GRAPH: &str = "graph";

/// The files of a policy, as they were checked.
pub(super) type PolicyTexts = BTreeMap<Utf8PathBuf, SourceText>;

/// The changes from one policy to another.
#[derive(Debug)]
pub(super) struct PolicyChanges<'t> {
    added: Vec<LocatedEntry<'t>>,
    removed: Vec<LocatedEntry<'t>>,
    keys: Vec<ChangedKey>,
}

/// A key with another value.
#[derive(Debug)]
struct ChangedKey {
    /// The table of the check.
    table: String,
    sentence: String,
    /// Where it is in the current policy.
    location: Option<Location>,
}

/// What hides a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// What has changed, as in ``new `ignore` entry for `RUSTSEC-2020-0071` ``.
    pub what: String,
    /// The reason that the entry states.
    pub reason: Option<String>,
    /// The entry or key of the current policy.
    pub entry: Option<Location>,
}

/// An entry of a policy with its file.
#[derive(Debug)]
struct LocatedEntry<'t> {
    file: &'t Utf8PathBuf,
    text: &'t SourceText,
    entry: PolicyEntry,
}

impl LocatedEntry<'_> {
    /// The entry without its layout.
    fn content(&self) -> (PolicyList, String) {
        let content = self.text.as_str().get(self.entry.span.clone()).unwrap_or_default();
        (self.entry.list, content.split_whitespace().collect())
    }

    fn location(&self) -> Location {
        location(self.file, self.text, self.entry.span.clone())
    }
}

fn location(file: &Utf8Path, text: &SourceText, span: Span) -> Location {
    let (file, text) = (FilePath::from(file), text.clone());
    Location { file, text, span, role: Role::Primary, via: None }
}

impl<'t> PolicyChanges<'t> {
    pub(super) fn between(base: &'t PolicyTexts, head: &'t PolicyTexts) -> Self {
        let (before, after) = (all_entries(base), all_entries(head));
        let known = |all: &[LocatedEntry<'_>]| -> BTreeSet<_> {
            all.iter().map(LocatedEntry::content).collect()
        };
        let (known_before, known_after) = (known(&before), known(&after));
        let not_in = |all: Vec<LocatedEntry<'t>>, known: &BTreeSet<_>| {
            all.into_iter().filter(|one| !known.contains(&one.content())).collect()
        };
        Self {
            added: not_in(after, &known_before),
            removed: not_in(before, &known_after),
            keys: changed_keys(base, head),
        }
    }

    /// What hides a finding that the base's policy reports.
    pub(super) fn hiding(&self, finding: &Finding) -> PolicyChange {
        let about = |one: &&LocatedEntry<'_>| is_about(&one.entry, finding);
        let named = |PolicyEntry { list, subject, .. }: &PolicyEntry| {
            format!("`{}` entry for `{}`", list.key(), subject.value)
        };
        let mut excuses = self.added.iter().filter(|one| !is_ban(one.entry.list));
        if let Some(one) = excuses.find(about) {
            return PolicyChange {
                what: format!("new {}", named(&one.entry)),
                reason: one.entry.reason.as_ref().map(|(reason, _)| reason.value.clone()),
                entry: Some(one.location()),
            };
        }
        let mut bans = self.removed.iter().filter(|one| is_ban(one.entry.list));
        if let Some(one) = bans.find(about) {
            let what = format!("removed {}", named(&one.entry));
            return PolicyChange { what, reason: None, entry: None };
        }
        let tables = [finding.check.name(), GRAPH];
        let changed = self.keys.iter().filter(|key| tables.contains(&key.table.as_str()));
        let sentences: Vec<_> = changed.clone().map(|key| key.sentence.as_str()).collect();
        let what = match sentences.as_slice() {
            [] => "changed policy".to_owned(),
            sentences => sentences.join(", "),
        };
        let entry = changed.clone().find_map(|key| key.location.clone());
        PolicyChange { what, reason: None, entry }
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

/// The entries of all files.
fn all_entries(texts: &PolicyTexts) -> Vec<LocatedEntry<'_>> {
    let all = texts.iter().flat_map(|(file, text)| {
        entries(text.as_str()).into_iter().map(move |entry| LocatedEntry { file, text, entry })
    });
    all.collect()
}

/// The keys with other values, besides lists of entries.
fn changed_keys(base: &PolicyTexts, head: &PolicyTexts) -> Vec<ChangedKey> {
    let values = |texts: &PolicyTexts| {
        let mut values = BTreeMap::new();
        for text in texts.values() {
            let table = text.as_str().parse::<Table>().unwrap_or_default();
            flatten(&table, &mut Vec::new(), &mut values);
        }
        values
    };
    let (before, after) = (values(base), values(head));
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let names: Vec<_> = path.split('.').collect();
            let table = (*names.first()?).to_owned();
            let sentence = match (before.get(path), after.get(path)) {
                (Some(before), Some(after)) if before != after => {
                    format!("`{path} = {after}`, which was `{before}`")
                }
                (Some(before), None) => format!("removed `{path} = {before}`"),
                (None, Some(after)) => format!("new `{path} = {after}`"),
                _ => return None,
            };
            let location = head
                .iter()
                .find_map(|(file, text)| Some(location(file, text, key(text.as_str(), &names)?)));
            Some(ChangedKey { table, sentence, location })
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
