//! The real program run over small worlds, as a person at a terminal or a script in CI sees it.

#![expect(clippy::needless_raw_string_hashes, reason = "snapshots are written so")]

mod answers;
mod bad_databases;
mod bad_lock_files;
mod bad_manifests;
mod bad_policies;
mod cache;
mod completions;
mod database;
mod discovery;
mod explain;
mod extremes;
mod fix;
mod harness;
mod init;
#[cfg(target_os = "linux")]
mod killed;
mod lints;
mod output;
mod places;
mod policy;
mod resolution;
mod sources;
mod story;
mod surroundings;
mod terminal;
