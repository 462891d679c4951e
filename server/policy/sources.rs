//! Package sources as policies name them.

use url::Url;

/// cargo-deny's default of `allow-registry`.
pub(crate) const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// The hosts that `allow-org` supports, with their keys.
pub(crate) const OWNERS: [(&str, &str); 3] =
    [("github.com", "github"), ("gitlab.com", "gitlab"), ("bitbucket.org", "bitbucket")];

/// A policy entry that allows exactly one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceEntry {
    /// For `sources.allow-registry`
    Registry(String),
    /// For `sources.allow-git`
    Repository(Url),
}

impl SourceEntry {
    /// The entry for a source as in `Cargo.lock`; `None` for a local package.
    pub(crate) fn of(source: &str) -> Option<Self> {
        let (kind, url) = source.split_once('+')?;
        let url = plain(url)?;
        match kind {
            "git" => Some(Self::Repository(url)),
            "registry" => Some(Self::Registry(url.to_string())),
            "sparse" => Some(Self::Registry(format!("sparse+{url}"))),
            _ => None,
        }
    }
}

/// The `allow-org` key and owner of a repository.
pub(crate) fn owner(url: &Url) -> Option<(&'static str, &str)> {
    let (_, name) = OWNERS.iter().find(|(host, _)| Some(*host) == url.host_str())?;
    let owner = url.path_segments()?.next().filter(|owner| !owner.is_empty())?;
    Some((name, owner))
}

/// The URL without branch, revision and credentials.
fn plain(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    if !url.username().is_empty() {
        url.set_username("").ok()?;
    }
    if url.password().is_some() {
        url.set_password(None).ok()?;
    }
    Some(url)
}
