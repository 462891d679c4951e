//! Temporary folders that are deleted when the program ends, even if it is killed.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Children, CleanupGuard};

/// The start of every folder's name.
const PREFIX: &str = "supercargo-temp-";

/// A file in each folder, locked while the folder is in use. The system unlocks it when the program is
/// killed.
const LOCK: &str = ".in-use";

/// A folder without that file is being created or deleted. It is abandoned when the process in its
/// name has ended, or after this time, as another process may have the same id by now.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// How often to try to create a folder: a program in another container, which cannot see our process,
/// may take a new folder for abandoned.
const CREATE_ATTEMPTS: usize = 3;

/// A folder that is deleted when dropped, at the program's end at the latest, or by the next program if
/// this one is killed.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: Utf8PathBuf,
    _folder: tempfile::TempDir,
    _lock: fs::File,
    /// The program's end waits until the folder is deleted. Dropped last.
    _guard: CleanupGuard,
}

/// Why a folder could not be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemporaryError {
    /// The program is ending.
    #[error("canceled")]
    Canceled,
    /// An IO error.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl TemporaryFolder {
    /// Creates a folder in the system's folder for temporary files, empty except for a hidden file.
    ///
    /// # Errors
    ///
    /// When the program is ending, or the folder cannot be created.
    pub(crate) fn new(children: &Children) -> Result<Self, TemporaryError> {
        Self::new_in(&std::env::temp_dir(), children)
    }

    /// Creates it in `parent`, which must exist.
    ///
    /// # Errors
    ///
    /// See [`Self::new`].
    pub(crate) fn new_in(parent: &Path, children: &Children) -> Result<Self, TemporaryError> {
        static CLEANED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in [parent, &std::env::temp_dir()] {
            if cleaned.insert(folder.to_owned()) {
                delete_abandoned(folder);
            }
        }
        drop(cleaned);
        let guard = children.cleanup_guard().ok_or(TemporaryError::Canceled)?;
        let (folder, lock) = create(parent, &guard)?;
        let path = Utf8PathBuf::from_path_buf(folder.path().canonicalize()?)
            .map_err(|path| io::Error::other(format!("`{}` is not UTF-8", path.display())))?;
        Ok(Self { path, _folder: folder, _lock: lock, _guard: guard })
    }

    /// Its path, without symbolic links.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

/// Creates a locked folder that is deleted at the program's end at the latest.
fn create(
    temporary: &Path,
    guard: &CleanupGuard,
) -> Result<(tempfile::TempDir, fs::File), TemporaryError> {
    let try_once = || -> Result<_, TemporaryError> {
        let made =
            guard.create(|| tempfile::Builder::new().prefix(&prefix()).tempdir_in(temporary));
        let folder = made.ok_or(TemporaryError::Canceled)??;
        let lock = lock(folder.path())?;
        Ok((folder, lock))
    };
    let mut tries = 1;
    loop {
        match try_once() {
            Err(TemporaryError::Io(error))
                if error.kind() == io::ErrorKind::NotFound && tries < CREATE_ATTEMPTS =>
            {
                tries += 1;
            }
            made => return made,
        }
    }
}

