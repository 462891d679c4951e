//! Replaces several files of the user, all or none.
//!
//! The new content of each file is written to a temporary file in the same folder, with the mode and the owner of the old
//! file, and flushed to disk. When all are written, and every target is unchanged (the same bytes in the same file), they
//! replace the targets one by one in the given order; then the folders are flushed. Each replacement is
//! one system call (`renameat2` with `RENAME_EXCHANGE` where the file system has it, else a hard
//! link and `rename`), so a program that is killed leaves each file old or new, and never part of
//! both.
//!
//! The old files are kept until the last replacement is flushed, and restored on any failure (the same files, not copies).
//! A replaced file is compared once more, so that a text that another program has just saved is restored too. After a
//! failure all targets are read again, and the error reports their state.
//!
//! Two files cannot be replaced in one system call: a program that is killed between two
//! replacements leaves the first new and the second old. Temporary files that it leaves are deleted
//! by [`delete_leftovers`].
//!
//! Extended attributes and access control lists of a file are not carried over, and its other
//! names (hard links) keep the old content.

mod attributes;
mod error;
mod leftovers;
mod target;

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::{NamedTempFile, TempPath};

use super::SourceText;
pub use error::WriteError;
use error::{FileState, WriteErrorCause};
pub(crate) use leftovers::delete_leftovers;
use leftovers::{FolderLock, temporary};
use target::{Content, WriteTarget};

/// A file to replace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'r> {
    /// The absolute path.
    pub(crate) path: &'r Utf8Path,
    /// The content that it must have.
    pub(crate) before: ExpectedContent<'r>,
    /// The new content. A byte order mark in the file is kept.
    pub(crate) after: &'r [u8],
}

/// The content that a file must have to be replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExpectedContent<'r> {
    /// The file does not exist.
    Absent,
    /// This text.
    Text(&'r SourceText),
    /// These bytes.
    Bytes(&'r [u8]),
}

/// Whether files behind symbolic links are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// A link is an error.
    Refused,
    /// The target of the link is replaced, and the link stays.
    Followed,
}

/// The result if all files were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Warnings for the user.
    pub notes: Vec<String>,
}

