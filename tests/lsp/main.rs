//! The real server over pipes, as three editors speak to it.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod columns;
mod completion;
mod configuration;
mod creation;
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
mod hover;
mod lenses;
mod lifecycle;
mod line_ends;
mod lints;
mod malformed;
mod manifest_edits;
mod missing;
mod navigation;
mod ordering;
mod policy_edits;
mod policy_hover;
mod progress;
mod provisional;
mod reopening;
mod repository_settings;
mod sequences;
mod sessions;
mod shape;
mod status;
mod story;
#[cfg(target_os = "linux")]
mod stress;
mod trust;
mod unsaved;
mod watching;
mod worlds;
