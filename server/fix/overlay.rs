//! Changed texts over the editor's buffers and the files on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::editable::{EditableFolders, real_parent};
use crate::{
    gate::{OnDisk, Texts},
    text::{ExpectedContent, Links, Replacement, SourceText, WriteError, Written, write_all},
};

/// Changed texts over the texts of an editor's buffers, over the files on disk. Only
/// [`Overlay::write`] writes files.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    buffers: Arc<BTreeMap<Utf8PathBuf, SourceText>>,
    changes: BTreeMap<Utf8PathBuf, FileChange>,
    editable: Arc<EditableFolders>,
    /// Why some changes were left out that would have been possible elsewhere.
    left_out: BTreeSet<String>,
}

/// The change of one file.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// The text before the change.
    pub before: SourceText,
    /// The text after the change.
    pub after: SourceText,
    /// The file does not exist yet; `before` is empty.
    pub is_new: bool,
}

impl Texts for Overlay {
    fn read(&self, path: &Utf8Path) -> io::Result<SourceText> {
        match self.changes.get(path) {
            Some(change) => Ok(change.after.clone()),
            None => self.read_unchanged(path),
        }
    }

    fn read_named(&self, path: &Utf8Path) -> io::Result<SourceText> {
        let changed = self.changes.get(path).map(|change| &change.after);
        match changed.or_else(|| self.buffers.get(path)) {
            Some(text) => Ok(text.clone()),
            None => OnDisk.read_named(path),
        }
    }

    fn unsaved(&self) -> BTreeMap<Utf8PathBuf, SourceText> {
        let differs =
            |path: &Utf8Path, text: &SourceText| OnDisk.read(path).is_ok_and(|disk| disk != *text);
        let buffers = self.buffers.iter().filter(|(path, text)| differs(path, text));
        let changed = self.changes.iter().map(|(path, change)| (path, &change.after));
        let all = buffers.chain(changed);
        let resolved =
            all.filter(|(path, _)| matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock")));
        resolved.map(|(path, text)| (path.clone(), text.clone())).collect()
    }
}

impl Overlay {
    /// An overlay over these buffers, without changes.
    pub fn over(buffers: BTreeMap<Utf8PathBuf, SourceText>) -> Self {
        Self { buffers: Arc::new(buffers), ..Self::default() }
    }

    /// The same, in which only files in these folders may be changed.
    #[must_use]
    pub fn within(self, editable: Arc<EditableFolders>) -> Self {
        Self { editable, ..self }
    }

    /// The outermost named folder that contains a file or a folder.
    pub fn named_folder_of(&self, path: &Utf8Path) -> Option<&Utf8Path> {
        self.editable.folder_of(path)
    }

    /// The changed manifests and lockfiles that are not among the user's own files in the named folders, and what they are
    /// instead.
    pub fn changes_outside(&self) -> Vec<(Utf8PathBuf, &'static str)> {
        let changed = self.changes.keys();
        let outside = changed.filter_map(|path| Some((path, self.editable.origin(path)?)));
        outside.map(|(path, origin)| (self.target_of(path), origin)).collect()
    }

    /// Where files may be changed.
    pub(super) fn shared_editable(&self) -> Arc<EditableFolders> {
        Arc::clone(&self.editable)
    }

    /// Why a file may not be changed: a sentence without a final period. `workspace` is the checked folder.
    pub(super) fn refusal(&self, path: &Utf8Path, workspace: &Utf8Path) -> Option<String> {
        self.editable.refusal(path, workspace)
    }

    /// Why one of the changed files may not be changed.
    pub(super) fn refused_change(&self, workspace: &Utf8Path) -> Option<String> {
        self.changes.keys().find_map(|path| self.refusal(path, workspace))
    }

    /// Records why a change was left out.
    pub(super) fn leave_out(&mut self, reason: String) {
        self.left_out.insert(reason);
    }

    /// Why changes were left out that would have been possible: sentences without a final period.
    pub fn left_out(&self) -> &BTreeSet<String> {
        &self.left_out
    }

    /// The texts of the editor's buffers.
    pub fn buffers(&self) -> &BTreeMap<Utf8PathBuf, SourceText> {
        &self.buffers
    }

    fn read_unchanged(&self, path: &Utf8Path) -> io::Result<SourceText> {
        self.buffers.get(path).map_or_else(|| OnDisk.read(path), |text| Ok(text.clone()))
    }

