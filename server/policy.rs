//! `deny.toml` as a language: its schema, the syntax at the cursor, completion, lints, and the policy
//! that `supercargo init` writes.
//!
//! Pure: values in, values out, no files. Every text is accepted, also a broken one. Only cargo-deny
//! decides what a finding is and what an entry matches.

mod completion;
pub(crate) mod cursor;
pub(crate) mod effects;
pub(crate) mod entries;
pub(crate) mod licenses;
pub(crate) mod lints;
pub(crate) mod outline;
pub(crate) mod rich_text;
pub(crate) mod schema;
pub(crate) mod sources;
pub(crate) mod spec;
pub(crate) mod syntax;
pub mod template;
mod without;

pub(crate) use completion::{
    CompletionFacts, CompletionRequest, Completions, PackageFiles, Suggestion, SuggestionKind,
    complete,
};
pub use lints::CONVENTION;
pub use schema::{SchemaProbe, json_schema, page, probes};
pub(crate) use without::without_entries;

/// The placeholder for a reason that the user has to write.
pub const REASON_PLACEHOLDER: &str = "TODO: why this is acceptable";

/// The placeholder for a license expression that the user has to write: cargo-deny parses it, and no
/// policy allows it.
pub(crate) const LICENSE_PLACEHOLDER: &str = "LicenseRef-TODO";
