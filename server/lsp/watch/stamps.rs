//! The state of each input file at its last report, so that a known change is not reported again.

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

/// For larger files only time and length are compared.
const MAX_HASHED: u64 = 8 << 20;

/// The state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lsp) enum FileStamp {
    Absent,
    /// The hash of its text.
    Text(u64),
    /// The hash of its time and length; for a folder, of those of its advisories.
    Times(u64),
}

impl FileStamp {
    fn of(path: &Utf8Path) -> Self {
        let Ok(data) = fs::metadata(path) else { return Self::Absent };
        if data.is_dir() {
            return Self::of_folder(path);
        }
        // For a clone the time of the fetch matters, and the index has many files.
        let by_time = path.parent().is_some_and(|folder| folder.file_name() == Some(".git"))
            || is_index_file(path);
        let text = (!by_time && data.len() <= MAX_HASHED).then(|| read_to_string(path).ok());
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

    /// Whether a text equals that of the file.
    pub(in crate::lsp) fn matches(self, text: &str) -> bool {
        self == Self::of_text(text)
    }

    fn of_folder(path: &Utf8Path) -> Self {
        let mut hasher = XxHash64::with_seed(0);
        let mut files = Vec::new();
        for folder in super::plan::folders_of_database(path) {
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

/// The state of a file at some time. Even if its text is the same after a write, it may have differed in
/// between, when it was checked.
#[derive(Clone, Copy, Debug)]
struct FileSnapshot {
    stamp: FileStamp,
    written: Option<SystemTime>,
    at: Instant,
    /// There was an event after it.
    missed_event: bool,
}

impl PartialEq for FileSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.stamp == other.stamp
            && self.written == other.written
            && self.missed_event == other.missed_event
    }
}

impl FileSnapshot {
    fn of(path: &Utf8Path) -> Self {
        let at = Instant::now();
        let written = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let written = written.and_then(|data| data.modified().ok());
        Self { written, stamp: FileStamp::of(path), at, missed_event: false }
    }
}

/// The snapshots of all reported or noted files.
#[derive(Debug, Default)]
pub(super) struct Stamps(Mutex<HashMap<Utf8PathBuf, FileSnapshot>>);

impl Stamps {
    /// Takes snapshots of files before they are checked. An existing snapshot stays: the file may have
    /// changed since.
    pub(super) fn note<'p>(&self, files: impl IntoIterator<Item = &'p Utf8PathBuf>) {
        for file in files {
            if !self.lock().contains_key(file) {
                let snapshot = FileSnapshot::of(file);
                self.lock().entry(file.clone()).or_insert(snapshot);
            }
        }
    }

    /// The files that have changed since their last report.
    pub(super) fn differing<'p>(
        &self,
        files: impl IntoIterator<Item = &'p Utf8PathBuf>,
    ) -> Vec<Utf8PathBuf> {
        let differs = |file: &&Utf8PathBuf| {
            let known = self.lock().get(*file).copied();
            match known {
                Some(known) => known != FileSnapshot::of(file),
                None => FileStamp::of(file) != FileStamp::Absent,
            }
        };
        files.into_iter().filter(differs).cloned().collect()
    }

    /// The files whose change was not reported before, with their stamps before, if those are known, and now. The changes
    /// count as reported from now on.
    pub(super) fn new_changes(
        &self,
        files: Vec<Utf8PathBuf>,
    ) -> BTreeMap<Utf8PathBuf, (Option<FileStamp>, FileStamp)> {
        let mut changes = BTreeMap::new();
        for file in files {
            let snapshot = FileSnapshot::of(&file);
            let before = self.lock().insert(file.clone(), snapshot);
            if before != Some(snapshot) {
                changes.insert(file, (before.map(|before| before.stamp), snapshot.stamp));
            }
        }
        changes
    }

    /// Notes an event of a file. If it is later than the snapshot, the file is reported even if it is
    /// the same, because it may have been checked in between. Returns whether that is so.
    pub(super) fn mark_missed(&self, file: &Utf8Path, happened: Instant) -> bool {
        let mut known = self.lock();
        let known = known.get_mut(file).filter(|known| known.at < happened);
        known.map(|known| known.missed_event = true).is_some()
    }

    pub(super) fn remove<'p>(&self, files: impl IntoIterator<Item = &'p Utf8PathBuf>) {
        let mut known = self.lock();
        for file in files {
            known.remove(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Utf8PathBuf, FileSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_reported_once() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        let file = root.join("deny.toml");
        let stamps = Stamps::default();
        stamps.note([&file]);
        let report =
            || stamps.new_changes(vec![file.clone()]).remove(&file).map(|(before, _)| before);
        let before = Instant::now();
        assert_eq!(report(), None, "it is still absent");
        assert!(!stamps.mark_missed(&file, before));
        assert!(stamps.mark_missed(&file, Instant::now()), "it may have been there for a while");
        assert_eq!(report(), Some(Some(FileStamp::Absent)));
        fs::write(&file, "one").expect("write");
        assert_eq!(report(), Some(Some(FileStamp::Absent)));
        assert_eq!(report(), None, "it was reported");
        let later = SystemTime::now() + std::time::Duration::from_secs(9);
        let open = fs::File::options().append(true).open(&file).expect("open");
        open.set_modified(later).expect("set");
        assert_eq!(
            report(),
            Some(Some(FileStamp::of(&file))),
            "it may have been another in between"
        );
        fs::write(&file, "two").expect("write");
        stamps.note([&file]);
        assert_eq!(stamps.differing([&file]).len(), 1, "the snapshot stays");
        let before = report().flatten().expect("it was known");
        assert!(before.matches("one") && !before.matches("two"));
        fs::remove_file(&file).expect("delete");
        assert!(report().is_some());
    }

    #[test]
    fn folder_changes_with_its_advisories() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::from_path_buf(temp.path().join("db")).expect("UTF-8");
        let stamps = Stamps::default();
        let report = || stamps.new_changes(vec![root.clone()]).len();
        let advisory = root.join("crates/time/RUSTSEC-2026-0009.md");
        fs::create_dir_all(advisory.parent().expect("a folder")).expect("folders");
        assert_eq!((report(), report()), (1, 0));
        fs::write(&advisory, "one").expect("write");
        assert_eq!((report(), report()), (1, 0));
        fs::write(&advisory, "longer").expect("write");
        assert_eq!((report(), report()), (1, 0));
        fs::write(root.join("crates/time/other.txt"), "").expect("write");
        assert_eq!((report(), report()), (1, 0));
        fs::write(root.join("README.md"), "").expect("write");
        assert_eq!(report(), 1);
    }
}
