//! A checked workspace with the findings to report.

use std::collections::HashSet;

use camino::Utf8Path;

use super::{Filters, WorkspaceFixes, text};
use crate::{
    compare::{Comparison, Group, LoosenedFinding, fingerprints},
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
    /// Its verified fixes, if a report shows them and there are findings.
    pub fixes: Option<&'a WorkspaceFixes>,
}

/// A finding to report.
#[derive(Clone)]
pub struct ReportedFinding<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// What identifies it in other checkouts and later commits; empty if it is fixed.
    pub fingerprint: String,
    /// Its group, if the run is compared with an earlier commit.
    pub group: Option<Group>,
    /// What hides it, if only the changes of the policy do.
    pub note: Option<String>,
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
        let (compared, fixes) = (None, None);
        Self { verdict, checks, exit_code, folder, records, listed, repeated: 0, compared, fixes }
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
        let all = self.reported(root, comparison);
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

    /// The findings of the verdict, those that the changes of the policy hide, and those that only the base has.
    fn reported(
        &self,
        root: &Utf8Path,
        comparison: Option<&'a Comparison>,
    ) -> Vec<ReportedFinding<'a>> {
        let group_of = |at| comparison.and_then(|comparison| comparison.groups.get(at).copied());
        let now = self.verdict.findings.iter().enumerate();
        let now = now.map(|(at, finding)| (finding, group_of(at), None));
        let loosened = comparison
            .iter()
            .flat_map(|comparison| &comparison.loosened)
            .map(|one| (&one.finding, Some(Group::PolicyLoosened), Some(policy_change(root, one))));
        let all: Vec<_> = now.chain(loosened).collect();
        // Of both together: a finding may be there as a note, and as the error that it was on the base.
        let findings: Vec<_> = all.iter().map(|(finding, _, _)| *finding).collect();
        let mut fingerprints = fingerprints(&findings, root, Utf8Path::new(&self.folder));
        let fixed = comparison.iter().flat_map(|comparison| &comparison.fixed);
        let fixed = fixed.map(|finding| (finding, Some(Group::Fixed), None));
        let all: Vec<_> = all.into_iter().chain(fixed).collect();
        // What is fixed is not identified anywhere.
        fingerprints.resize(all.len(), String::new());
        let all = all.into_iter().zip(fingerprints);
        all.map(|((finding, group, note), fingerprint)| ReportedFinding {
            finding,
            fingerprint,
            group,
            note,
        })
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

fn policy_change(root: &Utf8Path, loosened: &LoosenedFinding) -> String {
    let cause = loosened.cause(&|file| text::relative_file(root, file));
    text::line(&format!("only changes of the policy hide it: {cause}"))
}

/// Whether a finding says why a check could not run, if one could not.
pub(super) fn is_failure(finding: &Finding) -> bool {
    finding.severity == Severity::Error
        && matches!(finding.check, Check::Supercargo | Check::Config)
}
