//! Runs cargo-deny's checks over a graph, a policy and an advisory database, and reports the findings
//! on the lines to change.
//!
//! The only module that uses `cargo_deny`. It decides where findings are reported and how they are
//! worded, never whether something is a finding.

mod advisories;
mod affected;
mod check_cache;
mod checks;
mod codes;
mod collect;
mod database;
mod deny_options;
mod dependency_graph;
mod engine;
mod finding;
mod gate_name;
mod graph;
mod graph_facts;
mod index;
mod index_history;
mod license_files;
mod license_limits;
mod license_lines;
mod license_texts;
mod lint_levels;
mod load_policy;
mod local_files;
mod locations;
mod manifest_store;
mod manifests;
mod matched;
mod message_text;
mod paths;
mod policy;
mod prefetch;
mod provisional;
mod releases;
mod request;
mod resolved_dependencies;
mod sources;
mod unresolved;
mod why_graph;
mod withheld;

pub use advisories::{AdvisoryFacts, AdvisoryKind, AdvisoryTitle};
pub use affected::AffectedPackages;
pub use checks::{Check, CheckSet};
pub use codes::{Code, LocationRule};
pub use database::{Database, DatabaseError, DatabaseSource};
pub use deny_options::DenyOptions;
pub use dependency_graph::{DependencyEdge, DependencyGraph, DependencyKind, GraphPackage};
pub(crate) use engine::EngineThread;
pub use engine::{Engine, EngineError};
pub use finding::{Counts, DependencyPath, Finding, Location, PackageRef, Related, Role, Severity};
pub(crate) use finding::{own_finding, path_text};
pub use gate_name::GateName;
pub use graph::GraphOptions;
pub use graph_facts::{GraphFacts, PackageFacts, StatedDependency, UnlistedPackage};
pub(crate) use index_history::{IndexHistory, IndexLine, RegistryIndex};
pub use license_files::PackageFolder;
#[cfg(test)]
pub(crate) use license_files::{ISC, MIT};
pub(crate) use license_files::{LicenseFile, Recognized, license_file, license_files, recognized};
pub use lint_levels::{LintLevel, LintLevelError, LintLevels};
pub use manifest_store::ManifestStore;
pub use matched::MatchedEntry;
pub(crate) use message_text::{is_unsafe_char, join_with_and, sanitize};
pub use policy::{DatabaseSettings, ExceptionsFile, LoadedPolicy, PolicyText};
pub(crate) use prefetch::prefetch;
pub(crate) use provisional::{LockedVersions, ProvisionalInput, provisional};
pub use releases::Releases;
pub(crate) use releases::{Release, releases, rust_version};
pub use request::{CheckResults, EngineRequest, KnownFindings};
pub use resolved_dependencies::ResolvedDependency;
pub(crate) use sources::{distinguishing_source, exact_spec, source_name};
pub use unresolved::fuzz_lock_file;
pub(crate) use unresolved::{LockedManifest, unresolved};
pub use why_graph::{Dependents, WhyEdge, WhyGraph, WhyNode};
pub use withheld::{WithheldFinding, WithheldReason};

/// Fetches the data of the `bans.std-replacements` check. A failure is only logged, as in cargo-deny:
/// the check then finds nothing.
pub fn sync_std_replacements() {
    if let Err(error) = cargo_deny::bans::replacements::ReplacementCtx::sync() {
        tracing::error!(
            "could not fetch the list of crates that the standard library replaces: {error:#}"
        );
    }
}
