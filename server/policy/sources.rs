//! Where packages come from, as policies name it.

use url::Url;

/// What cargo-deny takes `allow-registry` for where it is absent.
pub(crate) const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// The hosts whose owners cargo-deny knows, and its names for them.
pub(crate) const OWNERS: [(&str, &str); 3] =
    [("github.com", "github"), ("gitlab.com", "gitlab"), ("bitbucket.org", "bitbucket")];

/// An entry that permits exactly one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permitted {
    /// For `sources.allow-registry`.
    Registry(String),
    /// For `sources.allow-git`.
    Repository(Url),
}

impl Permitted {
    /// That for a source as lock files name it; `None` for what is local.
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

/// Who owns a repository: cargo-deny's name for the host, and the owner.
pub(crate) fn owner(url: &Url) -> Option<(&'static str, &str)> {
    let (_, name) = OWNERS.iter().find(|(host, _)| Some(*host) == url.host_str())?;
    let owner = url.path_segments()?.next().filter(|owner| !owner.is_empty())?;
    Some((name, owner))
}

/// Without branch, revision and credentials.
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
