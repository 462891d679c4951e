//! Which packages an advisory is about. Only cargo-deny's library compares versions and sources.

use std::{fmt, sync::Arc};

use cargo_deny::{
    Source,
    advisories::{
        db::is_affected,
        model::{Advisory as DenyAdvisory, Versions},
    },
};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    model::versions::{Share, share},
    threads::catch_and_warn,
};

/// The packages that an advisory is about, among those with its name.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "StoredScope", into = "StoredScope")]
pub struct AffectedPackages(Arc<Scope>);

/// The part of cargo-deny's advisory that decides.
struct Scope {
    versions: Versions,
    /// The registry; crates.io if absent.
    source: Option<Source>,
}

/// The same in the cache.
#[derive(Serialize, Deserialize)]
struct StoredScope {
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
    #[serde(default)]
    source: Option<String>,
}

impl AffectedPackages {
    /// The packages of crates.io in all versions but those that satisfy one of the requirements.
    pub fn except(patched: Vec<VersionReq>, unaffected: Vec<VersionReq>) -> Self {
        Self(Arc::new(Scope { versions: Versions { patched, unaffected }, source: None }))
    }

    pub(super) fn of(advisory: &DenyAdvisory<'_>) -> Self {
        let Versions { patched, unaffected } = &advisory.versions;
        let versions = Versions { patched: patched.clone(), unaffected: unaffected.clone() };
        Self(Arc::new(Scope { versions, source: advisory.advisory.source.clone() }))
    }

    /// The requirements that patched versions satisfy.
    pub fn patched(&self) -> &[VersionReq] {
        &self.0.versions.patched
    }

    /// The requirements that unaffected versions satisfy.
    pub fn unaffected(&self) -> &[VersionReq] {
        &self.0.versions.unaffected
    }

    /// Whether it is about a version.
    pub fn has_version(&self, version: &Version) -> bool {
        // cargo-deny panics on a pre-release with long numbers, and on one if a requirement is such as `1.*`.
        // Its check then reports that.
        catch_and_warn(|| is_affected(&self.0.versions, version)).unwrap_or(true)
    }

    /// Whether it is about packages of a source, which is written as in the lockfile.
    pub fn has_source(&self, source: Option<&str>) -> bool {
        let source = source.and_then(registry);
        source.is_some_and(|source| source.matches_rustsec(self.0.source.as_ref()))
    }

    /// How many of the versions that satisfy a requirement it is not about.
    pub(super) fn share_without(&self, requirement: &VersionReq) -> Share {
        let Versions { patched, unaffected } = &self.0.versions;
        let bounds: Vec<_> = patched.iter().chain(unaffected).collect();
        share(requirement, &bounds, |version| !self.has_version(version))
    }
}

impl Default for AffectedPackages {
    fn default() -> Self {
        Self::except(Vec::new(), Vec::new())
    }
}

impl PartialEq for AffectedPackages {
    fn eq(&self, other: &Self) -> bool {
        self.patched() == other.patched()
            && self.unaffected() == other.unaffected()
            && self.0.source == other.0.source
    }
}

impl fmt::Debug for AffectedPackages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("AffectedPackages");
        shown.field("patched", &self.patched()).field("unaffected", &self.unaffected());
        shown.field("source", &self.0.source).finish()
    }
}

impl From<StoredScope> for AffectedPackages {
    fn from(stored: StoredScope) -> Self {
        let StoredScope { patched, unaffected, source } = stored;
        let source = source.as_deref().and_then(registry);
        Self(Arc::new(Scope { versions: Versions { patched, unaffected }, source }))
    }
}

impl From<AffectedPackages> for StoredScope {
    fn from(affected: AffectedPackages) -> Self {
        Self {
            patched: affected.patched().to_vec(),
            unaffected: affected.unaffected().to_vec(),
            source: affected.0.source.as_ref().map(ToString::to_string),
        }
    }
}

