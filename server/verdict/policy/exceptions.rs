//! The file next to a policy with more license exceptions.

use std::{fs, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    process::{Children, TemporaryFolder},
    text::{SourceText, read_to_string},
};

/// A file with more license exceptions (`deny.exceptions.toml`). cargo-deny reads the file itself, so
/// an unsaved text is written to a temporary file.
#[derive(Clone, Debug)]
pub struct ExceptionsFile {
    /// The file, absolute.
    pub path: Utf8PathBuf,
    /// Its text, or why it cannot be read.
    text: Result<SourceText, (io::ErrorKind, String)>,
    /// The folder of the temporary file.
    temporary: Option<Arc<TemporaryFolder>>,
}

impl PartialEq for ExceptionsFile {
    /// The same file with the same text.
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.text) == (&other.path, &other.text)
    }
}

impl Eq for ExceptionsFile {}

impl ExceptionsFile {
    /// The file on disk.
    pub fn on_disk(path: Utf8PathBuf) -> Self {
        let text = read_to_string(&path).map(|text| SourceText::new(&text));
        Self::of(path, text)
    }

    /// The file with a text that may be unsaved. If no temporary file can be written, the text on disk is
    /// checked.
    pub(crate) fn with(
        path: Utf8PathBuf,
        text: io::Result<SourceText>,
        children: &Children,
    ) -> Self {
        let mut file = Self::of(path, text);
        if let Ok(text) = &file.text
            && Self::on_disk(file.path.clone()).text.as_ref() != Ok(text)
        {
            let write_temporary = || -> Option<TemporaryFolder> {
                let folder = TemporaryFolder::new(children).ok()?;
                fs::write(folder.path().join(file.path.file_name()?), text.as_str()).ok()?;
                Some(folder)
            };
            let write_temporary = write_temporary();
            if write_temporary.is_none() {
                tracing::warn!(
                    "could not use the unsaved text of `{}`; checking the file on disk",
                    file.path
                );
            }
            file.temporary = write_temporary.map(Arc::new);
        }
        file
    }

    /// Whether cargo-deny reads the file itself.
    pub(super) fn is_on_disk(&self) -> bool {
        self.temporary.is_none()
    }

    fn of(path: Utf8PathBuf, text: io::Result<SourceText>) -> Self {
        let text = text.map_err(|error| (error.kind(), error.to_string()));
        Self { path, text, temporary: None }
    }

    /// Its text; `None` if it cannot be read.
    pub(crate) fn text(&self) -> Option<&SourceText> {
        self.text.as_ref().ok()
    }

    /// Why cargo-deny must not read it, because it would hang.
    pub(super) fn unreadable_reason(&self) -> Option<&str> {
        let (kind, why) = self.text.as_ref().err()?;
        (*kind == io::ErrorKind::Other).then_some(why)
    }

    /// The file that cargo-deny reads.
    pub(super) fn read_from(&self) -> Utf8PathBuf {
        let name = self.path.file_name().unwrap_or_default();
        let temporary = self.temporary.as_ref().map(|folder| folder.path().join(name));
        temporary.unwrap_or_else(|| self.path.clone())
    }

    /// Whether cargo-deny uses this name for the file.
    pub(in crate::verdict) fn is_called(&self, name: &Utf8Path) -> bool {
        self.read_from() == name
    }
}
