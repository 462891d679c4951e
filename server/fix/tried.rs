//! Texts that are tried in place of those that the user has.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    gate::{OnDisk, Texts},
    text::SourceText,
};

/// Changed texts over those in an editor's buffers and on disk. Nothing is written before
/// [`Tried::write`].
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// The buffers.
    below: Arc<BTreeMap<Utf8PathBuf, SourceText>>,
    changes: BTreeMap<Utf8PathBuf, Change>,
}

/// What becomes of one file.
#[derive(Clone, Debug)]
pub struct Change {
    /// The text that was read.
    pub before: SourceText,
    /// The text that was proved.
    pub after: SourceText,
    /// There is no such file yet; what was read of it is empty.
    pub is_new: bool,
}

/// Why the changes were not written. The files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else was faster.
    #[error("`{path}` has changed meanwhile, nothing was written: run it again")]
    Changed {
        /// Which file.
        path: Utf8PathBuf,
    },
    /// It cannot be written.
    #[error("write `{path}`: {source} (nothing was changed)")]
    Io {
        /// Which file.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Texts for Tried {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        match self.changes.get(path) {
            Some(change) => Ok(change.after.clone()),
            None => self.read_below(path),
        }
    }

    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        let changed = self.changes.get(path).map(|change| &change.after);
        match changed.or_else(|| self.below.get(path)) {
            Some(text) => Ok(text.clone()),
            None => OnDisk.read_named(path),
        }
    }

    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        let differs =
            |path: &Utf8Path, text: &SourceText| OnDisk.read(path).is_ok_and(|disk| disk != *text);
        let below = self.below.iter().filter(|(path, text)| differs(path, text));
        let changed = self.changes.iter().map(|(path, change)| (path, &change.after));
        let all = below.chain(changed);
        let resolved =
            all.filter(|(path, _)| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")));
        resolved.map(|(path, text)| (path.clone(), text.clone())).collect()
    }
}

impl Tried {
    /// No changes yet, over these buffers.
    pub fn over(buffers: BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        Self { below: Arc::new(buffers), changes: BTreeMap::new() }
    }

    /// The buffers that it is over.
    pub fn buffers(&self) -> &BTreeMap<Utf8PathBuf, SourceText> {
        &self.below
    }

    fn read_below(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.below.get(path).map_or_else(|| OnDisk.read(path), |text| Ok(text.clone()))
    }

    /// What was changed, by file.
    pub fn changes(&self) -> &BTreeMap<Utf8PathBuf, Change> {
        &self.changes
    }

    /// Another text for a file.
    pub(super) fn set(&mut self, path: &Utf8Path, after: SourceText) -> io::Result<()> {
        if let Some(change) = self.changes.get_mut(path) {
            change.after = after;
        } else {
            let before = self.read_below(path)?;
            self.changes.insert(path.to_owned(), Change { before, after, is_new: false });
        }
        self.changes.retain(|_, change| change.before.as_str() != change.after.as_str());
        Ok(())
    }

    /// A file that is not there yet.
    pub(super) fn create(&mut self, path: &Utf8Path, after: SourceText) {
        let change = Change { before: SourceText::new(""), after, is_new: true };
        self.changes.insert(path.to_owned(), change);
    }

    /// Writes all files, or none.
    ///
    /// # Errors
    ///
    /// When a file is not what it was when it was read, or cannot be written.
    pub fn write(&self) -> Result<(), WriteError> {
        let failed = |path: &Utf8Path, source| WriteError::Io { path: path.to_owned(), source };
        let mut originals = Vec::new();
        let (new, known): (Vec<_>, Vec<_>) =
            self.changes.iter().partition(|(_, change)| change.is_new);
        for (path, change) in known {
            let original = fs::read_to_string(path).map_err(|source| failed(path, source))?;
            if SourceText::new(&original).as_str() != change.before.as_str() {
                return Err(WriteError::Changed { path: path.clone() });
            }
            // A file that cannot be written is known before the first one is.
            let opened = fs::File::options().append(true).open(path);
            opened.map_err(|source| failed(path, source))?;
            originals.push((path, original));
        }
        for (index, (path, original)) in originals.iter().enumerate() {
            // A byte order mark stays.
            let mark = if original.starts_with('\u{feff}') { "\u{feff}" } else { "" };
            let text = format!("{mark}{}", self.changes[*path].after.as_str());
            if let Err(source) = fs::write(path, text) {
                for (path, original) in &originals[..=index] {
                    let _ = fs::write(path, original);
                }
                return Err(failed(path, source));
            }
        }
        for (index, (path, change)) in new.iter().enumerate() {
            if let Err(source) = write_new(path, change.after.as_str()) {
                for (path, _) in &new[..index] {
                    let _ = fs::remove_file(path);
                }
                for (path, original) in &originals {
                    let _ = fs::write(path, original);
                }
                return Err(failed(path, source));
            }
        }
        Ok(())
    }
}

/// Writes a file that is there whole or not at all, and never takes the place of another one.
///
/// # Errors
///
/// When something of that name is there, and when it cannot be written.
pub(crate) fn write_new(path: &Utf8Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".supercargo-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other file of the folder: what the process may not give away is taken off.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_takes_no_others_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8Path::from_path(folder.path()).expect("UTF-8").join("deny.toml");
        let mut tried = Tried::default();
        tried.create(&path, SourceText::new("new"));
        tried.write().expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert!(matches!(tried.write(), Err(WriteError::Io { .. })));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| Utf8Path::from_path(folder.path()).expect("UTF-8").join(name);
        let read = |name: &str| fs::read_to_string(path(name)).expect("there");
        let mut tried = Tried::default();
        for name in ["a", "b"] {
            fs::write(path(name), "before").expect("written");
            tried.set(&path(name), SourceText::new("after")).expect("read");
        }
        fs::write(path("b"), "meanwhile").expect("written");
        assert!(matches!(tried.write(), Err(WriteError::Changed { .. })));
        assert_eq!((read("a"), read("b")), ("before".to_owned(), "meanwhile".to_owned()));
        fs::remove_file(path("b")).expect("removed");
        assert!(matches!(tried.write(), Err(WriteError::Io { .. })));
        assert_eq!(read("a"), "before");
        fs::write(path("b"), "\u{feff}before").expect("written");
        tried.write().expect("written");
        assert_eq!((read("a"), read("b")), ("after".to_owned(), "\u{feff}after".to_owned()));
    }
}
