//! Document links: a declared crate leads to its page, its requirement to its repository, an
//! advisory's id in a policy to its own page.

use camino::Utf8Path;
use url::Url;

use crate::{
    gate::Verdict,
    model::tree,
    text::{SourceText, Span},
};

/// A link and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) span: Span,
    pub(crate) url: String,
    /// What is shown before it is followed.
    pub(crate) words: String,
}

/// The links of a manifest.
pub(crate) fn of_manifest(
    file: &Utf8Path,
    verdict: &Verdict,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<Link> {
    let here = verdict.declared.iter().filter(|one| one.file == file);
    let mut links = Vec::new();
    for one in here {
        let (name, version) = (&one.package.name, &one.package.version);
        let Some(source) = &one.package.source else { continue };
        let repository = one.repository.as_deref().and_then(page).map(|url| Link {
            span: one.place.clone(),
            url,
            words: format!("the repository of {name}"),
        });
        let listed = source.contains("rust-lang/crates.io-index").then(|| Link {
            span: one.key.clone(),
            url: format!("https://crates.io/crates/{name}/{version}"),
            words: format!("{name} {version} on crates.io"),
        });
        let both = listed.into_iter().chain(repository);
        let there =
            both.filter_map(|link| Some(Link { span: moved(&one.text, &link.span)?, ..link }));
        links.extend(there);
    }
    links.sort_by_key(|link| link.span.start);
    links.dedup_by(|later, first| later.span == first.span);
    links
}

/// The address of a page that a stranger named, if it is one on the web and nothing else.
fn page(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let on_the_web = matches!(url.scheme(), "https" | "http") && url.has_host();
    let plain = url.username().is_empty() && url.password().is_none();
    (on_the_web && plain).then(|| url.to_string())
}

/// The links of a policy: the advisories that it ignores.
pub(crate) fn of_policy(text: &SourceText) -> Vec<Link> {
    let source = text.as_str();
    let (root, _) = tree::parse(source);
    let Some(advisories) = tree::table(root.get_ref(), "advisories") else { return Vec::new() };
    let ids = tree::array(advisories, "ignore").iter().filter_map(|entry| {
        match entry.get_ref().as_table() {
            Some(table) => tree::string(source, table, "id"),
            None => tree::string_value(source, entry),
        }
    });
    let links = ids.filter(|id| id.value.starts_with("RUSTSEC-")).map(|id| Link {
        span: id.span,
        url: format!("https://rustsec.org/advisories/{}", id.value),
        words: format!("{} in the RustSec database", id.value),
    });
    links.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_on_the_web_are_led_to() {
        assert_eq!(page("https://github.com/a/b").as_deref(), Some("https://github.com/a/b"));
        for address in
            ["file:///etc/passwd", "javascript:alert(1)", "https://me:pw@host/", "../here", ""]
        {
            assert_eq!(page(address), None, "{address}");
        }
    }

    #[test]
    fn ignored_advisories_lead_to_their_pages() {
        let text = SourceText::new(
            "[advisories]\nignore = [\"RUSTSEC-2024-0001\", { id = 'RUSTSEC-2023-0071' }, \"yanked@1\"]\n",
        );
        let links = of_policy(&text);
        let covered: Vec<_> = links.iter().map(|link| &text.as_str()[link.span.clone()]).collect();
        assert_eq!(covered, ["RUSTSEC-2024-0001", "RUSTSEC-2023-0071"]);
        assert_eq!(links[1].url, "https://rustsec.org/advisories/RUSTSEC-2023-0071");
    }
}
