//! The program `supercargo`; everything is in the library.

use std::process::ExitCode;

/// Gives memory back to the system: with glibc's own allocator a policy of megabytes costs some
/// 30 MB more at each edit, for the threads that parse it each keep what they have used.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    supercargo::cli::run()
}
