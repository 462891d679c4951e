//! Where advisory databases are kept, how old they are, and how they are fetched.
//!
//! Folder names, the lock and the git commands are cargo-deny's, so both programs share one copy.

use std::{
    fs, io,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use tame_index::utils::flock::{FileLock, LockOptions};
use twox_hash::XxHash64;
use url::Url;

use crate::process::{Children, git};

/// The database of the `RustSec` project.
pub const DEFAULT_URL: &str = "https://github.com/RustSec/advisory-db";

/// The branch that cargo-deny reads.
const BRANCH: &str = "main";

/// Stands in a clone while it is brought up to date: until then it may be half of each.
const UNFINISHED: &str = "supercargo-unfinished";

/// A clone that is being made has this in its name.
const PARTIAL: &str = ".partial-";

/// One database that a policy names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseLocation {
    /// The folder that holds all databases (`advisories.db-path`).
    pub root: Utf8PathBuf,
    /// Where it is fetched from (`advisories.db-urls`).
    pub url: Url,
}

/// How old a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is not on this machine.
    Absent,
    /// When it was last fetched; `None` where that cannot be told.
    Fetched(Option<SystemTime>),
}

/// When a database is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// Never: there is no network or it must not be used.
    Never,
    /// When it is absent or older than this.
    OlderThan(Duration),
    /// Now.
    Always,
}

/// Why a database could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// `git` cannot be started.
    #[error("start `git`: {0} (install it to fetch advisory databases)")]
    NoGit(String),
    /// `git` failed.
    #[error("fetch `{url}`: {message}")]
    Git {
        /// The database.
        url: Url,
        /// What git said.
        message: String,
    },
    /// The folder cannot be written.
    #[error("write to `{path}`: {source}")]
    Write {
        /// Which folder.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program holds the databases' lock for too long.
    #[error("lock `{path}`: {message}")]
    Locked {
        /// The lock file.
        path: Utf8PathBuf,
        /// Why.
        message: String,
    },
}

/// The branch that is checked out, by the text of git's `HEAD`; `None` where it is a commit.
fn branch(head: &str) -> Option<&str> {
    head.trim().strip_prefix("ref: ")
}

impl DatabaseLocation {
    /// The folder of this database: the last segment of its URL in lower case, a dash, and the
    /// XXH64 of the whole URL in lower case (cargo-deny's `url_to_db_path`).
    pub fn folder(&self) -> Utf8PathBuf {
        let url = self.url.as_str().to_lowercase();
        let url = Url::parse(&url).unwrap_or_else(|_| self.url.clone());
        let name = url.path_segments().and_then(|mut all| all.next_back()).unwrap_or("empty_");
        let hash = XxHash64::oneshot(0xca80_de71, url.as_str().as_bytes());
        self.root.join(format!("{name}-{hash:016x}"))
    }

    /// The files of the clone that change with every fetch, whether they are there or not: what
    /// was fetched, and the commit that is checked out.
    pub fn heads(&self) -> Vec<Utf8PathBuf> {
        let git = self.folder().join(".git");
        let head = fs::read_to_string(git.join("HEAD")).unwrap_or_default();
        let branch = branch(&head).unwrap_or("refs/heads/main");
        ["FETCH_HEAD", "HEAD", "packed-refs", branch].map(|name| git.join(name)).to_vec()
    }

