//! Runs the real program over small workspaces, as a user at a terminal or a CI script does.

#![expect(clippy::needless_raw_string_hashes, reason = "snapshots are written so")]

mod as_ci;
mod bad_databases;
mod bad_lockfiles;
mod bad_manifests;
mod bad_policies;
mod base;
mod cache;
mod cargo_refusals;
mod ci_files;
mod completions;
#[cfg(unix)]
mod copy_untouched;
mod database;
#[cfg(unix)]
mod database_folders;
mod deny_options;
#[path = "../support/dice.rs"]
mod dice;
mod discovery;
mod explain;
mod extremes;
mod finding_locations;
mod fix;
mod fix_results;
mod gates;
mod gates_run;
mod harness;
#[path = "../support/hostile.rs"]
mod hostile;
mod html_report;
mod init;
mod installed_engine;
#[cfg(target_os = "linux")]
mod killed;
mod limits;
#[cfg(unix)]
mod links;
mod lints;
#[cfg(target_os = "linux")]
mod locks;
mod output;
mod panics;
mod policy;
mod policy_alone;
#[cfg(unix)]
mod programs;
mod readme_example;
mod report;
mod resolution;
#[cfg(unix)]
mod scratch_copy;
mod sentences;
mod shared_policy;
mod sources;
mod surroundings;
mod terminal;
#[cfg(target_os = "linux")]
#[path = "../support/tracer.rs"]
mod tracer;
mod untouched;
mod vendored;
#[cfg(unix)]
mod writing;
