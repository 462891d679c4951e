//! Findings whose reason is a known defect of cargo-deny 0.20, and remedies where crates.io is vendored: what
//! cargo-deny advises does not help there.

use cargo_deny::{Krate, Source};
use url::Url;

use super::{Code, Context, Finding, ResolvedLabel, sanitize};
use crate::verdict::message_text::join_with_and;

/// The file that `cargo vendor` writes next to the manifest of each package.
const VENDORED: &str = ".cargo-checksum.json";

/// How many members a message names.
const MAX_MEMBERS: usize = 5;

/// Corrects message, remedy and notes of a finding where cargo-deny's own would mislead.
pub(super) fn correct(finding: &mut Finding, labels: &[ResolvedLabel], context: &Context<'_>) {
    match finding.code {
        Some(Code::UnusedWorkspaceDependency) => unused_but_inherited(finding, labels, context),
        Some(Code::UnresolvedWorkspaceDependency) => unresolved(finding, labels, context),
        Some(Code::SourceNotAllowed) => {
            let source = finding.packages.first().and_then(|package| package.source.as_deref());
            if source.is_some_and(is_misread) {
                finding.remedy = Some(NAME_THE_HOST.to_owned());
                finding.notes.push(MISREAD.to_owned());
            }
        }
        Some(Code::UnmatchedSource) => {
            let mut entries = labels.iter().filter(|label| label.primary);
            if entries.any(|entry| is_of_misread_registry(&entry.text, context)) {
                finding.remedy = Some(NAME_THE_HOST.to_owned());
                finding.notes.push(MISREAD.to_owned());
            }
        }
        Some(Code::IndexFailure) if is_vendored(finding, context) => {
            finding.remedy = Some(
                "set `disable-yank-checking = true` in `[advisories]`: vendored crates have no index"
                    .to_owned(),
            );
        }
        Some(Code::Yanked) if is_vendored(finding, context) => vendor_again(finding),
        Some(_)
            if finding.advisory.as_ref().is_some_and(|one| !one.affected.patched().is_empty())
                && is_vendored(finding, context) =>
        {
            vendor_again(finding);
        }
        _ => {}
    }
}

/// Why an entry of `allow-registry` never matches such a registry.
const MISREAD: &str = "a defect of cargo-deny: it does not match an entry of `allow-registry` with a sparse \
                       registry whose host is an IPv4 address or has capital letters";

const NAME_THE_HOST: &str =
    "name the registry by a host name in lower case in `[registries]` of cargo's configuration";

fn vendor_again(finding: &mut Finding) {
    let remedy = finding.remedy.take().unwrap_or_default();
    finding.remedy = Some(format!(
        "{remedy}, with the `[source]` replacement turned off, then run `cargo vendor` again"
    ));
}

/// Whether the package comes from a folder of vendored crates in the workspace.
fn is_vendored(finding: &Finding, context: &Context<'_>) -> bool {
    let Some(package) = finding.packages.first() else { return false };
    let mut named = context.krates.krates_by_name(&package.name).map(|found| found.krate);
    named.any(|krate| {
        let folder = krate.manifest_path.parent();
        krate.version == package.version
            && krate.source.as_ref().is_some_and(Source::is_registry)
            && folder.is_some_and(|folder| {
                folder.starts_with(context.krates.workspace_root())
                    && folder.join(VENDORED).is_file()
            })
    })
}

/// Whether cargo-deny takes crates.io's package for one of another registry: its sources are not in the folder of
/// crates.io's sparse registry.
fn is_replaced(krate: &Krate) -> bool {
    matches!(krate.source, Some(Source::CratesIo(false)))
}

/// Whether cargo-deny compares two different hosts: it parses the URL of a sparse registry with its `sparse+`, and that
/// of an entry without, so that only one of them is an address or in lower case.
fn is_misread(source: &str) -> bool {
    let Some(plain) = source.strip_prefix("sparse+") else { return false };
    match (Url::parse(source), Url::parse(plain)) {
        (Ok(source), Ok(plain)) => source.host() != plain.host(),
        _ => false,
    }
}

