//! Advisory databases: where they are, how old they are, and how to fetch them.
//!
//! Folder names, the lock and the layout are cargo-deny's, so both programs share one clone. A fetch never changes a
//! clone in place ([`fetch`]), and only some folders may be written to ([`destination`], [`existing_clone`]). Files are read up to a
//! size limit, as they may come from the repository.

mod destination;
mod existing_clone;
mod fetch;

use std::{
    fs, io,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use tame_index::utils::flock::{FileLock, LockOptions};
use twox_hash::XxHash64;
use url::Url;

use crate::{
    process::{Children, WaitReports},
    text::read_at_most,
};
pub use destination::Refusal;

/// The database of the `RustSec` project.
pub const DEFAULT_URL: &str = "https://github.com/RustSec/advisory-db";

/// The branch that cargo-deny reads.
const BRANCH: &str = "main";

/// cargo-deny's lock for a folder of databases.
const LOCK: &str = "db.lock";

/// The size limit of `HEAD`, `FETCH_HEAD` and branch files; those of a clone of one branch are much smaller.
const HEAD_LIMIT: u64 = 64 << 10;

/// The size limit of `packed-refs`, which has a line for each branch and tag.
const REFS_LIMIT: u64 = 16 << 20;

/// A database of the policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseLocation {
    /// The folder of all databases (`advisories.db-path`).
    pub root: Utf8PathBuf,
    /// Where it is fetched from (`advisories.db-urls`).
    pub url: Url,
}

/// How old a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is not on this machine.
    Absent,
    /// When it was last fetched; `None` if unknown. May be in the future, if a clock was wrong or the file's time
    /// was changed.
    Fetched(Option<SystemTime>),
}

/// When a database is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// Never: there is no network or it must not be used.
    Never,
    /// When it is absent, older than this, or of unknown age (such as a time in the future).
    OlderThan(Duration),
    /// Now.
    Always,
}

/// Why a database could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// `git` could not be started.
    #[error("start `git`: {0} (install it to fetch advisory databases)")]
    NoGit(String),
    /// `git` failed.
    #[error("fetch `{url}`: {message}")]
    Git {
        /// The database.
        url: Url,
        /// Git's message.
        message: String,
    },
    /// The folder could not be written.
    #[error("write to `{path}`: {source}")]
    Write {
        /// Which folder.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder must not be written to.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The folder must not be written to, and the fetch to cargo's home failed as well.
    #[error("{error}; `db-path` is not used: could not {refusal}")]
    Elsewhere {
        /// Why the fetch to cargo's home failed.
        error: Box<FetchError>,
        /// Why the policy's folder was not used.
        refusal: Refusal,
    },
    /// Another program holds the databases' lock for too long.
    #[error("lock `{path}`: {message}")]
    Locked {
        /// The lock.
        path: Utf8PathBuf,
        /// Why.
        message: String,
    },
}

/// What reports call the lock of a folder of databases.
fn lock_name(path: &Utf8Path) -> String {
    format!("the advisory databases (`{path}`)")
}

/// The checked-out branch in the text of git's `HEAD`; `None` for a commit, or for a name that git does not allow
/// (git-check-ref-format), as a path of which could point anywhere.
fn branch(head: &str) -> Option<&str> {
    let name = head.trim().strip_prefix("ref: ")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./+@".contains(c);
    let is_valid_part = |part: &str| !part.is_empty() && !part.starts_with('.');
    let is_valid =
        name.chars().all(allowed) && name.split('/').all(is_valid_part) && !name.contains("..");
    (is_valid && name.starts_with("refs/heads/")).then_some(name)
}

/// A small file of a clone as text.
fn read_text(path: &Utf8Path, limit: u64) -> Option<String> {
    String::from_utf8(read_at_most(path, limit).ok()?).ok()
}

/// The checked-out commit of the clone with this `.git` folder; `None` if unknown.
fn commit_of(git: &Utf8Path) -> Option<String> {
    let head = read_text(&git.join("HEAD"), HEAD_LIMIT)?;
    if !head.starts_with("ref:") {
        return Some(head.trim().to_owned()).filter(|commit| !commit.is_empty());
    }
    let branch = branch(&head)?;
    if let Some(commit) = read_text(&git.join(branch), HEAD_LIMIT) {
        return Some(commit.trim().to_owned());
    }
    let packed = read_text(&git.join("packed-refs"), REFS_LIMIT)?;
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(_, name)| *name == branch).map(|(commit, _)| commit.to_owned())
}

