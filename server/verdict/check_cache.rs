//! The last results of each check, reused while neither its section of the policy nor another of its
//! inputs has changed.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use toml::{Table, Value};

use super::{
    Check, Counts, Database, EngineRequest, Finding, KnownFindings, LintLevels, Location,
    PolicyText,
};
use crate::{
    model::fingerprint::FileFingerprint,
    text::{Edit, Edits, SourceText},
};

/// The last results of a graph's checks.
#[derive(Default)]
pub(super) struct CheckCache(RefCell<BTreeMap<Check, CachedCheck>>);

struct CachedCheck {
    inputs: CheckInputs,
    /// The policy text that the locations of the findings refer to.
    policy: SourceText,
    findings: Vec<Finding>,
    counts: Counts,
}

/// The inputs of a check besides the graph.
#[derive(Clone, PartialEq)]
pub(super) struct CheckInputs {
    section: FileFingerprint,
    database: Option<Arc<Database>>,
    index: u64,
    helps: bool,
    levels: LintLevels,
}

impl PartialEq for Database {
    /// The same opened database.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// The inputs of each check; `None` if the policy cannot be parsed, so that nothing is cached.
pub(super) fn check_inputs(request: &EngineRequest) -> Option<BTreeMap<Check, CheckInputs>> {
    let policy: Table = request.policy.text.as_str().parse().ok()?;
    let exceptions = request.policy.exceptions.as_ref().map(|file| {
        let text = file.text().map(SourceText::as_str).unwrap_or_default();
        format!("{}\0{text}", file.path)
    });
    let inputs = Check::CARGO_DENY.into_iter().map(|check| {
        let section = policy.get(check.name()).cloned().unwrap_or(Value::Table(Table::new()));
        let mut relevant = Table::new();
        relevant.insert("section".to_owned(), section);
        if check == Check::Licenses
            && let Some(exceptions) = &exceptions
        {
            relevant.insert("exceptions".to_owned(), Value::String(exceptions.clone()));
        }
        let path = request.policy.name().to_string();
        relevant.insert("policy".to_owned(), Value::String(path));
        let database = if check == Check::Advisories { request.database.clone() } else { None };
        let index = if check == Check::Advisories { request.index } else { 0 };
        let section = FileFingerprint::of_value(&Value::Table(relevant));
        (
            check,
            CheckInputs {
                section,
                database,
                index,
                helps: request.helps,
                levels: request.levels.clone(),
            },
        )
    });
    Some(inputs.collect())
}

impl CheckCache {
    /// The results of `check`, with their locations moved to the new policy text; `None` if the check
    /// has to run again.
    pub(super) fn get(
        &self,
        check: Check,
        inputs: &CheckInputs,
        policy: &PolicyText,
    ) -> Option<(Vec<Finding>, Counts)> {
        let mut cached =
            self.0.borrow_mut().remove(&check).filter(|cached| cached.inputs == *inputs)?;
        if cached.policy != policy.text {
            let edit = Edit::between(cached.policy.as_str(), policy.text.as_str());
            let mut edits = Edits::default();
            edits.push(edit.clone());
            for location in cached.findings.iter_mut().flat_map(policy_locations) {
                if location.file != policy.name() {
                    continue;
                }
                // If the edit touches a location, only a new run of the check finds the new one.
                if edit.span.start <= location.span.end && location.span.start <= edit.span.end {
                    return None;
                }
                location.span = edits.moved(&location.span);
                location.text = policy.text.clone();
            }
            cached.policy = policy.text.clone();
        }
        let results = (cached.findings.clone(), cached.counts);
        self.0.borrow_mut().insert(check, cached);
        Some(results)
    }

    pub(super) fn insert(
        &self,
        check: Check,
        inputs: CheckInputs,
        policy: &PolicyText,
        findings: &[Finding],
        counts: Counts,
    ) {
        let cached = CachedCheck {
            inputs,
            policy: policy.text.clone(),
            findings: findings.to_vec(),
            counts,
        };
        self.0.borrow_mut().insert(check, cached);
    }

    /// The same for results that are known without a run; not where there are others.
    pub(super) fn insert_known(
        &self,
        check: Check,
        inputs: &CheckInputs,
        policy: &PolicyText,
        known: &KnownFindings,
    ) {
        if !self.0.borrow().contains_key(&check) {
            self.insert(check, inputs.clone(), policy, &known.findings, known.counts);
        }
    }

    pub(super) fn remove(&self, check: Check) {
        self.0.borrow_mut().remove(&check);
    }
}

fn policy_locations(finding: &mut Finding) -> impl Iterator<Item = &mut Location> {
    let related = finding.related.iter_mut().map(|related| &mut related.location);
    finding.locations.iter_mut().chain(related)
}