/// Creates folders below a temporary one and returns the last. Never creates the temporary folder itself
/// again, which the program's end may have deleted.
///
/// # Errors
///
/// When the temporary folder is gone, or a folder cannot be created.
pub(crate) fn create_folders_below(folder: &Utf8Path, path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let mut created = folder.to_owned();
    for part in path {
        created.push(part);
        match fs::create_dir(&created) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(created)
}

/// The start of the names of this process's folders.
fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Whether the process that created a folder of this name has ended.
fn is_of_ended_process(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    id.and_then(|(id, _)| id.parse().ok()).is_some_and(has_ended)
}

#[cfg(unix)]
fn has_ended(id: i32) -> bool {
    use rustix::{io::Errno, process};
    let id = process::Pid::from_raw(id);
    id.is_some_and(|id| process::test_kill_process(id) == Err(Errno::SRCH))
}

/// Not implemented on other systems.
#[cfg(not(unix))]
fn has_ended(_: i32) -> bool {
    false
}

/// Creates the locked file under another name and renames it, so it is never seen unlocked.
fn lock(folder: &Path) -> io::Result<fs::File> {
    let unlocked = folder.join(".new");
    let lock = fs::File::create_new(&unlocked)?;
    lock.lock()?;
    fs::rename(unlocked, folder.join(LOCK))?;
    Ok(lock)
}

/// Deletes the folders of programs that were killed.
fn delete_abandoned(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_folder && entry.file_name().to_string_lossy().starts_with(PREFIX)
    });
    for folder in ours {
        let lock = folder.path().join(LOCK);
        let abandoned = match fs::symlink_metadata(&lock) {
            Ok(data) if data.is_file() => {
                fs::File::open(&lock).is_ok_and(|file| file.try_lock().is_ok())
            }
            _ if is_of_ended_process(&folder.file_name().to_string_lossy()) => true,
            _ => {
                let made = folder.metadata().and_then(|data| data.modified());
                made.ok().and_then(|made| made.elapsed().ok()).is_some_and(|age| age > ABANDONED)
            }
        };
        // A folder of another user cannot be deleted.
        if abandoned && let Err(error) = fs::remove_dir_all(folder.path()) {
            tracing::debug!("could not delete `{}`: {error}", folder.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn abandoned_folders_are_deleted_and_no_others() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| temp.path().join(name);
        let folders = ["one", "other"].map(|name| path(&format!("{PREFIX}{name}")));
        let mut locks = folders.iter().map(|folder| {
            fs::create_dir_all(folder.join("work")).expect("folders");
            lock(folder).expect("locked")
        });
        let used = locks.next().expect("the first");
        drop(locks.next());
        let young = path(&format!("{PREFIX}young"));
        let being_made = path(&format!("{}young", prefix()));
        // No process can have this id: it is above the kernel's limit.
        let killed_early = path(&format!("{PREFIX}2147483647-young"));
        for folder in [&young, &being_made, &killed_early] {
            fs::create_dir(folder).expect("a folder");
        }
        fs::create_dir(path("something-else")).expect("a folder");
        delete_abandoned(temp.path());
        assert_eq!(folders.each_ref().map(|folder| folder.exists()), [true, false]);
        assert!(young.exists() && being_made.exists() && path("something-else").exists());
        assert!(!killed_early.exists() || cfg!(not(unix)));
        drop(used);
        delete_abandoned(temp.path());
        assert!(!folders[0].exists());
    }

    #[test]
    fn new_folder_is_not_deleted_while_it_is_created() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    delete_abandoned(temp.path());
                }
            });
            let make = || -> io::Result<()> {
                let folder = tempfile::Builder::new().prefix(&prefix()).tempdir_in(temp.path())?;
                let _lock = lock(folder.path())?;
                folder.path().canonicalize().map(drop)
            };
            let made: io::Result<()> = (0..2000).try_for_each(|_| make());
            done.store(true, Ordering::Relaxed);
            assert!(made.is_ok(), "{made:?}");
        });
    }

    #[test]
    fn folder_is_deleted_when_the_time_limit_for_cleanup_passes() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        children.end();
        children.wait_for_cleanup(Duration::ZERO);
        assert!(!folder.path().exists());
    }

    #[test]
    fn folder_that_its_owner_cannot_delete_is_deleted_at_the_end() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        let path = folder.path().to_owned();
        // Deleting fails, as for a folder that a child writes to at the same time.
        fs::remove_dir_all(&path).expect("deleted");
        fs::write(&path, "").expect("written");
        drop(folder);
        fs::remove_file(&path).expect("deleted");
        fs::create_dir_all(path.join("below")).expect("folders");
        children.end();
        children.wait_for_cleanup(Duration::ZERO);
        assert!(!path.exists());
    }

    #[test]
    fn no_folder_is_created_after_the_program_has_deleted_its_folders() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let children = Children::default();
        let guard = children.cleanup_guard().expect("the program runs");
        children.end();
        children.wait_for_cleanup(Duration::ZERO);
        let created = create(temp.path(), &guard);
        assert!(matches!(created, Err(TemporaryError::Canceled)), "{created:?}");
        assert_eq!(fs::read_dir(temp.path()).expect("readable").count(), 0);
    }

    #[test]
    fn deleted_temporary_folder_is_not_created_again() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        let path = folder.path();
        let below = create_folders_below(path, "a/b".into()).expect("created");
        assert_eq!(below, create_folders_below(path, "a/b".into()).expect("it is there"));
        assert!(path.join("a/b").is_dir());
        children.end();
        children.wait_for_cleanup(Duration::ZERO);
        let again = create_folders_below(path, "a/b".into());
        assert!(again.is_err() && !path.exists(), "{again:?}");
    }

    #[test]
    fn no_folder_is_created_when_the_program_ends() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
        children.end();
        let none = TemporaryFolder::new(&children);
        assert!(matches!(none, Err(TemporaryError::Canceled)), "{none:?}");
    }
}
