//! Folders that are kept between runs: the files of a commit. Each is complete, since it is made elsewhere and renamed.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Cache, FORMAT, Usage, tag};
use crate::process::{Children, TemporaryError, TemporaryFolder};

/// The name of the folder that they are in.
const FOLDERS: &str = "bases";

/// How many are kept.
const MAX_FOLDERS: usize = 12;

/// One that was used since then may be in use.
const IN_USE: Duration = Duration::from_secs(60 * 60);

/// The folder with which one is made.
const NEW: &str = "new";

/// A folder with known content.
#[derive(Debug)]
pub(crate) enum KeptFolder {
    /// In the cache.
    Cached(Utf8PathBuf),
    /// Without a cache: deleted with this value.
    Temporary(TemporaryFolder),
}

impl KeptFolder {
    /// Its path, without links.
    pub(crate) fn path(&self) -> Utf8PathBuf {
        match self {
            Self::Cached(path) => path.clone(),
            Self::Temporary(folder) => folder.path().join(NEW),
        }
    }
}

impl Cache {
    /// The folder of a key; if there is none, `make` fills a new one.
    ///
    /// # Errors
    ///
    /// When a folder cannot be created, or those of `make`.
    pub(crate) fn kept_folder<E: From<TemporaryError>>(
        &self,
        key: &str,
        children: &Children,
        make: impl FnOnce(&Utf8Path) -> Result<(), E>,
    ) -> Result<KeptFolder, E> {
        let path = self.folders().map(|folders| folders.join(key));
        if let Some(path) = &path
            && let Ok(path) = path.canonicalize_utf8()
        {
            // The least recently used ones are deleted first.
            let _ = fs::File::open(&path).and_then(|folder| folder.set_modified(SystemTime::now()));
            return Ok(KeptFolder::Cached(path));
        }
        let temporary = self.on_disk_only().temporary_folder(0, children)?;
        let new = temporary.path().join(NEW);
        fs::create_dir(&new).map_err(TemporaryError::from)?;
        make(&new)?;
        Ok(match path.and_then(|path| self.keep(&new, &path)) {
            Some(path) => KeptFolder::Cached(path),
            None => KeptFolder::Temporary(temporary),
        })
    }

    /// Moves a new folder into the cache, unless another program has just done so.
    fn keep(&self, new: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let folders = path.parent()?;
        let made = fs::create_dir_all(folders).and_then(|()| tag(self.folder().unwrap_or(folders)));
        if let Err(error) = made {
            tracing::debug!("could not write to the cache `{folders}`: {error}");
            return None;
        }
        self.delete_old_folders();
        if let Err(error) = fs::rename(new, path) {
            tracing::debug!("could not keep `{path}`: {error}");
        }
        path.canonicalize_utf8().ok()
    }

    fn folders(&self) -> Option<Utf8PathBuf> {
        Some(self.folder()?.join(FORMAT).join(FOLDERS))
    }

    /// Makes room for one more.
    fn delete_old_folders(&self) {
        let entries = self.folders().and_then(|folders| folders.read_dir_utf8().ok());
        let mut all: Vec<_> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let used = entry.metadata().ok()?.modified().ok()?;
                Some((used, entry.path().to_owned()))
            })
            .collect();
        all.sort();
        let too_many = (all.len() + 1).saturating_sub(MAX_FOLDERS);
        for (used, path) in all.into_iter().take(too_many) {
            if used.elapsed().is_ok_and(|age| age > IN_USE)
                && let Err(error) = fs::remove_dir_all(&path)
            {
                tracing::debug!("could not delete `{path}`: {error}");
            }
        }
    }

    /// The usage by them.
    pub fn usage_of_folders(&self) -> (&'static str, Usage) {
        let mut usage = Usage::default();
        let mut waiting: Vec<_> = self.folders().into_iter().collect();
        let mut is_root = true;
        while let Some(folder) = waiting.pop() {
            for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
                let Ok(data) = entry.metadata() else { continue };
                usage.entries += usize::from(is_root);
                if data.is_dir() {
                    waiting.push(entry.path().to_owned());
                } else {
                    usage.bytes += data.len();
                }
            }
            is_root = false;
        }
        (FOLDERS, usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(cache: &Cache, key: &str, content: &str) -> KeptFolder {
        let make = |folder: &Utf8Path| -> Result<(), TemporaryError> {
            Ok(fs::write(folder.join("file"), content)?)
        };
        cache.kept_folder(key, &Children::default(), make).expect("a folder")
    }

    fn content(folder: &KeptFolder) -> String {
        fs::read_to_string(folder.path().join("file")).expect("the file")
    }

    #[test]
    fn folder_is_made_once() {
        let temp = tempfile::tempdir().expect("a folder");
        let cache = Cache::in_folder(Utf8Path::from_path(temp.path()).expect("UTF-8"));
        assert_eq!(content(&kept(&cache, "a", "one")), "one");
        assert_eq!(content(&kept(&cache, "a", "other")), "one");
        assert_eq!(content(&kept(&cache, "b", "two")), "two");
        assert_eq!(cache.usage_of_folders(), ("bases", Usage { entries: 2, bytes: 6 }));
        cache.clean().expect("cleaned");
        assert_eq!(cache.usage_of_folders().1, Usage::default());
    }

    #[test]
    fn without_a_cache_folder_is_temporary() {
        let folder = kept(&Cache::off(), "a", "one");
        let path = folder.path();
        assert_eq!(content(&folder), "one");
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn folder_that_could_not_be_made_is_not_kept() {
        let temp = tempfile::tempdir().expect("a folder");
        let cache = Cache::in_folder(Utf8Path::from_path(temp.path()).expect("UTF-8"));
        let fail = |_: &Utf8Path| Err(TemporaryError::Canceled);
        cache.kept_folder("a", &Children::default(), fail).expect_err("it fails");
        assert_eq!(content(&kept(&cache, "a", "one")), "one");
    }

    #[test]
    fn only_the_last_used_folders_are_kept() {
        let temp = tempfile::tempdir().expect("a folder");
        let cache = Cache::in_folder(Utf8Path::from_path(temp.path()).expect("UTF-8"));
        let long_ago = SystemTime::now() - IN_USE * 2;
        for number in 0..MAX_FOLDERS + 3 {
            let folder = kept(&cache, &number.to_string(), "x").path();
            let age = Duration::from_secs(number as u64);
            let file = fs::File::open(folder).expect("the folder");
            file.set_modified(long_ago + age).expect("a time");
        }
        let folders = cache.folders().expect("a folder");
        assert_eq!(cache.usage_of_folders().1.entries, MAX_FOLDERS);
        assert!(!folders.join("2").exists() && folders.join("3").exists());
        // Others may be using these.
        for entry in folders.read_dir_utf8().expect("a folder").flatten() {
            let file = fs::File::open(entry.path()).expect("the folder");
            file.set_modified(SystemTime::now()).expect("a time");
        }
        kept(&cache, "new", "x");
        assert_eq!(cache.usage_of_folders().1.entries, MAX_FOLDERS + 1);
    }
}
