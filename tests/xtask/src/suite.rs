//! `cargo xtask test`: everything that this machine can test, in order.
//!
//! A step that fails does not hide the later ones: all of them run, and the summary lists each with its time.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{commands, editors, parity, tools};

struct Step {
    /// What `--only` takes.
    name: &'static str,
    title: &'static str,
    run: fn(&Path) -> Result<bool>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        title: "cargo fmt --check",
        run: |root| cargo(root, &["fmt", "--all", "--check"]),
    },
    Step {
        name: "clippy",
        title: "cargo clippy",
        run: |root| {
            cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
        },
    },
    // Checks what fixes come to.
    Step {
        name: "cargo-deny",
        title: "the real cargo-deny",
        run: |root| tools::cargo_deny(root).map(|_| true),
    },
    Step {
        name: "cargo-test",
        title: "cargo test",
        run: |root| cargo(root, &["test", "--workspace", "--no-fail-fast"]),
    },
    Step { name: "parity", title: "parity with cargo-deny", run: |_| parity::run(&[]) },
    Step { name: "self-check", title: "our check on ourselves", run: check_ourselves },
    Step { name: "settings", title: "the settings in VS Code", run: editors::settings_are_fresh },
    // Last: they need the machine for themselves.
    Step { name: EDITORS, title: "the real editors", run: editors::run },
];

const EDITORS: &str = "editors";

/// Runs the steps; `true` when all of them passed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let name = match argument.as_str() {
            "--list" => {
                for step in STEPS {
                    println!("{:12} {}", step.name, step.title);
                }
                return Ok(true);
            }
            "--editors" => EDITORS,
            "--only" => arguments.next().context("`--only` needs the name of a step")?,
            other => bail!("`test` has no option `{other}`"),
        };
        let step = STEPS.iter().find(|step| step.name == name);
        chosen.push(step.with_context(|| format!("no step `{name}`; `--list` lists them"))?);
    }
    if chosen.is_empty() {
        chosen.extend(STEPS);
    }

    let root = tools::root()?;
    let mut outcomes = Vec::new();
    for (number, step) in chosen.iter().enumerate() {
        println!("\n== {} of {}: {}", number + 1, chosen.len(), step.title);
        let start = Instant::now();
        let passed = (step.run)(&root).unwrap_or_else(|error| {
            println!("error: {error:#}");
            false
        });
        let word = if passed { "passed" } else { "failed" };
        let line = format!("{word} in {:6.1} s: {}", start.elapsed().as_secs_f64(), step.title);
        println!("== {line}");
        outcomes.push((passed, line));
    }

    println!();
    for (_, line) in &outcomes {
        println!("{line}");
    }
    let failed = outcomes.iter().filter(|(passed, _)| !passed).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    Ok(failed == 0)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<bool> {
    commands::show(tools::cargo(root).args(arguments))
}

/// The check that we offer to others passes on this repository, by the advisories of the tests.
fn check_ourselves(root: &Path) -> Result<bool> {
    let binary = tools::supercargo(root)?;
    let database = root.join("tests/fixtures/advisory-db");

    // The packages of other platforms were not needed for building.
    if !cargo(root, &["fetch", "--locked", "--quiet"])? {
        return Ok(false);
    }
    commands::show(
        std::process::Command::new(binary)
            .current_dir(root)
            .args(["check", ".", "--offline", "--db"])
            .arg(database),
    )
}
