//! The fixes that are known for a shown verdict.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cache::hash,
    fix::{Fix, FixResult},
    gate::Verdict,
};

/// The fixes of the findings of one verdict.
#[derive(Clone, Debug)]
pub(super) struct FixResults {
    verdict: Arc<Verdict>,
    by_finding: BTreeMap<usize, Arc<FixResult>>,
    /// The best upgrades for findings, which are known before their other fixes.
    first: BTreeMap<usize, Arc<FixResult>>,
    /// The fixes of the verdict before on the same texts: a menu that is open still shows them.
    earlier: Vec<Arc<FixResult>>,
    /// How many packages have a verified upgrade.
    pub(super) verified_upgrades: usize,
}

impl FixResults {
    /// No fixes yet for a new verdict.
    pub(super) fn empty(verdict: &Arc<Verdict>) -> Self {
        Self {
            verdict: Arc::clone(verdict),
            by_finding: BTreeMap::new(),
            first: BTreeMap::new(),
            earlier: Vec::new(),
            verified_upgrades: 0,
        }
    }

    /// The fixes for a newer verdict: the same if it has the same findings, since cargo writes its index while fixes are
    /// verified, which causes another check.
    pub(super) fn carried_over_to(&self, verdict: &Arc<Verdict>) -> Self {
        let both_complete = self.verdict.complete && verdict.complete;
        if !both_complete || !is_about_same_texts(&self.verdict, verdict) {
            return Self::empty(verdict);
        }
        if self.verdict.findings == verdict.findings {
            return Self { verdict: Arc::clone(verdict), ..self.clone() };
        }
        let earlier = self.by_finding.values().chain(self.first.values()).cloned().collect();
        Self { earlier, ..Self::empty(verdict) }
    }

    pub(super) fn belong_to(&self, verdict: &Arc<Verdict>) -> bool {
        Arc::ptr_eq(&self.verdict, verdict)
    }

    pub(super) fn add(&mut self, finding: usize, result: Arc<FixResult>) {
        self.by_finding.insert(finding, result);
    }

    pub(super) fn add_first(&mut self, findings: &[usize], first: &Arc<FixResult>) {
        self.first.extend(findings.iter().map(|finding| (*finding, Arc::clone(first))));
    }

    /// The best upgrades, as long as not all fixes are known.
    pub(super) fn first(&self, finding: usize) -> Option<&Arc<FixResult>> {
        self.first.get(&finding).filter(|_| !self.by_finding.contains_key(&finding))
    }

    pub(super) fn get(&self, finding: usize) -> Option<&Arc<FixResult>> {
        self.by_finding.get(&finding)
    }

    /// The fix with an [`id`], if it is still valid.
    pub(super) fn fix_with_id(&self, wanted: &str) -> Option<&Fix> {
        let results = self.by_finding.values().chain(self.first.values()).chain(&self.earlier);
        results.flat_map(|result| &result.fixes).find(|fix| id(fix) == wanted)
    }
}

/// Whether both verdicts are about the same manifests, policy and packages.
fn is_about_same_texts(before: &Verdict, after: &Verdict) -> bool {
    let known_folders = !before.folders.is_empty() && !after.folders.is_empty();
    before.declared == after.declared
        && before.packages == after.packages
        && before.policy_use.has_same_files(&after.policy_use)
        && (!known_folders || before.folders == after.folders)
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
        let workspace = Workspace::of_manifest(Utf8Path::new("/w/Cargo.toml"));
        let findings = messages.iter().map(finding).collect();
        Arc::new(Verdict { findings, complete: true, packages: 1, ..Verdict::empty(workspace) })
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
        let carried = results().carried_over_to(&again);
        assert!(carried.belong_to(&again) && !carried.belong_to(&first));
        assert!(carried.get(1).is_some() && carried.verified_upgrades == 3);
        for other in [&["one"][..], &["one", "three"]] {
            let carried = results().carried_over_to(&verdict(other));
            assert!(carried.get(1).is_none() && carried.verified_upgrades == 0);
            assert_eq!(carried.earlier.len(), 1, "an open menu shows it");
        }
        let mut other = (*first).clone();
        other.packages = 2;
        assert_eq!(results().carried_over_to(&Arc::new(other)).earlier.len(), 0);
    }
}