impl DatabaseLocation {
    /// The name of its folder: the last segment of its URL in lower case, a dash, and the XXH64 of
    /// the whole URL in lower case (cargo-deny's `url_to_db_path`).
    fn name(&self) -> String {
        let url = self.url.as_str().to_lowercase();
        let url = Url::parse(&url).unwrap_or_else(|_| self.url.clone());
        let name = url.path_segments().and_then(|mut all| all.next_back()).unwrap_or("empty_");
        let hash = XxHash64::oneshot(0xca80_de71, url.as_str().as_bytes());
        format!("{name}-{hash:016x}")
    }

    /// The folder of this database.
    pub fn folder(&self) -> Utf8PathBuf {
        self.root.join(self.name())
    }

    /// The files of the clone that change with every fetch, whether or not they exist.
    pub fn heads(&self) -> Vec<Utf8PathBuf> {
        let git = self.folder().join(".git");
        let head = read_text(&git.join("HEAD"), HEAD_LIMIT).unwrap_or_default();
        let branch = branch(&head).unwrap_or("refs/heads/main");
        ["FETCH_HEAD", "HEAD", "packed-refs", branch].map(|name| git.join(name)).to_vec()
    }

    /// The checked-out commit; `None` if unknown.
    pub(crate) fn commit(&self) -> Option<String> {
        commit_of(&self.folder().join(".git"))
    }

    /// A state that changes when the clone is changed or replaced: the folder's identity, and the contents of
    /// [`Self::heads`].
    pub(super) fn state(&self) -> CloneState {
        let heads = self.heads().into_iter().map(|path| read_at_most(&path, REFS_LIMIT).ok());
        CloneState { folder: identity(&self.folder()), heads: heads.collect() }
    }

    /// How old the local clone is: the time of `FETCH_HEAD`, else of `HEAD`, since a fresh clone has no `FETCH_HEAD`.
    pub fn freshness(&self) -> Freshness {
        let git = self.folder().join(".git");
        if !self.folder().is_dir() {
            return Freshness::Absent;
        }
        // An earlier version was killed while it changed the clone in place.
        if git.join(existing_clone::UNFINISHED).exists() {
            return Freshness::Fetched(None);
        }
        let modified =
            |name: &str| fs::metadata(git.join(name)).and_then(|data| data.modified()).ok();
        Freshness::Fetched(modified("FETCH_HEAD").or_else(|| modified("HEAD")))
    }

    /// Why nothing may be written to this folder; `None` if it may.
    pub fn refusal(&self) -> Option<Refusal> {
        destination::writable(self).err()
    }

    /// Where this database is fetched to: here, or, if nothing may be written here, to cargo-deny's default folder
    /// (`$CARGO_HOME/advisory-dbs`). The advisories are the same, and so is the verdict.
    #[must_use]
    pub fn target(&self) -> Self {
        match (self.refusal(), destination::of_cargo()) {
            (Some(_), Some(root)) => Self { root, url: self.url.clone() },
            _ => self.clone(),
        }
    }

    /// Where this database is read from: here or its [target](Self::target), whichever was fetched last. `offline`,
    /// it is the policy's folder if there is a database in it, as cargo-deny would read that one.
    #[must_use]
    pub fn current(&self, offline: bool) -> Self {
        let target = self.target();
        if target == *self {
            return target;
        }
        let now = SystemTime::now();
        // In this order: no database, one of unknown age, one with an age. A folder without advisories is no database.
        let fetched = |location: &Self| match location.freshness() {
            Freshness::Fetched(time) if location.folder().join("crates").is_dir() => {
                Some(time.filter(|time| *time <= now))
            }
            _ => None,
        };
        match (fetched(self), fetched(&target)) {
            (None, None) if offline => self.clone(),
            (None, _) => target,
            (here, there) if !offline && there > here => target,
            _ => self.clone(),
        }
    }

    /// Whether `policy` requires a fetch now. An existing database that may not be written to is fetched only with
    /// [`RefreshPolicy::Always`].
    pub fn wants_fetch(&self, policy: RefreshPolicy) -> bool {
        let limit = match policy {
            RefreshPolicy::Never => return false,
            RefreshPolicy::Always => return true,
            RefreshPolicy::OlderThan(limit) => limit,
        };
        let is_old = match self.current(false).freshness() {
            Freshness::Absent => return true,
            Freshness::Fetched(None) => true,
            // A time in the future means an unknown age.
            Freshness::Fetched(Some(time)) => time.elapsed().map_or(true, |age| age > limit),
        };
        is_old && self.target().refusal().is_none()
    }

