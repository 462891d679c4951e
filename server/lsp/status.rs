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
        Some(Self {
            workspace: uri_of(workspace.folder())?,
            state,
            checks: shown.map(|verdict| found(&verdict.counts)).unwrap_or_default(),
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
        Self { broken_policy, ..self }
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
