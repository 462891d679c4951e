//! What a repair may touch.

use std::str::FromStr;

use semver::Version;

use super::{FixOptions, FixKind};
use crate::verdict::{Finding, PackageRef};

/// What is to be repaired, and how.
#[derive(Clone, Debug, Default)]
pub struct FixScope {
    /// Which upgrades.
    pub fix: FixOptions,
    /// Which remedies of the policy: those that state it more precisely.
    pub allowed: Vec<FixKind>,
    /// Only what is found about these packages; about all where none is named.
    pub packages: Vec<PackageSelector>,
}

/// A package that is named, in one version or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSelector {
    /// Its name.
    pub name: String,
    /// Which version; `None` for all.
    pub version: Option<Version>,
}

impl PackageSelector {
    /// Whether a package is meant.
    pub fn is(&self, package: &PackageRef) -> bool {
        let version = || Version::parse(&package.version).ok();
        self.name == package.name && (self.version.is_none() || self.version == version())
    }
}

impl FromStr for PackageSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let version = version.map(Version::parse).transpose();
        let version = version.map_err(|error| format!("`{text}` names no version: {error}"))?;
        Ok(Self { name: name.to_owned(), version })
    }
}

impl FixScope {
    pub(super) fn names(&self, package: &PackageRef) -> bool {
        self.packages.is_empty() || self.packages.iter().any(|named| named.is(package))
    }

    pub(super) fn names_any_of(&self, finding: &Finding) -> bool {
        self.packages.is_empty() || finding.packages.iter().any(|package| self.names(package))
    }
}
