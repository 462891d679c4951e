//! Temporary files next to the user's files, and those that a killed program has left.

use std::{
    fs, io,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use camino::Utf8Path;

/// The start and end of the names of temporary files.
const PREFIX: &str = ".supercargo-";
const SUFFIX: &str = ".tmp";

/// How many random letters and digits are between them.
const RANDOM: usize = 6;

/// How long to wait for a program that deletes leftovers.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// A builder with the names of temporary files.
pub(super) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    builder
}

/// A shared lock on a folder, so that no other program deletes the temporary files in it. The system releases it when the
/// program is killed.
pub(super) struct FolderLock {
    _folder: fs::File,
}

impl FolderLock {
    /// `None` if folders cannot be locked, or if another program has locked it for long. In both cases no leftovers are deleted
    /// meanwhile.
    pub(super) fn of(folder: &Utf8Path) -> Option<Self> {
        let folder = fs::File::open(folder).ok()?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match folder.try_lock_shared() {
                Ok(()) => return Some(Self { _folder: folder }),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(_) => return None,
            }
        }
    }
}

/// Deletes the temporary files that a killed program has left in a folder.
pub(crate) fn delete_leftovers(folder: &Utf8Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let entries = entries.flatten().filter(|entry| {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        is_file && is_temporary(&entry.file_name().to_string_lossy())
    });
    let left: Vec<_> = entries.map(|entry| entry.path()).collect();
    if left.is_empty() {
        return;
    }
    let Ok(lock) = fs::File::open(folder) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    for path in left {
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!("could not delete `{}`: {error}", path.display());
        }
    }
}

fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Renames a temporary file that the user needs, so that it is not deleted. Returns its path.
pub(super) fn kept(mut path: tempfile::TempPath) -> PathBuf {
    path.disable_cleanup(true);
    let from = path.to_path_buf();
    let folder = from.parent().unwrap_or(&from).to_owned();
    let kept = tempfile::Builder::new().prefix(".supercargo-old-").make_in(folder, |to| {
        if to.exists() { Err(io::ErrorKind::AlreadyExists.into()) } else { fs::rename(&from, to) }
    });
    match kept.map(|file| file.into_temp_path().keep()) {
        Ok(Ok(to)) => to,
        _ => from,
    }
}
