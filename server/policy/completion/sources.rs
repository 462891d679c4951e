//! Where the packages of the graph come from: registries, git repositories, their owners.

use std::collections::BTreeMap;

use url::Url;

use super::{
    CompletionBuilder,
    edit::Spot,
    is_there,
    item::{SuggestionKind, Rank},
};
use crate::{
    policy::{cursor::ValueContext, schema::Host, rich_text::RichText},
    verdict::{Code, PackageFacts},
};

/// What cargo-deny takes `allow-registry` for where it is absent.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// The database that cargo-deny uses by itself.
const RUSTSEC: &str = "https://github.com/RustSec/advisory-db";

/// The packages of one source.
type Users<'f> = BTreeMap<String, Vec<&'f PackageFacts>>;

impl<'m> CompletionBuilder<'m> {
    pub(super) fn registries(&mut self, spot: &InsertionPoint<'_>, context: &ValueContext, others: &[&str]) {
        let mut users: Users<'m> = BTreeMap::new();
        for package in &self.facts.graph.packages {
            let Some((kind, url)) = source(package) else { continue };
            let url = match kind {
                _ if package.is_from_crates_io() => CRATES_IO.to_owned(),
                "registry" => url.to_string(),
                "sparse" => format!("sparse+{url}"),
                _ => continue,
            };
            users.entry(url).or_default().push(package);
        }
        // Packages of crates.io are nobody's own.
        if context.path.iter().any(|name| name == "ignore-sources") {
            users.remove(CRATES_IO);
        } else {
            users.entry(CRATES_IO.to_owned()).or_default();
        }
        self.sources(users, spot, others);
    }

    /// The registries that members are published to, as their manifests name them.
    pub(super) fn registry_names(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        for (name, members) in &self.facts.graph.published_to {
            if is_there(others, name) {
                continue;
            }
            let Some(edit) = spot.string(name) else { continue };
            let item = edit.item(&**name, SuggestionKind::Source, Rank::Usual);
            self.items.push(item.detail(format!("of {}", members.join(", "))));
        }
    }

    pub(super) fn repositories(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.gits() {
            users.entry(url.to_string()).or_default().push(package);
        }
        self.sources(users, spot, others);
    }

    pub(super) fn prefixes(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.gits() {
            let Some(host) = url.host_str() else { continue };
            let root = format!("{}://{host}", url.scheme());
            if let Some(owner) = owner(&url) {
                users.entry(format!("{root}/{owner}")).or_default().push(package);
            }
        }
        self.sources(users, spot, others);
    }

    pub(super) fn organizations(&mut self, host: Host, spot: &InsertionPoint<'_>, others: &[&str]) {
        let domain = match host {
            Host::GitHub => "github.com",
            Host::GitLab => "gitlab.com",
            Host::Bitbucket => "bitbucket.org",
        };
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.gits() {
            if url.host_str() == Some(domain)
                && let Some(owner) = owner(&url)
            {
                users.entry(owner.to_owned()).or_default().push(package);
            }
        }
        self.sources(users, spot, others);
    }

    pub(super) fn databases(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        if is_there(others, RUSTSEC) {
            return;
        }
        let Some(edit) = spot.string(RUSTSEC) else { return };
        let item = edit.item(RUSTSEC, SuggestionKind::Source, Rank::Usual);
        self.items.push(item.about(RichText::default().text("The advisories of RustSec.")));
    }

    /// The git repositories of the graph, without branches and credentials.
    fn gits(&self) -> Vec<(Url, &'m PackageFacts)> {
        let sources = self.facts.graph.packages.iter().filter_map(|package| {
            let (kind, url) = source(package)?;
            (kind == "git").then_some((url, package))
        });
        sources.collect()
    }

    fn sources(&mut self, users: Users<'m>, spot: &InsertionPoint<'_>, others: &[&str]) {
        for (text, packages) in users {
            if others.iter().any(|other| other.trim_end_matches('/') == text.trim_end_matches('/'))
            {
                continue;
            }
            let refused = packages
                .iter()
                .any(|package| !self.found(package, &[Code::SourceNotAllowed]).is_empty());
            let rank = match (refused, packages.is_empty()) {
                (true, _) => Rank::Finding,
                (false, false) => Rank::Usual,
                (false, true) if self.facts.graph.packages.is_empty() => Rank::Other,
                (false, true) => Rank::Unused,
            };
            let Some(edit) = spot.string(&text) else { continue };
            let names: Vec<_> = packages
                .iter()
                .take(8)
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            let more = packages.len().saturating_sub(names.len());
            let mut words = RichText::default().text(names.join(", "));
            if more > 0 {
                words = words.text(format!(" and {more} more"));
            }
            let detail = match packages.len() {
                0 => "no package comes from it".to_owned(),
                1 => "1 package".to_owned(),
                count => format!("{count} packages"),
            };
            let item = edit.item(text, SuggestionKind::Source, rank).detail(detail);
            self.items.push(item.about(words));
        }
    }
}

/// The kind of a source and its URL, without what follows the path, and without credentials.
fn source(package: &PackageFacts) -> Option<(&str, Url)> {
    let (kind, url) = package.source.as_deref()?.split_once('+')?;
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    if !url.username().is_empty() || url.password().is_some() {
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
    }
    Some((kind, url))
}

fn owner(url: &Url) -> Option<&str> {
    url.path_segments()?.next().filter(|owner| !owner.is_empty())
}
