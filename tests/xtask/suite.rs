//! `cargo xtask test`: everything that this machine can test, in order.
//!
//! The first step that fails ends the run: what follows would only repeat its message.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::parity::corpus;
use crate::{commands, editors, parity, tools};

struct Step {
    title: &'static str,
    run: fn(&Path) -> Result<bool>,
}

const STEPS: &[Step] = &[
    Step { title: "cargo fmt --check", run: |root| cargo(root, &["fmt", "--check"]) },
    Step {
        title: "cargo clippy",
        run: |root| cargo(root, &["clippy", "--release", "--all-targets", "--", "-D", "warnings"]),
    },
    // Judges what fixes come to.
    Step { title: "the real cargo-deny", run: |root| tools::cargo_deny(root).map(|_| true) },
    Step { title: "cargo test", run: |root| cargo(root, &["test", "--release"]) },
    Step { title: "parity with cargo-deny", run: |_| parity::run(&[]) },
    Step { title: "our check on ourselves", run: check_ourselves },
    Step { title: "the settings in VS Code", run: editors::settings_are_fresh },
    EDITORS,
];

/// The story in the real editors: last, and alone with `--editors`.
const EDITORS: Step = Step { title: "the real editors", run: editors::run };

/// Runs the steps; `true` when all of them passed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let mut steps = STEPS;
    for argument in arguments {
        match argument.as_str() {
            "--editors" => steps = &[EDITORS],
            other => bail!("`test` has no option `{other}`"),
        }
    }

    let root = tools::root()?;
    for (number, step) in steps.iter().enumerate() {
        println!("\n== {} of {}: {}", number + 1, steps.len(), step.title);
        let start = Instant::now();
        let outcome = (step.run)(&root);
        let seconds = start.elapsed().as_secs_f64();

        let reason = match outcome {
            Ok(true) => {
                println!("== {} passed in {seconds:.1} s", step.title);
                continue;
            }
            Ok(false) => String::new(),
            Err(error) => format!(": {error:#}"),
        };
        println!("== {} failed after {seconds:.1} s{reason}", step.title);
        println!("{number} passed, 1 failed");
        return Ok(false);
    }

    println!("\n{} passed, 0 failed", steps.len());
    Ok(true)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<bool> {
    commands::show(tools::cargo(root).args(arguments))
}

/// The gate that we offer to others must be clean on this repository: with the whole advisory database where the shared
/// data is at hand, else with the small one of the tests.
fn check_ourselves(root: &Path) -> Result<bool> {
    let binary = tools::supercargo(root)?;
    let scratch = tempfile::tempdir()?;
    let database = if let Some(shared) = corpus::Shared::find(root) {
        let clone = scratch.path().join("advisory-db");
        shared.clone_database(&clone)?;
        clone
    } else {
        println!("no shared data here: checked against the advisories of the tests only");
        root.join("tests/fixtures/advisory-db")
    };

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
