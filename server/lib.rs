//! Supercargo shows what `cargo deny check` reports on the lines of `Cargo.toml` and `deny.toml`. Start with
//! `ARCHITECTURE.md` in this folder.
//!
//! Each module uses only those above it.

/// Limits on what is read and computed.
pub mod limits;

/// Texts, spans, line index.
pub mod text;

/// Threads and tasks, and their panics.
pub mod threads;

/// Child processes.
pub mod process;

/// Results kept on disk between runs.
pub mod cache;

/// Manifest and lockfile as values.
pub mod model;

/// Which files belong together.
pub mod workspace;

/// The advisory database and cargo's home folder.
pub mod facts;

/// Dependency resolution by cargo.
pub mod resolve;

/// cargo-deny's checks, as findings on lines.
pub mod verdict;

/// Command lines of cargo-deny, as values.
pub mod deny_command;

/// The commands of a repository that run cargo-deny.
pub mod ci;

/// `deny.toml` as a language.
pub mod policy;

/// Checks one workspace from end to end.
pub mod gate;

/// What is new since an earlier commit.
pub mod compare;

/// Fixes, which are planned and then verified.
pub mod fix;

/// What editors show.
pub mod ide;

/// What `check` writes for other programs.
pub mod report;

/// The language server.
pub mod lsp;

/// The command line.
pub mod cli;
