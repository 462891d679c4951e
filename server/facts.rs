//! Facts from outside the workspace: the advisory database and cargo's home folder.

mod advisory_db;
mod cargo_home;
mod packed_db;
mod snapshot;

pub use advisory_db::{
    DEFAULT_URL, DatabaseLocation, FetchError, Freshness, RefreshPolicy, Refusal,
};
pub use cargo_home::{configuration_files, index_files, is_index_file};
pub(crate) use cargo_home::{downloaded_archives, is_unpacked_package, unpacked_packages};
pub(crate) use packed_db::{PackedDb, ReadDb, ReadError};
pub(crate) use snapshot::Snapshot;
pub use snapshot::{SnapshotError, write_snapshot};