    /// Waits for the lock of this folder, if there is one; creates nothing. `None` without a lock, or after a timeout.
    pub(super) fn lock_to_read(&self, waits: &WaitReports) -> Option<FileLock> {
        let path = self.root.join(LOCK);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|data| data.is_file());
        is_file.then(|| waits.lock(&LockOptions::new(&path).shared(), &lock_name(&path)).ok())?
    }

    /// Fetches the database: a fresh clone replaces the existing folder. If the policy's folder must not be written to,
    /// fetches to cargo's home instead, which is logged once.
    ///
    /// # Errors
    ///
    /// When git is missing or fails, or the folder cannot or must not be written.
    pub fn fetch(&self, children: &Children) -> Result<(), FetchError> {
        let target = self.target();
        if target == *self {
            return target.fetch_here(children);
        }
        let refusal = self.refusal();
        if let Some(refusal) = &refusal {
            destination::log_once(refusal, &target.root);
        }
        target.fetch_here(children).map_err(|error| match refusal {
            Some(refusal) => FetchError::Elsewhere { error: Box::new(error), refusal },
            None => error,
        })
    }
}

/// See [`DatabaseLocation::state`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloneState {
    folder: Option<(u64, u64)>,
    pub(super) heads: Vec<Option<Vec<u8>>>,
}

/// The identity of a folder.
#[cfg(unix)]
fn identity(folder: &Utf8Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    fs::metadata(folder).ok().map(|data| (data.dev(), data.ino()))
}

/// On other systems, the time of its creation.
#[cfg(not(unix))]
fn identity(folder: &Utf8Path) -> Option<(u64, u64)> {
    let made = fs::metadata(folder).and_then(|data| data.created()).ok()?;
    let since = made.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), since.subsec_nanos().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(folder: &tempfile::TempDir) -> DatabaseLocation {
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8").to_owned();
        DatabaseLocation { root, url: Url::parse(DEFAULT_URL).expect("a URL") }
    }

    #[test]
    fn folder_name_is_that_of_cargo_deny() {
        let name = |url: &str| {
            let url = Url::parse(url).expect("a URL");
            DatabaseLocation { root: "/dbs".into(), url }.folder().into_string()
        };
        assert_eq!(name(DEFAULT_URL), "/dbs/advisory-db-3157b0e258782691");
        assert_eq!(
            name("https://github.com/rustsec/advisory-db"),
            "/dbs/advisory-db-3157b0e258782691"
        );
        assert_eq!(name("https://example.com/"), "/dbs/-d4f1299342ead88a");
    }

    #[test]
    fn commit_is_that_of_the_branch() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = location(&folder);
        assert_eq!(location.commit(), None);
        let git = location.folder().join(".git");
        fs::create_dir_all(git.join("refs/heads")).expect("made");
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("written");
        assert_eq!(location.commit(), None);
        fs::write(git.join("packed-refs"), "# pack\nabc refs/heads/main\n").expect("written");
        assert_eq!(location.commit().as_deref(), Some("abc"));
        fs::write(git.join("refs/heads/main"), "def\n").expect("written");
        assert_eq!(location.commit().as_deref(), Some("def"));
        fs::write(git.join("HEAD"), "012\n").expect("written");
        assert_eq!(location.commit().as_deref(), Some("012"));
    }

    #[test]
    fn head_that_points_out_of_the_clone_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = location(&folder);
        let git = location.folder().join(".git");
        fs::create_dir_all(&git).expect("made");
        fs::write(git.join("secret"), "not a commit").expect("written");
        for name in [
            "/dev/zero",
            "secret",
            "refs/heads/../../secret",
            "refs/heads//secret",
            "refs/heads/.secret",
            "refs/heads/",
            "refs/heads/a b",
            "refs/tags/v1",
        ] {
            fs::write(git.join("HEAD"), format!("ref: {name}\n")).expect("written");
            assert_eq!(location.commit(), None, "{name}");
            let inside = git.join("refs/heads/main");
            assert_eq!(location.heads().last(), Some(&inside), "{name}");
        }
    }

    #[test]
    fn fetch_time_in_the_future_means_unknown_age() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = location(&folder);
        let git = location.folder().join(".git");
        fs::create_dir_all(&git).expect("made");
        let file = fs::File::create(git.join("FETCH_HEAD")).expect("written");
        let hour = Duration::from_secs(60 * 60);
        let year = 24 * 365 * hour;
        let policy = RefreshPolicy::OlderThan(hour);
        for (time, wants) in [
            (SystemTime::now() - hour / 2, false),
            (SystemTime::now() - 2 * hour, true),
            (SystemTime::now() + hour / 2, true),
            (SystemTime::now() + year, true),
        ] {
            file.set_modified(time).expect("times of files can be set");
            assert_eq!(location.wants_fetch(policy), wants, "{time:?}");
            assert!(!location.wants_fetch(RefreshPolicy::Never));
        }
    }
}
