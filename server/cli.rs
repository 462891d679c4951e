//! The command line: what each word does is in a module of its own.

mod arguments;
mod cache;
mod check;
mod completions;
mod db;
mod explain;
mod fix;
mod human;
mod init;
mod json;
mod logging;
mod meant;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::{
    cache::Cache,
    threads::{self, Doing},
};
use arguments::{Arguments, Word};

/// The exit code for wrong usage (`EX_USAGE` of `sysexits.h`).
const USAGE: u8 = 64;

/// What can be said on the command line: for completions and the manual page.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    if let Err(error) = crate::process::begin_anew() {
        logging::complain(&format!(
            "could not start again with a safe environment: {error}; remove relative paths from \
             `PATH` and `CARGO`, and unset `CARGO_LOG_PROFILE`"
        ));
        return ExitCode::from(crate::gate::NO_VERDICT);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, anything else is wrong usage.
            let code = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            let _ = error.print();
            return code;
        }
    };
    logging::start(arguments.verbose);
    let running = Doing::just("running this command");
    let done = threads::caught(&running, || run_word(arguments.word)).unwrap_or_else(|panic| {
        let message = panic.message;
        Err(anyhow::anyhow!("internal error ({message}), please report it with the line above"))
    });
    done.unwrap_or_else(|error| {
        logging::complain(&format!("{error:#}"));
        ExitCode::from(crate::gate::NO_VERDICT)
    })
}

fn run_word(word: Word) -> anyhow::Result<ExitCode> {
    threads::failpoint("command");
    match word {
        Word::Check(arguments) => check::run(&arguments),
        Word::Fix(arguments) => fix::run(&arguments),
        Word::Explain(arguments) => explain::run(&arguments),
        Word::Init(arguments) => init::run(&arguments),
        Word::Completions { shell } => completions::run(shell),
        Word::Db(arguments) => db::run(&arguments),
        Word::Cache { word } => cache::run(word),
        Word::Lsp(arguments) => {
            let cache = if arguments.no_cache { Cache::off() } else { Cache::of_user() };
            Ok(crate::lsp::run(cache))
        }
    }
}
