//! The status of a workspace, for clients that show it: the notification `supercargo/status`.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::{Uri, notification::Notification};

use super::{comparisons::ShownComparison, convert::uri_of};
use crate::{
    compare::Group,
    gate::{GateOutcome, Totals, Verdict},
    verdict::{Check, Counts, Location},
    workspace::Workspace,
};

/// The state of the check of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckState {
    /// Cargo resolves the dependencies; there are no findings yet.
    Resolving,
    /// Cargo resolves the dependencies; the findings are provisional.
    Provisional,
    /// The findings are those of the verdict.
    Exact,
    /// The workspace is not trusted: no program may be started.
    Untrusted,
    /// The check could not run; `message` says why.
    Failed,
}

/// What happens before a verdict is exact.
const RESOLVING: &str = "resolving dependencies";

/// The same where CI has several gates: the findings of the first one are shown already.
const CHECKING_GATES: &str = "checking the other gates";

/// How many gates the text names.
const MAX_GATES: usize = 3;

/// The parameters of the notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    /// The folder of the workspace.
    workspace: Uri,
    state: CheckState,
    /// What a status bar shows: a short sentence.
    text: String,
    /// cargo-deny's counts of each check that has finished.
    checks: BTreeMap<String, FindingCounts>,
    /// The errors and warnings that cargo-deny does not count.
    #[serde(default)]
    uncounted: FindingCounts,
    /// cargo-deny's exit code; 70 where there is no verdict.
    exit_code: Option<u8>,
    /// The advisory database; absent where none was read.
    database: Option<DatabaseInfo>,
    message: Option<String>,
    /// The options of cargo-deny that the settings set, as words of its command line; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    options: Option<String>,
    /// The gates of CI whose findings are united; absent if the workspace is checked with the options of the settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gates: Vec<GateStatus>,
    /// The error in a policy that cannot be read, often because the user is typing in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken_policy: Option<BrokenPolicy>,
    /// The comparison with a base; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonStatus>,
}

/// The state of the comparison of a workspace with its base. The name is as the user has written it.
#[derive(Clone, Debug)]
pub(super) enum ComparisonState {
    /// The base has no verdict yet.
    Checking(String),
    Compared(Arc<ShownComparison>),
    /// There is no comparison, for this reason.
    Failed(String, String),
    /// No program may be started.
    Untrusted(String),
}

/// The comparison of a workspace with its base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComparisonStatus {
    /// The base, as the user has named it.
    base: String,
    /// The part of the status that a status bar shows.
    text: String,
    /// The base with its commit, and the counts of each group; absent without a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts: Option<ComparisonCounts>,
    /// Why there is no comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComparisonCounts {
    /// `origin/main (1a2b3c4d5)`
    base: String,
    new: FindingCounts,
    /// Hidden by changes of the policy.
    policy_loosened: FindingCounts,
    fixed: FindingCounts,
    already_there: FindingCounts,
}

impl ComparisonStatus {
    fn of(state: &ComparisonState) -> Self {
        let without = |base: &str, text: String, message: Option<&str>| Self {
            base: base.to_owned(),
            text,
            counts: None,
            message: message.map(str::to_owned),
        };
        match state {
            ComparisonState::Checking(base) => without(base, format!("checking {base}"), None),
            ComparisonState::Failed(base, why) => {
                without(base, format!("not compared with {base}"), Some(why))
            }
            ComparisonState::Untrusted(base) => without(
                base,
                format!("not compared with {base}"),
                Some("a comparison starts git, which needs a trusted workspace"),
            ),
            ComparisonState::Compared(shown) => {
                let counts = |group| {
                    let counts = shown.counts.get(&group).copied().unwrap_or_default();
                    FindingCounts { errors: counts.errors, warnings: counts.warnings }
                };
                let counts = ComparisonCounts {
                    base: shown.comparison.base.clone(),
                    new: counts(Group::New),
                    policy_loosened: counts(Group::PolicyLoosened),
                    fixed: counts(Group::Fixed),
                    already_there: counts(Group::AlreadyThere),
                };
                let text = shown.text.clone();
                Self { base: shown.name.clone(), text, counts: Some(counts), message: None }
            }
        }
    }
}

/// One of the gates of CI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GateStatus {
    name: String,
    /// The words of cargo-deny's command line.
    options: String,
    /// Whether its failure fails CI.
    blocks: bool,
    exit_code: u8,
}