/// Whether an entry that matches nothing is that of a registry of the graph.
fn is_of_misread_registry(entry: &str, context: &Context<'_>) -> bool {
    let plain = |url: &str| Url::parse(url.trim_start_matches("sparse+")).ok();
    let Some(entry) = plain(entry) else { return false };
    let sources = context.krates.krates().filter_map(|krate| krate.source.as_ref());
    sources.into_iter().any(|source| match source {
        Source::Sparse(url) => {
            is_misread(url.as_str()) && plain(url.as_str()) == Some(entry.clone())
        }
        _ => false,
    })
}

const REPLACED: &str = "a defect of cargo-deny: where `[source]` replaces crates.io, such as under vendoring or a \
                        mirror, it does not recognize the packages of workspace dependencies";

/// A workspace dependency that members inherit is not unused.
fn unused_but_inherited(finding: &mut Finding, labels: &[ResolvedLabel], context: &Context<'_>) {
    let Some(label) = labels.iter().find(|label| label.primary) else { return };
    let manifests = &context.locations.manifests;
    let mut members = manifests.inheriting(&label.text);
    if members.is_empty() {
        return;
    }
    let package = manifests.package_of(&label.text);
    let named = context.krates.krates_by_name(&package).map(|found| found.krate);
    let named: Vec<_> = named.collect();
    let count = members.len();
    if count > MAX_MEMBERS {
        members.truncate(MAX_MEMBERS);
        members.push(format!("{} more", count - MAX_MEMBERS));
    }
    let inherit = if count == 1 { "inherits" } else { "inherit" };
    let members = join_with_and(&members);
    let (remedy, note) = if named.iter().any(|krate| is_replaced(krate)) {
        let remedy = "set `unused = \"allow\"` in `[bans.workspace-dependencies]`";
        (remedy, REPLACED)
    } else if named.is_empty() {
        let remedy = "check the targets and features for which it is inherited, or set `unused = \"allow\"` in `[bans.workspace-dependencies]`";
        (
            remedy,
            "it is inherited for targets or features only that are not checked, so the graph does not contain it",
        )
    } else {
        let remedy = "set `unused = \"allow\"` in `[bans.workspace-dependencies]`";
        (remedy, "a defect of cargo-deny: it does not recognize the package that this resolves to")
    };
    finding.message = format!(
        "workspace dependency `{}` is reported as unused, but {members} {inherit} it",
        sanitize(&label.text)
    );
    finding.remedy = Some(remedy.to_owned());
    finding.notes.push(note.to_owned());
}

/// Names the dependency, and the defect behind it.
fn unresolved(finding: &mut Finding, labels: &[ResolvedLabel], context: &Context<'_>) {
    let manifests = &context.locations.manifests;
    let located = labels.iter().filter_map(|label| label.location.as_ref());
    let Some(key) = located.map(|(_, at)| at).find_map(|at| manifests.key_at(at)) else { return };
    let from = finding.packages.first();
    let from = from.map(|package| format!(" of `{}` {}", package.name, package.version));
    finding.message = format!(
        "could not resolve the workspace dependency `{}`{}",
        sanitize(&key),
        from.unwrap_or_default()
    );
    let package = manifests.package_of(&key);
    let mut named = context.krates.krates_by_name(&package).map(|found| found.krate);
    let note = if named.any(is_replaced) {
        REPLACED
    } else {
        "a defect of cargo-deny: cargo has resolved it"
    };
    finding.notes.push(note.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sparse_registries_at_addresses_or_with_capitals_are_misread() {
        for misread in
            ["sparse+http://127.0.0.1:8000/index/", "sparse+https://Registry.example.org/index/"]
        {
            assert!(is_misread(misread), "{misread}");
        }
        for read in [
            "sparse+https://[::1]:8000/index/",
            "sparse+https://localhost:8000/index/",
            "sparse+https://registry.example.org/index/",
            "registry+http://127.0.0.1:8000/index",
            "http://127.0.0.1:8000/index",
        ] {
            assert!(!is_misread(read), "{read}");
        }
    }
}
