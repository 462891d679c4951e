//! `deny.toml` as a language: what may stand in it, what stands at the cursor, what could.
//!
//! Pure: values in, values out, no files, and no text is too broken to be asked about. What a
//! finding is and what an entry matches is cargo-deny's business, never decided here.

pub(crate) mod cursor;
pub(crate) mod effects;
pub(crate) mod entries;
pub(crate) mod outline;
pub(crate) mod schema;
pub(crate) mod syntax;
