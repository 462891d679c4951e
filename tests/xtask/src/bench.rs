//! `cargo xtask bench`: the benchmarks, with the real cargo-deny at hand in `target/tools/released/bin`, on real workspaces
//! where these are there.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::parity::corpus::Shared;
use crate::{commands, tools};

/// The page with the table, between [`START`] and [`END`].
const PAGE: &str = "server/docs/performance.md";
const START: &str = "<!-- Written by `cargo xtask bench`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// Runs `cargo bench`, for the workspaces whose name contains the argument. A run for all real ones writes the page. `true` when
/// it succeeded.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let root = tools::root()?;
    tools::released_cargo_deny(&root)?;
    let mut bench = tools::cargo(&root);
    bench.args(["bench", "--bench", "verdict", "--"]).args(arguments);
    let shared = Shared::find(&root);
    if let Some(shared) = &shared {
        let workspaces = root.join("target/bench/workspaces");
        if workspaces.exists() {
            fs::remove_dir_all(&workspaces)?;
        }
        shared.unpack(&workspaces)?;
        bench.env("SUPERCARGO_BENCH_WORKSPACES", workspaces);
        bench.env("SUPERCARGO_BENCH_DATABASE", shared.bundle()?);
    } else {
        println!("the real workspaces of `../shared/data` are not here and are not measured");
    }
    if shared.is_none() || !arguments.is_empty() {
        return commands::show(&mut bench);
    }
    let output = bench.stderr(Stdio::inherit()).output().context("could not start cargo")?;
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{table}");
    if output.status.success() {
        write(&root, table.trim())?;
    }
    Ok(output.status.success())
}

fn write(root: &Path, table: &str) -> Result<()> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(START).context("the page has no start of the table")?;
    let (_, after) = rest.split_once(END).context("the page has no end of the table")?;
    Ok(fs::write(&path, format!("{before}{START}\n{table}\n\n{END}{after}"))?)
}
