//! Why a workspace could not be compared with its base.

use std::io;

use camino::Utf8PathBuf;

use crate::process::TemporaryError;

/// Why a workspace could not be compared with its base; each with what to do.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// Git is missing, or the program is ending.
    #[error("could not start git: {0}")]
    NoGit(String),
    /// The folder is in no repository, or git refuses to read it.
    #[error("`{folder}` is not in a git repository that can be read: {message}")]
    NoRepository {
        /// The folder.
        folder: Utf8PathBuf,
        /// Git's message.
        message: String,
    },
    /// Nothing has this name.
    #[error("could not find the base `{revision}` in `{repository}`: {cure}")]
    UnknownRevision {
        /// The names that were looked up.
        revision: String,
        /// The repository.
        repository: Utf8PathBuf,
        /// What to do.
        cure: &'static str,
    },
    /// The branches have no common commit, as far as the history was fetched.
    #[error("`{revision}` and `HEAD` have no common commit in `{repository}`: {cure}")]
    NoMergeBase {
        /// The base.
        revision: String,
        /// The repository.
        repository: Utf8PathBuf,
        /// What to do.
        cure: &'static str,
    },
    /// No variable of the environment names the base.
    #[error(
        "could not determine the base from the variables of the CI system; name it, as in `--base origin/main`"
    )]
    NoEvent,
    /// Objects are missing or broken.
    #[error(
        "could not read the base: git says: {message}; run `git fetch --refetch` if objects are missing"
    )]
    Unreadable {
        /// Git's message.
        message: String,
    },
    /// A limit.
    #[error("could not read the base: it has more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// The base has no verdict.
    #[error(
        "could not check the base `{name}`: {reason}; run the check without `--base` while the base is broken"
    )]
    NoVerdict {
        /// The base.
        name: String,
        /// The first failure.
        reason: String,
    },
    /// A folder could not be created.
    #[error("could not create a folder for the base: {0}")]
    Folder(String),
    /// A file could not be written.
    #[error("could not write `{path}`: {source}")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl From<TemporaryError> for BaseError {
    fn from(error: TemporaryError) -> Self {
        Self::Folder(error.to_string())
    }
}

/// What to do when a commit is missing.
pub(super) fn cure_of_missing(is_shallow: bool) -> &'static str {
    if is_shallow {
        "the clone is shallow; fetch the base, for example with `git fetch --depth=1 origin main:refs/remotes/origin/main`, \
         or set `fetch-depth: 0` for actions/checkout (`GIT_DEPTH: 0` in GitLab CI)"
    } else {
        "fetch it, for example with `git fetch origin`, or name another branch, tag or commit"
    }
}
