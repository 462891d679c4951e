//! Files of the user, replaced all or none.
//!
//! The new content of each file goes to a temporary file in the same folder, with the mode and the
//! owner of the old file, and is flushed to the disk. When all are there, and every target is still
//! what was read (the same bytes in the same file), they take the places of the targets, one after
//! the other in the order that the caller gives; then the folders are flushed. Each replacement is
//! one system call (`renameat2` with `RENAME_EXCHANGE` where the file system has it, else a hard
//! link and `rename`), so a program that is killed leaves each file old or new, and never part of
//! both.
//!
//! The old files are kept until the last replacement is flushed, and put back when anything fails:
//! the same files, not copies of them. What was there is compared once more after it was replaced:
//! a text that another program saved in between is put back too. Then all targets are read again,
//! and the error says what that found.
//!
//! Two files cannot be replaced in one system call: a program that is killed between two
//! replacements leaves the first new and the second old. Temporary files that it leaves are deleted
//! by [`delete_leftovers`].
//!
//! Extended attributes and access control lists of a file are not carried over, and its other
//! names (hard links) keep the old content.

mod error;
mod leftovers;
mod target;

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::{NamedTempFile, TempPath};

use super::SourceText;
pub use error::WriteError;
use error::{Cause, FileState};
pub(crate) use leftovers::delete_leftovers;
use leftovers::{Using, temporary};
use target::{Content, Target};

/// What becomes of one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'r> {
    /// Which file; absolute.
    pub(crate) path: &'r Utf8Path,
    /// What it has to hold.
    pub(crate) before: Before<'r>,
    /// What it will hold. A byte order mark of a text is kept.
    pub(crate) after: &'r [u8],
}

/// What a file has to hold to be replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Before<'r> {
    /// There is no such file.
    Absent,
    /// This text.
    Text(&'r SourceText),
    /// These bytes.
    Bytes(&'r [u8]),
}

/// Whether a file is written that a symbolic link points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is an error.
    Refused,
    /// The file that the link points to is replaced, and the link stays.
    Followed,
}

/// All files were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// Replaces all files in this order, or none. Links are looked for below the folder that a path has
/// in common with `base`, the folder that the user works in.
///
/// # Errors
///
/// When a file is not what it was when it was read, or cannot be replaced. The error says what all
/// files hold then.
pub(crate) fn write_all(
    replacements: &[Replacement<'_>],
    base: &Utf8Path,
    links: Links,
) -> Result<Written, WriteError> {
    let mut work = Work::default();
    match work.carry_out(replacements, base, links) {
        Ok(()) => Ok(work.end()),
        Err(cause) => Err(work.undo(cause)),
    }
}

/// The files on their way.
#[derive(Default)]
struct Work<'w> {
    targets: Vec<(Target, &'w [u8])>,
    /// The new files, in the order of the targets.
    ready: Vec<NamedTempFile>,
    /// How many targets were replaced is the length of this.
    replaced: Vec<Old>,
    /// Other names of replaced files.
    hard_linked: Vec<Utf8PathBuf>,
    /// Nobody deletes the temporary files meanwhile.
    using: Vec<Using>,
}

/// What was in the place of a new file.
enum Old {
    Nothing,
    File {
        path: TempPath,
        /// What it holds, where that was read.
        bytes: Option<Vec<u8>>,
    },
}

impl<'w> Work<'w> {
    fn carry_out(
        &mut self,
        replacements: &[Replacement<'w>],
        base: &Utf8Path,
        links: Links,
    ) -> Result<(), Cause> {
        for replacement in replacements {
            let target = Target::open(replacement.path, replacement.before, base, links)?;
            self.targets.push((target, replacement.after));
        }
        self.refuse_the_same_twice()?;
        for folder in self.folders() {
            delete_leftovers(&folder);
            self.using.extend(Using::of(&folder));
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
            if let (Some(Old::File { path, bytes }), Some(before)) =
                (self.replaced.last_mut(), &target.old)
            {
                let content = Content::of(path);
                *bytes = content.as_ref().ok().map(|content| content.bytes.clone());
                if !content.is_ok_and(|content| content.bytes == before.bytes) {
                    return Err(Cause::Changed { path: target.path.clone() });
                }
            }
        }
        self.folders().iter().try_for_each(|folder| flush(folder))
    }

    fn refuse_the_same_twice(&self) -> Result<(), Cause> {
        for (index, (target, _)) in self.targets.iter().enumerate() {
            let same = self.targets[..index].iter().find(|(other, _)| other.real == target.real);
            if let Some((other, _)) = same {
                let (one, other) = (other.path.clone(), target.path.clone());
                return Err(Cause::Same { one, other });
            }
        }
        Ok(())
    }

    fn folders(&self) -> BTreeSet<Utf8PathBuf> {
        self.targets.iter().map(|(target, _)| target.folder().to_owned()).collect()
    }

    /// Deletes what was replaced.
    fn end(mut self) -> Written {
        let mut notes = Vec::new();
        for path in &self.hard_linked {
            notes
                .push(format!("`{path}` has other names (hard links), which keep the old content"));
        }
        for old in self.replaced.drain(..) {
            if let Old::File { path, .. } = old
                && let Some(left) = not_deleted(path)
            {
                notes.push(format!("could not delete the old content in `{}`", left.display()));
            }
        }
        drop(self.using);
        Written { notes }
    }

    /// Puts everything back and reads what the files hold then.
    fn undo(mut self, cause: Cause) -> WriteError {
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
                // What cannot be flushed is as it was all the same.
                let _ = flush(&folder);
            }
        }
        files.reverse();
        WriteError { cause, files, left }
    }
}

