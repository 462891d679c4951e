//! `cargo xtask test`: everything that this machine can test, in order.
//!
//! A step that fails does not hide the later ones: all of them run, and the summary lists each with its time.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{commands, editors, parity, tools};

struct Step {
    /// What `--only` takes.
    name: &'static str,
    title: &'static str,
    run: fn(&Path) -> Result<bool>,
    /// Until when it runs beside the steps after it, when there are any; `None` for a step that runs alone.
    in_background: Option<Until>,
    /// Whether it needs what is no part of the repository: it runs only when it is named.
    is_extra: bool,
}

/// When the end of a step in the background is waited for.
enum Until {
    /// After all other steps.
    End,
    /// Before the step with this name.
    Before(&'static str),
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        title: "cargo fmt --check",
        run: |root| commands::show(tools::cargo(root).args(["fmt", "--all", "--check"])),
        in_background: None,
        is_extra: false,
    },
    // Waits for the network, while the processors compile.
    Step {
        name: "editor-programs",
        title: "installing the editors",
        run: editors::install,
        in_background: Some(Until::Before(EDITORS)),
        is_extra: false,
    },
    // Checks what fixes come to.
    Step {
        name: "cargo-deny",
        title: "the real cargo-deny",
        run: |root| tools::cargo_deny(root).map(|_| true),
        in_background: None,
        is_extra: false,
    },
    Step {
        name: "clippy",
        title: "clippy, which compiles the tests",
        run: |root| {
            let compiled = ["test", "--workspace", "--tests", "--benches", "--no-run"];
            commands::show(tools::linting_cargo(root)?.args(compiled))
        },
        in_background: None,
        is_extra: false,
    },
    Step {
        name: "cargo-test",
        title: "cargo test",
        run: run_tests,
        in_background: None,
        is_extra: false,
    },
    Step {
        name: "parity",
        title: "parity with cargo-deny",
        run: |_| parity::run(&[]),
        in_background: Some(Until::End),
        is_extra: false,
    },
    Step {
        name: "shared-parity",
        title: "parity with cargo-deny on the shared workspaces",
        run: |_| parity::run(&["--shared".to_owned(), "--without-options".to_owned()]),
        in_background: Some(Until::End),
        is_extra: true,
    },
    Step {
        name: "self-check",
        title: "our check on ourselves",
        run: check_ourselves,
        in_background: None,
        is_extra: false,
    },
    Step {
        name: "settings",
        title: "the settings in VS Code",
        run: editors::settings_are_fresh,
        in_background: None,
        is_extra: false,
    },
    Step {
        name: EDITORS,
        title: "the real editors",
        run: editors::run,
        in_background: None,
        is_extra: false,
    },
];

const EDITORS: &str = "editors";

/// Runs the steps; `true` when all of them passed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let mut only = Vec::new();
    let mut with = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (named, name) = match argument.as_str() {
            "--list" => {
                for step in STEPS {
                    let extra = if step.is_extra { " (only when it is named)" } else { "" };
                    println!("{:16} {}{extra}", step.name, step.title);
                }
                return Ok(true);
            }
            "--editors" => (&mut only, EDITORS),
            "--only" => (&mut only, name_after(argument, arguments.next())?),
            "--with" => (&mut with, name_after(argument, arguments.next())?),
            other => bail!("`test` has no option `{other}`"),
        };
        let is_known = STEPS.iter().any(|step| step.name == name);
        ensure!(is_known, "no step `{name}`; `--list` lists them");
        named.push(name);
    }
    let is_chosen = |step: &&Step| {
        let by_default = only.is_empty() && !step.is_extra;
        by_default || only.contains(&step.name) || with.contains(&step.name)
    };
    let chosen: Vec<_> = STEPS.iter().filter(is_chosen).collect();

    let root = tools::root()?;
    let mut outcomes = Vec::new();
    let mut background = Vec::new();
    for (number, step) in chosen.iter().enumerate() {
        let is_needed = |running: &Running| matches!(running.step.in_background, Some(Until::Before(name)) if name == step.name);
        outcomes
            .extend(background.extract_if(.., |running| is_needed(running)).map(Running::finish));
        println!("\n== {} of {}: {}", number + 1, chosen.len(), step.title);
        if step.in_background.is_some() && number + 1 < chosen.len() {
            println!("in the background, its output comes when it is needed");
            background.push(Running {
                step,
                start: Instant::now(),
                process: Background::start(step),
            });
            continue;
        }
        let start = Instant::now();
        let passed = (step.run)(&root);
        outcomes.push(Outcome::print(step, start.elapsed(), passed));
    }
    outcomes.extend(background.into_iter().map(Running::finish));

    println!();
    for outcome in &outcomes {
        println!("{}", outcome.line);
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    Ok(failed == 0)
}

