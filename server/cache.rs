//! Results on disk between runs, each with its inputs.
//!
//! An entry is a file that is written atomically, so several programs can use the folder at once. An entry that is
//! unreadable or of another format counts as absent; without a writable folder, the program is only slower.

mod folders;
mod inputs;

use std::{
    fs, io,
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use etcetera::BaseStrategy as _;
use twox_hash::XxHash3_128;

use crate::process::{Children, TemporaryError, TemporaryFolder};
pub(crate) use folders::KeptFolder;
pub(crate) use inputs::{Input, Inputs, on_disk};

/// The folder of this version's format. Those of other versions are not touched.
const FORMAT: &str = "v1";

/// The size limit of all entries; the least recently used are deleted first.
const SIZE_LIMIT: u64 = 256 << 20;

/// The start of the name of an entry that is being written.
const UNFINISHED: &str = ".unfinished-";

/// An older unfinished entry was abandoned by a killed program.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Marks the folder as a cache, for backup programs (<https://bford.info/cachedir/>).
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder was made by supercargo and can be deleted.\n";

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// The output of `cargo metadata` for a workspace.
    Metadata,
    /// The verdict on a workspace.
    Verdict,
    /// An advisory database.
    Advisories,
    /// The gates of a repository.
    Gates,
}

impl CacheKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Metadata, Self::Verdict, Self::Advisories, Self::Gates];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Verdict => "verdicts",
            Self::Advisories => "advisories",
            Self::Gates => "gates",
        }
    }
}

/// The cache on disk.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// `None`: no cache.
    folder: Option<Utf8PathBuf>,
    /// Temporary folders may be in the file system that is in memory.
    uses_memory: bool,
}

