//! Running the real cargo-deny and reading its JSON.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::outcome::{Counts, Finding, Outcome};
use super::{codes, job::Job};
use crate::commands;

/// One line of cargo-deny's standard error.
#[derive(Deserialize)]
#[serde(tag = "type", content = "fields", rename_all = "lowercase")]
enum Record {
    Log { level: String, message: String },
    Diagnostic(Diagnostic),
    Summary(BTreeMap<String, Counts>),
}

#[derive(Deserialize)]
struct Diagnostic {
    severity: String,
    message: String,
    code: Option<String>,
    /// Absent for findings about the policy itself, and with `--hide-inclusion-graph`.
    graphs: Option<Vec<Graph>>,
    advisory: Option<Advisory>,
}

#[derive(Deserialize)]
struct Graph {
    #[serde(rename = "Krate")]
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
}

/// Runs `cargo-deny check` in a workspace, with everything it can say: the log level decides which diagnostics are printed.
pub(crate) fn run(binary: &Path, job: &Job) -> Result<Outcome> {
    let mut command = job.home.command(binary);
    command
        .current_dir(&job.theirs.directory)
        .args(["--format", "json", "--log-level", "debug", "--color", "never", "--offline"])
        .args(&job.theirs.arguments)
        .arg("check")
        .args(&job.check_arguments)
        .args(&job.checks);
    let captured = commands::capture(&mut command)?;
    read(&captured.stderr, captured.exit_code)
}

fn read(text: &str, exit_code: Option<i32>) -> Result<Outcome> {
    let mut outcome = Outcome { exit_code, ..Outcome::default() };
    for line in text.lines() {
        // What is not a record comes from a panic, or from the command line's parser.
        let Ok(record) = serde_json::from_str(line) else {
            outcome.remarks.push(line.to_owned());
            continue;
        };
        match record {
            Record::Log { level, message } if matches!(level.as_str(), "ERROR" | "WARN") => {
                outcome.remarks.push(message);
            }
            Record::Log { .. } => {}
            Record::Diagnostic(diagnostic) => {
                outcome.remarks.push(format!("{}: {}", diagnostic.severity, diagnostic.message));
                outcome.findings.push(finding(diagnostic)?);
            }
            Record::Summary(counts) => outcome.summary = Some(counts),
        }
    }
    outcome.findings.sort();
    Ok(outcome)
}

fn finding(diagnostic: Diagnostic) -> Result<Finding> {
    let check = match (&diagnostic.code, &diagnostic.graphs) {
        (Some(code), graphs) => match (codes::check_of(code), graphs) {
            (Some(check), _) => check,
            (None, None) => "config",
            (None, Some(_)) => bail!("cargo-deny issued the unknown code `{code}`"),
        },
        (None, None) => "config",
        (None, Some(_)) => {
            bail!("cargo-deny issued a finding without a code: {}", diagnostic.message)
        }
    };
    // cargo-deny marks its own shortcomings as `bug` and counts them nowhere; our schema has no such word.
    let severity = if diagnostic.severity == "bug" { "warning" } else { &diagnostic.severity };
    let packages = diagnostic.graphs.unwrap_or_default().into_iter();

    Ok(Finding::new(
        check,
        diagnostic.code,
        severity,
        packages.map(|graph| (graph.package.name, graph.package.version)).collect(),
        diagnostic.advisory.map(|advisory| advisory.id),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(line: &str) -> Finding {
        let outcome = read(line, Some(0)).expect("the line is a record");
        assert_eq!(outcome.findings.len(), 1);
        outcome.findings[0].clone()
    }

    #[test]
    fn a_finding_of_a_check_has_graphs() {
        let line = r#"{"type":"diagnostic","fields":{"severity":"error","message":"m","code":"vulnerability",
            "graphs":[{"Krate":{"name":"b","version":"1.0.0","kind":"dev"}}],"advisory":{"id":"RUSTSEC-2099-0001"}}}"#;
        let line = line.replace('\n', "");
        assert_eq!(
            only(&line).to_string(),
            "advisories error vulnerability RUSTSEC-2099-0001: b 1.0.0"
        );
    }

    #[test]
    fn findings_about_the_policy_have_no_package() {
        let line = r#"{"type":"diagnostic","fields":{"severity":"warning","message":"m","code":"deprecated"}}"#;
        assert_eq!(only(line).to_string(), "config warning deprecated");
    }

    #[test]
    fn their_bugs_are_our_warnings() {
        let line = r#"{"type":"diagnostic","fields":{"severity":"bug","message":"m",
            "code":"unresolved-workspace-dependency","graphs":[]}}"#;
        let line = line.replace('\n', "");
        assert_eq!(only(&line).to_string(), "bans warning unresolved-workspace-dependency");
    }

    #[test]
    fn an_unknown_code_is_not_guessed_at() {
        let line = r#"{"type":"diagnostic","fields":{"severity":"error","message":"m","code":"new","graphs":[]}}"#;
        assert!(read(line, Some(0)).is_err());
    }

    #[test]
    fn logs_and_other_text_are_remarks_and_no_verdict_was_reached() {
        let text = "thread panicked\n{\"type\":\"log\",\"fields\":{\"level\":\"ERROR\",\"message\":\"no\"}}\n";
        let outcome = read(text, Some(101)).expect("nothing is wrong with remarks");
        assert_eq!(outcome.remarks, ["thread panicked", "no"]);
        assert!(outcome.summary.is_none());
    }
}
