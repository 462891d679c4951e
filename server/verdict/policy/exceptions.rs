//! The file beside a policy with further license exceptions.

use std::{fs, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    process::{Children, TemporaryFolder},
    text::{SourceText, read_to_string},
};

/// A file with further license exceptions (`deny.exceptions.toml`). cargo-deny itself reads it: a
/// text that is not the one on disk is put into a temporary file for it.
#[derive(Clone, Debug)]
pub struct ExceptionsFile {
    /// The file, absolute.
    pub path: Utf8PathBuf,
    /// Its text, or why there is none.
    text: Result<SourceText, (io::ErrorKind, String)>,
    /// Where cargo-deny reads the text.
    stand_in: Option<Arc<TemporaryFolder>>,
}

impl PartialEq for ExceptionsFile {
    /// The same file with the same text.
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.text) == (&other.path, &other.text)
    }
}

impl Eq for ExceptionsFile {}

impl ExceptionsFile {
    /// The file as it stands on disk.
    pub fn on_disk(path: Utf8PathBuf) -> Self {
        let text = read_to_string(&path).map(|text| SourceText::new(&text));
        Self::of(path, text)
    }

    /// The file with a text that may be another one than on disk. Where there is no place for it, that
    /// on disk is judged.
    pub(crate) fn with(
        path: Utf8PathBuf,
        text: io::Result<SourceText>,
        children: &Children,
    ) -> Self {
        let mut file = Self::of(path, text);
        if let Ok(text) = &file.text
            && Self::on_disk(file.path.clone()).text.as_ref() != Ok(text)
        {
            let put = || -> Option<TemporaryFolder> {
                let folder = TemporaryFolder::new(children).ok()?;
                fs::write(folder.path().join(file.path.file_name()?), text.as_str()).ok()?;
                Some(folder)
            };
            let put = put();
            if put.is_none() {
                tracing::warn!(
                    "could not use the unsaved text of `{}`; checking the file on disk",
                    file.path
                );
            }
            file.stand_in = put.map(Arc::new);
        }
        file
    }

    /// Whether cargo-deny reads the file itself.
    pub(super) fn is_on_disk(&self) -> bool {
        self.stand_in.is_none()
    }

    fn of(path: Utf8PathBuf, text: io::Result<SourceText>) -> Self {
        let text = text.map_err(|error| (error.kind(), error.to_string()));
        Self { path, text, stand_in: None }
    }

    /// Its text; none where it cannot be read.
    pub(crate) fn text(&self) -> Option<&SourceText> {
        self.text.as_ref().ok()
    }

    /// Why cargo-deny would not come back from reading it.
    pub(super) fn unread(&self) -> Option<&str> {
        let (kind, why) = self.text.as_ref().err()?;
        (*kind == io::ErrorKind::Other).then_some(why)
    }

    /// The file that cargo-deny reads.
    pub(super) fn read_from(&self) -> Utf8PathBuf {
        let name = self.path.file_name().unwrap_or_default();
        let stand_in = self.stand_in.as_ref().map(|folder| folder.path().join(name));
        stand_in.unwrap_or_else(|| self.path.clone())
    }

    /// Whether cargo-deny calls this file so.
    pub(in crate::verdict) fn is_called(&self, name: &Utf8Path) -> bool {
        self.read_from() == name
    }
}