/// How much of the cache is used by one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many entries.
    pub entries: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Cache {
    /// No cache.
    pub fn off() -> Self {
        Self { folder: None, uses_memory: true }
    }

    /// The user's: `$SUPERCARGO_CACHE_DIR`, else `supercargo` in the platform's folder for caches
    /// (`$XDG_CACHE_HOME`).
    pub fn of_user() -> Self {
        let named = std::env::var_os("SUPERCARGO_CACHE_DIR").filter(|path| !path.is_empty());
        let folder = named.map(std::path::PathBuf::from).or_else(|| {
            let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
            Some(strategy.cache_dir().join("supercargo"))
        });
        let folder = folder.and_then(|path| std::path::absolute(path).ok());
        let folder = folder.and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        Self { folder, uses_memory: true }
    }

    /// The same cache, but nothing is written outside of its folder.
    #[must_use]
    pub(crate) fn on_disk_only(&self) -> Self {
        Self { uses_memory: false, ..self.clone() }
    }

    /// One in this folder.
    #[cfg(test)]
    pub(crate) fn in_folder(folder: &Utf8Path) -> Self {
        Self { folder: Some(folder.to_owned()), uses_memory: false }
    }

    /// Where it is.
    pub fn folder(&self) -> Option<&Utf8Path> {
        self.folder.as_deref()
    }

    /// A folder in which cargo caches facts about rustc; `None` without a cache or if it cannot be created.
    pub(crate) fn folder_of_cargo(&self) -> Option<Utf8PathBuf> {
        let root = self.folder.as_ref()?;
        let folder = root.join(FORMAT).join("cargo");
        if !folder.is_dir() {
            fs::create_dir_all(&folder).and_then(|()| tag(root)).ok()?;
        }
        Some(folder)
    }

    /// A folder for temporary folders; `None` without a cache or if it cannot be created.
    fn folder_for_temporary(&self) -> Option<Utf8PathBuf> {
        let root = self.folder.as_ref()?;
        let folder = root.join(FORMAT).join("temporary");
        if !folder.is_dir() {
            fs::create_dir_all(&folder).and_then(|()| tag(root)).ok()?;
        }
        Some(folder)
    }

    /// A temporary folder for files of so many bytes together: in memory, where the system has such a file system, since
    /// creating a thousand files on a disk takes up to a second; else in the cache, the only place that is written for
    /// an untrusted workspace ([`Self::on_disk_only`]); without a writable cache, in the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// See [`TemporaryFolder::new`].
    pub(crate) fn temporary_folder(
        &self,
        bytes: usize,
        children: &Children,
    ) -> Result<TemporaryFolder, TemporaryError> {
        if let Some(parent) = file_system_in_memory(bytes).filter(|_| self.uses_memory)
            && let Ok(folder) = TemporaryFolder::new_in(parent, children)
        {
            return Ok(folder);
        }
        let in_cache = |parent: Utf8PathBuf| {
            let folder = TemporaryFolder::new_in(parent.as_std_path(), children);
            folder.inspect_err(|error| tracing::debug!("could not use `{parent}`: {error}")).ok()
        };
        match self.folder_for_temporary().and_then(in_cache) {
            Some(folder) => Ok(folder),
            None => TemporaryFolder::new(children),
        }
    }

    /// The entry of a key, if it is valid.
    pub(crate) fn get(&self, kind: CacheKind, key: &str) -> Option<Vec<u8>> {
        let path = self.entry(kind, key)?;
        let mut bytes = crate::text::read_at_most(&path, crate::limits::CACHE_ENTRY).ok()?;
        let head_end = bytes.iter().position(|byte| *byte == b'\n')? + 1;
        let is_valid = bytes[..head_end] == *head(kind, &bytes[head_end..]).as_bytes();
        if !is_valid {
            tracing::debug!("skipping the invalid cache entry `{path}`");
            return None;
        }
        // The least recently used entries are deleted first.
        if let Ok(file) = fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        bytes.drain(..head_end);
        Some(bytes)
    }

    /// Writes an entry, if the folder is writable.
    pub(crate) fn put(&self, kind: CacheKind, key: &str, content: &[u8]) {
        if let Err(error) = self.try_put(kind, key, content) {
            static WARNED: AtomicBool = AtomicBool::new(false);
            if !WARNED.swap(true, Ordering::Relaxed) {
                let folder = self.folder().unwrap_or(Utf8Path::new(""));
                tracing::warn!("could not write to the cache `{folder}`: {error}");
            }
        }
    }

    fn try_put(&self, kind: CacheKind, key: &str, content: &[u8]) -> io::Result<()> {
        let (Some(root), Some(path)) = (&self.folder, self.entry(kind, key)) else {
            return Ok(());
        };
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)?;
        tag(root)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(head(kind, content).as_bytes())?;
        file.write_all(content)?;
        file.persist(&path).map_err(|error| error.error)?;
        self.evict(SIZE_LIMIT);
        Ok(())
    }

    /// Deletes the least recently used entries until at most `limit` bytes are left.
    fn evict(&self, limit: u64) {
        let mut all = self.files();
        all.retain(|file| {
            let abandoned = file.path.file_name().is_some_and(|name| name.starts_with(UNFINISHED))
                && file.used.elapsed().is_ok_and(|age| age > ABANDONED);
            if abandoned {
                let _ = fs::remove_file(&file.path);
            }
            !abandoned
        });
        let mut total: u64 = all.iter().map(|file| file.bytes).sum();
        all.sort_by_key(|file| file.used);
        for file in all {
            if total <= limit {
                return;
            }
            if fs::remove_file(&file.path).is_ok() {
                total -= file.bytes;
            }
        }
    }

    /// The usage by kind.
    pub fn usage(&self) -> Vec<(CacheKind, Usage)> {
        let files = self.files();
        let of = |kind: CacheKind| {
            let mut usage = Usage::default();
            for file in files.iter().filter(|file| file.kind == kind) {
                usage.entries += 1;
                usage.bytes += file.bytes;
            }
            (kind, usage)
        };
        CacheKind::ALL.into_iter().map(of).collect()
    }

    /// Deletes the entries of all versions of this program, and nothing else.
    ///
    /// # Errors
    ///
    /// When something cannot be deleted.
    pub fn clean(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        // Only a folder with our tag is ours.
        match fs::read_to_string(folder.join(TAG)) {
            Ok(text) if text == TAG_TEXT => {}
            _ => return Ok(()),
        }
        for entry in folder.read_dir_utf8()? {
            let path = entry?.path().to_owned();
            let version = path.file_name().and_then(|name| name.strip_prefix('v'));
            if version.is_some_and(|version| version.parse::<u32>().is_ok()) {
                fs::remove_dir_all(path)?;
            }
        }
        fs::remove_file(folder.join(TAG))
    }

    fn entry(&self, kind: CacheKind, key: &str) -> Option<Utf8PathBuf> {
        Some(self.folder.as_ref()?.join(FORMAT).join(kind.name()).join(key))
    }

    fn files(&self) -> Vec<CacheFile> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let mut all = Vec::new();
        for kind in CacheKind::ALL {
            let entries = folder.join(FORMAT).join(kind.name()).read_dir_utf8();
            for entry in entries.into_iter().flatten().flatten() {
                let Ok(data) = entry.metadata() else { continue };
                let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                all.push(CacheFile {
                    kind,
                    path: entry.path().to_owned(),
                    bytes: data.len(),
                    used,
                });
            }
        }
        all
    }
}

