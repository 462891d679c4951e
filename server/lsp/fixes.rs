//! What is known of the fixes for a shown verdict, and what can be taken from it for a text as the
//! client has it now.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cache::hash,
    fix::{FixResult, Fix},
    gate::Verdict,
};

/// The answers about the findings of one verdict.
#[derive(Debug)]
pub(super) struct Answers {
    of: Arc<Verdict>,
    by_finding: BTreeMap<usize, Arc<FixResult>>,
    /// How many packages have an upgrade that was proved.
    pub(super) proved: usize,
}

impl Answers {
    pub(super) fn none_yet(verdict: &Arc<Verdict>) -> Self {
        Self { of: Arc::clone(verdict), by_finding: BTreeMap::new(), proved: 0 }
    }

    /// The same answers for another verdict that finds the same: cargo writes its index while fixes
    /// are proved, and what it writes is judged.
    pub(super) fn carried_over_to(self, verdict: &Arc<Verdict>) -> Option<Self> {
        let is_the_same = self.of.reached
            && verdict.reached
            && self.of.findings == verdict.findings
            && self.of.declared == verdict.declared;
        is_the_same.then(|| Self { of: Arc::clone(verdict), ..self })
    }

    pub(super) fn are_of(&self, verdict: &Arc<Verdict>) -> bool {
        Arc::ptr_eq(&self.of, verdict)
    }

    pub(super) fn add(&mut self, finding: usize, answer: Arc<FixResult>) {
        self.by_finding.insert(finding, answer);
    }

    pub(super) fn about(&self, finding: usize) -> Option<&Arc<FixResult>> {
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

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::{
        verdict::{Code, Severity, own},
        workspace::Workspace,
    };

    fn verdict(messages: &[&str]) -> Arc<Verdict> {
        let finding = |message: &&str| {
            own(Code::NoLockFile, Severity::Note, (*message).to_owned(), Vec::new())
        };
        Arc::new(Verdict {
            workspace: Workspace::of_manifest(Utf8Path::new("/w/Cargo.toml")),
            policy: None,
            exceptions: None,
            findings: messages.iter().map(finding).collect(),
            counts: BTreeMap::new(),
            reached: true,
            packages: 1,
            declared: Arc::default(),
            folders: Arc::default(),
            graph: Arc::default(),
            matched: Vec::new(),
            index_files: Arc::default(),
            database_date: None,
        })
    }

    #[test]
    fn answers_outlast_a_verdict_that_finds_the_same_and_no_other() {
        let first = verdict(&["one", "two"]);
        let answers = || {
            let mut answers = Answers::none_yet(&first);
            answers.add(1, Arc::default());
            answers.proved = 3;
            answers
        };
        let again = verdict(&["one", "two"]);
        let carried = answers().carried_over_to(&again).expect("nothing has changed");
        assert!(carried.are_of(&again) && !carried.are_of(&first));
        assert!(carried.about(1).is_some() && carried.proved == 3);
        assert!(answers().carried_over_to(&verdict(&["one"])).is_none());
        assert!(answers().carried_over_to(&verdict(&["one", "three"])).is_none());
    }
}
