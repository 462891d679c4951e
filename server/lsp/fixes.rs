//! What is known of the fixes for a shown verdict, and what can be taken from it for a text as the
//! client has it now.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cache::hash,
    fix::{Answer, Fix},
    gate::Verdict,
};

/// The answers about the findings of one verdict.
#[derive(Debug)]
pub(super) struct Answers {
    of: Arc<Verdict>,
    by_finding: BTreeMap<usize, Arc<Answer>>,
    /// How many packages have an upgrade that was proved.
    pub(super) proved: usize,
}

impl Answers {
    pub(super) fn none_yet(verdict: &Arc<Verdict>) -> Self {
        Self { of: Arc::clone(verdict), by_finding: BTreeMap::new(), proved: 0 }
    }

    pub(super) fn are_of(&self, verdict: &Arc<Verdict>) -> bool {
        Arc::ptr_eq(&self.of, verdict)
    }

    pub(super) fn add(&mut self, finding: usize, answer: Arc<Answer>) {
        self.by_finding.insert(finding, answer);
    }

    pub(super) fn about(&self, finding: usize) -> Option<&Arc<Answer>> {
        self.by_finding.get(&finding)
    }

    /// The fix of an [`id`], if it is still one.
    pub(super) fn fix(&self, wanted: &str) -> Option<&Fix> {
        let all = self.by_finding.values().flat_map(|answer| &answer.fixes);
        all.into_iter().find(|fix| id(fix) == wanted)
    }
}

/// What tells fixes apart: what they do.
pub(super) fn id(fix: &Fix) -> String {
    let changes = fix.texts.changes().iter();
    let changes = changes.map(|(path, change)| format!("{path}\0{}\0", change.after.as_str()));
    hash(changes.collect::<String>().as_bytes())
}
