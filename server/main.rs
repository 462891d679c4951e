//! The program `supercargo`; everything is in the library.

use std::process::ExitCode;

/// Returns memory to the system. With glibc's allocator, the first edits of a policy of megabytes cost about 170 MB
/// more, as each thread that parses it keeps the memory. It cannot be built for MSVC.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    supercargo::cli::run()
}
