//! Document links: from dependencies to crates.io and their repositories, and from the names in a policy
//! to their pages.

use camino::Utf8Path;
use url::Url;

use super::license;
use crate::{
    gate::Verdict,
    model::tree,
    policy::entries::entries,
    text::{SourceText, Span},
};

/// A link and its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) span: Span,
    pub(crate) url: String,
    /// The tooltip.
    pub(crate) tooltip: String,
}

/// The links of a manifest.
pub(crate) fn of_manifest(
    file: &Utf8Path,
    verdict: &Verdict,
    moved: &dyn Fn(&SourceText, &Span) -> Option<Span>,
) -> Vec<Link> {
    let here = verdict.declared_in(file);
    let mut links = Vec::new();
    for one in here {
        let (name, version) = (&one.package.name, &one.package.version);
        let Some(source) = &one.package.source else { continue };
        let repository = one.repository.as_deref().and_then(page).map(|url| Link {
            span: one.location.clone(),
            url,
            tooltip: format!("repository of {name}"),
        });
        let listed = source.contains("rust-lang/crates.io-index").then(|| Link {
            span: one.key.clone(),
            url: format!("https://crates.io/crates/{name}/{version}"),
            tooltip: format!("{name} {version} on crates.io"),
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

/// The URL of an untrusted address, if it is an http or https URL without credentials.
fn page(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let on_the_web = matches!(url.scheme(), "https" | "http") && url.has_host();
    let plain = url.username().is_empty() && url.password().is_none();
    (on_the_web && plain).then(|| url.to_string())
}

/// The links of a policy: from advisories, licenses, packages and addresses to their pages. `elsewhere`
/// returns whether a package is in the graph and no version of it is from crates.io.
pub(crate) fn of_policy(text: &SourceText, elsewhere: &dyn Fn(&str) -> bool) -> Vec<Link> {
    let source = text.as_str();
    let mut links = Vec::new();
    for entry in entries(source) {
        let subject = &entry.subject;
        if entry.is_advisory() {
            links.extend(advisory(&subject.value).map(|(url, tooltip)| Link {
                span: subject.span.clone(),
                url,
                tooltip,
            }));
        } else if entry.list.is_of_licenses() {
            links.extend(licenses(source, &subject.span));
        } else if let Some(package) = entry.package() {
            let name = package.value;
            if is_package_name(name) && !elsewhere(name) {
                links.push(Link {
                    span: package.span,
                    url: format!("https://crates.io/crates/{name}"),
                    tooltip: format!("{name} on crates.io"),
                });
            }
        }
    }
    let (root, _) = tree::parse(source);
    let root = root.get_ref();
    for (table, key) in [
        ("advisories", "db-urls"),
        ("sources", "allow-git"),
        ("sources", "allow-registry"),
        ("sources", "private"),
    ] {
        let listed = tree::table(root, table).map(|table| tree::strings(source, table, key));
        for address in listed.into_iter().flatten() {
            let stated = address.value.as_str();
            // `git+https://..`: the part before the `+` is ignored.
            let plain = match stated.split_once('+') {
                Some((kind, rest)) if !kind.contains(':') => rest,
                _ => stated,
            };
            links.extend(page(plain).map(|url| Link {
                span: address.span.clone(),
                tooltip: url.clone(),
                url,
            }));
        }
    }
    let owners = tree::table(root, "sources").and_then(|sources| tree::table(sources, "allow-org"));
    for (host, at) in
        [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")]
    {
        let named = owners.map(|owners| tree::strings(source, owners, host));
        for owner in named.into_iter().flatten().filter(|owner| is_package_name(&owner.value)) {
            let url = format!("https://{at}/{}", owner.value);
            links.push(Link { span: owner.span, tooltip: url.clone(), url });
        }
    }
    for expression in
        tree::table(root, "licenses").map_or(&[][..], |table| tree::array(table, "clarify"))
    {
        let stated = expression.get_ref().as_table();
        let stated = stated.and_then(|table| tree::string(source, table, "expression"));
        links.extend(stated.into_iter().flat_map(|stated| licenses(source, &stated.span)));
    }
    links.sort_by_key(|link| link.span.start);
    links
}

fn advisory(id: &str) -> Option<(String, String)> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match id.split_once('-')?.0 {
        "RUSTSEC" if plain => Some((
            format!("https://rustsec.org/advisories/{id}"),
            format!("{id} in the RustSec database"),
        )),
        "CVE" if plain => {
            Some((format!("https://www.cve.org/CVERecord?id={id}"), format!("{id} on cve.org")))
        }
        "GHSA" if plain => {
            Some((format!("https://github.com/advisories/{id}"), format!("{id} on GitHub")))
        }
        _ => None,
    }
}

/// Links for each license and exception in a part of a text.
fn licenses(text: &str, inside: &Span) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut at = inside.start;
    while at < inside.end {
        let Some((name, span)) = license::at(text, inside, at) else {
            at += 1;
            continue;
        };
        at = span.end + 1;
        let tooltip = format!("{name} on spdx.org");
        links.extend(license::page(name).map(|url| Link { span, url, tooltip }));
    }
    links
}

/// Whether a name needs no escaping in an address.
fn is_package_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(page("https://github.com/a/b").as_deref(), Some("https://github.com/a/b"));
        for address in
            ["file:///etc/passwd", "javascript:alert(1)", "https://me:pw@host/", "../here", ""]
        {
            assert_eq!(page(address), None, "{address}");
        }
    }

    #[test]
    fn ignored_advisories_link_to_their_pages() {
        let text = SourceText::new(
            "[advisories]\nignore = [\"RUSTSEC-2024-0001\", { id = 'RUSTSEC-2023-0071' }, \"yanked@1\"]\n",
        );
        let links = of_policy(&text, &|_| false);
        let covered: Vec<_> = links.iter().map(|link| &text.as_str()[link.span.clone()]).collect();
        assert_eq!(covered, ["RUSTSEC-2024-0001", "RUSTSEC-2023-0071", "yanked"]);
        assert_eq!(links[1].url, "https://rustsec.org/advisories/RUSTSEC-2023-0071");
    }

    #[test]
    fn licenses_packages_and_addresses_link_to_their_pages() {
        let text = SourceText::new(
            "[licenses]\nallow = [\"MIT\", \"Mine\", \"Apache-2.0 WITH LLVM-exception\"]\n\
             clarify = [{ crate = \"ring@0.17\", expression = \"ISC AND OpenSSL\", license-files = [] }]\n\
             [bans]\ndeny = [\"openssl\", \"ours\", \"../x\"]\n\
             [sources]\nallow-git = [\"git+https://example.org/a\", \"file:///etc\"]\n\
             [sources.allow-org]\ngithub = [\"embark\", \"a/../b\"]\n",
        );
        let links = of_policy(&text, &|name| name == "ours");
        let actual: Vec<_> = links
            .iter()
            .map(|link| format!("{} {}", &text.as_str()[link.span.clone()], link.url))
            .collect();
        assert_eq!(
            actual,
            [
                "MIT https://spdx.org/licenses/MIT.html",
                "Apache-2.0 https://spdx.org/licenses/Apache-2.0.html",
                "LLVM-exception https://spdx.org/licenses/LLVM-exception.html",
                "ring https://crates.io/crates/ring",
                "ISC https://spdx.org/licenses/ISC.html",
                "OpenSSL https://spdx.org/licenses/OpenSSL.html",
                "openssl https://crates.io/crates/openssl",
                "git+https://example.org/a https://example.org/a",
                "embark https://github.com/embark",
            ]
        );
    }
}
