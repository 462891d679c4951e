//! What [`fix_all`](super::fix_all) may change.

use std::str::FromStr;

use semver::Version;

use super::{FixKind, FixOptions};
use crate::verdict::{Finding, PackageRef};

/// Which findings [`fix_all`](super::fix_all) fixes, and how.
#[derive(Clone, Debug, Default)]
pub struct FixScope {
    /// Which upgrades are allowed.
    pub options: FixOptions,
    /// Which kinds of policy changes are allowed.
    pub allowed_kinds: Vec<FixKind>,
    /// Only findings about these packages are fixed; all if empty.
    pub packages: Vec<PackageSelector>,
}

/// A package name, with or without a version: `time` or `time@0.3.44`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSelector {
    /// The name.
    pub name: String,
    /// The version; `None` selects all versions.
    pub version: Option<Version>,
}

impl PackageSelector {
    /// Whether a package is selected.
    pub fn matches(&self, package: &PackageRef) -> bool {
        self.name == package.name
            && self.version.as_ref().is_none_or(|version| *version == package.version)
    }
}

/// A selector whose version is none.
#[derive(Debug, thiserror::Error)]
#[error("invalid version in `{text}`: {error}")]
pub struct InvalidSelector {
    /// The selector.
    pub text: String,
    /// What is wrong with its version.
    pub error: semver::Error,
}

impl FromStr for PackageSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let version = version.map(Version::parse).transpose();
        let version = version.map_err(|error| InvalidSelector { text: text.to_owned(), error })?;
        Ok(Self { name: name.to_owned(), version })
    }
}

impl FixScope {
    pub(super) fn includes(&self, package: &PackageRef) -> bool {
        self.packages.is_empty() || self.packages.iter().any(|selector| selector.matches(package))
    }

    pub(super) fn includes_finding(&self, finding: &Finding) -> bool {
        self.packages.is_empty() || finding.packages.iter().any(|package| self.includes(package))
    }
}
