//! `cargo xtask parity --editor`: what the language server publishes against what `check --format json` reports.
//!
//! Every error and warning of a workspace has to be one diagnostic, in the same file and with the same severity, the status
//! has to have the same numbers, and the first publication must not be large.

mod client;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use serde_json::Value;

use self::client::{Published, publish};
use super::job::Job;
use crate::commands;

/// How many bytes may be published for each diagnostic.
const MOST_BYTES: usize = 3 * 1024;

/// A missing database is no problem of a manifest: editors show it as information.
const INFORMATION: &str = "supercargo::no-advisory-database";

/// File, severity and code of errors and warnings, and how many there are of each.
type Problems = BTreeMap<(String, String, String), usize>;

/// What is compared of one workspace.
struct Comparison {
    name: String,
    /// What is not as it should be.
    differences: Vec<String>,
    /// How many errors and warnings there are.
    problems: usize,
    diagnostics: usize,
    bytes: usize,
}

/// Compares all workspaces that an editor can open as they are; `true` when there is no difference.
pub(crate) fn run(jobs: &[Job], binary: &Path, fetch: bool) -> bool {
    // An editor has no command line.
    let can_open = |job: &&Job| {
        job.ours.arguments.iter().all(|argument| argument == "--locked")
            && job.check_arguments.is_empty()
            && job.checks.is_empty()
    };
    let opened: Vec<&Job> = jobs.iter().filter(can_open).collect();
    let comparisons: Vec<Comparison> = opened
        .par_iter()
        .map(|job| {
            compare(job, binary, fetch).unwrap_or_else(|error| Comparison {
                name: job.name.clone(),
                differences: vec![format!("{error:#}")],
                problems: 0,
                diagnostics: 0,
                bytes: 0,
            })
        })
        .collect();
    println!("problems  diagnostics  bytes each  differences  workspace");
    for one in &comparisons {
        let each = one.bytes / one.diagnostics.max(1);
        println!(
            "{:>8}  {:>11}  {each:>10}  {:>11}  {}",
            one.problems,
            one.diagnostics,
            one.differences.len(),
            one.name
        );
        for difference in &one.differences {
            println!("    {difference}");
        }
    }
    let differences: usize = comparisons.iter().map(|one| one.differences.len()).sum();
    let skipped = jobs.len() - opened.len();
    println!(
        "{} workspaces, {differences} differences ({skipped} with options of the command line are left out)",
        comparisons.len()
    );
    differences == 0
}

/// Puts a policy in the place of that of a workspace.
pub(crate) fn set_policy(workspace: &Path, policy: &Path) -> Result<()> {
    fs::copy(policy, workspace.join("deny.toml"))
        .with_context(|| format!("could not write a policy in {}", workspace.display()))
        .map(drop)
}

fn compare(job: &Job, binary: &Path, fetch: bool) -> Result<Comparison> {
    if fetch {
        job.fetch(&job.ours)?;
    }
    let directory = fs::canonicalize(&job.ours.directory)?;
    let mut command = job.home.command(binary);
    command.current_dir(&directory).args(["check", "--format", "json", "--offline"]);
    let captured = commands::capture(command.args(&job.ours.arguments))?;
    let mut records = Vec::new();
    for line in captured.stdout.lines() {
        records.push(serde_json::from_str::<Value>(line)?);
    }

    let mut server = job.home.command(binary);
    let published = publish(server.current_dir(&directory), &directory)?;
    let reported = reported(&records, published.has("supercargo::no-policy"));
    let shown = shown(&published);
    let mut differences = differences(&reported, &shown);
    let problems: usize = shown.values().sum();
    if let Some(summary) = records.iter().find(|record| record["type"] == "summary") {
        differences.extend(status_differences(&published.status, summary, problems));
    }
    let diagnostics = published.diagnostics().count();
    if published.bytes > MOST_BYTES * diagnostics.max(1) {
        let each = published.bytes / diagnostics.max(1);
        differences.push(format!("{each} bytes are published for each diagnostic"));
    }
    let (name, bytes) = (job.name.clone(), published.bytes);
    Ok(Comparison { name, differences, problems, diagnostics, bytes })
}

/// The errors and warnings of the report. Without a policy an editor leaves licenses out instead of rejecting all of them.
fn reported(records: &[Value], without_policy: bool) -> Problems {
    let mut problems = Problems::new();
    for record in records.iter().filter(|record| record["type"] == "finding") {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let severity = text("severity");
        let is_problem = severity == "error" || severity == "warning";
        if !is_problem
            || record["code"] == INFORMATION
            || without_policy && record["check"] == "licenses"
        {
            continue;
        }
        let code = record["advisory"].as_str().map_or_else(|| text("code"), str::to_owned);
        let file = record["location"]["file"].as_str().unwrap_or_default().to_owned();
        *problems.entry((file, severity, code)).or_default() += 1;
    }
    problems
}

fn shown(published: &Published) -> Problems {
    let mut problems = Problems::new();
    for (file, diagnostic) in published.diagnostics() {
        let severity = match diagnostic["severity"].as_u64() {
            Some(1) => "error",
            Some(2) => "warning",
            _ => continue,
        };
        let code = diagnostic["code"].as_str().unwrap_or_default().to_owned();
        *problems.entry((file.to_owned(), severity.to_owned(), code)).or_default() += 1;
    }
    problems
}

fn differences(reported: &Problems, shown: &Problems) -> Vec<String> {
    let mut keys: Vec<_> = reported.keys().chain(shown.keys()).collect();
    keys.sort();
    keys.dedup();
    let of = |problems: &Problems, key| problems.get(key).copied().unwrap_or_default();
    let differing = keys.into_iter().filter(|key| of(reported, key) != of(shown, key));
    differing
        .map(|key| {
            let (file, severity, code) = key;
            let (reported, shown) = (of(reported, key), of(shown, key));
            format!("{file}: {severity} {code}: reported {reported} times, published {shown} times")
        })
        .collect()
}

/// The status against the summary and the number of errors and warnings that are shown.
fn status_differences(status: &Value, summary: &Value, problems: usize) -> Vec<String> {
    let mut differences = Vec::new();
    let of = |counts: &Value| -> usize {
        let both = [&counts["errors"], &counts["warnings"]];
        both.iter().filter_map(|count| usize::try_from(count.as_u64()?).ok()).sum()
    };
    let checks = status["checks"].as_object().cloned().unwrap_or_default();
    for (check, counts) in &checks {
        let reported = &summary["checks"][check];
        if counts["errors"] != reported["errors"] || counts["warnings"] != reported["warnings"] {
            differences.push(format!("{check}: the status has {counts}, the summary {reported}"));
        }
    }
    let counted: usize = checks.values().map(of).sum();
    let all = counted + of(&status["uncounted"]);
    if all != problems {
        differences.push(format!("the status counts {all} problems, {problems} are published"));
    }
    differences
}
