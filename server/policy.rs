//! `deny.toml` as a language: what may stand in it, what stands at the cursor, what could; what is
//! said about it besides cargo-deny's findings, and how the first one is written.
//!
//! Pure: values in, values out, no files, and no text is too broken to be asked about. What a
//! finding is and what an entry matches is cargo-deny's business, never decided here.

mod completion;
pub(crate) mod cursor;
pub(crate) mod effects;
pub(crate) mod entries;
pub(crate) mod licenses;
pub(crate) mod lints;
pub(crate) mod outline;
pub(crate) mod schema;
pub(crate) mod sources;
pub(crate) mod spec;
pub(crate) mod syntax;
pub mod template;
pub(crate) mod rich_text;

pub(crate) use completion::{Completions, CompletionFacts, PackageFiles, Suggestion, SuggestionKind, CompletionRequest, complete};
pub use lints::CONVENTION;
pub use schema::{json_schema, page};

/// Stands for a reason that is still to be given.
pub const NO_REASON: &str = "TODO: why this is acceptable";

/// Stands for an expression that nobody has told: cargo-deny reads it, and no policy allows it.
pub(crate) const UNTOLD: &str = "LicenseRef-to-be-told";
