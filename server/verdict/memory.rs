//! What each check said last: said again when neither its section of the policy nor anything else
//! that it judges has changed.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use toml::{Table, Value};

use super::{Check, Counts, Database, Finding, Location, PolicyText, Question};
use crate::{
    model::essence::Essence,
    text::{Edit, Edits, SourceText},
};

/// The last results of a graph's checks.
#[derive(Default)]
pub(super) struct Memory(RefCell<BTreeMap<Check, Remembered>>);

struct Remembered {
    key: Key,
    /// The policy whose text the findings' places belong to.
    policy: SourceText,
    findings: Vec<Finding>,
    counts: Counts,
}

/// Everything besides the graph that a check judges.
#[derive(PartialEq)]
pub(super) struct Key {
    section: Essence,
    database: Option<Arc<Database>>,
    index: u64,
    helps: bool,
}

impl PartialEq for Database {
    /// The same opened database.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// The policy's sections as values; `None` where it is no TOML that the parser knows, so that
/// nothing is remembered.
pub(super) fn keys(question: &Question) -> Option<BTreeMap<Check, Key>> {
    let policy: Table = question.policy.text.as_str().parse().ok()?;
    let exceptions = question.policy.exceptions.as_ref().map(|file| {
        let text = file.text().map(SourceText::as_str).unwrap_or_default();
        format!("{}\0{text}", file.path)
    });
    let keys = Check::JUDGED.into_iter().map(|check| {
        let section = policy.get(check.name()).cloned().unwrap_or(Value::Table(Table::new()));
        let mut judged = Table::new();
        judged.insert("section".to_owned(), section);
        if check == Check::Licenses
            && let Some(exceptions) = &exceptions
        {
            judged.insert("exceptions".to_owned(), Value::String(exceptions.clone()));
        }
        let path = question.policy.name().to_string();
        judged.insert("policy".to_owned(), Value::String(path));
        let database = if check == Check::Advisories { question.database.clone() } else { None };
        let index = if check == Check::Advisories { question.index } else { 0 };
        let section = Essence::of_value(&Value::Table(judged));
        (check, Key { section, database, index, helps: question.helps })
    });
    Some(keys.collect())
}

impl Memory {
    /// What `check` said, its places moved to where they stand in the new policy; `None` when it
    /// has to be asked again.
    pub(super) fn recall(
        &self,
        check: Check,
        key: &Key,
        policy: &PolicyText,
    ) -> Option<(Vec<Finding>, Counts)> {
        let mut known = self.0.borrow_mut().remove(&check).filter(|known| known.key == *key)?;
        if known.policy != policy.text {
            let edit = Edit::between(known.policy.as_str(), policy.text.as_str());
            let mut edits = Edits::default();
            edits.push(edit.clone());
            for location in known.findings.iter_mut().flat_map(policy_places) {
                if location.file != policy.name() {
                    continue;
                }
                // Where the edit touches a place, only the check can tell the new one.
                if edit.span.start <= location.span.end && location.span.start <= edit.span.end {
                    return None;
                }
                location.span = edits.moved(&location.span);
                location.text = policy.text.clone();
            }
            known.policy = policy.text.clone();
        }
        let said = (known.findings.clone(), known.counts);
        self.0.borrow_mut().insert(check, known);
        Some(said)
    }

    pub(super) fn remember(
        &self,
        check: Check,
        key: Key,
        policy: &PolicyText,
        findings: &[Finding],
        counts: Counts,
    ) {
        let remembered =
            Remembered { key, policy: policy.text.clone(), findings: findings.to_vec(), counts };
        self.0.borrow_mut().insert(check, remembered);
    }

    pub(super) fn forget(&self, check: Check) {
        self.0.borrow_mut().remove(&check);
    }
}

fn policy_places(finding: &mut Finding) -> impl Iterator<Item = &mut Location> {
    let related = finding.related.iter_mut().map(|related| &mut related.location);
    finding.locations.iter_mut().chain(related)
}
