//! The texts that are checked: files on disk, with an editor's buffers over them.

use std::{collections::BTreeMap, io};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    model::fingerprint::FileFingerprint,
    text::{SourceText, read_named, read_to_string},
};

/// Reads files from disk, or from an editor's buffers first.
pub trait Texts {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not UTF-8.
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText>;

    /// The text of a file that the user, not the repository, has named. On a command line it may be a pipe.
    ///
    /// # Errors
    ///
    /// The same.
    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.read(path)
    }

    /// The manifests and the lockfile whose texts differ from those on disk.
    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        BTreeMap::new()
    }
}

/// Reads files from disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDisk;

impl Texts for OnDisk {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        read_to_string(path).map(|text| SourceText::new(&text))
    }

    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        read_named(path).map(|text| SourceText::new(&text))
    }
}

/// The texts that cargo resolves: valid buffers of manifests and lockfiles, else the files on disk.
pub(super) struct ResolvedTexts<'t> {
    pub(super) buffers: &'t BTreeMap<Utf8PathBuf, SourceText>,
    pub(super) rest: &'t dyn Texts,
}

impl Texts for ResolvedTexts<'_> {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        match self.buffers.get(path) {
            Some(text) => Ok(text.clone()),
            None if matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")) => {
                OnDisk.read(path)
            }
            None => self.rest.read(path),
        }
    }
}

/// Whether cargo would resolve both the same. A manifest with syntax errors is ignored.
pub fn resolves_equally(before: &dyn Texts, after: &dyn Texts) -> bool {
    let (before, after) = (before.unsaved(), after.unsaved());
    let is_equal = |path: &Utf8PathBuf, text: &SourceText| match before.get(path) {
        Some(before) => before == text || fingerprint(path, before) == fingerprint(path, text),
        None => false,
    };
    let is_valid = |path: &Utf8PathBuf, text: &SourceText| {
        path.file_name() != Some("Cargo.toml")
            || FileFingerprint::of_manifest(text.as_str()).is_some()
    };
    before.keys().all(|path| after.contains_key(path))
        && after.iter().all(|(path, text)| is_equal(path, text) || !is_valid(path, text))
}

pub(super) fn fingerprint(path: &Utf8Path, text: &SourceText) -> FileFingerprint {
    let manifest = (path.file_name() == Some("Cargo.toml"))
        .then(|| FileFingerprint::of_manifest(text.as_str()))
        .flatten();
    manifest.unwrap_or_else(|| FileFingerprint::of_text(text.as_str()))
}