/// Where the policy has an error, and the counts before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BrokenPolicy {
    file: Uri,
    /// Counts from 1.
    line: u32,
    /// The counts of each check with the last policy that could be read; empty where there are none.
    checks_before: BTreeMap<String, FindingCounts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct FindingCounts {
    errors: u32,
    warnings: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DatabaseInfo {
    /// When it was fetched, `YYYY-MM-DD`; `null` for a plain folder.
    date: Option<String>,
}

impl Status {
    /// The status of a workspace.
    pub(super) fn of(
        workspace: &Workspace,
        state: CheckState,
        shown: Option<&Verdict>,
        message: Option<String>,
        options: Option<String>,
        comparison: Option<&ComparisonState>,
    ) -> Option<Self> {
        let with_database = shown.filter(|verdict| verdict.counts.contains_key(&Check::Advisories));
        let counts = shown.map(|verdict| verdict.counts.clone()).unwrap_or_default();
        let date = shown.and_then(|verdict| verdict.database_date.as_deref());
        let totals = shown.filter(|_| !counts.is_empty()).map(Verdict::totals);
        let gates = shown.map_or(&[][..], |verdict| &verdict.gates);
        let options = options.filter(|_| gates.is_empty());
        let how = options.clone().or_else(|| gate_labels(gates));
        let doing = if gates.len() > 1 { CHECKING_GATES } else { RESOLVING };
        let comparison = comparison.map(ComparisonStatus::of);
        let compared = comparison.as_ref().map(|comparison| comparison.text.as_str());
        let text = text(state, totals, compared, date, how.as_deref(), doing);
        let uncounted = totals.unwrap_or_default().uncounted;
        Some(Self {
            workspace: uri_of(workspace.folder())?,
            state,
            text,
            checks: finding_counts(&counts),
            uncounted: FindingCounts { errors: uncounted.errors, warnings: uncounted.warnings },
            exit_code: shown.map(Verdict::exit_code),
            database: with_database
                .map(|verdict| DatabaseInfo { date: verdict.database_date.clone() }),
            message,
            options,
            gates: gates.iter().map(gate_status).collect(),
            broken_policy: None,
            comparison,
        })
    }

    /// The same with the location of an error in the policy and the counts before it.
    pub(super) fn with_broken_policy(
        self,
        at: &Location,
        before: &BTreeMap<Check, Counts>,
    ) -> Self {
        let broken_policy = uri_of(&at.file).map(|file| BrokenPolicy {
            file,
            line: at.text.line_column(at.span.start).line,
            checks_before: finding_counts(before),
        });
        let name = at.file.file_name().unwrap_or("the policy");
        let text = format!("error in {name} at line {}", at.text.line_column(at.span.start).line);
        let before_text = (!before.is_empty()).then(|| summary(Totals::of_counts(before)));
        let text = match before_text {
            Some(before) => format!("{text} (last check: {before})"),
            None => text,
        };
        Self { text, broken_policy, ..self }
    }
}

/// What a status bar shows for a state: `2 errors, 1 warning; 1 new since main (--all-features; advisories of 2026-11-28)`.
/// `totals` are those of the checks that ran, if any; `compared` is the comparison with a base; `doing` is what the server
/// does before a verdict is exact.
fn text(
    state: CheckState,
    totals: Option<Totals>,
    compared: Option<&str>,
    date: Option<&str>,
    options: Option<&str>,
    doing: &str,
) -> String {
    let note = match state {
        // The reason can be too long for a status bar; it is in `message` and in a diagnostic.
        CheckState::Failed => return "check failed".to_owned(),
        CheckState::Resolving | CheckState::Provisional => Some(doing.to_owned()),
        CheckState::Untrusted => Some("workspace not trusted".to_owned()),
        CheckState::Exact => date.map(|date| format!("advisories of {date}")),
    };
    let notes: Vec<_> = options.map(str::to_owned).into_iter().chain(note).collect();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    // The counts of other states are not those of the comparison.
    let compared = compared.filter(|_| matches!(state, CheckState::Exact | CheckState::Untrusted));
    let summary = totals.map(summary).map(|summary| match compared {
        Some(compared) => format!("{summary}; {compared}"),
        None => summary,
    });
    match (summary, note) {
        (Some(summary), Some(note)) => format!("{summary} ({note})"),
        (Some(summary), None) => summary,
        (None, Some(note)) => note,
        (None, None) => "no checks enabled".to_owned(),
    }
}

fn gate_status(gate: &GateOutcome) -> GateStatus {
    GateStatus {
        name: gate.name.to_string(),
        options: gate.options.to_string(),
        blocks: gate.blocks,
        exit_code: gate.exit_code,
    }
}

/// `CI: ci.yml:23 --all-features, fuzz.yml:11`, or `CI: ci.yml:9 (12 gates)` where a line has several.
fn gate_labels(gates: &[GateOutcome]) -> Option<String> {
    let mut lines: BTreeMap<&str, Vec<&GateOutcome>> = BTreeMap::new();
    for gate in gates {
        lines.entry(&gate.name.line).or_default().push(gate);
    }
    let labels = lines.into_iter().map(|(line, gates)| match gates.as_slice() {
        [gate] => match gate.options.shown() {
            Some(options) => format!("{line} {options}"),
            None => line.to_owned(),
        },
        several => format!("{line} ({} gates)", several.len()),
    });
    let mut labels: Vec<_> = labels.collect();
    let more = labels.len().saturating_sub(MAX_GATES);
    if more > 0 {
        labels.truncate(MAX_GATES);
        labels.push(format!("{more} more"));
    }
    (!labels.is_empty()).then(|| format!("CI: {}", labels.join(", ")))
}

/// How many errors and warnings there are.
fn summary(totals: Totals) -> String {
    totals.text().unwrap_or_else(|| "no errors or warnings".to_owned())
}

fn finding_counts(counts: &BTreeMap<Check, Counts>) -> BTreeMap<String, FindingCounts> {
    let counts = counts.iter().map(|(check, counts)| {
        (
            check.name().to_owned(),
            FindingCounts { errors: counts.errors, warnings: counts.warnings },
        )
    });
    counts.collect()
}

/// `supercargo/status`.
#[derive(Debug)]
pub(super) enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = Status;

    const METHOD: &'static str = "supercargo/status";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{DenyOptions, GateName};

    #[test]
    fn text_of_a_status_is_a_short_sentence() {
        let date = Some("2026-11-28");
        let text = |state, errors, warnings| {
            let counts = Counts { errors, warnings, ..Counts::default() };
            let counts = [(Check::Advisories, counts), (Check::Bans, counts)].into();
            text(state, Some(Totals::of_counts(&counts)), None, date, None, RESOLVING)
        };
        assert_eq!(
            text(CheckState::Exact, 1, 4),
            "2 errors, 8 warnings (advisories of 2026-11-28)"
        );
        assert_eq!(
            text(CheckState::Exact, 0, 0),
            "no errors or warnings (advisories of 2026-11-28)"
        );
        assert_eq!(text(CheckState::Provisional, 1, 0), "2 errors (resolving dependencies)");
        assert_eq!(text(CheckState::Untrusted, 0, 1), "2 warnings (workspace not trusted)");
        assert_eq!(text(CheckState::Failed, 1, 1), "check failed");
    }

    #[test]
    fn gates_on_one_line_are_counted() {
        let gate = |line: &str, variant: Option<&str>, options: DenyOptions| GateOutcome {
            name: GateName { line: line.to_owned(), variant: variant.map(str::to_owned) },
            options,
            blocks: true,
            exit_code: 0,
        };
        let all = DenyOptions { all_features: true, ..DenyOptions::default() };
        let plain = DenyOptions::default;
        let label = |gates: &[GateOutcome]| gate_labels(gates).expect("a label");
        assert_eq!(
            label(&[gate("ci.yml:23", None, all), gate("fuzz.yml:11", None, plain())]),
            "CI: ci.yml:23 --all-features, fuzz.yml:11"
        );
        assert_eq!(
            label(&[gate("ci.yml:9", Some("a"), plain()), gate("ci.yml:9", Some("b"), plain())]),
            "CI: ci.yml:9 (2 gates)"
        );
        assert_eq!(gate_labels(&[]), None);
    }

    #[test]
    fn text_of_a_status_without_counts_says_why_there_are_none() {
        let text = |state| text(state, None, None, None, None, RESOLVING);
        assert_eq!(text(CheckState::Resolving), "resolving dependencies");
        assert_eq!(text(CheckState::Exact), "no checks enabled");
        assert_eq!(text(CheckState::Failed), "check failed");
    }

    #[test]
    fn text_of_a_status_has_the_comparison_with_exact_counts() {
        let text = |state| {
            let counts = [(Check::Bans, Counts { errors: 3, ..Counts::default() })].into();
            let compared = Some("2 new since main");
            text(state, Some(Totals::of_counts(&counts)), compared, None, None, RESOLVING)
        };
        assert_eq!(text(CheckState::Exact), "3 errors; 2 new since main");
        assert_eq!(text(CheckState::Provisional), "3 errors (resolving dependencies)");
        assert_eq!(text(CheckState::Failed), "check failed");
    }

    #[test]
    fn text_of_a_status_names_the_options_in_force() {
        let counts = [(Check::Bans, Counts { errors: 1, ..Counts::default() })].into();
        let options = Some("--all-features check -D warnings");
        assert_eq!(
            text(
                CheckState::Exact,
                Some(Totals::of_counts(&counts)),
                None,
                Some("2026-11-28"),
                options,
                RESOLVING
            ),
            "1 error (--all-features check -D warnings; advisories of 2026-11-28)"
        );
        assert_eq!(
            text(
                CheckState::Exact,
                Some(Totals::of_counts(&counts)),
                None,
                None,
                options,
                RESOLVING
            ),
            "1 error (--all-features check -D warnings)"
        );
    }

    #[test]
    fn summary_counts_in_singular_and_plural() {
        let counts = Counts { errors: 1, warnings: 1, ..Counts::default() };
        let summary = summary(Totals::of_counts(&[(Check::Bans, counts)].into()));
        assert_eq!(summary, "1 error, 1 warning");
    }
}
