//! The state of the gate, for clients that show it: the notification `supercargo/status`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::{Uri, notification::Notification};

use super::convert::uri_of;
use crate::{
    gate::Verdict,
    verdict::{Check, Counts, Location},
    workspace::Workspace,
};

/// What the gate of a workspace is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Cargo resolves; nothing is known yet.
    Resolving,
    /// Cargo resolves; what is shown is what the files tell.
    Provisional,
    /// What is shown is the verdict.
    Exact,
    /// Nothing may be started for the workspace.
    Untrusted,
    /// No verdict could be reached; `message` says why.
    Failed,
}

/// The parameters of the notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    /// The folder of the workspace.
    workspace: Uri,
    state: State,
    /// What a status bar shows: a short sentence.
    text: String,
    /// What each check that came to its end has found.
    checks: BTreeMap<String, Found>,
    /// cargo-deny's exit code; 70 where there is no verdict.
    exit_code: Option<u8>,
    /// The advisory database; absent where none was read.
    database: Option<Age>,
    message: Option<String>,
    /// The policy cannot be read as it is now, which it often cannot while somebody types in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken_policy: Option<BrokenPolicy>,
}

/// Where a policy cannot be read, and what the gate had found before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BrokenPolicy {
    file: Uri,
    /// Counts from 1.
    line: u32,
    /// What each check has found under the last policy that could be read; empty where that is
    /// not known.
    checks_before: BTreeMap<String, Found>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Found {
    errors: u32,
    warnings: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Age {
    /// When it was fetched, `YYYY-MM-DD`; `null` for a plain folder.
    date: Option<String>,
}

impl Status {
    /// The state of a workspace with what is shown of it.
    pub(super) fn of(
        workspace: &Workspace,
        state: State,
        shown: Option<&Verdict>,
        message: Option<String>,
    ) -> Option<Self> {
        let judged = shown.filter(|verdict| verdict.counts.contains_key(&Check::Advisories));
        let counts = shown.map(|verdict| verdict.counts.clone()).unwrap_or_default();
        let date = shown.and_then(|verdict| verdict.database_date.as_deref());
        let text = text(state, &counts, date, message.as_deref());
        Some(Self {
            workspace: uri_of(workspace.folder())?,
            state,
            text,
            checks: found(&counts),
            exit_code: shown.map(Verdict::exit_code),
            database: judged.map(|verdict| Age { date: verdict.database_date.clone() }),
            message,
            broken_policy: None,
        })
    }

    /// The same where the policy cannot be read at a place, with what was counted before.
    pub(super) fn with_broken_policy(
        self,
        at: &Location,
        before: &BTreeMap<Check, Counts>,
    ) -> Self {
        let broken_policy = uri_of(&at.file).map(|file| BrokenPolicy {
            file,
            line: at.text.line_column(at.span.start).line,
            checks_before: found(before),
        });
        let name = at.file.file_name().unwrap_or("the policy");
        let text = format!("error in {name} at line {}", at.text.line_column(at.span.start).line);
        let text = match summary(before) {
            Some(before) => format!("{text} (last check: {before})"),
            None => text,
        };
        Self { text, broken_policy, ..self }
    }
}

/// What a status bar shows for a state: `2 errors, 1 warning (advisories of 2026-11-28)`.
fn text(
    state: State,
    counts: &BTreeMap<Check, Counts>,
    date: Option<&str>,
    message: Option<&str>,
) -> String {
    let note = match state {
        State::Failed => {
            return match message {
                Some(message) => format!("check failed: {message}"),
                None => "check failed".to_owned(),
            };
        }
        State::Resolving | State::Provisional => Some("resolving dependencies".to_owned()),
        State::Untrusted => Some("workspace not trusted".to_owned()),
        State::Exact => date.map(|date| format!("advisories of {date}")),
    };
    match (summary(counts), note) {
        (Some(summary), Some(note)) => format!("{summary} ({note})"),
        (Some(summary), None) => summary,
        (None, Some(note)) => note,
        (None, None) => "no checks enabled".to_owned(),
    }
}

/// How many errors and warnings all checks have found; `None` where no check ran.
fn summary(counts: &BTreeMap<Check, Counts>) -> Option<String> {
    if counts.is_empty() {
        return None;
    }
    let errors = counts.values().map(|counts| counts.errors).sum();
    let warnings = counts.values().map(|counts| counts.warnings).sum();
    let parts = [(errors, "error"), (warnings, "warning")].into_iter().filter_map(count);
    let parts: Vec<_> = parts.collect();
    Some(if parts.is_empty() { "no errors or warnings".to_owned() } else { parts.join(", ") })
}

/// `1 error`, `2 errors`; `None` for 0.
fn count((number, noun): (u32, &str)) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{number} {noun}s")),
    }
}

fn found(counts: &BTreeMap<Check, Counts>) -> BTreeMap<String, Found> {
    let found = counts.iter().map(|(check, counts)| {
        (check.name().to_owned(), Found { errors: counts.errors, warnings: counts.warnings })
    });
    found.collect()
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

    #[test]
    fn text_of_a_status_is_a_short_sentence() {
        let date = Some("2026-11-28");
        let text = |state, errors, warnings| {
            let counts = Counts { errors, warnings, ..Counts::default() };
            let counts = [(Check::Advisories, counts), (Check::Bans, counts)].into();
            text(state, &counts, date, None)
        };
        assert_eq!(text(State::Exact, 1, 4), "2 errors, 8 warnings (advisories of 2026-11-28)");
        assert_eq!(text(State::Exact, 0, 0), "no errors or warnings (advisories of 2026-11-28)");
        assert_eq!(text(State::Provisional, 1, 0), "2 errors (resolving dependencies)");
        assert_eq!(text(State::Untrusted, 0, 1), "2 warnings (workspace not trusted)");
        assert_eq!(text(State::Failed, 1, 1), "check failed");
    }

    #[test]
    fn text_of_a_status_without_counts_says_why_there_are_none() {
        let text = |state, message| text(state, &BTreeMap::new(), None, message);
        assert_eq!(text(State::Resolving, None), "resolving dependencies");
        assert_eq!(text(State::Exact, None), "no checks enabled");
        let message = Some("could not load the advisory database");
        let failed = "check failed: could not load the advisory database";
        assert_eq!(text(State::Failed, message), failed);
    }

    #[test]
    fn summary_counts_in_singular_and_plural() {
        let counts = Counts { errors: 1, warnings: 1, ..Counts::default() };
        let summary = summary(&[(Check::Bans, counts)].into());
        assert_eq!(summary.as_deref(), Some("1 error, 1 warning"));
    }
}
