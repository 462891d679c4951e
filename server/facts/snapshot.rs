//! The advisories that are built into the program, for machines that have no database and cannot fetch one. Only
//! programs that are built with the feature `snapshot` have them.
//!
//! A snapshot is the time of its fetch (seconds since 1970, eight bytes, little endian), followed by the packed
//! database as in the cache.

use std::{
    fs, io,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};

use super::packed_db::{pack, unpack};
use crate::{
    cache::Cache,
    process::{Children, TemporaryFolder},
    text::{ExpectedContent, Links, Replacement, WriteError, Written, write_all},
};

/// The advisories of one day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    /// When they were fetched.
    pub(crate) fetched: SystemTime,
    packed: &'static [u8],
}

impl Snapshot {
    /// The snapshot that is built into this program.
    pub(crate) fn embedded() -> Option<Self> {
        Self::read(EMBEDDED?)
    }

    pub(crate) fn read(bytes: &'static [u8]) -> Option<Self> {
        let (seconds, packed) = bytes.split_first_chunk::<8>()?;
        let since = Duration::from_secs(u64::from_le_bytes(*seconds));
        Some(Self { fetched: SystemTime::UNIX_EPOCH.checked_add(since)?, packed })
    }

    /// The advisories in a temporary folder, in `RustSec`'s layout.
    pub(crate) fn unpacked(&self, cache: &Cache, children: &Children) -> Option<TemporaryFolder> {
        let folder = cache.temporary_folder(self.packed.len(), children).ok()?;
        unpack(self.packed, folder.path())?;
        Some(folder)
    }
}

#[cfg(feature = "snapshot")]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!(env!(
    "SUPERCARGO_SNAPSHOT",
    "the feature `snapshot` requires the path of a file written by `supercargo db pack FILE` in the variable SUPERCARGO_SNAPSHOT"
)));

#[cfg(not(feature = "snapshot"))]
const EMBEDDED: Option<&[u8]> = None;

/// Why a database was not written as a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database could not be read.
    #[error("could not read the advisory database `{folder}`: {source}")]
    Database {
        /// Where it is.
        folder: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file exists and is not a snapshot.
    #[error(
        "`{file}` exists and is not an advisory snapshot; nothing was written; choose another file"
    )]
    NotSnapshot {
        /// Which.
        file: Utf8PathBuf,
    },
    /// The existing file could not be read, or the pipe or device could not be written.
    #[error("could not use `{file}`: {source}")]
    File {
        /// Which.
        file: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the database in `folder` as a snapshot to the absolute path `file`, atomically. Replaces only an older
/// snapshot or an empty file.
///
/// # Errors
///
/// When the database cannot be read, or the file is another one or cannot be written.
pub fn write_snapshot(
    folder: &Utf8Path,
    fetched: SystemTime,
    file: &Utf8Path,
) -> Result<Written, SnapshotError> {
    let since = fetched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut bytes = since.as_secs().to_le_bytes().to_vec();
    pack(folder, &mut bytes).map_err(|source| SnapshotError::Database {
        folder: folder.to_owned(),
        source: io::Error::other(source),
    })?;
    let failed = |source| SnapshotError::File { file: file.to_owned(), source };
    let old = match fs::metadata(file) {
        Ok(there) if there.is_file() => Some(fs::read(file).map_err(failed)?),
        // A pipe or a device takes it as it comes.
        Ok(there) if !there.is_dir() => {
            fs::write(file, bytes).map_err(failed)?;
            return Ok(Written::default());
        }
        _ => None,
    };
    if old.as_ref().is_some_and(|old| !old.is_empty() && !is_snapshot(old)) {
        return Err(SnapshotError::NotSnapshot { file: file.to_owned() });
    }
    let before = old.as_deref().map_or(ExpectedContent::Absent, ExpectedContent::Bytes);
    let replacement = Replacement { path: file, before, after: &bytes };
    // The user has named it: a link is one on purpose.
    Ok(write_all(&[replacement], file.parent().unwrap_or(file), Links::Followed)?)
}

/// Whether bytes are what [`write_snapshot`] writes.
fn is_snapshot(bytes: &[u8]) -> bool {
    let Some((_, mut packed)) = bytes.split_first_chunk::<8>() else { return false };
    while let Some((length, rest)) = packed.split_first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((_, rest)) = rest.split_at_checked(length) else { return false };
        packed = rest;
    }
    packed.is_empty()
}
