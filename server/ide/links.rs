//! Document links: a declared crate leads to its page, an advisory's id in a policy to its own.

use camino::Utf8Path;

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
    let links = here.filter_map(|one| {
        let package = &one.package;
        let source = package.source.as_deref()?;
        if !source.contains("rust-lang/crates.io-index") {
            return None;
        }
        let (name, version) = (&package.name, &package.version);
        Some(Link {
            span: moved(&one.text, &one.key)?,
            url: format!("https://crates.io/crates/{name}/{version}"),
            words: format!("{name} {version} on crates.io"),
        })
    });
    let mut links: Vec<_> = links.collect();
    links.dedup_by(|a, b| a.span == b.span);
    links
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
