//! The repository's task runner: `cargo xtask WORD`.
//!
//! It is for people and for the continuous integration, which calls these words and nothing else. It holds no logic of
//! supercargo: it installs what the tests need, runs them in order, and compares our verdict with that of the real
//! cargo-deny.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner speaks to the terminal that started it"
)]

mod bench;
mod commands;
mod compare;
mod editors;
mod fixes;
mod parity;
mod suite;
mod tools;
mod versions;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask WORD

  test                 everything that this machine can test, in order
  test --only STEP     one step alone, and further ones with further `--only`; `test --list` lists them
  test --with STEP     all, and one that needs more than the repository
  parity [OPTION..]    our verdict against that of the real cargo-deny (parity --help says more)
  compare [WORKSPACE]  `check --base` on real workspaces, each with ten made commits, and its times
  versions [PROGRAM..] keys and values of the policy, options and codes, by other versions of cargo-deny
  fixes [WORKSPACE]    what `fix` makes of real workspaces, by the real cargo-deny; writes server/docs/fixes.md
  bench [ARGUMENT..]   the benchmarks, against the real cargo-deny
  help                 this text
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let word = arguments.next();
    let rest: Vec<String> = arguments.collect();

    let passed = match word.as_deref() {
        Some("test") => suite::run(&rest),
        Some("parity") => parity::run(&rest),
        Some("compare") => compare::run(&rest),
        Some("versions") => versions::run(&rest),
        Some("fixes") => fixes::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(true)
        }
        Some(other) => {
            eprint!("there is no word `{other}`\n\n{HELP}");
            Ok(false)
        }
        None => {
            eprint!("{HELP}");
            Ok(false)
        }
    };

    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