    /// The changes by file.
    pub fn changes(&self) -> &BTreeMap<Utf8PathBuf, FileChange> {
        &self.changes
    }

    /// Changes the text of a file.
    pub(super) fn set(&mut self, path: &Utf8Path, after: SourceText) -> io::Result<()> {
        if let Some(change) = self.changes.get_mut(path) {
            change.after = after;
        } else {
            let before = self.read_unchanged(path)?;
            self.changes.insert(path.to_owned(), FileChange { before, after, is_new: false });
        }
        self.changes.retain(|_, change| change.before.as_str() != change.after.as_str());
        Ok(())
    }

    /// Adds a file that does not exist yet.
    pub(super) fn create(&mut self, path: &Utf8Path, after: SourceText) {
        let change = FileChange { before: SourceText::new(""), after, is_new: true };
        self.changes.insert(path.to_owned(), change);
    }

    /// The path of a file without links in its folder, where files may be changed.
    pub fn target_of(&self, path: &Utf8Path) -> Utf8PathBuf {
        let real = real_parent(path);
        let knows_folders = !self.editable.folders().is_empty();
        if knows_folders && self.editable.may_change(&real) { real } else { path.to_owned() }
    }

    /// Writes all changed files, or none (see [`crate::text`]). `base` is the user's working folder.
    ///
    /// # Errors
    ///
    /// If a file has changed since it was read, or could not be written.
    pub fn write(&self, base: &Utf8Path, links: Links) -> Result<Written, WriteError> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        changes.sort_by_key(|(path, _)| write_order(path));
        // The folder may be the name of a link to one in which files may be changed.
        let changes: Vec<_> =
            changes.into_iter().map(|(path, change)| (self.target_of(path), change)).collect();
        let replacements = changes.iter().map(|(path, change)| Replacement {
            path,
            before: if change.is_new {
                ExpectedContent::Absent
            } else {
                ExpectedContent::Text(&change.before)
            },
            after: change.after.as_str().as_bytes(),
        });
        write_all(&replacements.collect::<Vec<_>>(), base, links)
    }
}

/// The order in which files are replaced. If the process is killed in between, the first ones are new
/// and the others old, and cargo and the next `fix` have to work with that.
///
/// * The lockfile comes before the manifests: most raised requirements (`0.3.44` to `0.3.47`) accept
///   the new version before they are raised, so the new lockfile satisfies the old manifests, with
///   `--locked` too. The old lockfile never satisfies the new requirement, so cargo would select a
///   version by itself.
/// * The policy comes between them: an entry for a version that is not locked yet is only unused.
/// * The workspace manifest comes before its members: a member can only inherit what the workspace
///   declares.
fn write_order(path: &Utf8Path) -> (u8, usize) {
    let kind = match path.file_name() {
        Some("Cargo.lock") => 0,
        Some("Cargo.toml") => 2,
        _ => 1,
    };
    (kind, path.components().count())
}

/// Creates a file: completely, or not at all. Never replaces an existing one.
///
/// # Errors
///
/// If the path exists already, or the file could not be written.
pub(crate) fn write_new(path: &Utf8Path, text: &str) -> Result<Written, WriteError> {
    let new = Replacement { path, before: ExpectedContent::Absent, after: text.as_bytes() };
    write_all(&[new], path.parent().unwrap_or(path), Links::Refused)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn creating_an_existing_file_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let path = base.join("deny.toml");
        let mut overlay = Overlay::default();
        overlay.create(&path, SourceText::new("new"));
        overlay.write(base, Links::Refused).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        let again = overlay.write(base, Links::Refused).expect_err("it exists").to_string();
        assert_eq!(again, format!("`{path}` already exists; nothing was changed"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn files_are_written_all_or_none() {
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
    fn lockfile_is_written_first_and_workspace_manifest_before_members() {
        let mut paths = ["/w/a/Cargo.toml", "/w/Cargo.toml", "/w/deny.toml", "/w/Cargo.lock"];
        paths.sort_by_key(|path| write_order(Utf8Path::new(path)));
        let expected = ["/w/Cargo.lock", "/w/deny.toml", "/w/Cargo.toml", "/w/a/Cargo.toml"];
        assert_eq!(paths, expected);
    }
}
