//! Benchmarks in comparison with the real cargo-deny, in one run: `cargo xtask bench`.
//!
//! Each figure is the median of several runs, with the two programs taking turns. This is not
//! a test: the absolute figures depend on the machine, the ratio is what counts.

mod editor;
mod measure;
mod worlds;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use camino::Utf8PathBuf;
use supercargo::{
    cache::Cache,
    process::Children,
    resolve::{ResolveHooks, Resolver},
    verdict::{Engine, PolicyText},
    workspace::Workspace,
};

use editor::Server;
use measure::{Measured, median, quantile};
use worlds::World;

/// How often each program is run.
const RUNS: usize = 5;
/// How long the server is idle before its memory is measured.
const IDLE: Duration = Duration::from_secs(15);
/// How long the rapid edits last.
const STRESS: Duration = Duration::from_secs(30);
/// How many edits are measured.
const EDITS: usize = 40;

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn main() -> Result<()> {
    // The graph is measured in a child process whose environment has the private home.
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("--graph-of") {
        let manifest = arguments.next().context("a manifest is missing")?;
        println!("{}", graph_milliseconds(&manifest)?);
        return Ok(());
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let deny = root.join("target/tools/released/bin/cargo-deny");
    if !deny.is_file() {
        bail!("could not find cargo-deny at {}; run `cargo xtask bench`", deny.display());
    }
    println!("load before: {}", load());
    println!();
    println!("| | packages | supercargo | cargo-deny | ratio | memory | cargo-deny's |");
    println!("|---|---|---|---|---|---|---|");
    for world in World::all(&root)? {
        for line in report(&world, &deny)? {
            println!("{line}");
        }
    }
    println!();
    println!("load after: {}", load());
    Ok(())
}

fn report(world: &World, deny: &Path) -> Result<Vec<String>> {
    let ours = Path::new(env!("CARGO_BIN_EXE_supercargo"));
    let (mut theirs, mut check, mut graph) = (Vec::new(), Vec::new(), Vec::new());
    let (mut metadata, mut opened, mut reopened) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        theirs.push(measure::run(world.command(deny).args(["--offline", "check"]))?);
        let uncached = ["check", "--offline", "--no-cache", "."];
        check.push(measure::run(world.command(ours).args(uncached))?);
        let mut cargo = world.command(Path::new("cargo"));
        metadata.push(measure::run(cargo.args(["metadata", "--offline", "--format-version=1"]))?);
        let mut child = world.command(&env::current_exe()?);
        child.arg("--graph-of").arg(world.folder.join("Cargo.toml"));
        let output = child.output().context("the graph cannot be measured")?;
        let text = String::from_utf8_lossy(&output.stdout);
        graph.push(text.trim().parse::<f64>().with_context(|| format!("no figure: {text}"))?);
        world.forget_cache()?;
        for starts in [&mut opened, &mut reopened] {
            let mut server = Server::start(&mut world.command(ours), &world.folder)?;
            starts.push(server.started);
            // An edit is answered when the graph is there, and by then the verdict is kept.
            server.policy_edits(2)?;
            server.end()?;
        }
    }
    let mut server = Server::start(&mut world.command(ours), &world.folder)?;
    let policy = server.policy_edits(EDITS)?;
    let requirement = server.requirement_edits(EDITS / 2)?;
    let features = server.feature_edits(EDITS / 2)?;
    let [policy_hovers, completions] = server.policy_requests(EDITS)?;
    // Background work takes memory, too.
    thread::sleep(IDLE);
    let our_memory = server.end()?;
    let mut server = Server::start(&mut world.command(ours), &world.folder)?;
    let hovers = server.stress(STRESS)?;
    let stressed_memory = server.end()?;
    let of = |runs: &[Measured]| median(runs.iter().map(|run| run.milliseconds));
    let memory = |runs: &[Measured]| median(runs.iter().map(|run| run.megabytes));
    let compare = |what: &str, milliseconds: f64, other: f64, megabytes: Option<f64>| {
        let ours = megabytes.map_or_else(|| "–".to_owned(), |all| format!("{all:.0} MB"));
        format!(
            "| {what} | {} | {milliseconds:.1} ms | {other:.0} ms | {:.1} | {ours} | {:.0} MB |",
            world.packages,
            other / milliseconds,
            memory(&theirs)
        )
    };
    let line = |what: &str, milliseconds: f64, megabytes: Option<f64>| {
        compare(what, milliseconds, of(&theirs), megabytes)
    };
    let alone = |what: &str, milliseconds: f64| {
        let (packages, memory) = (world.packages, stressed_memory);
        format!("| {what} | {packages} | {milliseconds:.1} ms | – | – | {memory:.0} MB | – |")
    };
    let asked = |what: &str, milliseconds: f64| {
        format!("| {what} | {} | {milliseconds:.1} ms | – | – | – | – |", world.packages)
    };
    let hover = |part| quantile(hovers.iter().copied(), part);
    let p95 = |times: &[f64]| quantile(times.iter().copied(), 0.95);
    let edited = median(requirement.iter().copied());
    let featured = median(features.iter().copied());
    Ok(vec![
        line("`deny.toml` edit to diagnostics, median", median(policy.clone()), Some(our_memory)),
        line("`deny.toml` edit to diagnostics, p95", p95(&policy), None),
        line("opened for the first time, to the exact verdict", median(opened), None),
        line("opened again, to the exact verdict", median(reopened), None),
        line("requirement edit to the exact verdict, median", edited, None),
        compare("the same next to `cargo metadata`", edited, of(&metadata), None),
        line("edit of features to the exact verdict, median", featured, None),
        compare("the same next to `cargo metadata`", featured, of(&metadata), None),
        alone("hover during 200 edits a second and `cargo update`, median", hover(0.5)),
        alone("hover during 200 edits a second and `cargo update`, p99", hover(0.99)),
        asked("hover in `deny.toml`, p95", p95(&policy_hovers)),
        asked("completion in `deny.toml`, p95", p95(&completions)),
        line("`check`, from nothing to verdict", of(&check), Some(memory(&check))),
        line("resolution and graph alone", median(graph), None),
    ])
}

