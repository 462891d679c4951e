//! What the files that decide were like when they were last told: whoever tells of a change that
//! is known already tells nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    hash::Hasher,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use camino::{Utf8Path, Utf8PathBuf};
use twox_hash::XxHash64;

use crate::{facts::is_index_file, text::read_to_string};

/// Longer files are known by their time and length alone.
const LONG: u64 = 8 << 20;

/// A state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lsp) enum Stamp {
    Absent,
    /// Its text.
    Text(u64),
    /// Its time and length; of a folder those of the advisories in it.
    Times(u64),
}

impl Stamp {
    fn of(path: &Utf8Path) -> Self {
        let Ok(data) = fs::metadata(path) else { return Self::Absent };
        if data.is_dir() {
            return Self::of_folder(path);
        }
        // Of a clone it counts when it was fetched, of the index there are many files.
        let by_time = path.parent().is_some_and(|folder| folder.file_name() == Some(".git"))
            || is_index_file(path);
        let text = (!by_time && data.len() <= LONG).then(|| read_to_string(path).ok());
        if let Some(text) = text.flatten() {
            return Self::of_text(text.strip_prefix('\u{feff}').unwrap_or(&text));
        }
        let mut hasher = XxHash64::with_seed(0);
        add(&mut hasher, &data);
        Self::Times(hasher.finish())
    }

    fn of_text(text: &str) -> Self {
        Self::Text(XxHash64::oneshot(0, text.as_bytes()))
    }

    /// Whether a buffer holds what the file held.
    pub(in crate::lsp) fn is_of(self, text: &str) -> bool {
        self == Self::of_text(text)
    }

    fn of_folder(path: &Utf8Path) -> Self {
        let mut hasher = XxHash64::with_seed(0);
        let mut files = Vec::new();
        for folder in super::folders_of_database(path) {
            let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
            files.extend(entries.map(|entry| entry.path().to_owned()));
        }
        files.sort();
        for file in files {
            hasher.write(file.as_str().as_bytes());
            match fs::metadata(&file) {
                Ok(data) if data.is_file() => add(&mut hasher, &data),
                _ => {}
            }
        }
        Self::Times(hasher.finish())
    }
}

fn add(hasher: &mut XxHash64, data: &fs::Metadata) {
    hasher.write_u64(data.len());
    let modified = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    hasher.write_u128(modified.map_or(0, |since| since.as_nanos()));
}

/// A file as it was looked at. Written again with the same text it may have been another one in
/// between, and judged as that.
#[derive(Clone, Copy, Debug)]
struct Looked {
    stamp: Stamp,
    written: Option<SystemTime>,
    at: Instant,
    /// Something has happened to it since.
    overlooked: bool,
}

impl PartialEq for Looked {
    fn eq(&self, other: &Self) -> bool {
        self.stamp == other.stamp
            && self.written == other.written
            && self.overlooked == other.overlooked
    }
}

impl Looked {
    fn at(path: &Utf8Path) -> Self {
        let at = Instant::now();
        let written = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let written = written.and_then(|data| data.modified().ok());
        Self { written, stamp: Stamp::of(path), at, overlooked: false }
    }
}

/// The stamps of all files that were told or looked at.
#[derive(Debug, Default)]
pub(super) struct Stamps(Mutex<HashMap<Utf8PathBuf, Looked>>);

impl Stamps {
    /// Takes note of files as they are, before they are judged. What is known of one stays: it may
    /// have changed since.
    pub(super) fn note<'p>(&self, files: impl IntoIterator<Item = &'p Utf8PathBuf>) {
        for file in files {
            if !self.lock().contains_key(file) {
                let looked = Looked::at(file);
                self.lock().entry(file.clone()).or_insert(looked);
            }
        }
    }

    /// Those of the files that are not as they were when they were last told.
    pub(super) fn differing<'p>(
        &self,
        files: impl IntoIterator<Item = &'p Utf8PathBuf>,
    ) -> Vec<Utf8PathBuf> {
        let differs = |file: &&Utf8PathBuf| {
            let known = self.lock().get(*file).copied();
            match known {
                Some(known) => known != Looked::at(file),
                None => Stamp::of(file) != Stamp::Absent,
            }
        };
        files.into_iter().filter(differs).cloned().collect()
    }

    /// Those of the files whose change was not told before, with what they were before. From now
    /// on it was told.
    pub(super) fn news(&self, files: Vec<Utf8PathBuf>) -> BTreeMap<Utf8PathBuf, Option<Stamp>> {
        let mut news = BTreeMap::new();
        for file in files {
            let looked = Looked::at(&file);
            let before = self.lock().insert(file.clone(), looked);
            if before != Some(looked) {
                news.insert(file, before.map(|before| before.stamp));
            }
        }
        news
    }

    /// A file to which something has happened after it was looked at is told even when it is as
    /// it was: it may have been judged in between. Whether that is so.
    pub(super) fn overlooked(&self, file: &Utf8Path, happened: Instant) -> bool {
        let mut known = self.lock();
        let known = known.get_mut(file).filter(|known| known.at < happened);
        known.map(|known| known.overlooked = true).is_some()
    }

    pub(super) fn forget<'p>(&self, files: impl IntoIterator<Item = &'p Utf8PathBuf>) {
        let mut known = self.lock();
        for file in files {
            known.remove(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Utf8PathBuf, Looked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        let file = root.join("deny.toml");
        let stamps = Stamps::default();
        stamps.note([&file]);
        let told = || stamps.news(vec![file.clone()]).remove(&file);
        let before = Instant::now();
        assert_eq!(told(), None, "it is absent as before");
        assert!(!stamps.overlooked(&file, before));
        assert!(stamps.overlooked(&file, Instant::now()), "it may have been there for a while");
        assert_eq!(told(), Some(Some(Stamp::Absent)));
        fs::write(&file, "one").expect("write");
        assert_eq!(told(), Some(Some(Stamp::Absent)));
        assert_eq!(told(), None, "it was told");
        let later = SystemTime::now() + std::time::Duration::from_secs(9);
        let open = fs::File::options().append(true).open(&file).expect("open");
        open.set_modified(later).expect("set");
        assert_eq!(told(), Some(Some(Stamp::of(&file))), "it may have been another in between");
        fs::write(&file, "two").expect("write");
        stamps.note([&file]);
        assert_eq!(stamps.differing([&file]).len(), 1, "what is known stays");
        let before = told().flatten().expect("it was known");
        assert!(before.is_of("one") && !before.is_of("two"));
        fs::remove_file(&file).expect("delete");
        assert!(told().is_some());
    }

    #[test]
    fn a_folder_changes_with_its_advisories() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::from_path_buf(temp.path().join("db")).expect("UTF-8");
        let stamps = Stamps::default();
        let told = || stamps.news(vec![root.clone()]).len();
        let advisory = root.join("crates/time/RUSTSEC-2026-0009.md");
        fs::create_dir_all(advisory.parent().expect("a folder")).expect("folders");
        assert_eq!((told(), told()), (1, 0));
        fs::write(&advisory, "one").expect("write");
        assert_eq!((told(), told()), (1, 0));
        fs::write(&advisory, "longer").expect("write");
        assert_eq!((told(), told()), (1, 0));
        fs::write(root.join("crates/time/other.txt"), "").expect("write");
        assert_eq!((told(), told()), (1, 0));
        fs::write(root.join("README.md"), "").expect("write");
        assert_eq!(told(), 1);
    }
}
