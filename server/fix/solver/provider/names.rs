//! What the problem is made of: names, their candidates, and sets of these.

use std::fmt::Display;

use resolvo::utils::VersionSet;
use semver::{Version, VersionReq};

use crate::fix::solver::{direct::Alternative, packages::CrateId, range::Range};

/// What has a name in the problem.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::fix::solver) enum Name {
    Package(CrateId, Range),
    Feature {
        id: CrateId,
        range: Range,
        feature: String,
        is_needed: bool,
    },
    /// A feature of one version.
    Enabled {
        id: CrateId,
        version: Version,
        feature: String,
    },
    /// How a direct dependency changes, by its index.
    Direct(usize),
    /// The range of a requirement that several satisfy, by its index.
    Wide(usize),
    /// A feature of the package in that range.
    WideFeature {
        wide: usize,
        feature: String,
    },
}

impl Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A set of the candidates of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::fix::solver) enum Set {
    All,
    Matching(VersionReq),
    Exactly(Version),
    /// From this version on, without pre-releases of later ones.
    From(Version),
    /// Without pre-releases.
    Stable,
    Range(Range),
    WithoutLinks(String),
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::fix::solver) enum Candidate {
    Package(CrateId, Version),
    Feature { id: CrateId, version: Version, feature: String, is_needed: bool },
    Enabled { id: CrateId, version: Version, feature: String },
    Direct(usize, Alternative),
    Wide(usize, Range),
    WideFeature { wide: usize, range: Range, feature: String },
}

impl Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl VersionSet for Set {
    type V = Candidate;
}

/// Who states a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::fix::solver) enum Owner {
    /// A package of the workspace or of a git repository, by its position in the lockfile.
    Unlisted(usize),
    Package(CrateId, Version),
}

/// Why a version must not be selected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::fix::solver) enum Rejection {
    /// An advisory affects it.
    Advisory(String),
    /// It has to be replaced.
    Replaced,
    /// With it the gate had another error, or cargo did not select it.
    Refused,
    /// Cargo has not downloaded it.
    NotDownloaded,
    Yanked,
    LacksFeature,
    /// It requires a newer Rust than the workspace states.
    NewerRust,
}
