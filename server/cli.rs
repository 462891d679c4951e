//! The command line, with a module for each command.

mod arguments;
mod base;
mod cache;
mod check;
mod ci_files;
mod ci_gates;
mod completions;
mod db;
mod deny_arguments;
mod exit_code;
mod explain;
mod fix;
mod gates;
mod human;
mod init;
mod installed_engine;
mod json;
mod logging;
mod outputs;
mod report_arguments;
mod report_fixes;
mod shared_policy;
mod shown;
mod targets;
mod terminal;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory as _, Parser};

use crate::{
    cache::Cache,
    threads::{self, Activity},
};
use arguments::{Arguments, Command};

/// How long to wait at the end for temporary files to be deleted.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The definition of the command line, for completions and the manual page.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    if let Err(error) = crate::process::restart_with_safe_environment() {
        logging::error(&format!(
            "could not restart with a safe environment: {error}; remove relative paths from `PATH` and \
             `CARGO`, and unset `CARGO_LOG_PROFILE`"
        ));
        return ExitCode::from(crate::gate::NO_VERDICT);
    }
    let parsed = Arguments::try_parse().and_then(|parsed| parsed.validate().map(|()| parsed));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` succeed; everything else is wrong usage.
            let code = if error.use_stderr() {
                ExitCode::from(exit_code::USAGE)
            } else {
                ExitCode::SUCCESS
            };
            let _ = error.print();
            return code;
        }
    };
    logging::start(arguments.verbosity());
    let running = Activity::just("running this command");
    let done =
        threads::catch_panic(&running, || run_command(arguments.command)).unwrap_or_else(|panic| {
            let message = panic.message;
            Err(anyhow::anyhow!("internal error ({message}); please report it with the line above"))
        });
    done.unwrap_or_else(|error| {
        logging::error(&format!("{error:#}"));
        ExitCode::from(crate::gate::NO_VERDICT)
    })
}

fn run_command(command: Command) -> anyhow::Result<ExitCode> {
    threads::failpoint("command");
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        Command::Gates(arguments) => gates::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
        Command::Db(arguments) => db::run(&arguments),
        Command::Cache { command } => cache::run(command),
        Command::Lsp(arguments) => {
            let cache = if arguments.no_cache { Cache::off() } else { Cache::of_user() };
            Ok(crate::lsp::run(cache))
        }
    }
}
