//! Facts from outside the workspace, each with its freshness: the advisory database.

mod advisory_db;

pub use advisory_db::{DEFAULT_URL, DatabaseLocation, FetchError, Freshness, RefreshPolicy};
