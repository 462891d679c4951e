//! A checked workspace with the findings to report.

use std::collections::HashSet;

use camino::Utf8Path;

use super::{Filters, text};
use crate::{
    compare::{Group, fingerprints},
    gate::{NO_VERDICT, Verdict},
    text::FilePath,
    verdict::{Check, CheckSet, Code, Finding, Severity},
};

/// Code, message, file and position of a finding about a policy.
pub(super) type PolicyFinding = (Option<Code>, String, FilePath, usize);

/// A checked workspace.
pub struct CheckedWorkspace<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The checks that were requested.
    pub checks: CheckSet,
    /// Its exit code.
    pub exit_code: u8,
    /// Its folder, relative to that of the checkout; `.` for the same.
    pub folder: String,
    /// The findings for programs that take everything, in the order of the verdict.
    pub records: Vec<ReportedFinding<'a>>,
    /// The findings for people, errors first: without those that only repeat that there is no policy, and those about a policy
    /// that an earlier workspace has, too.
    pub listed: Vec<ReportedFinding<'a>>,
    /// How many findings are left out because an earlier workspace has them.
    pub repeated: usize,
}

/// A finding to report.
#[derive(Clone)]
pub struct ReportedFinding<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// What identifies it in other checkouts and later commits.
    pub fingerprint: String,
    /// Its group, if the run is compared with an earlier commit.
    pub group: Option<Group>,
}

/// The result for a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceState {
    /// The gate passes.
    Passed,
    /// The gate fails.
    Failed,
    /// A check could not run.
    NoVerdict,
}

impl ReportedFinding<'_> {
    /// Whether it is shown one by one: all are, unless the run is compared with an earlier commit that has it, too.
    pub(super) fn is_news(&self) -> bool {
        !matches!(self.group, Some(Group::AlreadyThere | Group::Fixed))
    }
}

impl<'a> CheckedWorkspace<'a> {
    pub(super) fn new(
        root: &Utf8Path,
        verdict: &'a Verdict,
        checks: CheckSet,
        exit_code: u8,
        filters: Filters<'_>,
    ) -> Self {
        let folder = text::relative_file(root, verdict.workspace.folder());
        let fingerprints = fingerprints(&verdict.findings, root, Utf8Path::new(&folder));
        let all = verdict.findings.iter().zip(fingerprints);
        let all: Vec<_> = all
            .map(|(finding, fingerprint)| ReportedFinding { finding, fingerprint, group: None })
            .collect();
        let listed = all.iter().filter(|one| {
            (filters.listed)(one.finding) && !verdict.rejects_without_policy(one.finding)
        });
        let mut listed: Vec<_> = listed.cloned().collect();
        listed.sort_by(|one, other| {
            let of = |one: &ReportedFinding<'a>| {
                let at = one.finding.locations.first();
                let at = at.map(|at| (at.file.as_str(), at.span.start));
                (std::cmp::Reverse(one.finding.severity), one.finding.check, at)
            };
            of(one).cmp(&of(other))
        });
        let records = all.into_iter().filter(|one| (filters.records)(one.finding)).collect();
        Self { verdict, checks, exit_code, folder, records, listed, repeated: 0 }
    }

    /// Leaves out of `listed` what is known about policies, and adds the rest to it.
    pub(super) fn leave_out_known(&mut self, known: &mut HashSet<PolicyFinding>) {
        let before = self.listed.len();
        let verdict = self.verdict;
        self.listed.retain(|ReportedFinding { finding, .. }| {
            let Some(at) = finding.locations.first() else { return true };
            !verdict.uses_policy_file(&at.file)
                || known.insert((
                    finding.code,
                    finding.message.clone(),
                    at.file.clone(),
                    at.span.start,
                ))
        });
        self.repeated = before - self.listed.len();
    }

    /// The result.
    pub(super) fn state(&self) -> WorkspaceState {
        match self.exit_code {
            0 => WorkspaceState::Passed,
            NO_VERDICT => WorkspaceState::NoVerdict,
            _ => WorkspaceState::Failed,
        }
    }

    /// The reasons why a check could not run; empty if there is a verdict.
    pub(super) fn failures(&self) -> impl Iterator<Item = &'a Finding> {
        let has_none = self.state() == WorkspaceState::NoVerdict;
        let all = self.verdict.findings.iter().filter(move |_| has_none);
        all.filter(|finding| is_failure(finding))
    }
}

/// Whether a finding says why a check could not run, if one could not.
pub(super) fn is_failure(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        && matches!(finding.check, Check::Supercargo | Check::Config)
}