fn name_after<'a>(option: &str, name: Option<&'a String>) -> Result<&'a str> {
    let name = name.with_context(|| format!("`{option}` needs the name of a step"))?;
    Ok(name)
}

struct Outcome {
    passed: bool,
    /// The line of the summary.
    line: String,
}

impl Outcome {
    fn print(step: &Step, took: Duration, passed: Result<bool>) -> Self {
        let passed = passed.unwrap_or_else(|error| {
            println!("error: {error:#}");
            false
        });
        let word = if passed { "passed" } else { "failed" };
        let line = format!("{word} in {:6.1} s: {}", took.as_secs_f64(), step.title);
        println!("== {line}");
        Self { passed, line }
    }
}

/// A step that was started in the background.
struct Running {
    step: &'static Step,
    start: Instant,
    process: Result<Background>,
}

impl Running {
    /// Waits for its end, and prints its output.
    fn finish(self) -> Outcome {
        println!("\n== {}", self.step.title);
        let (passed, end) = match self.process.and_then(Background::finish) {
            Ok((passed, end)) => (Ok(passed), end),
            Err(error) => (Err(error), Instant::now()),
        };
        Outcome::print(self.step, end - self.start, passed)
    }
}

/// A step in a process of its own, whose output is shown when it has ended.
struct Background {
    /// Waits for the process, and returns when it has ended.
    ended: JoinHandle<Result<(bool, Instant)>>,
    output: tempfile::NamedTempFile,
}

impl Background {
    /// With a low priority where the system has them: the steps that run meanwhile have limits for their waits.
    fn start(step: &Step) -> Result<Self> {
        let program = env::current_exe().context("could not find the program that runs")?;
        let mut command =
            Command::new(if cfg!(unix) { "nice".as_ref() } else { program.as_path() });
        if cfg!(unix) {
            command.args(["-n", "10"]).arg(&program);
        }
        let output = tempfile::NamedTempFile::new()?;
        command.args(["test", "--only", step.name]);
        command.stdout(output.as_file().try_clone()?).stderr(output.as_file().try_clone()?);
        let ended = thread::spawn(move || {
            let status = command.status().with_context(|| commands::describe(&command))?;
            Ok((status.success(), Instant::now()))
        });
        Ok(Self { ended, output })
    }

    /// Whether it has passed, and when it has ended.
    fn finish(self) -> Result<(bool, Instant)> {
        let ended = self.ended.join().unwrap_or_else(|_| bail!("could not wait for the process"));
        print!("{}", fs::read_to_string(self.output.path())?);
        ended
    }
}

/// Most tests wait for programs: twice as many as the machine has processors run at a time.
fn run_tests(root: &Path) -> Result<bool> {
    let threads = thread::available_parallelism().map_or(2, |processors| 2 * processors.get());
    let mut command = tools::linting_cargo(root)?;
    command.args(["test", "--workspace", "--no-fail-fast"]);
    commands::show(command.env("RUST_TEST_THREADS", threads.to_string()))
}

/// The check that we offer to others passes on this repository, by the advisories of the tests.
fn check_ourselves(root: &Path) -> Result<bool> {
    let binary = tools::supercargo(root)?;
    let database = root.join("tests/fixtures/advisory-db");

    // The packages of other platforms were not needed for building.
    if !commands::show(tools::cargo(root).args(["fetch", "--locked", "--quiet"]))? {
        return Ok(false);
    }
    commands::show(
        Command::new(binary)
            .current_dir(root)
            .args(["check", ".", "--offline", "--db"])
            .arg(database),
    )
}