/// A file of the cache.
struct CacheFile {
    kind: CacheKind,
    path: Utf8PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Marks the folder as ours.
fn tag(root: &Utf8Path) -> io::Result<()> {
    let tag = root.join(TAG);
    if tag.exists() { Ok(()) } else { fs::write(tag, TAG_TEXT) }
}

/// The first line of an entry.
fn head(kind: CacheKind, content: &[u8]) -> String {
    format!("supercargo {FORMAT} {} {}\n", kind.name(), hash(content))
}

/// The hash of anything, in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(bytes))
}

/// A folder in a file system that is in memory, with enough space for files of so many bytes together. None if the user
/// has set the folder for temporary files.
#[cfg(target_os = "linux")]
fn file_system_in_memory(bytes: usize) -> Option<&'static Path> {
    /// The size of a file is rounded up to pages.
    const ROUNDED: u64 = 4;
    const TMPFS: u64 = 0x0102_1994;
    if std::env::var_os("TMPDIR").is_some() {
        return None;
    }
    let folder = Path::new("/dev/shm");
    let found = rustix::fs::statfs(folder).ok()?;
    let free = found.f_bavail.saturating_mul(u64::try_from(found.f_bsize).ok()?);
    let needed = u64::try_from(bytes).ok()?.saturating_mul(ROUNDED);
    (u64::try_from(found.f_type).ok()? == TMPFS && free > needed).then_some(folder)
}

