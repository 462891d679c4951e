//! Ranges of compatible versions.

use semver::Version;

/// Versions of which cargo selects at most one: those that are semver-compatible with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Range {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Range {
    pub(super) fn of(version: &Version) -> Self {
        match (version.major, version.minor) {
            (0, 0) => Self { major: 0, minor: 0, patch: version.patch },
            (0, minor) => Self { major: 0, minor, patch: 0 },
            (major, _) => Self { major, minor: 0, patch: 0 },
        }
    }
}
