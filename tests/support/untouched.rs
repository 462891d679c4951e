//! Records a folder tree to the byte, so that a test can assert that it is untouched.
//!
//! A [`Snapshot`] has for every entry its kind, text, link target, inode, device, mode, owner, number
//! of links, size and the times of its last change (in nanoseconds). The time of the last access is
//! left out: reading is allowed. A file that is written, replaced, linked, or created and deleted
//! again leaves a difference: at least the time of its folder.
//!
//! Nothing but regular files is opened, and links are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// What the program and cargo may write, relative to the root of a world: the cache of the program,
/// the temporary folder, what cargo keeps in its home, and what fake programs of tests write.
pub(crate) const APART: [&str; 13] = [
    "temp",
    "cache",
    "cargo/registry",
    "cargo/git",
    "cargo/advisory-dbs",
    "cargo/.package-cache",
    "cargo/.package-cache-mutate",
    "cargo/.global-cache",
    "cargo/.crates.toml",
    "home/.cache",
    "cargo/recorded",
    "cargo/calls",
    "cargo-deny-home",
];

/// Texts up to this size are compared byte by byte and shown, those of larger files by a hash.
const SHOWN: u64 = 64 << 10;

/// Of the content of larger files only the first bytes are compared, this many, besides their size, times and identity.
const HASHED: u64 = 64 << 20;

/// How many differences a failure shows.
const MAX_SHOWN: usize = 12;

/// Where the number of links is in [`Entry::identity`].
const LINKS: usize = 5;

/// Up to this size a text is read again although nothing else of the file has changed.
const READ_AGAIN: u64 = 1 << 20;

/// A folder tree at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    root: PathBuf,
    /// What is left out, absolute.
    apart: BTreeSet<PathBuf>,
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    content: Content,
    /// Device, inode, mode, user, group, and of a file its number of links.
    identity: [u64; 6],
    size: u64,
    /// Seconds and nanoseconds: of the content, and of everything. `None` for a folder in which
    /// something is left out.
    times: Option<[(i64, i64); 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    None,
    Text(Vec<u8>),
    Hash(u64),
    Target(PathBuf),
}

/// One entry that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: PathBuf,
    /// Whether it is only that entries of this folder came, went or were replaced.
    pub(crate) is_only_time_of_folder: bool,
    /// Whether it is only that a file has gained or lost other names (hard links).
    pub(crate) is_only_other_names: bool,
    what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

impl Snapshot {
    /// Everything below `root` but what is below one of the paths in `apart`, relative to it.
    pub(crate) fn of(root: &Path, apart: &[&str]) -> Self {
        let apart = apart.iter().map(|path| root.join(path)).collect();
        let mut snapshot = Self { root: root.to_owned(), apart, entries: BTreeMap::new() };
        snapshot.entries = snapshot.walked(None);
        snapshot
    }

    /// The same tree now.
    fn now(&self) -> Self {
        let entries = self.walked(Some(&self.entries));
        Self { root: self.root.clone(), apart: self.apart.clone(), entries }
    }

