//! Facts from outside the workspace, each with its freshness: the advisory database, what
//! cargo keeps in its home.

mod advisory_db;
mod cargo_home;
mod packed_db;
mod snapshot;

pub use advisory_db::{
    DEFAULT_URL, DatabaseLocation, FetchError, Freshness, RefreshPolicy, Refusal,
};
pub use cargo_home::{configuration_files, index_files, is_index_file};
pub(crate) use packed_db::{PackedDb, ReadDb, ReadError};
pub(crate) use snapshot::Snapshot;
pub use snapshot::{SnapshotError, write_snapshot};