/// None is known on other systems.
#[cfg(not(target_os = "linux"))]
fn file_system_in_memory(_: usize) -> Option<&'static Path> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8PathBuf::from_path_buf(folder.path().join("a b ü%")).expect("UTF-8");
        (folder, Cache::in_folder(&path))
    }

    #[test]
    fn what_was_put_is_got_and_nothing_else() {
        let (_folder, cache) = cache();
        assert_eq!(cache.get(CacheKind::Metadata, "k"), None);
        cache.put(CacheKind::Metadata, "k", b"one\ntwo");
        assert_eq!(cache.get(CacheKind::Metadata, "k").as_deref(), Some(&b"one\ntwo"[..]));
        assert_eq!(cache.get(CacheKind::Verdict, "k"), None);
        assert_eq!(cache.get(CacheKind::Metadata, "l"), None);
        assert_eq!(Cache::off().get(CacheKind::Metadata, "k"), None);
    }

    #[test]
    fn what_is_not_sound_is_absent() {
        let (_folder, cache) = cache();
        cache.put(CacheKind::Verdict, "k", b"content");
        let path = cache.entry(CacheKind::Verdict, "k").expect("a path");
        let sound = fs::read(&path).expect("the entry");
        for broken in
            [&sound[..sound.len() - 1], &sound[..9], b"", b"\n", &[&sound[..], b"x"].concat()]
        {
            fs::write(&path, broken).expect("written");
            assert_eq!(cache.get(CacheKind::Verdict, "k"), None);
        }
        fs::write(&path, String::from_utf8(sound).expect("text").replace(FORMAT, "v9")).expect("w");
        assert_eq!(cache.get(CacheKind::Verdict, "k"), None);
        cache.put(CacheKind::Verdict, "k", b"again");
        assert_eq!(cache.get(CacheKind::Verdict, "k").as_deref(), Some(&b"again"[..]));
    }

    #[test]
    fn temporary_folder_is_in_the_cache() {
        let (_folder, cache) = cache();
        let folder = cache.temporary_folder(0, &Children::default()).expect("a folder");
        let root = cache.folder().expect("it is on").canonicalize_utf8().expect("it exists");
        assert!(folder.path().starts_with(root), "{}", folder.path());
    }

    #[test]
    fn temporary_folder_is_in_memory_where_it_fits() {
        let (_folder, on_disk) = cache();
        let cache = Cache { uses_memory: true, ..on_disk };
        let folder = |bytes, cache: &Cache| {
            let made = cache.temporary_folder(bytes, &Children::default()).expect("a folder");
            made.path().starts_with("/dev/shm")
        };
        assert_eq!(folder(1, &cache), file_system_in_memory(1).is_some());
        assert!(!folder(usize::MAX, &cache));
        assert!(!folder(1, &cache.on_disk_only()));
    }

    /// Not even root can create a folder in `/proc`.
    #[cfg(target_os = "linux")]
    #[test]
    fn temporary_folder_is_outside_a_cache_that_cannot_hold_it() {
        let (_folder, cache) = cache();
        let root = cache.folder().expect("it is on");
        fs::create_dir_all(root.join(FORMAT)).expect("created");
        std::os::unix::fs::symlink("/proc", root.join(FORMAT).join("temporary")).expect("a link");
        let folder = cache.temporary_folder(0, &Children::default()).expect("a folder");
        assert!(!folder.path().starts_with("/proc"), "{}", folder.path());
        fs::write(folder.path().join("advisory"), "").expect("it is writable");
    }

    #[test]
    fn the_oldest_go_first_and_what_was_abandoned_goes_too() {
        let (_folder, cache) = cache();
        let long_ago = |path: &Utf8Path, hours: u64| {
            let time = SystemTime::now() - Duration::from_secs(hours * 3600);
            fs::File::options()
                .append(true)
                .open(path)
                .expect("a file")
                .set_modified(time)
                .expect("set");
        };
        for (name, hours) in [("old", 3), ("older", 5), ("new", 0)] {
            cache.put(CacheKind::Metadata, name, &[7; 1000]);
            long_ago(&cache.entry(CacheKind::Metadata, name).expect("a path"), hours);
        }
        let left = cache.entry(CacheKind::Metadata, &format!("{UNFINISHED}x")).expect("a path");
        fs::write(&left, [7; 5000]).expect("written");
        long_ago(&left, 2);
        assert!(cache.get(CacheKind::Metadata, "old").is_some(), "what is used is young again");
        cache.evict(1500);
        assert!(!left.exists());
        let kept = |name| cache.get(CacheKind::Metadata, name).is_some();
        assert_eq!([kept("old"), kept("older"), kept("new")], [true, false, false]);
    }

    #[test]
    fn cleaning_deletes_what_is_ours_only() {
        let (_folder, cache) = cache();
        cache.put(CacheKind::Metadata, "k", b"content");
        let folder = cache.folder().expect("a folder").to_owned();
        fs::create_dir_all(folder.join("v7/other")).expect("made");
        fs::create_dir_all(folder.join("videos")).expect("made");
        assert_eq!(cache.usage()[0].1.entries, 1);
        cache.clean().expect("cleaned");
        assert!(!folder.join("v1").exists() && !folder.join("v7").exists());
        assert!(folder.join("videos").exists());
        assert_eq!(cache.usage()[0].1, Usage::default());
        fs::create_dir_all(folder.join("v1")).expect("made");
        cache.clean().expect("nothing to do");
        assert!(folder.join("v1").exists(), "without our mark it is not ours");
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing() {
        let (folder, _) = cache();
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let below = Utf8PathBuf::from_path_buf(file.join("below")).expect("UTF-8");
        let cache = Cache::in_folder(&below);
        cache.put(CacheKind::Metadata, "k", b"content");
        assert_eq!(cache.get(CacheKind::Metadata, "k"), None);
    }
}
