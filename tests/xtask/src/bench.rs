//! `cargo xtask bench`: the benchmarks, with the real cargo-deny at hand in `target/tools/released/bin`.

use anyhow::Result;

use crate::{commands, tools};

/// Runs `cargo bench` with the given arguments; `true` when it succeeded.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let root = tools::root()?;
    tools::released_cargo_deny(&root)?;
    commands::show(tools::cargo(&root).arg("bench").args(arguments))
}
