//! The real server over pipes, as three editors speak to it.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod affected_versions;
mod ci_gates;
mod columns;
mod compare;
mod completion;
mod configuration;
#[cfg(unix)]
#[path = "../cli/copy_untouched.rs"]
mod copy_untouched;
#[cfg(unix)]
mod cures;
mod databases;
mod deny_options;
mod diagnostic_fields;
#[path = "../support/dice.rs"]
mod dice;
mod documents_unknown;
mod exceptions;
mod extremes;
#[cfg(target_os = "linux")]
mod fds;
mod findings;
mod fixes;
mod folders;
mod harness;
mod hints_and_links;
mod hostile;
#[path = "../support/hostile.rs"]
mod hostile_workspaces;
mod hover;
mod lenses;
mod lifecycle;
mod limits;
mod line_ends;
#[cfg(unix)]
mod links;
mod lints;
mod lockfiles;
mod malformed;
mod manifest_edits;
#[cfg(target_os = "linux")]
mod many;
mod missing;
mod navigation;
mod ordering;
mod panics;
mod policy_alone;
mod policy_creation;
mod policy_edits;
mod policy_hover;
mod programs;
mod progress;
mod provisional;
mod readme_example;
mod refusals;
mod reopening;
mod repository_settings;
#[cfg(unix)]
mod scratch_copy;
mod sequences;
mod shared_policy;
mod status;
#[cfg(target_os = "linux")]
mod stress;
mod trust;
mod unsaved;
mod untouched;
#[cfg(target_os = "linux")]
mod untrusted;
mod uris;
mod watching;
mod why_graph;
mod worlds;
