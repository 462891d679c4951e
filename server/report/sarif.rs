//! SARIF 2.1.0 (OASIS): the findings of `--format json` as one run.
//!
//! The types in [`model`] are those parts of the format that are written. `serde-sarif` has all of them, but generates them at
//! build time with `schemafy`, which needs `syn` 1 and packages that are no longer maintained.

mod fixes;
mod model;
mod rules;
mod uri;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    CheckedWorkspace, Report, ReportedFinding,
    text::{line, path_through, region},
};
use crate::{
    compare::Group,
    verdict::{Code, Finding, Location, PackageRef, Severity},
};
use fixes::Fixes;
use model::{
    ArtifactLocation, AutomationDetails, Descriptor, Driver, Invocation, Log, Message,
    Notification, PhysicalLocation, Region, RelatedLocation, ResultLocation, Run, SarifResult,
    Suppression, Tool,
};
use rules::Rules;
use uri::CheckoutUris;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The name of the folder of the checkout in URIs.
const ROOT_ID: &str = "%SRCROOT%";

/// The name and version of our fingerprints.
const FINGERPRINT: &str = "supercargoFinding/v1";

/// Identifies the run among those of other tools: GitHub takes what is before the last slash as the category.
const AUTOMATION_ID: &str = "supercargo/";

/// The maximum number of related locations of a result.
const MAX_RELATED: usize = 20;

/// The text of the file.
pub(crate) fn sarif(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let uris = CheckoutUris::new(report.root);
    let mut rules = Rules::default();
    let mut results = Vec::new();
    let mut fixes = Fixes::new(&uris);
    for workspace in &report.workspaces {
        for one in &workspace.records {
            let mut result = result(workspace, one, &uris, report.paths, &mut rules);
            result.fixes = fixes.of(workspace, one.finding);
            results.push(result);
        }
    }
    let root = uris.root().map(|root| {
        let root = ArtifactLocation { uri: root.to_owned(), uri_base_id: None };
        BTreeMap::from([(ROOT_ID, root)])
    });
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "supercargo",
                    version: env!("CARGO_PKG_VERSION"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: Some(env!("CARGO_PKG_REPOSITORY"))
                        .filter(|uri| !uri.is_empty()),
                    rules: rules.sorted(&mut results),
                },
            },
            invocations: [invocation(report, &uris)],
            original_uri_base_ids: root,
            automation_details: AutomationDetails { id: AUTOMATION_ID },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    let mut text = serde_json::to_string(&log)?;
    text.push('\n');
    Ok(text)
}

fn result(
    workspace: &CheckedWorkspace<'_>,
    ReportedFinding { finding, fingerprint, group, note }: &ReportedFinding<'_>,
    uris: &CheckoutUris,
    paths: bool,
    rules: &mut Rules,
) -> SarifResult {
    let (rule_id, rule_index) = rules.of(finding);
    let (level, kind) = level(finding.severity);
    let mut text = message_text(finding, paths && finding.severity > Severity::Help);
    if let Some(note) = note {
        text.push_str(&format!("; {note}"));
    }
    let mut related = Vec::new();
    for location in finding.locations.iter().skip(1) {
        let path = path_through(finding, location).filter(|_| paths);
        let message = match path {
            Some(path) => format!("also through {path}"),
            None => "also here".to_owned(),
        };
        related.push((location, message));
    }
    related.extend(finding.related.iter().map(|one| (&one.location, line(&one.message))));
    // Nothing is to be done about an accepted license, and there are hundreds.
    let max = if finding.severity == Severity::Help { 0 } else { MAX_RELATED };
    related.truncate(max);
    SarifResult {
        rule_id,
        rule_index,
        level,
        kind,
        message: Message::new(text),
        locations: finding.locations.first().map(|at| located(at, uris)).into_iter().collect(),
        related_locations: related
            .into_iter()
            .zip(1..)
            .map(|((location, message), id)| RelatedLocation {
                id,
                physical_location: physical(location, uris),
                message: Message::new(message),
            })
            .collect(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint.clone())]),
        baseline_state: group.map(|group| match group {
            Group::New | Group::PolicyLoosened => "new",
            Group::AlreadyThere => "unchanged",
            Group::Fixed => "absent",
        }),
        suppressions: suppression(finding, workspace).map(|one| vec![one]),
        fixes: None,
        properties: properties(workspace, finding, *group),
    }
}

