//! cargo-deny's package specs: `name`, `name@1.2.3`, `name:^1.2`.

pub(crate) mod entry;

use semver::{Op, Version, VersionReq};

use crate::model::versions::without_build;

/// A package name with an optional requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackageSpec {
    pub(crate) name: String,
    /// `None` matches every version.
    pub(crate) requirement: Option<VersionReq>,
}

impl PackageSpec {
    /// Parses a spec; `None` if its requirement is invalid.
    pub(crate) fn parse(spec: &str) -> Option<Self> {
        let name = name(spec);
        if name.len() == spec.len() {
            return Some(Self { name: spec.to_owned(), requirement: None });
        }
        let mut requirement: VersionReq = spec[name.len() + 1..].parse().ok()?;
        if spec[name.len()..].starts_with('@')
            && let Some(first) = requirement.comparators.first_mut()
        {
            first.op = Op::Exact;
        }
        Some(Self { name: name.to_owned(), requirement: Some(requirement) })
    }

    /// `{ name = "..", version = ".." }`
    pub(crate) fn of(name: &str, version: Option<&str>) -> Option<Self> {
        let requirement = version.map(str::parse).transpose().ok()?;
        Some(Self { name: name.to_owned(), requirement })
    }

    /// Whether the spec matches a version of its package.
    pub(crate) fn admits(&self, version: &Version) -> bool {
        self.requirement.as_ref().is_none_or(|requirement| requirement.matches(version))
    }
}

/// The name in a spec: the part before an `@` or, without one, before a `:`. cargo-deny looks for them in
/// this order.
pub(crate) fn name(spec: &str) -> &str {
    let end = spec.find('@').or_else(|| spec.find(':')).unwrap_or(spec.len());
    &spec[..end]
}

/// The spec of exactly this version. Requirements ignore build metadata after `+`.
pub(crate) fn exactly(name: &str, version: &Version) -> String {
    format!("{name}@{}", without_build(version))
}
