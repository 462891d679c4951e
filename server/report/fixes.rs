//! The verified fixes of a workspace.

use std::time::Duration;

use camino::Utf8PathBuf;

use crate::fix::{FileDiff, FixReport};

/// How long the fixes of all workspaces of a report may be searched.
pub const FIX_SEARCH_TIME: Duration = Duration::from_secs(30);

/// What is known of the fixes of a workspace.
#[derive(Debug)]
pub enum WorkspaceFixes {
    /// They were searched.
    Found(Box<FoundFixes>),
    /// They were not.
    NotSearched(NoSearch),
}

/// The result of a search for fixes.
#[derive(Debug)]
pub struct FoundFixes {
    /// The fixes, and why there is none for the remaining findings.
    pub report: FixReport,
    /// The folder in which the diffs apply.
    pub folder: Utf8PathBuf,
    /// The changes of all fixes together.
    pub diffs: Vec<FileDiff>,
}

/// Why fixes were not searched. Shown as a sentence without a final period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSearch {
    /// There was no time.
    #[error("no fixes were searched: {} seconds have passed before", FIX_SEARCH_TIME.as_secs())]
    OutOfTime,
    /// `--metadata-path` is given.
    #[error(
        "no fixes were searched: cargo verifies them, and `--metadata-path` takes a file in its place"
    )]
    MetadataFile,
}

impl WorkspaceFixes {
    /// The result of the search, if there was one.
    pub(super) fn found(&self) -> Option<&FoundFixes> {
        match self {
            Self::Found(found) => Some(found),
            Self::NotSearched(_) => None,
        }
    }
}
