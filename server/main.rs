//! The program `supercargo`; everything is in the library.

use std::process::ExitCode;

/// Returns memory to the system. With glibc's allocator, each edit of a policy of megabytes costs about 30 MB
/// more, as each thread that parses it keeps the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    supercargo::cli::run()
}
