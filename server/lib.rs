//! Supercargo: the verdict of cargo-deny on the line that can mend it. `ARCHITECTURE.md` beside
//! this file is the way in.
//!
//! Each module uses only those above it.

/// How much of what a repository writes is read and computed.
pub mod limits;

/// Texts, spans, line index.
pub mod text;

/// Threads and tasks, and what becomes of their panics.
pub mod threads;

/// Child processes.
pub mod process;

/// Results kept on disk between runs.
pub mod cache;

/// Manifest and lock file as values.
pub mod model;

/// Which files belong together.
pub mod workspace;

/// Facts from outside: the advisory database.
pub mod facts;

/// Dependency resolution by cargo.
pub mod resolve;

/// cargo-deny's checks, as findings on lines.
pub mod verdict;

/// `deny.toml` as a language.
pub mod policy;

/// One workspace judged from end to end.
pub mod gate;

/// Fixes: planned, and proved before they are offered.
pub mod fix;

/// What editors show.
pub mod ide;

/// The language server.
pub mod lsp;

/// The command line.
pub mod cli;