impl Target {
    /// A file with the new content, the mode and the owner, flushed to the disk, beside the target.
    fn prepared(&self, after: &[u8]) -> Result<NamedTempFile, Cause> {
        let folder = self.folder();
        let mut builder = temporary();
        #[cfg(unix)]
        if self.old.is_none() {
            use std::os::unix::fs::PermissionsExt as _;
            // As any other new file: the system takes off what the user's mask says.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder);
        let mut file = file.map_err(|source| Cause::in_folder(folder, source))?;
        self.filled(&mut file, after)?;
        Ok(file)
    }

    fn filled(&self, file: &mut NamedTempFile, after: &[u8]) -> Result<(), Cause> {
        let failed = |source| Cause::Write { path: self.path.clone(), source };
        // A byte order mark stays.
        let mark: &[u8] = if self.has_mark() { "\u{feff}".as_bytes() } else { b"" };
        io::Write::write_all(file, &[mark, after].concat()).map_err(failed)?;
        self.keep_mode_and_owner(file.as_file())?;
        file.as_file().sync_all().map_err(failed)
    }

    #[cfg(unix)]
    fn keep_mode_and_owner(&self, file: &fs::File) -> Result<(), Cause> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

        let Some(old) = &self.old else { return Ok(()) };
        let failed = |source| Cause::Write { path: self.path.clone(), source };
        let new = file.metadata().map_err(failed)?;
        let (user, group) = (old.metadata.uid(), old.metadata.gid());
        if (new.uid(), new.gid()) != (user, group) {
            let kept = fchown(file, Some(user), Some(group));
            kept.map_err(|source| match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    Cause::Owner { path: self.path.clone(), user, group }
                }
                _ => failed(source),
            })?;
        }
        // After the owner: a change of the owner takes bits off.
        let mode = fs::Permissions::from_mode(old.metadata.mode() & 0o7777);
        file.set_permissions(mode).map_err(failed)
    }

    /// Elsewhere a new file gets what its folder says.
    #[cfg(not(unix))]
    fn keep_mode_and_owner(&self, _: &fs::File) -> Result<(), Cause> {
        Ok(())
    }

    /// Puts the new file in the place of the target.
    fn replaced_with(&self, new: NamedTempFile) -> Result<Old, Cause> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => Cause::Exists { path: self.path.clone() },
            io::ErrorKind::NotFound => Cause::Deleted { path: self.path.clone() },
            _ => Cause::Replace { path: self.path.clone(), source },
        };
        let Some(old) = &self.old else {
            new.persist_noclobber(&self.real).map_err(|error| failed(error.error))?;
            return Ok(Old::Nothing);
        };
        if exchanged(new.path(), &self.real).map_err(failed)? {
            return Ok(Old::File { path: new.into_temp_path(), bytes: None });
        }
        let link = |path: &std::path::Path| fs::hard_link(&self.real, path);
        let backup = match temporary().make_in(self.folder(), link) {
            Ok(linked) => linked.into_temp_path(),
            Err(_) => self.copied(&old.bytes)?,
        };
        new.persist(&self.real).map_err(|error| failed(error.error))?;
        Ok(Old::File { path: backup, bytes: None })
    }

    /// A copy of the target, where there are no hard links.
    fn copied(&self, bytes: &[u8]) -> Result<TempPath, Cause> {
        let folder = self.folder();
        let copy = temporary().tempfile_in(folder);
        let mut copy = copy.map_err(|source| Cause::in_folder(folder, source))?;
        let failed = |source| Cause::Write { path: self.path.clone(), source };
        io::Write::write_all(&mut copy, bytes).map_err(failed)?;
        self.keep_mode_and_owner(copy.as_file())?;
        copy.as_file().sync_all().map_err(failed)?;
        Ok(copy.into_temp_path())
    }

    /// What a file holds that was never replaced.
    fn untouched(&self, after: &[u8]) -> FileState {
        match Content::of(self.real.as_std_path()) {
            // Some network file systems do what they say has failed.
            Ok(content) if self.is_new_content(&content.bytes, after) => {
                FileState::New { old: None }
            }
            _ => FileState::AsBefore,
        }
    }

    /// Puts back what was replaced, and says what the file holds then.
    fn restored(&self, old: Old, after: &[u8]) -> FileState {
        let (path, expected) = match old {
            Old::Nothing => {
                let ours = Content::of(self.real.as_std_path());
                if ours.is_ok_and(|content| content.bytes == after) {
                    let _ = fs::remove_file(&self.real);
                }
                return match Content::of(self.real.as_std_path()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::AsBefore,
                    _ => FileState::New { old: None },
                };
            }
            Old::File { path, bytes } => (path, bytes),
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

/// Lets two files change places; `false` where the file system cannot do that.
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

/// The names in a folder survive a crash of the machine.
#[cfg(unix)]
fn flush(folder: &Utf8Path) -> Result<(), Cause> {
    let flushed = fs::File::open(folder).and_then(|folder| folder.sync_all());
    match flushed {
        // Not every file system flushes folders.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        Err(source) => Err(Cause::Flush { folder: folder.to_owned(), source }),
        Ok(()) => Ok(()),
    }
}

/// Elsewhere folders are not opened as files.
#[cfg(not(unix))]
fn flush(_: &Utf8Path) -> Result<(), Cause> {
    Ok(())
}

/// Deletes a temporary file; gives its path where that fails.
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