    /// The commit that is checked out; `None` where that cannot be told.
    pub(crate) fn commit(&self) -> Option<String> {
        let git = self.folder().join(".git");
        let head = fs::read_to_string(git.join("HEAD")).ok()?;
        let Some(branch) = branch(&head) else {
            return Some(head.trim().to_owned()).filter(|commit| !commit.is_empty());
        };
        if let Ok(commit) = fs::read_to_string(git.join(branch)) {
            return Some(commit.trim().to_owned());
        }
        let packed = fs::read_to_string(git.join("packed-refs")).ok()?;
        let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(_, name)| *name == branch).map(|(commit, _)| commit.to_owned())
    }

    /// How old the copy on this machine is: the time of `FETCH_HEAD`, else of `HEAD`, since a
    /// fresh clone has no `FETCH_HEAD`. A fetch that was broken off counts for nothing.
    pub fn freshness(&self) -> Freshness {
        let folder = self.folder();
        if !folder.is_dir() {
            return Freshness::Absent;
        }
        if folder.join(".git").join(UNFINISHED).exists() {
            return Freshness::Fetched(None);
        }
        let modified = |name: &str| {
            fs::metadata(folder.join(".git").join(name)).and_then(|data| data.modified()).ok()
        };
        Freshness::Fetched(modified("FETCH_HEAD").or_else(|| modified("HEAD")))
    }

    /// Whether `policy` asks for a fetch now.
    pub fn wants_fetch(&self, policy: RefreshPolicy) -> bool {
        match (policy, self.freshness()) {
            (RefreshPolicy::Never, _) => false,
            (RefreshPolicy::Always, _) | (_, Freshness::Absent | Freshness::Fetched(None)) => true,
            (RefreshPolicy::OlderThan(limit), Freshness::Fetched(Some(time))) => {
                time.elapsed().is_ok_and(|age| age > limit)
            }
        }
    }

    /// Takes the lock under which cargo-deny and we read and change databases; waits a minute.
    pub(crate) fn lock(&self) -> Result<FileLock, FetchError> {
        fs::create_dir_all(&self.root)
            .map_err(|source| FetchError::Write { path: self.root.clone(), source })?;
        let path = self.root.join("db.lock");
        LockOptions::new(&path)
            .exclusive(false)
            .lock(|_| Some(Duration::from_secs(60)))
            .map_err(|error| FetchError::Locked { path: path.clone(), message: error.to_string() })
    }

    /// Clones the database, or brings it up to date. A clone appears whole or not at all.
    ///
    /// # Errors
    ///
    /// When git is missing or fails, or the folder cannot be written.
    pub fn fetch(&self, children: &Children) -> Result<(), FetchError> {
        let _partial_is_deleted = children.in_use();
        let _lock = self.lock()?;
        let folder = self.folder();
        if folder.join(".git").is_dir() {
            // Nobody else is at it: what git left when it was killed would stop it for ever.
            remove_locks(&folder.join(".git"));
            let unfinished = folder.join(".git").join(UNFINISHED);
            fs::write(&unfinished, "")
                .map_err(|source| FetchError::Write { path: unfinished.clone(), source })?;
            // A changed work tree must not stop the fetch, as in cargo-deny.
            let _ = self.git(children, &folder, &["reset", "--hard"]);
            let refspec = format!("+{BRANCH}:{BRANCH}");
            let fetch = ["fetch", "--depth=1", "-u", "origin", &refspec];
            if let Err(error) = self.git(children, &folder, &fetch) {
                // The clone is whole: it is what it was before.
                let _ = fs::remove_file(&unfinished);
                return Err(error);
            }
            self.git(children, &folder, &["reset", "--hard", "FETCH_HEAD"])?;
            return fs::remove_file(&unfinished)
                .map_err(|source| FetchError::Write { path: unfinished, source });
        }
        for entry in self.root.read_dir_utf8().into_iter().flatten().flatten() {
            if entry.file_name().starts_with(PARTIAL) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let partial = self.root.join(format!("{PARTIAL}{}", std::process::id()));
        let url = self.url.as_str();
        let clone = ["clone", "--depth=1", "--branch", BRANCH, url, partial.as_str()];
        let done = self.git(children, &self.root, &clone).and_then(|()| {
            if folder.exists() {
                // Something that is no clone: kept aside rather than deleted.
                let _ = fs::rename(&folder, self.root.join(format!("{folder}.broken")));
            }
            fs::rename(&partial, &folder)
                .map_err(|source| FetchError::Write { path: folder.clone(), source })
        });
        let _ = fs::remove_dir_all(&partial);
        done
    }

    fn git(&self, children: &Children, folder: &Utf8Path, args: &[&str]) -> Result<(), FetchError> {
        let mut command = git();
        command.arg("-C").arg(folder).args(args);
        let output = children.run(command).map_err(|error| FetchError::NoGit(error.to_string()))?;
        if output.success {
            return Ok(());
        }
        let message = output
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("fatal: "))
            .unwrap_or(output.stderr.trim());
        Err(FetchError::Git { url: self.url.clone(), message: message.to_owned() })
    }
}

/// Removes the lock files of a git that was killed.
fn remove_locks(git: &Utf8Path) {
    for folder in [git.to_owned(), git.join("refs/heads"), git.join("refs/remotes/origin")] {
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            if entry.path().extension() == Some("lock") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_one_that_cargo_deny_uses() {
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
    fn the_commit_is_that_of_the_branch() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8").to_owned();
        let url = Url::parse(DEFAULT_URL).expect("a URL");
        let location = DatabaseLocation { root, url };
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
}
