//! The sources of packages in the graph: registries, git repositories, their owners.

use std::collections::BTreeMap;

use url::Url;

use super::{
    CompletionBuilder,
    edit::InsertionPoint,
    is_listed,
    item::{Rank, SuggestionKind},
};
use crate::{
    policy::{cursor::ValueContext, rich_text::RichText, schema::Host},
    verdict::{Code, PackageFacts},
};

/// cargo-deny's default of `allow-registry`.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// cargo-deny's default database.
const RUSTSEC: &str = "https://github.com/RustSec/advisory-db";

/// The packages by source.
type Users<'f> = BTreeMap<String, Vec<&'f PackageFacts>>;

impl<'m> CompletionBuilder<'m> {
    pub(super) fn registries(
        &mut self,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
    ) {
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
        // crates.io is not a private source.
        if context.path.iter().any(|name| name == "ignore-sources") {
            users.remove(CRATES_IO);
        } else {
            users.entry(CRATES_IO.to_owned()).or_default();
        }
        self.sources(users, insertion, others);
    }

    /// Suggests the registries that members are published to.
    pub(super) fn registry_names(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        for (name, members) in &self.facts.graph.published_to {
            if is_listed(others, name) {
                continue;
            }
            let Some(edit) = insertion.string(name) else { continue };
            let item = edit.item(&**name, SuggestionKind::Source, Rank::Usual);
            self.items.push(item.detail(format!("of {}", members.join(", "))));
        }
    }

    pub(super) fn repositories(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.git_sources() {
            users.entry(url.to_string()).or_default().push(package);
        }
        self.sources(users, insertion, others);
    }

    pub(super) fn prefixes(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.git_sources() {
            let Some(host) = url.host_str() else { continue };
            let root = format!("{}://{host}", url.scheme());
            if let Some(owner) = owner(&url) {
                users.entry(format!("{root}/{owner}")).or_default().push(package);
            }
        }
        self.sources(users, insertion, others);
    }

    pub(super) fn organizations(
        &mut self,
        host: Host,
        insertion: &InsertionPoint<'_>,
        others: &[&str],
    ) {
        let domain = match host {
            Host::GitHub => "github.com",
            Host::GitLab => "gitlab.com",
            Host::Bitbucket => "bitbucket.org",
        };
        let mut users: Users<'m> = BTreeMap::new();
        for (url, package) in self.git_sources() {
            if url.host_str() == Some(domain)
                && let Some(owner) = owner(&url)
            {
                users.entry(owner.to_owned()).or_default().push(package);
            }
        }
        self.sources(users, insertion, others);
    }

    pub(super) fn databases(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        if is_listed(others, RUSTSEC) {
            return;
        }
        let Some(edit) = insertion.string(RUSTSEC) else { return };
        let item = edit.item(RUSTSEC, SuggestionKind::Source, Rank::Usual);
        self.items.push(item.about(RichText::default().text("The RustSec advisory database.")));
    }

    /// The git repositories of the graph, without branches and credentials.
    fn git_sources(&self) -> Vec<(Url, &'m PackageFacts)> {
        let sources = self.facts.graph.packages.iter().filter_map(|package| {
            let (kind, url) = source(package)?;
            (kind == "git").then_some((url, package))
        });
        sources.collect()
    }

    fn sources(&mut self, users: Users<'m>, insertion: &InsertionPoint<'_>, others: &[&str]) {
        for (text, packages) in users {
            if others.iter().any(|other| other.trim_end_matches('/') == text.trim_end_matches('/'))
            {
                continue;
            }
            let refused = packages
                .iter()
                .any(|package| !self.findings_about(package, &[Code::SourceNotAllowed]).is_empty());
            let rank = match (refused, packages.is_empty()) {
                (true, _) => Rank::Finding,
                (false, false) => Rank::Usual,
                (false, true) if self.facts.graph.packages.is_empty() => Rank::Other,
                (false, true) => Rank::Unused,
            };
            let Some(edit) = insertion.string(&text) else { continue };
            let names: Vec<_> = packages
                .iter()
                .take(8)
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            let more = packages.len().saturating_sub(names.len());
            let mut about = RichText::default().text(names.join(", "));
            if more > 0 {
                about = about.text(format!(" and {more} more"));
            }
            let detail = match packages.len() {
                0 => "no package comes from it".to_owned(),
                1 => "1 package".to_owned(),
                count => format!("{count} packages"),
            };
            let item = edit.item(text, SuggestionKind::Source, rank).detail(detail);
            self.items.push(item.about(about));
        }
    }
}

/// The kind of a source and its URL, without query, fragment and credentials.
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
