//! The gates of a workspace's own CI, where it has several: cargo-deny runs once for each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    editor::Server,
    measure::{self, Measured, median},
    rows::{Budget, Other, Row},
    workspaces::MeasuredWorkspace,
};

/// How often each program is run.
const RUNS: usize = 3;
/// How many edits are measured.
const POLICY_EDITS: usize = 20;
const MANIFEST_EDITS: usize = 5;

/// Marks a folder as a repository, whose CI is read, until it is dropped.
struct Repository(PathBuf);

impl Repository {
    fn mark(folder: &Path) -> Result<Self> {
        let marked = Self(folder.join(".git"));
        fs::create_dir_all(&marked.0)?;
        fs::write(marked.0.join("HEAD"), "ref: refs/heads/main\n")?;
        Ok(marked)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The rows of all gates together; none if there are not several.
pub(crate) fn measure(workspace: &MeasuredWorkspace, deny: &Path, ours: &Path) -> Result<Vec<Row>> {
    if workspace.folder.join(".git").exists() {
        return Ok(Vec::new());
    }
    let _repository = Repository::mark(&workspace.folder)?;
    let gates = gates(&mut workspace.command(ours))?;
    if gates.len() < 2 {
        return Ok(Vec::new());
    }
    let (mut theirs, mut cold, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        workspace.forget_cache()?;
        let mut all = Measured::default();
        for words in &gates {
            let one = measure::run(workspace.command(deny).arg("--offline").args(words))?;
            all.milliseconds += one.milliseconds;
            all.megabytes = all.megabytes.max(one.megabytes);
        }
        theirs.push(all);
        let check = ["check", "--offline", "--as-ci"];
        cold.push(measure::run(workspace.command(ours).args(check))?);
        workspace.forget_cache()?;
        let server = Server::start(&mut workspace.command(ours), workspace, "auto")?;
        opened.push(server.started);
        server.end()?;
    }
    let mut server = Server::start(&mut workspace.command(ours), workspace, "auto")?;
    let policy = server.policy_edits(POLICY_EDITS)?;
    let requirements =
        server.manifest_edits(MANIFEST_EDITS, |edit| workspace.edited.with_requirement(edit))?;
    let memory = server.end()?;
    let time = |runs: &[Measured]| median(runs.iter().map(|run| run.milliseconds));
    let deny_time = Other::CargoDeny(time(&theirs));
    let deny_memory = Other::Memory(median(theirs.iter().map(|run| run.megabytes)));
    let row = |what, ours, other, budget| Row { what, ours, other, budget };
    let p95 = measure::quantile(policy.iter().copied(), 0.95);
    let requirement = median(requirements.iter().map(|edit| edit.exact));
    let faster = Budget::TimesFaster;
    Ok(vec![
        row(
            "all gates of CI: edit of `deny.toml`, median",
            median(policy),
            deny_time,
            faster(50.0),
        ),
        row("all gates of CI: edit of `deny.toml`, 95th percentile", p95, deny_time, Budget::None),
        row("all gates of CI: opened for the first time", median(opened), deny_time, Budget::None),
        row("all gates of CI: `check`, nothing cached", time(&cold), deny_time, faster(2.5)),
        row("all gates of CI: edit of a requirement", requirement, deny_time, Budget::None),
        row("all gates of CI: peak memory of the server", memory, deny_memory, Budget::None),
    ])
}

/// The arguments of each command line of the repository's CI.
fn gates(command: &mut Command) -> Result<Vec<Vec<String>>> {
    let output = command.args(["gates", "--format", "json"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut gates = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line)?;
        if record["type"] == "gate" {
            let words = record["words"].as_array().context("no words")?;
            let words = words.iter().filter_map(Value::as_str).map(str::to_owned);
            gates.push(words.collect());
        }
    }
    Ok(gates)
}
