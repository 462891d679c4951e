//! cargo-deny's package specs, as it reads them: `name`, `name@1.2.3`, `name:^1.2`.

pub(crate) mod entry;

use semver::{Op, Version, VersionReq};

/// Which packages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: String,
    /// Every version, where there is none.
    pub(crate) requirement: Option<VersionReq>,
}

impl Spec {
    /// Reads a spec; `None` where its requirement cannot be read.
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

    /// Whether a version of the package that it names is meant.
    pub(crate) fn admits(&self, version: &str) -> bool {
        self.requirement.as_ref().is_none_or(|requirement| {
            Version::parse(version).is_ok_and(|version| requirement.matches(&version))
        })
    }
}

/// The name that a spec begins with: up to an `@`, for which cargo-deny looks first, or else a `:`.
pub(crate) fn name(spec: &str) -> &str {
    let end = spec.find('@').or_else(|| spec.find(':')).unwrap_or(spec.len());
    &spec[..end]
}

/// Exactly this version, in the spelling that pins: a requirement says nothing of what follows a `+`.
pub(crate) fn exactly(name: &str, version: &str) -> String {
    format!("{name}@{}", version.split('+').next().unwrap_or_default())
}
