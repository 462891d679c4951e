//! Parses manifests and lockfiles into values with spans. Reads no files and never fails: what cannot be parsed
//! is left out, and the errors are listed.

pub mod fingerprint;
pub mod lockfile;
pub mod manifest;
pub(crate) mod tree;
pub mod versions;
