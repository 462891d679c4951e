//! Packs the advisories of a database into one file. cargo-deny memory-maps the files it reads, and would crash
//! (`SIGBUS`) if another program truncates one. So it gets a temporary folder into which this file is unpacked.
//!
//! The file is cached, which also saves time: a clone has a thousand small files, which take seconds to read from a
//! cold disk.

use std::{fs, io};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::DatabaseLocation;
use crate::{
    cache::{Cache, CacheKind, hash},
    process::{Children, TemporaryError, TemporaryFolder, create_folders_below},
    text::read_at_most,
};

/// The size limit of an advisory; `RustSec`'s largest has 20 kB.
const ADVISORY_LIMIT: u64 = 1 << 20;

/// The size limit of all advisories; `RustSec`'s have 3 MB.
const TOTAL_LIMIT: usize = 64 << 20;

/// How many advisories a database may have; `RustSec` has a thousand.
const MAX_ADVISORIES: usize = 50_000;

/// How many files and folders are visited.
const MAX_ENTRIES: usize = 200_000;

/// How often to read a database that keeps being replaced.
const ATTEMPTS: usize = 5;

/// The cache entry of a database at one commit.
#[derive(Debug)]
pub(crate) struct PackedDb<'c> {
    cache: &'c Cache,
    key: String,
}

/// Why advisories could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// A file or folder of the database could not be read.
    #[error("failed to read `{path}`: {source}")]
    Source {
        /// Which one.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It exceeds a limit.
    #[error("it contains more than {0}")]
    TooLarge(String),
    /// It was replaced during every attempt to read it.
    #[error("it keeps changing")]
    Changing,
    /// The copy could not be written.
    #[error("could not write its copy to the temporary folder: {0}")]
    Copy(#[from] TemporaryError),
}

/// A database that was read into memory and unpacked.
#[derive(Debug)]
pub(crate) struct ReadDb {
    packed: Vec<u8>,
    /// The advisories in `RustSec`'s layout, in a folder of our own.
    pub(crate) folder: TemporaryFolder,
}

impl<'c> PackedDb<'c> {
    /// The entry of a database as it is now; `None` if its commit is unknown, so that changes could not be detected.
    pub(crate) fn of(location: &DatabaseLocation, cache: &'c Cache) -> Option<Self> {
        let commit = location.commit()?;
        let folder = location.folder().canonicalize_utf8().ok()?;
        let heads = location.state().heads;
        let key = hash(format!("{folder}\0{commit}\0{heads:?}").as_bytes());
        Some(Self { cache, key })
    }

    /// The database in a temporary folder, if it is cached.
    pub(crate) fn unpacked(&self, children: &Children) -> Option<TemporaryFolder> {
        let packed = self.cache.get(CacheKind::Advisories, &self.key)?;
        let folder = self.cache.temporary_folder(packed.len(), children).ok()?;
        unpack(&packed, folder.path())?;
        Some(folder)
    }

    /// Whether both are entries of the same state of a database.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Caches a database. The caller has checked that the entry was the same before and after reading it.
    pub(crate) fn keep(&self, database: &ReadDb) {
        self.cache.put(CacheKind::Advisories, &self.key, &database.packed);
    }
}

impl ReadDb {
    /// The advisories of a plain folder.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or a limit is exceeded. A folder without advisories is not an error.
    pub(crate) fn of_folder(
        folder: &Utf8Path,
        cache: &Cache,
        children: &Children,
    ) -> Result<Self, ReadError> {
        let mut packed = Vec::new();
        pack(folder, &mut packed)?;
        Self::unpacked(packed, folder, cache, children)
    }

    /// The advisories of a clone at one commit; read again if the clone was replaced meanwhile. Creates no files next
    /// to it, not even a lock.
    ///
    /// # Errors
    ///
    /// See [`Self::of_folder`].
    pub(crate) fn of_clone(
        location: &DatabaseLocation,
        cache: &Cache,
        children: &Children,
    ) -> Result<Self, ReadError> {
        let folder = location.folder();
        let _lock = location.lock_to_read(children.waits());
        for _ in 0..ATTEMPTS {
            let before = location.state();
            let mut packed = Vec::new();
            let result = pack(&folder, &mut packed);
            if location.state() == before {
                result?;
                return Self::unpacked(packed, &folder, cache, children);
            }
        }
        Err(ReadError::Changing)
    }

    fn unpacked(
        packed: Vec<u8>,
        from: &Utf8Path,
        cache: &Cache,
        children: &Children,
    ) -> Result<Self, ReadError> {
        let folder = cache.temporary_folder(packed.len(), children)?;
        if from.join("crates").is_dir() {
            fs::create_dir(folder.path().join("crates")).map_err(TemporaryError::Io)?;
        }
        unpack(&packed, folder.path())
            .ok_or_else(|| TemporaryError::Io(io::Error::other("is the disk full?")))?;
        Ok(Self { packed, folder })
    }
}

/// Packs every advisory, sorted by path: length of the path, path, length of the text, text. As in cargo-deny, only
/// `.md` files in `crates` are advisories, links are not followed, and unreadable folders are skipped.
pub(super) fn pack(root: &Utf8Path, packed: &mut Vec<u8>) -> Result<(), ReadError> {
    let (mut advisories, mut seen) = (0, 0);
    let mut folders = vec![Utf8PathBuf::from("crates")];
    while let Some(folder) = folders.pop() {
        let mut files = Vec::new();
        let mut below = Vec::new();
        let entries = match root.join(&folder).read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::warn!("skipping `{}`: {error}", root.join(&folder));
                continue;
            }
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > MAX_ENTRIES {
                return Err(ReadError::TooLarge(format!("{MAX_ENTRIES} files and folders")));
            }
            let (name, Ok(kind)) = (entry.file_name(), entry.file_type()) else { continue };
            let Some(path) = name.to_str().map(|name| folder.join(name)) else { continue };
            if kind.is_dir() {
                below.push(path);
            } else if kind.is_file() && path.extension() == Some("md") {
                files.push(path);
            }
        }
        advisories += files.len();
        if advisories > MAX_ADVISORIES {
            return Err(ReadError::TooLarge(format!("{MAX_ADVISORIES} advisories")));
        }
        files.sort();
        for path in files {
            let source = root.join(&path);
            let text = match read_at_most(&source, ADVISORY_LIMIT) {
                Ok(text) => text,
                Err(error) => return Err(ReadError::Source { path: source, source: error }),
            };
            for part in [path.as_str().as_bytes(), &text] {
                packed.extend((part.len() as u64).to_le_bytes());
                packed.extend(part);
            }
            if packed.len() > TOTAL_LIMIT {
                return Err(ReadError::TooLarge(format!(
                    "{} MiB of advisories",
                    TOTAL_LIMIT >> 20
                )));
            }
        }
        // The last folder is read first.
        below.sort();
        folders.extend(below.into_iter().rev());
    }
    Ok(())
}

