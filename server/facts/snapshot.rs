//! The advisories of the day on which the program was built, as a part of it: for machines that have no
//! database and can fetch none. Only programs that are built with the feature `snapshot` have them.
//!
//! A snapshot is the time of its last fetch (seconds since 1970, eight bytes, little endian) and
//! after it the database in one file, as the cache keeps it.

use std::{
    fs, io,
    time::{Duration, SystemTime},
};

use camino::Utf8Path;

use super::packed_db::{pack, unpack};
use crate::process::{Children, TemporaryFolder};

/// The advisories of one day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    /// When they were fetched.
    pub(crate) fetched: SystemTime,
    packed: &'static [u8],
}

impl Snapshot {
    /// The one that is part of this program.
    pub(crate) fn embedded() -> Option<Self> {
        Self::read(EMBEDDED?)
    }

    pub(crate) fn read(bytes: &'static [u8]) -> Option<Self> {
        let (seconds, packed) = bytes.split_first_chunk::<8>()?;
        let since = Duration::from_secs(u64::from_le_bytes(*seconds));
        Some(Self { fetched: SystemTime::UNIX_EPOCH.checked_add(since)?, packed })
    }

    /// The advisories in a temporary folder, in `RustSec`'s layout.
    pub(crate) fn unpacked(&self, children: &Children) -> Option<TemporaryFolder> {
        let folder = TemporaryFolder::new(children).ok()?;
        unpack(self.packed, folder.path())?;
        Some(folder)
    }
}

#[cfg(feature = "snapshot")]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!(env!(
    "SUPERCARGO_SNAPSHOT",
    "the feature `snapshot` wants the file that `supercargo db pack FILE` writes in the variable SUPERCARGO_SNAPSHOT"
)));

#[cfg(not(feature = "snapshot"))]
const EMBEDDED: Option<&[u8]> = None;

/// Writes the database in `folder`, which was fetched at that time, as a snapshot.
///
/// # Errors
///
/// When the database cannot be read or the file cannot be written.
pub fn write_snapshot(folder: &Utf8Path, fetched: SystemTime, file: &Utf8Path) -> io::Result<()> {
    let since = fetched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut bytes = since.as_secs().to_le_bytes().to_vec();
    pack(folder, &mut bytes).map_err(io::Error::other)?;
    fs::write(file, bytes)
}
