//! Benchmarks next to the real cargo-deny, in one run: `cargo xtask bench`.
//!
//! Each figure is a median or a quantile of several runs, with the two programs taking turns. This is not
//! a test: the absolute figures depend on the machine, the ratio is what counts.

mod edited;
mod editor;
mod gates;
mod measure;
mod rows;
mod workspaces;

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};

use editor::Server;
use measure::{Measured, median, quantile};
use rows::{Budget, Other, Row};
use workspaces::MeasuredWorkspace;

/// How often each program is run.
const RUNS: usize = 3;
/// How long the server is idle before its memory is measured.
const IDLE: Duration = Duration::from_secs(8);
/// How long the rapid edits last.
const STRESS: Duration = Duration::from_secs(10);
/// How many edits of the policy are measured.
const POLICY_EDITS: usize = 40;
/// How many edits of the manifest are measured, of requirements and of features.
const MANIFEST_EDITS: usize = 10;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report is what this program is for"
)]
fn main() -> Result<()> {
    let filter = env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let deny = root.join("target/tools/released/bin/cargo-deny");
    if !deny.is_file() {
        bail!("could not find cargo-deny at {}; run `cargo xtask bench`", deny.display());
    }
    println!("Load before: {}.", load());
    println!();
    println!("| workspace | packages | what | supercargo | cargo-deny | comparison | budget |");
    println!("|---|---|---|---|---|---|---|");
    let (mut met, mut missed, mut failed) = (0, 0, 0);
    for workspace in MeasuredWorkspace::all(&root, filter.as_deref())? {
        let rows = measure_workspace(&workspace, &deny).unwrap_or_else(|error| {
            eprintln!("could not measure {}: {error:#}", workspace.name);
            failed += 1;
            Vec::new()
        });
        for row in rows {
            println!("{}", row.markdown(&workspace.name, workspace.packages));
            match row.is_met() {
                Some(true) => met += 1,
                Some(false) => missed += 1,
                None => {}
            }
        }
    }
    println!();
    println!("Load after: {}. Budgets: {met} met, {missed} missed.", load());
    if failed > 0 {
        bail!("{failed} workspaces could not be measured");
    }
    Ok(())
}

fn measure_workspace(workspace: &MeasuredWorkspace, deny: &Path) -> Result<Vec<Row>> {
    let ours = Path::new(env!("CARGO_BIN_EXE_supercargo"));
    let (mut theirs, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    let (mut metadata, mut opened, mut reopened) = (Vec::new(), Vec::new(), Vec::new());
    let mut first_actions = Vec::new();
    for _ in 0..RUNS {
        workspace.forget_cache()?;
        theirs.push(measure::run(workspace.command(deny).args(["--offline", "check"]))?);
        let check = ["check", "--offline", "--manifest-path", "Cargo.toml"];
        cold.push(measure::run(workspace.command(ours).args(check))?);
        warm.push(measure::run(workspace.command(ours).args(check))?);
        let mut cargo = workspace.command(Path::new("cargo"));
        metadata.push(measure::run(cargo.args(["metadata", "--offline", "--format-version=1"]))?);
        workspace.forget_cache()?;
        for starts in [&mut opened, &mut reopened] {
            let mut server = Server::start(&mut workspace.command(ours), workspace, "default")?;
            starts.push(server.started);
            // An edit is provisional when the graph is there, and by then the verdict is kept.
            server.policy_edits(2)?;
            server.end()?;
        }
        let mut server = Server::start(&mut workspace.command(ours), workspace, "default")?;
        first_actions.extend(server.first_action()?);
        server.end()?;
    }
    let mut server = Server::start(&mut workspace.command(ours), workspace, "default")?;
    let policy = server.policy_edits(POLICY_EDITS)?;
    let requirements =
        server.manifest_edits(MANIFEST_EDITS, |edit| workspace.edited.with_requirement(edit))?;
    let features =
        server.manifest_edits(MANIFEST_EDITS, |edit| workspace.edited.with_features(edit))?;
    let [policy_hovers, completions] = server.policy_requests(POLICY_EDITS)?;
    // Background work takes memory, too.
    thread::sleep(IDLE);
    let server_memory = server.end()?;
    let mut server = Server::start(&mut workspace.command(ours), workspace, "default")?;
    let hovers = server.stress(STRESS, &workspace.edited)?;
    server.end()?;

    let time = |runs: &[Measured]| median(runs.iter().map(|run| run.milliseconds));
    let memory = |runs: &[Measured]| median(runs.iter().map(|run| run.megabytes));
    let deny_time = Other::CargoDeny(time(&theirs));
    let deny_memory = Other::Memory(memory(&theirs));
    let metadata = Other::CargoMetadata(time(&metadata));
    let policy_budget = match workspace.packages {
        ..650 => 100.0,
        650..=1500 => 50.0,
        _ => 25.0,
    };
    let manifest_budget = Budget::Over(if workspace.packages < 400 { 30.0 } else { 150.0 });
    let p95 = |times: &[f64]| quantile(times.iter().copied(), 0.95);
    let exact = |edits: &[editor::ManifestEdit]| median(edits.iter().map(|edit| edit.exact));
    let provisional: Vec<f64> = requirements.iter().filter_map(|edit| edit.provisional).collect();
    let row = |what, ours, other, budget| Row { what, ours, other, budget };
    let mut rows = vec![
        row("edit of `deny.toml`, median", median(policy.clone()), deny_time, Budget::None),
        row(
            "edit of `deny.toml`, 95th percentile",
            p95(&policy),
            deny_time,
            Budget::TimesFaster(policy_budget),
        ),
        row("opened for the first time", median(opened), deny_time, Budget::None),
        row("opened again", median(reopened), deny_time, Budget::TimesFaster(20.0)),
        row("`check`, nothing cached", time(&cold), deny_time, Budget::TimesFaster(2.5)),
        row("`check` again", time(&warm), deny_time, Budget::TimesFaster(10.0)),
        row(
            "edit of a requirement, to the provisional verdict",
            median(provisional),
            Other::None,
            Budget::Milliseconds(16.0),
        ),
        row("edit of a requirement", exact(&requirements), metadata, manifest_budget),
        row("edit of features", exact(&features), metadata, manifest_budget),
        row(
            "first action of a light bulb after the verdict",
            median(first_actions.iter().copied()),
            Other::None,
            Budget::Milliseconds(300.0),
        ),
        row(
            "hover in a manifest during 200 edits a second, 99th percentile",
            quantile(hovers.iter().copied(), 0.99),
            Other::None,
            Budget::Milliseconds(20.0),
        ),
        row(
            "hover in `deny.toml`, 95th percentile",
            p95(&policy_hovers),
            Other::None,
            Budget::Milliseconds(20.0),
        ),
        row(
            "completion in `deny.toml`, 95th percentile",
            p95(&completions),
            Other::None,
            Budget::Milliseconds(20.0),
        ),
        row("peak memory of the server", server_memory, deny_memory, Budget::PartOfMemory(1.0)),
        row("peak memory of `check`", memory(&cold), deny_memory, Budget::PartOfMemory(0.5)),
    ];
    // Not every workspace has an advisory that an upgrade clears.
    rows.retain(|row| !row.ours.is_nan());
    rows.extend(gates::measure(workspace, deny, ours)?);
    Ok(rows)
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let words: Vec<_> = load.split(' ').take(3).collect();
    format!("{} on {cores} cores", words.join(" "))
}
