//! What a run of `check` writes for other programs: functions of the verdicts, a file per format. Nothing here prints, or reads
//! from disk.

mod checked;
mod github;
mod gitlab;
mod junit;
mod sarif;
mod summary;
mod text;

use std::collections::HashSet;

use camino::Utf8Path;

pub use checked::{CheckedWorkspace, ReportedFinding, WorkspaceState};
pub(crate) use github::{annotations, without_commands};
pub(crate) use gitlab::code_quality;
pub(crate) use junit::junit;
pub(crate) use sarif::sarif;
pub(crate) use summary::summary;

use crate::{
    gate::{NO_VERDICT, Verdict},
    verdict::{CheckSet, Finding},
};
use checked::PolicyFinding;

/// The maximum number of results that GitHub takes of one run in SARIF.
pub const GITHUB_RESULTS: usize = 25_000;

/// What a run of `check` found.
pub struct Report<'a> {
    /// The folder of the checkout: paths are relative to it.
    pub root: &'a Utf8Path,
    /// The checked workspaces.
    pub workspaces: Vec<CheckedWorkspace<'a>>,
    /// Why there is no verdict, besides the findings: a folder that does not exist, a program that did not run.
    pub failures: Vec<String>,
    /// The exit code of the run.
    pub exit_code: u8,
    /// Whether dependency paths are shown.
    pub paths: bool,
    /// The findings about policies so far: several workspaces may have the same.
    policy_findings: HashSet<PolicyFinding>,
}

/// Which findings are reported.
#[derive(Clone, Copy)]
pub struct Filters<'f> {
    /// For programs that take everything: those of `--format json`.
    pub records: &'f dyn Fn(&Finding) -> bool,
    /// For people: those of `--format human`.
    pub listed: &'f dyn Fn(&Finding) -> bool,
}

impl<'a> Report<'a> {
    /// The report of a run in which nothing was checked yet.
    pub fn new(root: &'a Utf8Path, paths: bool) -> Self {
        Self {
            root,
            workspaces: Vec::new(),
            failures: Vec::new(),
            exit_code: 0,
            paths,
            policy_findings: HashSet::new(),
        }
    }

    /// Adds the verdict on a workspace, with the checks that were requested and its exit code.
    pub fn add(
        &mut self,
        verdict: &'a Verdict,
        checks: CheckSet,
        exit_code: u8,
        filters: Filters<'_>,
    ) {
        let mut workspace = CheckedWorkspace::new(self.root, verdict, checks, exit_code, filters);
        workspace.leave_out_known(&mut self.policy_findings);
        self.workspaces.push(workspace);
    }

    /// Whether all that was to be checked has a verdict.
    fn has_verdict(&self) -> bool {
        self.exit_code != NO_VERDICT
    }

    /// The findings for people, errors first.
    fn listed(&self) -> Vec<(&CheckedWorkspace<'a>, &ReportedFinding<'a>)> {
        let mut all: Vec<_> = self
            .workspaces
            .iter()
            .flat_map(|workspace| workspace.listed.iter().map(move |one| (workspace, one)))
            .collect();
        all.sort_by_key(|(_, one)| std::cmp::Reverse(one.finding.severity));
        all
    }
}
