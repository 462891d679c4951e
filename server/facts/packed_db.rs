//! An advisory database in one file. A clone is a thousand small files, which a cold disk takes
//! seconds to read; unpacked into a temporary folder they are in memory.

use std::{fs, io};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::DatabaseLocation;
use crate::{
    cache::{Cache, Kind, hash},
    process::{Children, TemporaryFolder},
};

/// The databases of one commit each, in the cache.
#[derive(Debug)]
pub(crate) struct PackedDb<'c> {
    cache: &'c Cache,
    folder: Utf8PathBuf,
    key: String,
}

impl<'c> PackedDb<'c> {
    /// The pack of a database as it is now; `None` where its commit cannot be told, and nothing
    /// would tell that it is another database.
    pub(crate) fn of(location: &DatabaseLocation, cache: &'c Cache) -> Option<Self> {
        let commit = location.commit()?;
        let folder = location.folder();
        let place = folder.canonicalize_utf8().ok()?;
        let heads = location.heads().into_iter().map(|path| fs::read(path).ok());
        let heads: Vec<_> = heads.collect();
        let key = hash(format!("{place}\0{commit}\0{heads:?}").as_bytes());
        Some(Self { cache, folder, key })
    }

    /// The database in a temporary folder, if it was packed before.
    pub(crate) fn unpacked(&self, children: &Children) -> Option<TemporaryFolder> {
        let packed = self.cache.get(Kind::Advisories, &self.key)?;
        let folder = TemporaryFolder::new(children).ok()?;
        unpack(&packed, folder.path())?;
        Some(folder)
    }

    /// Packs the database.
    pub(crate) fn pack(&self) {
        let mut packed = Vec::new();
        match pack(&self.folder, Utf8Path::new("crates"), &mut packed) {
            Ok(()) => self.cache.put(Kind::Advisories, &self.key, &packed),
            Err(error) => tracing::debug!("`{}` cannot be packed: {error}", self.folder),
        }
    }
}

/// A copy of the advisories of a plain folder, which nobody else changes. cargo-deny maps the files
/// into memory; one that is cut off while it is mapped would end the program (`SIGBUS`).
pub(crate) fn copied(folder: &Utf8Path, children: &Children) -> Option<TemporaryFolder> {
    let mut packed = Vec::new();
    pack(folder, Utf8Path::new("crates"), &mut packed).ok()?;
    let copy = TemporaryFolder::new(children).ok()?;
    fs::create_dir(copy.path().join("crates")).ok()?;
    unpack(&packed, copy.path())?;
    Some(copy)
}

/// Every advisory as the length of its path, the path, the length of its text, the text.
pub(super) fn pack(root: &Utf8Path, folder: &Utf8Path, packed: &mut Vec<u8>) -> io::Result<()> {
    let mut entries: Vec<_> = root.join(folder).read_dir_utf8()?.collect::<Result<_, _>>()?;
    entries.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    for entry in entries {
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            pack(root, &path, packed)?;
        } else if entry.file_type()?.is_file() && path.extension() == Some("md") {
            for part in [path.as_str().as_bytes(), &fs::read(entry.path())?] {
                packed.extend((part.len() as u64).to_le_bytes());
                packed.extend(part);
            }
        }
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
            fs::create_dir_all(parent).ok()?;
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
    fn what_was_packed_is_unpacked() {
        let (_one, from) = folder();
        let (_other, to) = folder();
        fs::create_dir_all(from.join("crates/a/deep")).expect("made");
        for (name, text) in [("a/one.md", "1"), ("a/deep/two.md", ""), ("a/other.txt", "no")] {
            fs::write(from.join("crates").join(name), text).expect("written");
        }
        let mut packed = Vec::new();
        pack(&from, Utf8Path::new("crates"), &mut packed).expect("packed");
        unpack(&packed, &to).expect("unpacked");
        assert_eq!(fs::read_to_string(to.join("crates/a/one.md")).expect("there"), "1");
        assert_eq!(fs::read_to_string(to.join("crates/a/deep/two.md")).expect("there"), "");
        assert!(!to.join("crates/a/other.txt").exists());
    }

    #[test]
    fn nothing_is_written_elsewhere_and_garbage_is_refused() {
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
