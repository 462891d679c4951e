//! A checked workspace with the findings to report.

use std::collections::HashSet;

use camino::Utf8Path;

use super::{Filters, text};
use crate::{
    compare::{Comparison, Group, fingerprints},
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
    /// What a comparison with an earlier commit says.
    pub compared: Option<String>,
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
    ) -> Self {
        let folder = text::relative_file(root, verdict.workspace.folder());
        let (records, listed) = (Vec::new(), Vec::new());
        let compared = None;
        Self { verdict, checks, exit_code, folder, records, listed, repeated: 0, compared }
    }

    /// Adds the findings, each with its group if there is a comparison.
    pub(super) fn with_findings(
        mut self,
        root: &Utf8Path,
        comparison: Option<&'a Comparison>,
        filters: Filters<'_>,
    ) -> Self {
        let verdict = self.verdict;
        self.compared = comparison.map(|comparison| comparison.text(verdict));
        let groups = comparison.map(|comparison| comparison.groups.iter().copied().map(Some));
        let now = match groups {
            Some(groups) => verdict.findings.iter().zip(groups).collect(),
            None => verdict.findings.iter().map(|finding| (finding, None)).collect(),
        };
        let mut all = self.reported(root, now);
        for group in [Group::PolicyLoosened, Group::Fixed] {
            let others = comparison.iter().flat_map(|one| one.findings(verdict, group));
            let others = others.map(|finding| (finding, Some(group))).collect();
            all.extend(self.reported(root, others));
        }
        let listed = all.iter().filter(|one| {
            (filters.listed)(one.finding) && !verdict.rejects_without_policy(one.finding)
        });
        self.listed = listed.cloned().collect();
        self.listed.sort_by(|one, other| {
            let of = |one: &ReportedFinding<'a>| {
                let at = one.finding.locations.first();
                let at = at.map(|at| (at.file.as_str(), at.span.start));
                (std::cmp::Reverse(one.finding.severity), one.finding.check, at)
            };
            of(one).cmp(&of(other))
        });
        // What only the base has is no result of this commit.
        let is_record = |one: &ReportedFinding<'a>| {
            one.group != Some(Group::Fixed) && (filters.records)(one.finding)
        };
        self.records = all.into_iter().filter(is_record).collect();
        self
    }

    /// Findings with their fingerprints.
    fn reported(
        &self,
        root: &Utf8Path,
        findings: Vec<(&'a Finding, Option<Group>)>,
    ) -> Vec<ReportedFinding<'a>> {
        let (findings, groups): (Vec<_>, Vec<_>) = findings.into_iter().unzip();
        let fingerprints = fingerprints(&findings, root, Utf8Path::new(&self.folder));
        let all = findings.into_iter().zip(fingerprints).zip(groups);
        all.map(|((finding, fingerprint), group)| ReportedFinding { finding, fingerprint, group })
            .collect()
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