/// A registry as cargo-deny's library reads it from the source of a package; `None` for other sources.
pub(super) fn registry(source: &str) -> Option<Source> {
    let (kind, url) = source.split_once('+')?;
    match kind {
        "registry" if url == tame_index::CRATES_IO_INDEX => Some(Source::crates_io(true)),
        "registry" => Some(Source::Registry(Url::parse(url).ok()?)),
        "sparse" if source == tame_index::CRATES_IO_HTTP_INDEX => Some(Source::crates_io(true)),
        "sparse" => Some(Source::Sparse(Url::parse(source).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn requirements(all: &[&str]) -> Vec<VersionReq> {
        all.iter().map(|one| one.parse().expect("a requirement")).collect()
    }

    fn affected(patched: &[&str], unaffected: &[&str]) -> AffectedPackages {
        AffectedPackages::except(requirements(patched), requirements(unaffected))
    }

    fn share_of(affected: &AffectedPackages, requirement: &str) -> Share {
        affected.share_without(&requirement.parse().expect("a requirement"))
    }

    #[test]
    fn pre_release_of_the_version_that_introduced_it_is_not_affected() {
        let zerocopy = affected(&[">=0.6.6, <0.7.0", ">=0.7.31"], &["<0.2.2"]);
        let is_affected = |version: &str| zerocopy.has_version(&version.parse().expect("one"));
        assert!(!is_affected("0.7.0-alpha.1"));
        assert!(!is_affected("0.2.0-rc.1"));
        assert!(!is_affected("0.6.6+build"));
        assert!(is_affected("0.7.0"));
        assert!(is_affected("0.6.3-alpha"));
        assert!(is_affected("0.7.31-rc.1"));
        assert_eq!(share_of(&zerocopy, "=0.7.0-alpha.1"), Share::All);
        assert_eq!(share_of(&zerocopy, "=0.6.3-alpha"), Share::None);
        assert_eq!(share_of(&zerocopy, "0.7.0"), Share::Some);
        assert_eq!(share_of(&zerocopy, ">=0.7.0-alpha.1, <0.7.31"), Share::Some);
        assert_eq!(share_of(&zerocopy, ">=0.7.0, <0.7.31"), Share::None);
        assert_eq!(share_of(&zerocopy, "0.8"), Share::All);
        let beta = affected(&[">=3.0.0-beta.9"], &[]);
        assert_eq!(share_of(&beta, ">=3.0.0-beta.9, <3.0.0"), Share::All);
        assert_eq!(share_of(&beta, ">=3.0.0-beta.8, <3.0.0"), Share::Some);
        assert_eq!(share_of(&beta, "=3.0.0-beta.8"), Share::None);
    }

    #[test]
    fn version_on_which_cargo_deny_panics_counts_as_affected() {
        let wildcard = affected(&["1.*"], &[]);
        assert!(wildcard.has_version(&"1.0.0-rc.1".parse().expect("a version")));
        assert!(!wildcard.has_version(&Version::new(1, 0, 0)));
    }

    #[test]
    fn sources_are_compared_as_cargo_deny_does() {
        let public = affected(&[">=2"], &[]);
        assert!(public.has_source(Some(CRATES_IO)));
        assert!(public.has_source(Some("sparse+https://index.crates.io/")));
        assert!(!public.has_source(Some("registry+https://crates.example.org/index")));
        assert!(!public.has_source(Some("git+https://github.com/rust-lang/crates.io-index")));
        assert!(!public.has_source(None));
        let source = Some("sparse+https://crates.example.org/".to_owned());
        let private: AffectedPackages =
            StoredScope { patched: Vec::new(), unaffected: Vec::new(), source }.into();
        assert!(private.has_source(Some("sparse+https://crates.example.org/")));
        assert!(!private.has_source(Some("registry+https://crates.example.org/")));
        assert!(!private.has_source(Some(CRATES_IO)));
    }

    #[test]
    fn stored_scope_is_the_same_when_it_is_read() {
        let source = Some("sparse+https://crates.example.org/".to_owned());
        let patched = requirements(&[">=0.6.6, <0.7.0", ">=0.7.31", "3.0.0-beta.9"]);
        let all: AffectedPackages =
            StoredScope { patched, unaffected: requirements(&["*", "<0.2"]), source }.into();
        let text = serde_json::to_string(&all).expect("JSON");
        assert_eq!(serde_json::from_str::<AffectedPackages>(&text).expect("read"), all);
    }
}