/// Replaces all files in this order, or none. `base` is the folder that the user works in: links in the part of a path that
/// is shared with it are allowed.
///
/// # Errors
///
/// When a file has changed since it was read, or cannot be replaced. The error reports the state of all files.
pub(crate) fn write_all(
    replacements: &[Replacement<'_>],
    base: &Utf8Path,
    links: Links,
) -> Result<Written, WriteError> {
    let mut transaction = WriteTransaction::default();
    match transaction.carry_out(replacements, base, links) {
        Ok(()) => Ok(transaction.end()),
        Err(cause) => Err(transaction.undo(cause)),
    }
}

/// Files that are being replaced.
#[derive(Default)]
struct WriteTransaction<'w> {
    targets: Vec<(WriteTarget, &'w [u8])>,
    /// The new files, in the order of the targets.
    ready: Vec<NamedTempFile>,
    /// The replaced files; its length is the number of replaced targets.
    replaced: Vec<ReplacedFile>,
    /// Other names of replaced files.
    hard_linked: Vec<Utf8PathBuf>,
    /// Keep other programs from deleting the temporary files.
    locks: Vec<FolderLock>,
}

/// The old file of a replaced target.
enum ReplacedFile {
    Nothing,
    File {
        path: TempPath,
        /// Its content, if it was read.
        bytes: Option<Vec<u8>>,
    },
}

impl<'w> WriteTransaction<'w> {
    fn carry_out(
        &mut self,
        replacements: &[Replacement<'w>],
        base: &Utf8Path,
        links: Links,
    ) -> Result<(), WriteErrorCause> {
        for replacement in replacements {
            let target = WriteTarget::open(replacement.path, replacement.before, base, links)?;
            self.targets.push((target, replacement.after));
        }
        self.refuse_the_same_twice()?;
        for folder in self.folders() {
            delete_leftovers(&folder);
            self.locks.extend(FolderLock::of(&folder));
        }
        for (target, after) in &self.targets {
            self.ready.push(target.prepared(after)?);
        }
        for (target, _) in &self.targets {
            target.is_unchanged()?;
            if target.has_other_names() {
                self.hard_linked.push(target.path.clone());
            }
        }
        for new in std::mem::take(&mut self.ready) {
            let (target, _) = &self.targets[self.replaced.len()];
            let old = target.replaced_with(new)?;
            self.replaced.push(old);
            if let (Some(ReplacedFile::File { path, bytes }), Some(before)) =
                (self.replaced.last_mut(), &target.old)
            {
                let content = Content::of(path);
                *bytes = content.as_ref().ok().map(|content| content.bytes.clone());
                if !content.is_ok_and(|content| content.bytes == before.bytes) {
                    return Err(WriteErrorCause::Changed { path: target.path.clone() });
                }
            }
        }
        self.folders().iter().try_for_each(|folder| flush(folder))
    }

    fn refuse_the_same_twice(&self) -> Result<(), WriteErrorCause> {
        for (index, (target, _)) in self.targets.iter().enumerate() {
            let same = self.targets[..index].iter().find(|(other, _)| other.real == target.real);
            if let Some((other, _)) = same {
                let (one, other) = (other.path.clone(), target.path.clone());
                return Err(WriteErrorCause::Same { one, other });
            }
        }
        Ok(())
    }

    fn folders(&self) -> BTreeSet<Utf8PathBuf> {
        self.targets.iter().map(|(target, _)| target.folder().to_owned()).collect()
    }

    /// Deletes the old files.
    fn end(mut self) -> Written {
        let mut notes = Vec::new();
        for path in &self.hard_linked {
            notes.push(format!("`{path}` has other hard links, which keep the old content"));
        }
        for old in self.replaced.drain(..) {
            if let ReplacedFile::File { path, .. } = old
                && let Some(left) = not_deleted(path)
            {
                notes.push(format!("could not delete the old content in `{}`", left.display()));
            }
        }
        drop(self.locks);
        Written { notes }
    }

    /// Restores all files and reads their state.
    fn undo(mut self, cause: WriteErrorCause) -> WriteError {
        let folders = self.folders();
        let mut left = Vec::new();
        for new in self.ready.drain(..) {
            left.extend(not_deleted(new.into_temp_path()));
        }
        let replaced = self.replaced.len();
        let mut files: Vec<_> = self.targets[replaced..]
            .iter()
            .map(|(target, after)| (target.path.clone(), target.untouched(after)))
            .collect();
        for (old, (target, after)) in self.replaced.into_iter().zip(&self.targets).rev() {
            files.push((target.path.clone(), target.restored(old, after)));
        }
        if replaced > 0 {
            for folder in folders {
                // A failed flush does not change the state.
                let _ = flush(&folder);
            }
        }
        files.reverse();
        WriteError { cause, files, left }
    }
}

impl WriteTarget {
    /// Writes a temporary file next to the target with the new content, the mode and the owner, flushed to disk.
    fn prepared(&self, after: &[u8]) -> Result<NamedTempFile, WriteErrorCause> {
        let folder = self.folder();
        let mut builder = temporary();
        #[cfg(unix)]
        if self.old.is_none() {
            use std::os::unix::fs::PermissionsExt as _;
            // As for any new file; the system applies the user's umask.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder);
        let mut file = file.map_err(|source| WriteErrorCause::in_folder(folder, source))?;
        self.filled(&mut file, after)?;
        Ok(file)
    }

    fn filled(&self, file: &mut NamedTempFile, after: &[u8]) -> Result<(), WriteErrorCause> {
        let failed = |source| WriteErrorCause::Write { path: self.path.clone(), source };
        // A byte order mark stays.
        let mark: &[u8] = if self.has_mark() { "\u{feff}".as_bytes() } else { b"" };
        io::Write::write_all(file, &[mark, after].concat()).map_err(failed)?;
        self.keep_mode_and_owner(file.as_file())?;
        file.as_file().sync_all().map_err(failed)
    }

    #[cfg(unix)]
    fn keep_mode_and_owner(&self, file: &fs::File) -> Result<(), WriteErrorCause> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

        let Some(old) = &self.old else { return Ok(()) };
        let failed = |source| WriteErrorCause::Write { path: self.path.clone(), source };
        let new = file.metadata().map_err(failed)?;
        let (user, group) = (old.metadata.uid(), old.metadata.gid());
        if (new.uid(), new.gid()) != (user, group) {
            let kept = fchown(file, Some(user), Some(group));
            kept.map_err(|source| match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    WriteErrorCause::Owner { path: self.path.clone(), user, group }
                }
                _ => failed(source),
            })?;
        }
        // After the owner, as changing the owner clears bits.
        let mode = fs::Permissions::from_mode(old.metadata.mode() & 0o7777);
        file.set_permissions(mode).map_err(failed)
    }

    /// On other systems, a new file inherits from its folder.
    #[cfg(not(unix))]
    fn keep_mode_and_owner(&self, _: &fs::File) -> Result<(), WriteErrorCause> {
        Ok(())
    }

    /// Replaces the target with the new file.
    fn replaced_with(&self, new: NamedTempFile) -> Result<ReplacedFile, WriteErrorCause> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => WriteErrorCause::Exists { path: self.path.clone() },
            io::ErrorKind::NotFound => WriteErrorCause::Deleted { path: self.path.clone() },
            _ => WriteErrorCause::Replace { path: self.path.clone(), source },
        };
        let Some(old) = &self.old else {
            new.persist_noclobber(&self.real).map_err(|error| failed(error.error))?;
            return Ok(ReplacedFile::Nothing);
        };
        if exchanged(new.path(), &self.real).map_err(failed)? {
            return Ok(ReplacedFile::File { path: new.into_temp_path(), bytes: None });
        }
        let link = |path: &std::path::Path| fs::hard_link(&self.real, path);
        let backup = match temporary().make_in(self.folder(), link) {
            Ok(linked) => linked.into_temp_path(),
            Err(_) => self.copied(&old.bytes)?,
        };
        new.persist(&self.real).map_err(|error| failed(error.error))?;
        Ok(ReplacedFile::File { path: backup, bytes: None })
    }

    /// Copies the target, if hard links are not supported.
    fn copied(&self, bytes: &[u8]) -> Result<TempPath, WriteErrorCause> {
        let folder = self.folder();
        let copy = temporary().tempfile_in(folder);
        let mut copy = copy.map_err(|source| WriteErrorCause::in_folder(folder, source))?;
        let failed = |source| WriteErrorCause::Write { path: self.path.clone(), source };
        io::Write::write_all(&mut copy, bytes).map_err(failed)?;
        self.keep_mode_and_owner(copy.as_file())?;
        copy.as_file().sync_all().map_err(failed)?;
        Ok(copy.into_temp_path())
    }

    /// The state of a file that was not replaced.
    fn untouched(&self, after: &[u8]) -> FileState {
        match Content::of(self.real.as_std_path()) {
            // Some network file systems report failure for an operation that succeeded.
            Ok(content) if self.is_new_content(&content.bytes, after) => {
                FileState::New { old: None }
            }
            _ => FileState::AsBefore,
        }
    }

    /// Restores a replaced file and returns its state.
    fn restored(&self, old: ReplacedFile, after: &[u8]) -> FileState {
        let (path, expected) = match old {
            ReplacedFile::Nothing => {
                let ours = Content::of(self.real.as_std_path());
                if ours.is_ok_and(|content| content.bytes == after) {
                    let _ = fs::remove_file(&self.real);
                }
                return match Content::of(self.real.as_std_path()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::AsBefore,
                    _ => FileState::New { old: None },
                };
            }
            ReplacedFile::File { path, bytes } => (path, bytes),
        };
        let before = self.old.as_ref().map(|old| old.bytes.clone());
        let expected = expected.or(before).unwrap_or_default();
        let kept = match path.persist(&self.real) {
            Ok(()) => None,
            Err(error) => Some(leftovers::kept(error.path)),
        };
        match Content::of(self.real.as_std_path()) {
            Ok(content) if content.bytes == expected => FileState::AsBefore,
            Ok(content) if self.is_new_content(&content.bytes, after) => {
                FileState::New { old: kept }
            }
            Ok(_) => FileState::Other { old: kept },
            Err(source) => FileState::Unknown { source, old: kept },
        }
    }

    fn is_new_content(&self, bytes: &[u8], after: &[u8]) -> bool {
        let mark = if self.has_mark() { "\u{feff}".len() } else { 0 };
        bytes.get(mark..) == Some(after)
    }
}

/// Exchanges two files; `false` if the file system does not support that.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchanged(one: &std::path::Path, other: &Utf8Path) -> io::Result<bool> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };

    let other = other.as_std_path();
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchanged(_: &std::path::Path, _: &Utf8Path) -> io::Result<bool> {
    Ok(false)
}

/// Flushes a folder, so that its entries survive a crash of the machine.
#[cfg(unix)]
fn flush(folder: &Utf8Path) -> Result<(), WriteErrorCause> {
    let flushed = fs::File::open(folder).and_then(|folder| folder.sync_all());
    match flushed {
        // Not every file system flushes folders.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        Err(source) => Err(WriteErrorCause::Flush { folder: folder.to_owned(), source }),
        Ok(()) => Ok(()),
    }
}

/// On other systems, folders cannot be opened as files.
#[cfg(not(unix))]
fn flush(_: &Utf8Path) -> Result<(), WriteErrorCause> {
    Ok(())
}

/// Deletes a temporary file; returns its path if that fails.
fn not_deleted(path: TempPath) -> Option<PathBuf> {
    let location = path.to_path_buf();
    let deleted = path.close().or_else(|_| fs::remove_file(&location));
    match deleted {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Some(location),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
