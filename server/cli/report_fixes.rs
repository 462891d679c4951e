//! Searches the verified fixes that a report shows. Nothing is written.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use camino::Utf8PathBuf;

use super::{logging, outputs::Checked, shared_policy::SharedPolicies};
use crate::{
    fix::{
        EditableFolders, FixScope, FixVerifier, Outside, Overlay, diff_folder, diffs,
        fix_until_canceled,
    },
    gate::{Databases, Gate, GateOptions, Progress, Verdict},
    report::{FIX_SEARCH_TIME, FoundFixes, NoSearch, WorkspaceFixes},
    text::SourceText,
    verdict::{Check, Severity},
};

/// A search for the fixes of several workspaces, one after the other, as `supercargo fix` makes them.
pub(super) struct FixSearch<'d> {
    databases: &'d Databases,
    editable: Arc<EditableFolders>,
    end: Instant,
    /// The texts of files that were changed for an earlier workspace.
    changed: BTreeMap<Utf8PathBuf, SourceText>,
}

/// Cancels the work after some time.
struct Until(Instant);

impl Progress for Until {
    fn report(&self, message: &str) {
        logging::progress(message);
    }

    fn is_cancelled(&self) -> bool {
        Instant::now() >= self.0
    }
}

impl<'d> FixSearch<'d> {
    /// A search that changes files in these folders, and begins now.
    pub(super) fn new(folders: Vec<Utf8PathBuf>, databases: &'d Databases) -> Self {
        Self {
            databases,
            editable: Arc::new(EditableFolders::below(folders, Outside::Refused)),
            end: Instant::now() + FIX_SEARCH_TIME,
            changed: BTreeMap::new(),
        }
    }

    /// Adds the fixes to the workspaces that have findings.
    pub(super) fn add_to(&mut self, workspaces: &mut [Checked], shared: &mut SharedPolicies<'_>) {
        for checked in workspaces.iter_mut().filter(|checked| has_fixable(&checked.verdict)) {
            let options = shared.options_for(&checked.verdict.workspace);
            checked.fixes = Some(self.search(&checked.verdict, options));
        }
    }

    fn search(&mut self, verdict: &Verdict, options: GateOptions) -> WorkspaceFixes {
        if options.deny.metadata_path.is_some() {
            return WorkspaceFixes::NotSearched(NoSearch::MetadataFile);
        }
        let options = GateOptions { helps: false, dependency_graph: false, ..options };
        let mut gate = Gate::new(verdict.workspace.clone());
        let mut verifier = FixVerifier {
            gate: &mut gate,
            options: &options,
            databases: self.databases,
            progress: &Until(self.end),
        };
        let texts = Overlay::over(self.changed.clone()).within(Arc::clone(&self.editable));
        let Some(report) = fix_until_canceled(&mut verifier, &FixScope::default(), texts) else {
            return WorkspaceFixes::NotSearched(NoSearch::OutOfTime);
        };
        let changes = report.texts.changes().iter();
        self.changed.extend(changes.map(|(path, change)| (path.clone(), change.after.clone())));
        let folder = diff_folder(&report.texts, &verdict.workspace);
        let diffs = diffs(&report.texts, &folder);
        WorkspaceFixes::Found(Box::new(FoundFixes { report, folder, diffs }))
    }
}

/// Whether there is a finding that a fix may clear.
fn has_fixable(verdict: &Verdict) -> bool {
    let is_problem = |check: Check, severity: Severity| {
        !matches!(check, Check::Supercargo | Check::Config) && severity >= Severity::Warning
    };
    verdict.complete && verdict.findings.iter().any(|one| is_problem(one.check, one.severity))
}