    /// What is not as it was.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        compared(&self.entries, &self.now().entries)
    }

    /// Fails when anything is not as it was.
    pub(crate) fn assert_same(&self, who: &str) {
        assert_none(&self.differences(), who);
    }

    fn walked(&self, known: Option<&BTreeMap<PathBuf, Entry>>) -> BTreeMap<PathBuf, Entry> {
        let mut entries = BTreeMap::new();
        let mut paths = vec![self.root.clone()];
        while let Some(path) = paths.pop() {
            if self.apart.contains(&path) {
                continue;
            }
            let known = known.and_then(|known| known.get(&path));
            let Some(entry) = self.entry(&path, known) else { continue };
            if entry.kind == Kind::Folder {
                let inside = fs::read_dir(&path).into_iter().flatten().flatten();
                paths.extend(inside.map(|entry| entry.path()));
            }
            entries.insert(path, entry);
        }
        entries
    }

    /// What is at a path; `None` for nothing.
    fn entry(&self, path: &Path, known: Option<&Entry>) -> Option<Entry> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        let is_next_to_excluded = self.apart.iter().any(|apart| apart.parent() == Some(path));
        let times = (!is_next_to_excluded).then(|| times(&metadata));
        let size = if kind == Kind::Folder { 0 } else { metadata.len() };
        let mut entry = Entry {
            kind,
            content: Content::None,
            identity: identity(&metadata, kind),
            size,
            times,
        };
        entry.content = match (kind, known) {
            (Kind::Link, _) => Content::Target(fs::read_link(path).ok()?),
            (Kind::File, Some(known)) if size > READ_AGAIN && known.is_alike(&entry) => {
                known.content.clone()
            }
            (Kind::File, _) => content(path, size),
            _ => Content::None,
        };
        Some(entry)
    }

    /// Takes what is at these paths and in the folders above them for what is to be there.
    fn take_over(&mut self, paths: &BTreeSet<PathBuf>) {
        for path in paths {
            if self.is_apart(path) {
                continue;
            }
            match self.entry(path, None) {
                Some(entry) => self.entries.insert(path.clone(), entry),
                None => self.entries.remove(path),
            };
        }
    }

    /// What is not as it was at these paths.
    fn differences_at(&self, paths: &BTreeSet<PathBuf>) -> Vec<Difference> {
        let paths: Vec<_> = paths.iter().filter(|path| !self.is_apart(path)).collect();
        let expected = paths.iter().filter_map(|path| self.entries.get_key_value(*path));
        let expected = expected.map(|(path, entry)| (path.clone(), entry.clone())).collect();
        let now = paths.iter().filter_map(|path| {
            let entry = self.entry(path, self.entries.get(*path))?;
            Some(((*path).clone(), entry))
        });
        compared(&expected, &now.collect())
    }

    fn is_apart(&self, path: &Path) -> bool {
        !path.starts_with(&self.root) || path.ancestors().any(|above| self.apart.contains(above))
    }

    /// These paths, where they lead, and all folders above them.
    fn concerned(&self, paths: &[&Path]) -> BTreeSet<PathBuf> {
        let leads_to = |path: &Path| {
            path.canonicalize().ok().or_else(|| {
                let above = path.ancestors().skip(1).find(|above| above.exists())?;
                Some(above.canonicalize().ok()?.join(path.strip_prefix(above).ok()?))
            })
        };
        let others: Vec<_> = paths.iter().filter_map(|path| leads_to(path)).collect();
        let paths = others.iter().map(PathBuf::as_path).chain(paths.iter().copied());
        let all = paths.flat_map(Path::ancestors).filter(|above| above.starts_with(&self.root));
        all.map(Path::to_owned).collect()
    }
}

impl Entry {
    /// Whether all but the content is the same.
    fn is_alike(&self, other: &Self) -> bool {
        let parts = |entry: &Self| (entry.kind, entry.identity, entry.size, entry.times);
        parts(self) == parts(other)
    }

    /// In which ways it differs from what was there before.
    fn changes(&self, before: &Self) -> String {
        let mut words = Vec::new();
        if before.kind != self.kind {
            words.push(format!("was a {:?}, is a {:?}", before.kind, self.kind));
        }
        if before.content != self.content {
            let (before, now) = (before.content.shown(), self.content.shown());
            words.push(format!("contained {before}, contains {now}"));
        }
        let names = ["device", "inode", "mode", "user", "group", "links"];
        for (name, (was, is)) in names.iter().zip(before.identity.iter().zip(self.identity)) {
            if *was != is {
                words.push(format!("{name} was {was:o}, is {is:o}"));
            }
        }
        if before.times != self.times {
            let times = |entry: &Self| entry.times.map(|[content, all]| (content, all));
            words.push(format!("times were {:?}, are {:?}", times(before), times(self)));
        }
        words.join("; ")
    }
}

impl Content {
    fn shown(&self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::Text(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let start: String = text.chars().take(400).collect();
                format!("{} bytes {start:?}", bytes.len())
            }
            Self::Hash(hash) => format!("what has the hash {hash:x}"),
            Self::Target(target) => format!("a link to `{}`", target.display()),
        }
    }
}

