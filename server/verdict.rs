//! The verdict: cargo-deny's checks over a graph, a policy and an advisory database, as findings
//! on the lines that can mend them.
//!
//! The only module that names `cargo_deny`, which is the only judge: nothing here decides whether
//! something is a finding, only where it belongs and how it is said.

mod advisories;
mod checks;
mod codes;
mod collect;
mod database;
mod declared;
mod engine;
mod finding;
mod graph;
mod graph_facts;
mod index;
mod license_files;
mod license_limits;
mod license_lines;
mod locations;
mod manifests;
mod matched;
mod memory;
mod paths;
mod policy;
mod provisional;
mod releases;
mod unresolved;
mod words;

pub use advisories::{AdvisoryFacts, AdvisoryKind, AdvisoryTitle};
pub use checks::CheckSet;
pub use codes::{Code, LocationRule};
pub use database::{Database, DatabaseError, DatabaseSource};
pub use declared::Declared;
pub(crate) use engine::own;
pub use engine::{Answer, Engine, EngineError, Question};
pub use finding::{Check, Counts, Finding, Location, PackageRef, Related, Role, Severity};
pub use graph::GraphOptions;
pub use graph_facts::{GraphFacts, PackageFacts};
pub use license_files::PackageFolder;
#[cfg(test)]
pub(crate) use license_files::{ISC, MIT};
pub(crate) use license_files::{LicenseFile, Recognized, license_file, license_files, recognized};
pub use matched::Matched;
pub use policy::{DatabaseSettings, ExceptionsFile, LoadedPolicy, PolicyText};
pub(crate) use provisional::{Known, LockedVersions, provisional};
pub use releases::Releases;
pub(crate) use releases::{Release, releases, rust_version};
pub use unresolved::fuzz_lock_file;
pub(crate) use unresolved::{LockedManifest, unresolved};
pub(crate) use words::{harmless, is_harmful, listed};

/// Fetches what `bans.std-replacements` is judged by. A failure is said in the log, as in
/// cargo-deny: the check then finds nothing.
pub fn sync_std_replacements() {
    if let Err(error) = cargo_deny::bans::replacements::ReplacementCtx::sync() {
        tracing::error!(
            "could not fetch the list of crates that the standard library replaces: {error:#}"
        );
    }
}
