//! The real server over pipes, as three editors speak to it.

mod columns;
mod findings;
mod harness;
mod lifecycle;
mod malformed;
mod manifest_edits;
mod policy_edits;
mod shape;
mod worlds;