/// The level of a severity. A help, such as an accepted license, is no problem: its level is `none`, which only some kinds may
/// have.
fn level(severity: Severity) -> (&'static str, Option<&'static str>) {
    match severity {
        Severity::Error => ("error", None),
        Severity::Warning => ("warning", None),
        Severity::Note => ("note", None),
        Severity::Help => ("none", Some("informational")),
    }
}

/// The message, the shortest dependency path and what to do.
fn message_text(finding: &Finding, paths: bool) -> String {
    let mut text = line(&finding.message);
    let shortest = if paths { finding.shortest_paths() } else { Vec::new() };
    for path in shortest {
        text.push_str(&format!("; via {}", line(&path)));
    }
    if let Some(remedy) = &finding.remedy {
        text.push_str(&format!("; help: {}", line(remedy)));
    }
    if let Some(gates) = finding.gates_text() {
        text.push_str(&format!(" ({})", line(&gates)));
    }
    text
}

fn located(location: &Location, uris: &CheckoutUris) -> ResultLocation {
    ResultLocation { physical_location: physical(location, uris) }
}

fn physical(location: &Location, uris: &CheckoutUris) -> PhysicalLocation {
    let region = region(location).map(|(start, end)| Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    });
    PhysicalLocation { artifact_location: uris.of(&location.file), region }
}

/// The entry of the policy that ignores the advisory of a finding.
fn suppression(finding: &Finding, workspace: &CheckedWorkspace<'_>) -> Option<Suppression> {
    // cargo-deny reports ignored advisories as notes.
    let advisory = finding.advisory.as_ref().filter(|_| finding.severity == Severity::Note)?;
    let is_entry = |other: &&Finding| {
        other.code == Some(Code::AdvisoryIgnored)
            && other.packages == finding.packages
            && other.locations.first().is_some_and(|entry| {
                finding.related.iter().any(|related| related.location.is_at(entry))
                    && entry.text.as_str().get(entry.span.clone()) == Some(&advisory.id)
            })
    };
    let entry = workspace.verdict.findings.iter().find(is_entry)?;
    // `the policy ignores <id> for <package>: <reason>`
    let reason = entry.message.split_once(": ").map(|(_, reason)| line(reason));
    Some(Suppression { kind: "external", justification: reason })
}

/// What `--format json` has of a finding and SARIF has no field for.
fn properties(
    workspace: &CheckedWorkspace<'_>,
    finding: &Finding,
    group: Option<Group>,
) -> BTreeMap<&'static str, Value> {
    let name =
        |package: &PackageRef| Value::from(format!("{} {}", line(&package.name), package.version));
    let mut properties = BTreeMap::from([
        ("check", json!(finding.check.name())),
        ("severity", json!(finding.severity.name())),
        ("workspace", json!(line(&workspace.folder))),
    ]);
    if let Some(code) = finding.code {
        properties.insert("code", json!(code.name()));
    }
    if !finding.packages.is_empty() {
        let packages: Vec<_> = finding.packages.iter().map(name).collect();
        properties.insert("packages", packages.into());
    }
    if finding.path_count > 0 {
        properties.insert("pathCount", json!(finding.path_count));
    }
    if !finding.gates.is_empty() {
        let gates: Vec<_> = finding.gates.iter().map(|gate| line(&gate.to_string())).collect();
        properties.insert("gates", json!(gates));
    }
    if let Some(group) = group {
        properties.insert("group", json!(group.name()));
    }
    properties
}

fn invocation(report: &Report<'_>, uris: &CheckoutUris) -> Invocation {
    let notification = |text: String, descriptor: Option<Descriptor>, locations| Notification {
        level: "error",
        message: Message::new(text),
        descriptor,
        locations,
    };
    let failures = report.failures.iter();
    let mut all: Vec<_> =
        failures.map(|failure| notification(line(failure), None, Vec::new())).collect();
    for workspace in &report.workspaces {
        for finding in workspace.failures() {
            let descriptor = finding.code.map(|code| Descriptor { id: code.name() });
            let at = finding.locations.first().map(|at| located(at, uris)).into_iter().collect();
            all.push(notification(message_text(finding, false), descriptor, at));
        }
    }
    Invocation {
        execution_successful: report.has_verdict(),
        exit_code: report.exit_code,
        tool_execution_notifications: all,
    }
}
