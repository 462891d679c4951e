//! The fixes that are known for a shown verdict.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cache::hash,
    fix::{Fix, FixResult},
    gate::Verdict,
};

/// The fixes of the findings of one verdict.
#[derive(Debug)]
pub(super) struct FixResults {
    verdict: Arc<Verdict>,
    by_finding: BTreeMap<usize, Arc<FixResult>>,
    /// How many packages have a verified upgrade.
    pub(super) verified_upgrades: usize,
}

impl FixResults {
    /// No fixes yet for a new verdict.
    pub(super) fn empty(verdict: &Arc<Verdict>) -> Self {
        Self { verdict: Arc::clone(verdict), by_finding: BTreeMap::new(), verified_upgrades: 0 }
    }

    /// The same fixes for a newer verdict with the same findings: cargo writes its index while fixes
    /// are verified, which causes another check.
    pub(super) fn carried_over_to(self, verdict: &Arc<Verdict>) -> Option<Self> {
        let is_same = self.verdict.complete
            && verdict.complete
            && self.verdict.findings == verdict.findings
            && self.verdict.declared == verdict.declared;
        is_same.then(|| Self { verdict: Arc::clone(verdict), ..self })
    }

    pub(super) fn belong_to(&self, verdict: &Arc<Verdict>) -> bool {
        Arc::ptr_eq(&self.verdict, verdict)
    }

    pub(super) fn add(&mut self, finding: usize, result: Arc<FixResult>) {
        self.by_finding.insert(finding, result);
    }

    pub(super) fn get(&self, finding: usize) -> Option<&Arc<FixResult>> {
        self.by_finding.get(&finding)
    }

    /// The fix with an [`id`], if it is still valid.
    pub(super) fn fix_with_id(&self, wanted: &str) -> Option<&Fix> {
        let all = self.by_finding.values().flat_map(|result| &result.fixes);
        all.into_iter().find(|fix| id(fix) == wanted)
    }
}

/// Identifies a fix by its changes.
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
        verdict::{Code, Severity, own_finding},
        workspace::Workspace,
    };

    fn verdict(messages: &[&str]) -> Arc<Verdict> {
        let finding = |message: &&str| {
            own_finding(Code::NoLockFile, Severity::Note, (*message).to_owned(), Vec::new())
        };
        Arc::new(Verdict {
            workspace: Workspace::of_manifest(Utf8Path::new("/w/Cargo.toml")),
            policy: None,
            exceptions: None,
            findings: messages.iter().map(finding).collect(),
            counts: BTreeMap::new(),
            complete: true,
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
    fn fix_results_are_kept_only_for_a_verdict_with_the_same_findings() {
        let first = verdict(&["one", "two"]);
        let results = || {
            let mut results = FixResults::empty(&first);
            results.add(1, Arc::default());
            results.verified_upgrades = 3;
            results
        };
        let again = verdict(&["one", "two"]);
        let carried = results().carried_over_to(&again).expect("nothing has changed");
        assert!(carried.belong_to(&again) && !carried.belong_to(&first));
        assert!(carried.get(1).is_some() && carried.verified_upgrades == 3);
        assert!(results().carried_over_to(&verdict(&["one"])).is_none());
        assert!(results().carried_over_to(&verdict(&["one", "three"])).is_none());
    }
}
