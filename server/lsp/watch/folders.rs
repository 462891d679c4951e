//! The folders that the system watches for us. Where it cannot, the files are looked at again and
//! again.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// How many folders are watched. The system's supply is shared by all programs of a user.
const MOST: usize = 4096;

/// The watched folders, without what is below them: editors and cargo replace files, so a file
/// itself cannot be watched.
pub(super) struct Folders {
    /// `None` where the system has nothing of the kind.
    system: Option<RecommendedWatcher>,
    watched: BTreeSet<Utf8PathBuf>,
    /// Folders whose files have to be looked at.
    unwatched: BTreeSet<Utf8PathBuf>,
    /// Folders by their paths without links, as some systems tell them.
    by_real_path: BTreeMap<Utf8PathBuf, BTreeSet<Utf8PathBuf>>,
}

impl Folders {
    pub(super) fn new(system: notify::Result<RecommendedWatcher>) -> Self {
        let system = system
            .inspect_err(|error| tracing::warn!("files are looked at, not watched: {error}"))
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
            tracing::warn!("{count} folders are looked at, not watched, among them `{some}`");
        }
    }

    fn watch(&mut self, folder: &Utf8Path) -> bool {
        let Some(system) = &mut self.system else { return false };
        if self.watched.len() >= MOST || is_remote(folder) {
            return false;
        }
        if let Err(error) = system.watch(folder.as_std_path(), RecursiveMode::NonRecursive) {
            tracing::info!("`{folder}` cannot be watched: {error}");
            return false;
        }
        self.watched.insert(folder.to_owned());
        if let Ok(real) = folder.canonicalize_utf8() {
            self.by_real_path.entry(real).or_default().insert(folder.to_owned());
        }
        true
    }

    /// A folder was deleted or moved: what stands there later is another one.
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

    /// Whether anything has to be looked at.
    pub(super) fn looks(&self) -> bool {
        !self.unwatched.is_empty()
    }

    /// A path as it was told, and as we call it.
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

/// Whether a folder is on another machine or passed through to this one: changes made there are
/// not told here (`statfs(2)`, `f_type`).
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

/// Elsewhere the system says that it cannot watch.
#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Utf8Path) -> bool {
    false
}
