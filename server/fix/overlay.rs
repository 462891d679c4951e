//! Texts that are tried in place of those that the user has.

use std::{collections::BTreeMap, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    gate::{OnDisk, Texts},
    text::{Before, Links, Replacement, SourceText, WriteError, Written, write_all},
};

/// Changed texts over those in an editor's buffers and on disk. Nothing is written before
/// [`Overlay::write`].
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The buffers.
    below: Arc<BTreeMap<Utf8PathBuf, SourceText>>,
    changes: BTreeMap<Utf8PathBuf, FileChange>,
}

/// What becomes of one file.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// The text that was read.
    pub before: SourceText,
    /// The text that was proved.
    pub after: SourceText,
    /// There is no such file yet; what was read of it is empty.
    pub is_new: bool,
}

impl Texts for Overlay {
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

impl Overlay {
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
    pub fn changes(&self) -> &BTreeMap<Utf8PathBuf, FileChange> {
        &self.changes
    }

    /// Another text for a file.
    pub(super) fn set(&mut self, path: &Utf8Path, after: SourceText) -> io::Result<()> {
        if let Some(change) = self.changes.get_mut(path) {
            change.after = after;
        } else {
            let before = self.read_below(path)?;
            self.changes.insert(path.to_owned(), FileChange { before, after, is_new: false });
        }
        self.changes.retain(|_, change| change.before.as_str() != change.after.as_str());
        Ok(())
    }

    /// A file that is not there yet.
    pub(super) fn create(&mut self, path: &Utf8Path, after: SourceText) {
        let change = FileChange { before: SourceText::new(""), after, is_new: true };
        self.changes.insert(path.to_owned(), change);
    }

    /// Writes all files, or none (see [`crate::text`]). `base` is the folder that the user works in.
    ///
    /// # Errors
    ///
    /// When a file is not what it was when it was read, or cannot be written.
    pub fn write(&self, base: &Utf8Path, links: Links) -> Result<Written, WriteError> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        changes.sort_by_key(|(path, _)| place_in_order(path));
        let replacements = changes.iter().map(|(path, change)| Replacement {
            path,
            before: if change.is_new { Before::Absent } else { Before::Text(&change.before) },
            after: change.after.as_str().as_bytes(),
        });
        write_all(&replacements.collect::<Vec<_>>(), base, links)
    }
}

/// Which files are replaced first. A program that is killed in between leaves the first ones new and
/// the others old, and cargo and the next `fix` have to work with what is there.
///
/// * The lock file before the manifests: most raised requirements (`0.3.44` to `0.3.47`) admit the
///   new version before they are raised, so lock file and manifests still fit together, with
///   `--locked` too. The other way round the old lock file never fits the new requirement, and cargo
///   would choose a version by itself.
/// * The policy between them: what it permits for a version that is not there yet is an unused entry.
/// * The manifests from the outermost inwards: a member can only inherit what its workspace has.
fn place_in_order(path: &Utf8Path) -> (u8, usize) {
    let kind = match path.file_name() {
        Some("Cargo.lock") => 0,
        Some("Cargo.toml") => 2,
        _ => 1,
    };
    (kind, path.components().count())
}

/// Writes a file that is there whole or not at all, and never takes the place of another one.
///
/// # Errors
///
/// When something of that name is there, and when it cannot be written.
pub(crate) fn write_new(path: &Utf8Path, text: &str) -> Result<Written, WriteError> {
    let new = Replacement { path, before: Before::Absent, after: text.as_bytes() };
    write_all(&[new], path.parent().unwrap_or(path), Links::Refused)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_new_file_takes_no_others_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let path = base.join("deny.toml");
        let mut overlay = Overlay::default();
        overlay.create(&path, SourceText::new("new"));
        overlay.write(base, Links::Refused).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        let again = overlay.write(base, Links::Refused).expect_err("it is there").to_string();
        assert_eq!(again, format!("`{path}` already exists; nothing was changed"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let path = |name: &str| base.join(name);
        let read = |name: &str| fs::read_to_string(path(name)).expect("there");
        let mut overlay = Overlay::default();
        for name in ["a", "b"] {
            fs::write(path(name), "before").expect("written");
            overlay.set(&path(name), SourceText::new("after")).expect("read");
        }
        let refused = |overlay: &Overlay| {
            let error = overlay.write(base, Links::Refused).expect_err("refused").to_string();
            error.replace(base.as_str(), "")
        };
        fs::write(path("b"), "meanwhile").expect("written");
        assert_eq!(
            refused(&overlay),
            "`/b` has changed since it was read; nothing was changed; run the command again"
        );
        assert_eq!((read("a"), read("b")), ("before".to_owned(), "meanwhile".to_owned()));
        fs::remove_file(path("b")).expect("removed");
        assert_eq!(
            refused(&overlay),
            "`/b` was deleted after it was read; nothing was changed; run the command again"
        );
        assert_eq!(read("a"), "before");
        fs::write(path("b"), "\u{feff}before").expect("written");
        overlay.write(base, Links::Refused).expect("written");
        assert_eq!((read("a"), read("b")), ("after".to_owned(), "\u{feff}after".to_owned()));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn the_lock_file_is_first_and_manifests_go_inwards() {
        let mut paths = ["/w/a/Cargo.toml", "/w/Cargo.toml", "/w/deny.toml", "/w/Cargo.lock"];
        paths.sort_by_key(|path| place_in_order(Utf8Path::new(path)));
        let expected = ["/w/Cargo.lock", "/w/deny.toml", "/w/Cargo.toml", "/w/a/Cargo.toml"];
        assert_eq!(paths, expected);
    }
}