fn compared(before: &BTreeMap<PathBuf, Entry>, now: &BTreeMap<PathBuf, Entry>) -> Vec<Difference> {
    let paths: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let mut differences = Vec::new();
    for path in paths {
        let mut is_only_other_names = false;
        let (what, is_only_time_of_folder) = match (before.get(path), now.get(path)) {
            (Some(before), Some(now)) if before == now => continue,
            (Some(before), Some(now)) => {
                let mut timed = before.clone();
                timed.times = now.times;
                let mut named = before.clone();
                named.identity[LINKS] = now.identity[LINKS];
                if let (Some(before), Some(now)) = (&mut named.times, &now.times) {
                    before[1] = now[1];
                }
                is_only_other_names = now.kind == Kind::File && named == *now;
                (now.changes(before), now.kind == Kind::Folder && timed == *now)
            }
            (Some(_), None) => ("was deleted".to_owned(), false),
            (None, Some(now)) => {
                let words = format!("was created as a {:?} with {}", now.kind, now.content.shown());
                (words, false)
            }
            (None, None) => continue,
        };
        differences.push(Difference {
            path: path.clone(),
            is_only_time_of_folder,
            is_only_other_names,
            what,
        });
    }
    differences
}

fn assert_none(differences: &[Difference], who: &str) {
    let words: Vec<_> = differences.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
    let others = differences.len().saturating_sub(MAX_SHOWN);
    assert!(
        words.is_empty(),
        "{who} touched what is the user's:\n  {}\n  and {others} more",
        words.join("\n  ")
    );
}

fn content(path: &Path, size: u64) -> Content {
    // Who is not root may be unable to read it: then so is the program.
    let Ok(file) = fs::File::open(path) else { return Content::None };
    let mut bytes = Vec::new();
    let Ok(_) = file.take(HASHED).read_to_end(&mut bytes) else { return Content::None };
    if size <= SHOWN {
        return Content::Text(bytes);
    }
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Content::Hash(hasher.finish())
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata, kind: Kind) -> [u64; 6] {
    use std::os::unix::fs::MetadataExt as _;

    let links = if kind == Kind::Folder { 0 } else { metadata.nlink() };
    let numbers = [metadata.mode(), metadata.uid(), metadata.gid()].map(u64::from);
    [metadata.dev(), metadata.ino(), numbers[0], numbers[1], numbers[2], links]
}

#[cfg(not(unix))]
fn identity(metadata: &fs::Metadata, _: Kind) -> [u64; 6] {
    [0, 0, u64::from(metadata.permissions().readonly()), 0, 0, 0]
}

#[cfg(unix)]
fn times(metadata: &fs::Metadata) -> [(i64, i64); 2] {
    use std::os::unix::fs::MetadataExt as _;

    [(metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec())]
}

#[cfg(not(unix))]
fn times(metadata: &fs::Metadata) -> [(i64, i64); 2] {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    [(seconds, i64::from(since.subsec_nanos())), (0, 0)]
}

/// A tree that is watched while a server runs and the test itself changes files. All clones watch the
/// same tree.
#[derive(Clone, Debug, Default)]
#[allow(dead_code, reason = "runs of the command line need no more than two snapshots")]
pub(crate) struct Watch(Arc<Mutex<Option<Snapshot>>>);

#[allow(dead_code, reason = "runs of the command line need no more than two snapshots")]
impl Watch {
    /// Begins to watch, or fails when something has changed since that began.
    pub(crate) fn begin(&self, root: &Path) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*watched {
            Some(snapshot) => snapshot.assert_same("the server"),
            None => *watched = Some(Snapshot::of(root, &APART)),
        }
    }

    /// The test changes what is at these paths, but nothing that is in them.
    pub(crate) fn change<T>(&self, paths: &[&Path], change: impl FnOnce() -> T) -> T {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(snapshot) = &mut *watched else { return change() };
        let before = snapshot.concerned(paths);
        let differences = snapshot.differences_at(&before);
        if !differences.is_empty() {
            drop(watched);
            return assert_none_before(&differences);
        }
        let changed = change();
        let concerned = before.into_iter().chain(snapshot.concerned(paths)).collect();
        snapshot.take_over(&concerned);
        changed
    }

    /// The test changes anything.
    pub(crate) fn change_any<T>(&self, change: impl FnOnce() -> T) -> T {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(snapshot) = &mut *watched else { return change() };
        let differences = snapshot.differences();
        if !differences.is_empty() {
            drop(watched);
            return assert_none_before(&differences);
        }
        let changed = change();
        *snapshot = snapshot.now();
        changed
    }

    /// Fails when anything has changed but by the test.
    pub(crate) fn assert_same(&self) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let differences = watched.as_ref().map(Snapshot::differences).unwrap_or_default();
        drop(watched);
        assert_none(&differences, "the server");
    }
}

fn assert_none_before<T>(differences: &[Difference]) -> T {
    assert_none(differences, "the server, before the test did,");
    unreachable!("there is a difference")
}
