//! The Code Quality report of GitLab: the findings that are listed, as one JSON array.

use std::collections::HashSet;

use serde::Serialize;

use super::{
    Report, ReportedFinding, WorkspaceState,
    checked::is_failure,
    text::{code, first_line, line, relative_file},
};
use crate::{
    cache::hash,
    compare::Group,
    verdict::{Finding, Severity},
};

/// The name of the check of an entry that says that there is no verdict.
const NO_VERDICT_NAME: &str = "supercargo::no-verdict";

/// The CVSS score from which a vulnerability is critical (CVSS 3.1, 5).
const CRITICAL_SCORE: &str = "critical";

#[derive(Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: EntryLocation,
}

#[derive(Serialize)]
struct EntryLocation {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// The text of the file.
pub(crate) fn code_quality(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let mut entries: Vec<_> = report
        .failures
        .iter()
        .map(|failure| no_verdict(failure, "Cargo.toml".to_owned()))
        .collect();
    for workspace in &report.workspaces {
        let manifest = relative_file(report.root, &workspace.verdict.workspace.manifest);
        let has_verdict = workspace.state() != WorkspaceState::NoVerdict;
        if !has_verdict && workspace.failures().next().is_none() {
            entries.push(no_verdict("a check could not run", manifest.clone()));
        }
        entries.extend(workspace.verdict.rejected_without_policy().map(|sentence| Entry {
            severity: "major",
            check_name: "rejected".to_owned(),
            ..no_verdict(&sentence, manifest.clone())
        }));
        // GitLab itself compares the reports of two branches.
        let now = workspace.listed.iter().filter(|one| one.group != Some(Group::Fixed));
        for one in now {
            entries.push(entry(report, one, !has_verdict && is_failure(one.finding)));
        }
    }
    // Two failures may have the same text.
    let mut known = HashSet::new();
    entries.retain(|entry| known.insert(entry.fingerprint.clone()));
    let mut text = serde_json::to_string_pretty(&entries)?;
    text.push('\n');
    Ok(text)
}

fn entry(
    report: &Report<'_>,
    ReportedFinding { finding, fingerprint, note, .. }: &ReportedFinding<'_>,
    is_failure: bool,
) -> Entry {
    let mut description = line(&finding.message);
    let shortest = if report.paths { finding.shortest_paths() } else { Vec::new() };
    for path in shortest {
        description.push_str(&format!("; via {}", line(&path)));
    }
    if let Some(note) = note {
        description.push_str(&format!("; {note}"));
    }
    if let Some(remedy) = &finding.remedy {
        description.push_str(&format!("; help: {}", line(remedy)));
    }
    let at = finding.locations.first();
    Entry {
        description,
        check_name: line(code(finding)),
        fingerprint: fingerprint.clone(),
        severity: if is_failure { "blocker" } else { severity(finding) },
        location: EntryLocation {
            path: at.map_or("Cargo.toml".to_owned(), |at| relative_file(report.root, &at.file)),
            lines: Lines { begin: at.map_or(1, first_line) },
        },
    }
}

fn severity(finding: &Finding) -> &'static str {
    let is_critical = || {
        let severity = finding.advisory.as_ref().and_then(|advisory| advisory.severity.as_ref());
        severity.is_some_and(|severity| severity.starts_with(CRITICAL_SCORE))
    };
    match finding.severity {
        Severity::Error if is_critical() => "critical",
        Severity::Error => "major",
        Severity::Warning => "minor",
        Severity::Note | Severity::Help => "info",
    }
}

fn no_verdict(sentence: &str, path: String) -> Entry {
    let description = line(sentence);
    let mut fingerprint = hash(format!("{path} {description}").as_bytes());
    fingerprint.truncate(32);
    Entry {
        check_name: NO_VERDICT_NAME.to_owned(),
        severity: "blocker",
        fingerprint,
        location: EntryLocation { path, lines: Lines { begin: 1 } },
        description,
    }
}
