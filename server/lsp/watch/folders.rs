//! The folders that the system watches. Where it cannot, the files are polled.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// How many folders are watched. The system's watches are shared by all programs of a user.
const MAX_WATCHED: usize = 4096;

/// The watched folders, without their subfolders. Files cannot be watched themselves, because editors
/// and cargo replace them.
pub(super) struct WatchedFolders {
    /// `None` where the system does not support watching.
    system: Option<RecommendedWatcher>,
    watched: BTreeSet<Utf8PathBuf>,
    /// Folders whose files are polled.
    unwatched: BTreeSet<Utf8PathBuf>,
    /// Folders by their paths without links, which some systems report.
    by_real_path: BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>,
}

impl WatchedFolders {
    pub(super) fn new(system: notify::Result<RecommendedWatcher>) -> Self {
        let system = system
            .inspect_err(|error| tracing::warn!("could not watch files, polling them: {error}"))
            .ok();
        Self {
            system,
            watched: BTreeSet::new(),
            unwatched: BTreeSet::new(),
            by_real_path: BTreeMap::new(),
        }
    }

    /// Watches these folders and no others.
    pub(super) fn set(&mut self, wanted: &BTreeSet<Utf8PathBuf>) {
        let gone: Vec<_> = self.watched.difference(wanted).cloned().collect();
        for folder in gone {
            self.drop(&folder);
        }
        let before = self.unwatched.len();
        self.unwatched.retain(|folder| wanted.contains(folder));
        for folder in wanted {
            if self.watched.contains(folder) {
                continue;
            }
            if self.watch(folder) {
                self.unwatched.remove(folder);
            } else {
                self.unwatched.insert(folder.clone());
            }
        }
        if self.unwatched.len() > before {
            let some = self.unwatched.first().map_or("", |folder| folder.as_str());
            let count = self.unwatched.len();
            tracing::warn!("could not watch {count} folders, polling them, among them `{some}`");
        }
    }

    fn watch(&mut self, folder: &Utf8Path) -> bool {
        let Some(system) = &mut self.system else { return false };
        if self.watched.len() >= MAX_WATCHED || is_remote(folder) {
            return false;
        }
        if let Err(error) = system.watch(folder.as_std_path(), RecursiveMode::NonRecursive) {
            tracing::info!("could not watch `{folder}`: {error}");
            return false;
        }
        self.watched.insert(folder.to_owned());
        if let Ok(real) = folder.canonicalize_utf8() {
            self.by_real_path.entry(real).or_default().insert(folder.to_owned());
        }
        true
    }

    /// Ends the watch of a folder that was deleted or moved.
    pub(super) fn drop(&mut self, folder: &Utf8Path) {
        if !self.watched.remove(folder) {
            return;
        }
        if let Some(system) = &mut self.system {
            // The system may have ended the watch with the folder.
            let _ = system.unwatch(folder.as_std_path());
        }
        self.by_real_path.retain(|_, folders| {
            folders.remove(folder);
            !folders.is_empty()
        });
    }

    pub(super) fn is_watched(&self, folder: &Utf8Path) -> bool {
        self.watched.contains(folder)
    }

    /// Whether there are files to poll.
    pub(super) fn needs_polling(&self) -> bool {
        !self.unwatched.is_empty()
    }

    /// A reported path, and the same file below the watched folders.
    pub(super) fn spellings(&self, path: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
        let mut all = BTreeSet::from([path.to_owned()]);
        all.extend(self.by_real_path.get(path).into_iter().flatten().cloned());
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
            let real = folder.canonicalize_utf8().unwrap_or_else(|_| folder.to_owned());
            let ours = self.by_real_path.get(&real).into_iter().flatten();
            all.extend(ours.map(|folder| folder.join(name)));
        }
        all
    }
}

/// Whether a folder is on a network or shared file system, for which the system does not report changes
/// (`statfs(2)`, `f_type`).
#[cfg(target_os = "linux")]
fn is_remote(folder: &Utf8Path) -> bool {
    const NFS: u64 = 0x6969;
    const SMB: [u64; 3] = [0x517b, 0xff53_4d42, 0xfe53_4d42];
    const NINE_P: u64 = 0x0102_1997;
    const FUSE: u64 = 0x6573_5546;
    const CEPH: u64 = 0x00c3_6400;
    const VIRTUAL_BOX: u64 = 0x786f_4256;
    let kind = rustix::fs::statfs(folder.as_std_path())
        .ok()
        .and_then(|system| u64::try_from(system.f_type).ok());
    kind.is_some_and(|kind| {
        [NFS, NINE_P, FUSE, CEPH, VIRTUAL_BOX].contains(&kind) || SMB.contains(&kind)
    })
}

/// Other systems return an error where they cannot watch.
#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Utf8Path) -> bool {
    false
}
