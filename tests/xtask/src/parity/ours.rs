//! Running supercargo and reading its JSON, the form of which is in the `--help` of `supercargo check`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::job::Job;
use super::outcome::{Counts, Finding, Outcome};
use super::sarif;
use crate::commands;

/// One line of our standard output.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Record {
    Finding {
        check: String,
        code: Option<String>,
        severity: String,
        package: Option<Package>,
        #[serde(default)]
        packages: Vec<Package>,
        advisory: Option<String>,
    },
    Summary {
        checks: BTreeMap<String, Counts>,
        exit_code: i32,
    },
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The exit code of our program for wrong usage.
const WRONG_USAGE: i32 = 64;

/// Runs `supercargo check` in a workspace.
pub(crate) fn run(binary: &Path, job: &Job) -> Result<Outcome> {
    let mut command = job.home.command(binary);
    command.current_dir(&job.ours.directory).args(["check", "--format", "json", "--offline"]);
    command.args(&job.ours.arguments).args(&job.check_arguments).args(&job.checks);
    let report = tempfile::NamedTempFile::new()?;
    command.arg("--sarif").arg(report.path());
    let captured = commands::capture(&mut command)?;
    // Wrong usage is reported before anything is checked.
    if captured.exit_code != Some(WRONG_USAGE) {
        sarif::compare(&captured.stdout, &fs::read_to_string(report.path())?)?;
    }

    let mut outcome = read(&captured.stdout, captured.exit_code)?;
    if job.check_arguments.iter().any(|word| word == "--hide-inclusion-graph") {
        // cargo-deny names packages in its graphs only.
        outcome.findings.iter_mut().for_each(|finding| finding.packages.clear());
        outcome.findings.sort();
    }
    outcome.remarks.extend(captured.stderr.lines().map(str::to_owned));
    Ok(outcome)
}

fn read(text: &str, exit_code: Option<i32>) -> Result<Outcome> {
    let mut outcome = Outcome { exit_code, ..Outcome::default() };
    for line in text.lines() {
        let record = serde_json::from_str(line).with_context(|| {
            format!("standard output of supercargo has a line that is no record: {line}")
        })?;
        match record {
            // What supercargo finds beyond cargo-deny has no counterpart.
            Record::Finding { check, .. } if check == "supercargo" => {}
            Record::Finding { check, code, severity, package, packages, advisory } => {
                let packages =
                    if packages.is_empty() { package.into_iter().collect() } else { packages };
                let packages =
                    packages.into_iter().map(|package| (package.name, package.version)).collect();
                outcome.findings.push(Finding::new(&check, code, &severity, packages, advisory));
            }
            Record::Summary { .. } if outcome.summary.is_some() => {
                bail!("supercargo checked more than one workspace")
            }
            Record::Summary { checks, exit_code: summarized } => {
                outcome.summary = Some(checks);
                if exit_code != Some(summarized) {
                    let exit = outcome.exit();
                    bail!(
                        "the summary of supercargo says exit code {summarized}, but it ended with {exit}"
                    );
                }
            }
        }
    }
    outcome.findings.sort();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = r#"{"type":"summary","workspace":"w","checks":{"bans":{"errors":1,"warnings":0,"notes":0,"helps":0}},"exit_code":2}"#;

    #[test]
    fn a_finding_and_a_summary() {
        let finding = r#"{"type":"finding","workspace":"w","check":"bans","code":"duplicate","severity":"error","message":"m",
            "package":null,"packages":[{"name":"b","version":"2.0.0","source":null},{"name":"b","version":"1.0.0","source":null}],
            "advisory":null,"location":null,"places":[],"paths":[],"notes":[]}"#;
        let text = format!("{}\n{SUMMARY}\n", finding.replace('\n', ""));
        let outcome = read(&text, Some(2)).expect("both lines are records");
        assert_eq!(outcome.findings[0].to_string(), "bans error duplicate: b 1.0.0, b 2.0.0");
        assert_eq!(outcome.summary.expect("a summary was read")["bans"].errors, 1);
    }

    #[test]
    fn our_own_findings_do_not_count() {
        let text = r#"{"type":"finding","check":"supercargo","code":"supercargo::todo-reason","severity":"warning"}"#;
        assert!(read(text, Some(70)).expect("the line is a record").findings.is_empty());
    }

    #[test]
    fn anything_else_on_standard_output_is_an_error() {
        assert!(read("Checking..\n", Some(0)).is_err());
        assert!(read(&format!("{SUMMARY}\n{SUMMARY}\n"), Some(2)).is_err());
        assert!(read(SUMMARY, Some(0)).is_err());
    }
}
