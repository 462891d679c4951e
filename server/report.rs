//! What a run of `check` writes for other programs: functions of the verdicts, a file per format. Nothing here prints, or reads
//! from disk.

mod checked;
mod fixes;
mod github;
mod gitlab;
mod headings;
mod html;
mod junit;
mod markup;
mod sarif;
mod summary;
mod text;
pub(crate) mod why_graph;

use std::collections::HashSet;

use camino::Utf8Path;

pub use checked::{CheckedWorkspace, ReportedFinding, WorkspaceState};
pub use fixes::{FIX_SEARCH_TIME, FoundFixes, NoSearch, WorkspaceFixes};
pub(crate) use github::{annotations, without_commands};
pub(crate) use gitlab::code_quality;
pub(crate) use html::html;
pub(crate) use junit::junit;
pub(crate) use sarif::sarif;
pub(crate) use summary::summary;

use crate::{
    compare::Comparison,
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

    /// Adds the verdict on a workspace, with the checks that were requested, its exit code, the comparison with an earlier
    /// commit, and its fixes.
    pub fn add(
        &mut self,
        verdict: &'a Verdict,
        checks: CheckSet,
        exit_code: u8,
        comparison: Option<&'a Comparison>,
        fixes: Option<&'a WorkspaceFixes>,
        filters: Filters<'_>,
    ) {
        let mut workspace = CheckedWorkspace::new(self.root, verdict, checks, exit_code);
        workspace.fixes = fixes;
        let mut workspace = workspace.with_findings(self.root, comparison, filters);
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        compare::{Group, LoosenedFinding, PolicyChange},
        text::SourceText,
        verdict::{Check, Code, Counts, Location, Role, Severity, own_finding},
        workspace::Workspace,
    };

    /// A verdict with errors about so many packages.
    fn verdict(count: u32) -> Verdict {
        let text = SourceText::new("[package]\nname = \"a\"\n");
        let location = Location {
            file: "/w/Cargo.toml".into(),
            text,
            span: 18..19,
            role: Role::Primary,
            via: None,
        };
        let root = "/w".into();
        let mut verdict = Verdict::empty(Workspace { manifest: "/w/Cargo.toml".into(), root });
        let finding = |at: u32| Finding {
            check: Check::Bans,
            ..own_finding(
                Code::Banned,
                Severity::Error,
                format!("`p{at}` 1.0.0 is banned by the policy"),
                vec![location.clone()],
            )
        };
        verdict.findings = (0..count).map(finding).collect();
        verdict.counts.insert(Check::Bans, Counts { errors: count, ..Counts::default() });
        verdict.complete = true;
        verdict
    }

    fn report<'a>(verdict: &'a Verdict, comparison: Option<&'a Comparison>) -> Report<'a> {
        let mut report = Report::new(Utf8Path::new("/w"), true);
        let filters = Filters { records: &|_| true, listed: &|_| true };
        report.add(verdict, CheckSet::of(&[Check::Bans]), 2, comparison, None, filters);
        report.exit_code = 2;
        report
    }

    fn results(report: &Report<'_>) -> Vec<Value> {
        let text = sarif(report).expect("a text");
        let log: Value = serde_json::from_str(&text).expect("JSON");
        log["runs"][0]["results"].as_array().expect("results").clone()
    }

    #[test]
    fn nothing_is_left_out_silently() {
        let verdict = verdict(25_500);
        let report = report(&verdict, None);
        assert_eq!(results(&report).len(), 25_500);
        let entries: Value =
            serde_json::from_str(&code_quality(&report).expect("a text")).expect("JSON");
        assert_eq!(entries.as_array().map(Vec::len), Some(25_500));
        assert_eq!(junit(&report).expect("a text").matches("<failure ").count(), 25_500);
        let text = html(&report);
        assert!(text.len() <= 1_000_000, "{}", text.len());
        let listed = text.matches("<li id=").count();
        assert!(text.contains(&format!("{} findings left out: ", 25_500 - listed)), "{listed}");
        let text = annotations(&report);
        assert_eq!(text.lines().count(), 11);
        assert!(text.contains("not annotated: 25490 errors"), "{text}");
        let text = summary(&report);
        assert!(text.len() <= 1_000_000, "{}", text.len());
        let listed = text.lines().filter(|line| line.starts_with("| error |")).count();
        assert!(
            text.contains(&format!("**{} findings are left out: ", 25_500 - listed)),
            "{listed}"
        );
    }

    #[test]
    fn of_a_comparison_only_new_findings_are_annotated() {
        let verdict = verdict(3);
        let named = |name: &str| Finding {
            message: format!("`{name}` 1.0.0 is banned by the policy"),
            ..verdict.findings[0].clone()
        };
        let change = PolicyChange {
            what: "removed `deny` entry for `p9`".to_owned(),
            reason: None,
            entry: None,
        };
        let comparison = Comparison {
            base: "main".to_owned(),
            groups: vec![Group::New, Group::AlreadyThere, Group::AlreadyThere],
            fixed: vec![named("p8")],
            loosened: vec![LoosenedFinding { finding: named("p9"), change }],
        };
        let report = report(&verdict, Some(&comparison));
        let states: Vec<_> =
            results(&report).iter().map(|result| result["baselineState"].clone()).collect();
        assert_eq!(states, ["new", "unchanged", "unchanged", "new"]);
        let text = annotations(&report);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains("`p0`") && lines[1].contains("`p9`"), "{text}");
        assert!(lines[1].contains("removed `deny` entry for `p9`"), "{text}");
        assert_eq!(
            lines[2],
            "::notice title=supercargo::already there: 2 findings%0Afixed: 1 finding"
        );
        // GitLab itself compares the reports of two commits.
        let text = code_quality(&report).expect("a text");
        assert_eq!(text.matches("\"fingerprint\"").count(), 4);
        let text = junit(&report).expect("a text");
        assert_eq!(text.matches("<failure ").count(), 2);
        let text = summary(&report);
        let titles = ["### New\n", "### Hidden", "### Fixed\n", "<summary>Already there"];
        let at: Vec<_> = titles.iter().map(|title| text.find(title)).collect();
        assert!(at.is_sorted() && !at.contains(&None), "{at:?}: {text}");
    }
}
