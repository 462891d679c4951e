//! The program `supercargo`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    supercargo::cli::run()
}
