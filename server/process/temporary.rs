//! Temporary folders that do not outlive the program, not even one that is killed.

use std::{fs, io, path::Path, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Children, Use};

/// The name of a folder begins with this.
const PREFIX: &str = "supercargo-temp-";

/// In it stands this file, locked as long as the folder is in use: the system lets go of it when
/// the program is killed.
const LOCK: &str = ".in-use";

/// A folder without that file is being made or deleted. It is abandoned when the process that its
/// name gives has ended, or after this time: the number may be another process's by now.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// How often it is tried to make a folder: a program that cannot see our process (it runs in
/// another container) may take a new one for abandoned.
const TRIES: usize = 3;

/// A folder that is deleted when dropped, at the latest at the program's end, and by the next
/// program if this one is killed.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: Utf8PathBuf,
    _folder: tempfile::TempDir,
    _lock: fs::File,
    /// The program's end waits until the folder is deleted. Dropped last.
    _deleted: Use,
}

/// Why there is no folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemporaryError {
    /// The program ends: nothing more is begun.
    #[error("no longer wanted")]
    Unwanted,
    /// It cannot be made.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl TemporaryFolder {
    /// A new and, but for a hidden file, empty one.
    ///
    /// # Errors
    ///
    /// When the program ends, or the folder cannot be made.
    pub(crate) fn new(children: &Children) -> Result<Self, TemporaryError> {
        static FIRST: std::sync::Once = std::sync::Once::new();
        FIRST.call_once(|| delete_abandoned(&std::env::temp_dir()));
        let deleted = children.in_use().ok_or(TemporaryError::Unwanted)?;
        let (folder, lock) = make(&std::env::temp_dir(), &deleted)?;
        let path = Utf8PathBuf::from_path_buf(folder.path().canonicalize()?)
            .map_err(|path| io::Error::other(format!("`{}` is not UTF-8", path.display())))?;
        Ok(Self { path, _folder: folder, _lock: lock, _deleted: deleted })
    }

    /// Where it is, without links.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

/// A locked folder, which is deleted at the program's end at the latest.
fn make(temporary: &Path, deleted: &Use) -> io::Result<(tempfile::TempDir, fs::File)> {
    let try_once = || -> io::Result<_> {
        let folder = tempfile::Builder::new().prefix(&prefix()).tempdir_in(temporary)?;
        deleted.of_folder(folder.path().to_owned());
        let lock = lock(folder.path())?;
        Ok((folder, lock))
    };
    let mut tries = 1;
    loop {
        match try_once() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
            made => return made,
        }
    }
}

/// How the names of this process's folders begin.
fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Whether the process that has made a folder of this name has ended.
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

/// Elsewhere this is not asked.
#[cfg(not(unix))]
fn has_ended(_: i32) -> bool {
    false
}

/// The locked file appears as one: nobody finds it unlocked.
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
        // Somebody else's cannot be deleted.
        if abandoned && let Err(error) = fs::remove_dir_all(folder.path()) {
            tracing::debug!("`{}` is left: {error}", folder.path().display());
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
    fn folders_that_were_left_behind_are_deleted_and_no_others() {
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
        // No process of this number can be: it is above the kernel's limit.
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
    fn nobody_deletes_what_is_being_made() {
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
    fn one_whose_user_is_not_done_in_time_is_deleted_for_him() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        children.end();
        children.wait_until_unused(Duration::ZERO);
        assert!(!folder.path().exists());
    }

    #[test]
    fn none_is_made_when_the_program_ends() {
        let children = Children::default();
        let folder = TemporaryFolder::new(&children).expect("a folder");
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
        children.end();
        let none = TemporaryFolder::new(&children);
        assert!(matches!(none, Err(TemporaryError::Unwanted)), "{none:?}");
    }
}
