//! Checks whether a file may be replaced.

use std::{fs, io, path::Path};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    ExpectedContent, Links,
    attributes::{attribute, open_regular},
    error::WriteErrorCause,
};

/// A file that may be replaced.
pub(super) struct WriteTarget {
    /// The path as given.
    pub(super) path: Utf8PathBuf,
    /// The real path: the same, or the target of links.
    pub(super) real: Utf8PathBuf,
    /// The current file; `None` if it does not exist.
    pub(super) old: Option<Content>,
}

/// The content and metadata of a regular file.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) metadata: fs::Metadata,
}

impl Content {
    /// Reads a file, without following a link or waiting for a pipe.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut file = open_regular(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok(Self { bytes, metadata })
    }

    /// Whether it is the same file with the same content.
    fn is(&self, other: &Self) -> bool {
        identity(&self.metadata) == identity(&other.metadata) && self.bytes == other.bytes
    }
}

/// A value that changes when a file is replaced or changed.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt as _;

    let file = (metadata.dev(), metadata.ino(), metadata.mode(), metadata.uid(), metadata.gid());
    (file, metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(not(unix))]
fn identity(metadata: &fs::Metadata) -> impl PartialEq + use<> {
    (metadata.len(), metadata.modified().ok())
}

impl WriteTarget {
    /// Reads a file that is to be replaced.
    ///
    /// # Errors
    ///
    /// When it does not have the expected content, or must not or cannot be replaced.
    pub(super) fn open(
        path: &Utf8Path,
        before: ExpectedContent<'_>,
        base: &Utf8Path,
        links: Links,
    ) -> Result<Self, WriteErrorCause> {
        let path = path.to_owned();
        let read = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => WriteErrorCause::Deleted { path: path.clone() },
            _ => WriteErrorCause::Read { path: path.clone(), source },
        };
        let is_new = matches!(before, ExpectedContent::Absent);
        let real = match link_to(&path, base) {
            // The link itself exists already.
            Some((link, _)) if is_new && link == path => path.clone(),
            Some((link, to)) if links == Links::Refused => {
                return Err(WriteErrorCause::Link { path, link, to });
            }
            Some(_) if !is_new => path.canonicalize_utf8().map_err(read)?,
            _ => path.clone(),
        };
        let there = fs::symlink_metadata(&real);
        if is_new {
            return match there {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Ok(Self { path, real, old: None })
                }
                Err(source) => Err(WriteErrorCause::Read { path, source }),
                Ok(_) => Err(WriteErrorCause::Exists { path }),
            };
        }
        let there = there.map_err(read)?;
        if !there.is_file() {
            return Err(WriteErrorCause::NotRegular { path });
        }
        let old = Content::of(real.as_std_path()).map_err(read)?;
        let is_expected = match before {
            ExpectedContent::Absent => false,
            ExpectedContent::Bytes(bytes) => old.bytes == bytes,
            ExpectedContent::Text(text) => {
                let bytes = old.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&old.bytes);
                bytes == text.as_str().as_bytes()
            }
        };
        if !is_expected {
            return Err(WriteErrorCause::Changed { path });
        }
        if let Some(attribute) = attribute(&real) {
            return Err(WriteErrorCause::Attribute { path, attribute });
        }
        // A writable folder would allow to replace it anyway.
        if is_read_only(&old.metadata) {
            return Err(WriteErrorCause::ReadOnly { path });
        }
        if let Err(source) = fs::File::options().append(true).open(&real) {
            return Err(WriteErrorCause::Write { path, source });
        }
        Ok(Self { path, real, old: Some(old) })
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Utf8Path {
        self.real.parent().unwrap_or(Utf8Path::new("."))
    }

    /// Whether its text begins with a byte order mark.
    pub(super) fn has_mark(&self) -> bool {
        self.old.as_ref().is_some_and(|old| old.bytes.starts_with("\u{feff}".as_bytes()))
    }

    /// Checks it again, just before it is replaced.
    pub(super) fn is_unchanged(&self) -> Result<(), WriteErrorCause> {
        let now = Content::of(self.real.as_std_path());
        let path = self.path.clone();
        match (now, &self.old) {
            (Ok(now), Some(old)) if now.is(old) => Ok(()),
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            (_, None) => Err(WriteErrorCause::Exists { path }),
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => {
                Err(WriteErrorCause::Deleted { path })
            }
            (_, Some(_)) => Err(WriteErrorCause::Changed { path }),
        }
    }

    /// Whether the file has other names (hard links).
    #[cfg(unix)]
    pub(super) fn has_other_names(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        self.old.is_some()
            && fs::symlink_metadata(&self.real).is_ok_and(|metadata| metadata.nlink() > 1)
    }

    /// Not known on other systems.
    #[cfg(not(unix))]
    pub(super) fn has_other_names(&self) -> bool {
        false
    }
}

/// The first symbolic link in a path, and its target as written. Links in the part that is shared with `base`, the folder
/// that the user works in, are allowed.
fn link_to(path: &Utf8Path, base: &Utf8Path) -> Option<(Utf8PathBuf, Utf8PathBuf)> {
    let common = path.ancestors().find(|above| base.starts_with(above));
    let own: Vec<_> = path.ancestors().take_while(|part| Some(*part) != common).collect();
    own.into_iter().rev().find_map(|part| {
        // Anything but a link is an error here.
        let to = part.read_link_utf8().ok()?;
        Some((part.to_owned(), to))
    })
}

#[cfg(unix)]
fn is_read_only(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    metadata.mode() & 0o200 == 0
}

#[cfg(not(unix))]
fn is_read_only(metadata: &fs::Metadata) -> bool {
    metadata.permissions().readonly()
}