pub(super) fn unpack(mut packed: &[u8], folder: &Utf8Path) -> Option<()> {
    fn part<'p>(packed: &mut &'p [u8]) -> Option<&'p [u8]> {
        let (length, rest) = packed.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        *packed = rest;
        Some(part)
    }
    let mut made = Utf8PathBuf::new();
    while !packed.is_empty() {
        let path = Utf8Path::new(str::from_utf8(part(&mut packed)?).ok()?);
        let text = part(&mut packed)?;
        if !path.components().all(|part| matches!(part, Utf8Component::Normal(_))) {
            return None;
        }
        let path = folder.join(path);
        let parent = path.parent()?;
        if made != parent {
            create_folders_below(folder, parent.strip_prefix(folder).ok()?).ok()?;
            made = parent.to_owned();
        }
        fs::write(path, text).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        (folder, path)
    }

    #[test]
    fn packed_advisories_are_unpacked() {
        let (_one, from) = folder();
        let (_other, to) = folder();
        fs::create_dir_all(from.join("crates/a/deep")).expect("made");
        for (name, text) in [("a/one.md", "1"), ("a/deep/two.md", ""), ("a/other.txt", "no")] {
            fs::write(from.join("crates").join(name), text).expect("written");
        }
        let mut packed = Vec::new();
        pack(&from, &mut packed).expect("packed");
        unpack(&packed, &to).expect("unpacked");
        assert_eq!(fs::read_to_string(to.join("crates/a/one.md")).expect("there"), "1");
        assert_eq!(fs::read_to_string(to.join("crates/a/deep/two.md")).expect("there"), "");
        assert!(!to.join("crates/a/other.txt").exists());
    }

    #[test]
    fn database_over_a_limit_is_an_error() {
        let (_one, from) = folder();
        fs::create_dir_all(from.join("crates/a")).expect("made");
        let large = from.join("crates/a/large.md");
        let size = usize::try_from(ADVISORY_LIMIT).expect("a size") + 1;
        fs::write(&large, vec![b' '; size]).expect("written");
        let error = pack(&from, &mut Vec::new()).expect_err("too large").to_string();
        assert_eq!(error, format!("failed to read `{large}`: larger than 1 MiB"));
        // Each file is within the limit, but not all together.
        fs::remove_file(&large).expect("removed");
        for number in 0..=TOTAL_LIMIT / (size - 1) {
            let path = from.join(format!("crates/a/{number}.md"));
            fs::File::create(path).and_then(|file| file.set_len(ADVISORY_LIMIT)).expect("written");
        }
        let error = pack(&from, &mut Vec::new()).expect_err("too large").to_string();
        assert_eq!(error, "it contains more than 64 MiB of advisories");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_not_packed() {
        let (_one, from) = folder();
        fs::create_dir_all(from.join("crates/a")).expect("made");
        std::os::unix::fs::symlink("/dev/zero", from.join("crates/a/zero.md")).expect("a link");
        std::os::unix::fs::symlink("..", from.join("crates/a/up")).expect("a link");
        let pipe = from.join("crates/a/pipe.md");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("`mkfifo`");
        assert!(made.success());
        let mut packed = Vec::new();
        pack(&from, &mut packed).expect("packed");
        assert!(packed.is_empty());
    }

    #[test]
    fn unpack_refuses_invalid_data_and_paths_outside_of_the_folder() {
        let (_one, to) = folder();
        let entry = |path: &str| {
            let mut packed = (path.len() as u64).to_le_bytes().to_vec();
            packed.extend(path.as_bytes());
            packed.extend(0u64.to_le_bytes());
            packed
        };
        for path in ["../out.md", "/tmp/out.md", "a/../../out.md"] {
            assert_eq!(unpack(&entry(path), &to), None, "{path}");
        }
        assert_eq!(unpack(&[1, 2, 3], &to), None);
        assert_eq!(unpack(&u64::MAX.to_le_bytes(), &to), None);
    }
}