/// From a manifest to a graph that can be asked, as the server does it once.
fn graph_milliseconds(manifest: &str) -> Result<f64> {
    let workspace = Workspace::of_manifest(&Utf8PathBuf::from(manifest));
    let policy = workspace.policy_files().policy.context("the world has a policy")?;
    let text = supercargo::text::SourceText::new(&fs::read_to_string(&policy)?);
    let policy = PolicyText { path: Some(policy), text, exceptions: None };
    let Ok(loaded) = policy.load() else { bail!("the policy is not valid") };
    let resolver = Resolver {
        cargo: Resolver::default_cargo(),
        offline: true,
        locked: false,
        children: Children::default(),
        cache: Cache::off(),
    };
    let start = Instant::now();
    let resolution = resolver.resolve(&workspace, &loaded.graph.metadata, &ResolveHooks::NONE)?;
    let engine = Engine::start(&workspace, resolution, &loaded.graph)?;
    let time = start.elapsed().as_secs_f64() * 1000.0;
    if engine.packages == 0 {
        bail!("the graph is empty");
    }
    Ok(time)
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let words: Vec<_> = load.split(' ').take(3).collect();
    format!("{} on {cores} cores", words.join(" "))
}

/// A program that is run in a world.
trait InWorld {
    fn command(&self, program: &Path) -> Command;

    /// Where our results are kept.
    fn cache(&self) -> PathBuf;

    fn forget_cache(&self) -> Result<()>;
}

impl InWorld for World {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("CARGO_HOME", &self.home).env_remove("CARGO");
        command.env("SUPERCARGO_CACHE_DIR", self.cache());
        command
    }

    fn cache(&self) -> PathBuf {
        self.home.join("supercargo-cache")
    }

    fn forget_cache(&self) -> Result<()> {
        match fs::remove_dir_all(self.cache()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
