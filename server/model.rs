//! The files as values: manifest, lock file. Text in, values with spans out; no reading of files,
//! and nothing here fails: what cannot be understood is left out and the errors are listed.

pub mod fingerprint;
pub mod lockfile;
pub mod manifest;
pub(crate) mod tree;
pub mod versions;
