//! Packages of the graph as package specs: first those with findings.

use std::collections::BTreeSet;

use super::{
    CompletionBuilder,
    edit::{InsertionPoint, SuggestionEdit, quoted},
    is_listed,
    item::{Rank, Snippet, SuggestionKind, SuggestionSubject},
    subjects_of,
};
use crate::{
    model::versions::without_build,
    policy::{
        REASON_PLACEHOLDER,
        cursor::{ListContext, ValueContext},
        entries::{PolicyList, entries},
        rich_text::RichText,
        schema::SchemaTable,
        spec::{PackageSpec, exactly},
    },
    verdict::{Code, PackageFacts, join_with_and, sanitize},
};

/// The maximum number of findings in the documentation of a package.
const MAX_FINDINGS: usize = 3;

const DUPLICATES: &[Code] = &[Code::Duplicate];
const YANKED: &[Code] = &[Code::Yanked];
const REJECTED: &[Code] = &[Code::Rejected];
const FEATURES: &[Code] = &[
    Code::ExactFeaturesMismatch,
    Code::FeatureNotExplicitlyAllowed,
    Code::FeatureBanned,
    Code::DefaultFeatureEnabled,
];
const BUILDS: &[Code] = &[
    Code::BuildScriptNotAllowed,
    Code::DeniedByExtension,
    Code::DetectedExecutable,
    Code::DetectedExecutableScript,
    Code::ChecksumMismatch,
];
pub(super) const UNKNOWN_LICENSE_CODES: &[Code] =
    &[Code::Unlicensed, Code::NoLicenseField, Code::EmptyLicenseField, Code::ParseError];

/// The findings that the entries of a list are for.
#[derive(Clone, Copy)]
struct ListPurpose {
    /// The codes of the findings that an entry resolves
    codes: &'static [Code],
    /// Whether an entry without such a finding has no effect
    only: bool,
}

/// The purpose of the list at a path.
fn purpose(path: &[String]) -> ListPurpose {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (codes, only): (&'static [Code], bool) = match path.as_slice() {
        ["advisories", "ignore", ..] => (&[Code::Yanked], true),
        ["bans", "skip" | "skip-tree", ..] => (DUPLICATES, true),
        ["bans", "allow", ..] => (&[Code::NotAllowed], false),
        ["bans", "deny", ..] => (&[Code::Banned, Code::Duplicate], false),
        ["bans", "features", ..] => (FEATURES, false),
        ["bans", "build", ..] => (BUILDS, false),
        ["bans", "std-replacements", ..] => (&[Code::ReplacedInStd], true),
        ["licenses", "clarify", ..] => (UNKNOWN_LICENSE_CODES, false),
        ["licenses", "exceptions", ..] | ["exceptions", ..] => (&[Code::Rejected], false),
        _ => (&[], false),
    };
    ListPurpose { codes, only }
}

impl<'m> CompletionBuilder<'m> {
    /// Suggests `name@version`, and the name for all versions. In a list, exact versions come first.
    pub(super) fn package_specs(
        &mut self,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
        in_list: bool,
    ) {
        let purpose = purpose(&context.path);
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let is_used = |spec: &str| {
            is_listed(others, spec)
                || !specs_of_other_lists.is_empty()
                    && PackageSpec::parse(spec)
                        .is_some_and(|spec| specs_of_other_lists.contains(&spec))
        };
        // After a `:`, the spec has a requirement.
        let by_requirement = insertion.typed().contains(':') && !insertion.typed().contains('@');
        let mut last = "";
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let rank = self.ranked(package, purpose);
            let (name, version) = (&*package.name, &package.version);
            let specs = if by_requirement {
                vec![
                    format!("{name}:{}", without_build(version)),
                    format!("{name}:={}", without_build(version)),
                ]
            } else {
                vec![exactly(name, version)]
            };
            for spec in specs.into_iter().filter(|spec| !is_used(spec)) {
                let Some(edit) = insertion.string(&spec) else { continue };
                let item = edit
                    .item(spec, SuggestionKind::Package, rank)
                    .of(SuggestionSubject::Package(number, purpose.codes));
                self.items.push(item.detail(detail(package, rank)));
            }
            if name != last && !by_requirement && !is_used(name) {
                last = name;
                self.every_version(name, insertion, purpose, in_list);
            }
        }
    }

    /// Suggests the name for all versions.
    fn every_version(
        &mut self,
        name: &'m str,
        insertion: &InsertionPoint<'_>,
        purpose: ListPurpose,
        in_list: bool,
    ) {
        let versions = self.facts.graph.versions(name);
        let ranks = versions.iter().map(|package| self.ranked(package, purpose));
        let rank = ranks.min().unwrap_or(Rank::Usual);
        // Exact versions come first.
        let rank = if rank == Rank::Finding && in_list { Rank::Usual } else { rank };
        let all: Vec<_> = versions.iter().map(|package| package.version.to_string()).collect();
        let Some(edit) = insertion.string(name) else { return };
        let about = RichText::default().text("Every version of ").code(name).text(": ");
        let item = edit.item(name, SuggestionKind::Package, rank).about(about.text(all.join(", ")));
        let detail =
            if rank == Rank::Unused { "every version; no effect now" } else { "every version" };
        self.items.push(item.detail(detail));
    }

    /// Suggests names for keys without a version.
    pub(super) fn package_names(
        &mut self,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
    ) {
        let purpose = purpose(&context.path);
        let graph = self.facts.graph;
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let names: BTreeSet<&str> = graph.packages.iter().map(|package| &*package.name).collect();
        let version = self.cursor.level().and_then(|level| level.string("version"));
        let is_used = |name: &str| {
            is_listed(others, name)
                || PackageSpec::of(name, version)
                    .is_some_and(|spec| specs_of_other_lists.contains(&spec))
        };
        for name in names.into_iter().filter(|name| !is_used(name)) {
            self.every_version(name, insertion, purpose, false);
        }
    }

    /// Suggests packages that depend on the banned one according to findings, then all others.
    pub(super) fn wrappers(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let level = self.cursor.level();
        if super::values::Conflicts::of(level).one_version {
            return;
        }
        let banned = self.spec();
        let mut users: BTreeSet<&str> = BTreeSet::new();
        for finding in self.facts.findings {
            let about = finding.packages.iter().any(|package| {
                banned
                    .as_ref()
                    .is_some_and(|spec| spec.name == package.name && spec.admits(&package.version))
            });
            if about && matches!(finding.code, Some(Code::Banned | Code::UnmatchedWrapper)) {
                let users_of = finding.paths.iter().filter_map(|path| path.iter().nth_back(1));
                users.extend(users_of.map(|package| package.name.as_str()));
            }
        }
        let names = self.facts.graph.packages.iter().map(|package| &*package.name);
        let names: BTreeSet<&str> = names.collect();
        for name in names.into_iter().filter(|name| !is_listed(others, name)) {
            let rank = if users.contains(name) { Rank::Finding } else { Rank::Usual };
            let Some(edit) = insertion.string(name) else { continue };
            let detail = if rank == Rank::Finding { "depends on it" } else { "" };
            self.items.push(edit.item(name, SuggestionKind::Package, rank).detail(detail));
        }
    }

    /// Suggests versions of the package of the entry.
    pub(super) fn versions(&mut self, insertion: &InsertionPoint<'_>, context: &ValueContext) {
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let Some(name) = self.cursor.level().and_then(|level| level.string("name")) else { return };
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let graph = self.facts.graph;
        let start = graph.packages.partition_point(|package| *package.name < *name);
        for (number, package) in graph.versions(name).iter().enumerate().rev() {
            let number = start + number;
            let version = without_build(&package.version);
            for (requirement, detail) in [
                (format!("={version}"), "exactly this version"),
                (version.to_string(), "compatible versions"),
            ] {
                let spec = PackageSpec::of(name, Some(&requirement));
                if spec.is_some_and(|spec| specs_of_other_lists.contains(&spec))
                    || !seen.insert(requirement.clone())
                {
                    continue;
                }
                let Some(edit) = insertion.string(&requirement) else { continue };
                let item =
                    edit.item(requirement, SuggestionKind::Package, Rank::Usual).detail(detail);
                self.items.push(item.of(SuggestionSubject::Package(number, &[])));
            }
        }
    }

    /// Suggests `{ crate = "name@version", reason = ".." }`.
    pub(super) fn package_entries(
        &mut self,
        table: &'static SchemaTable,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
    ) {
        let purpose = purpose(&context.path);
        let others = subjects_of(list);
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let has_reason = table.key("reason").is_some();
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let spec = exactly(&package.name, &package.version);
            let is_in_other_list = !specs_of_other_lists.is_empty()
                && PackageSpec::parse(&spec)
                    .is_some_and(|spec| specs_of_other_lists.contains(&spec));
            if is_in_other_list || is_listed(&others, &spec) {
                continue;
            }
            let rank = self.ranked(package, purpose);
            let mut snippet = Snippet::from("{ crate = ").text(quoted(&spec));
            if has_reason {
                snippet = snippet.text(", reason = \"").placeholder(REASON_PLACEHOLDER).text("\"");
            }
            let label = if has_reason {
                format!("{{ crate = \"{spec}\", reason }}")
            } else {
                format!("{{ crate = \"{spec}\" }}")
            };
            let edit = entry(insertion, snippet.text(" }"), &spec);
            let item =
                edit.item(label, SuggestionKind::Package, rank).detail(detail(package, rank));
            self.items.push(item.of(SuggestionSubject::Package(number, purpose.codes)));
        }
    }

    /// Suggests `name@version` of yanked packages for `advisories.ignore`.
    pub(super) fn yanked(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let found = self.findings_about(package, YANKED);
            let spec = exactly(&package.name, &package.version);
            if found.is_empty() || is_listed(others, &spec) {
                continue;
            }
            let Some(edit) = insertion.string(&spec) else { continue };
            let item = edit.item(spec, SuggestionKind::Package, Rank::Finding).detail("yanked");
            self.items.push(item.of(SuggestionSubject::Package(number, YANKED)));
        }
    }

    /// Suggests `name@version` and names for `graph.exclude`.
    pub(super) fn package_ids(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let mut last = "";
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let full = format!("{}@{}", package.name, package.version);
            let name = (*package.name != *last).then(|| package.name.to_string());
            last = &package.name;
            for id in std::iter::once(full).chain(name).filter(|id| !is_listed(others, id)) {
                let Some(edit) = insertion.string(&id) else { continue };
                let item = edit.item(id, SuggestionKind::Package, Rank::Usual);
                self.items.push(item.of(SuggestionSubject::Package(number, &[])));
            }
        }
    }

    /// The rank of a package for a list.
    fn ranked(&self, package: &PackageFacts, purpose: ListPurpose) -> Rank {
        match (self.findings_about(package, purpose.codes).is_empty(), purpose.only) {
            (false, _) => Rank::Finding,
            (true, false) => Rank::Usual,
            (true, true) => Rank::Unused,
        }
    }

    /// The specs in the other lists of `[bans]`: cargo-deny rejects a spec in two of them.
    fn specs_of_other_lists(&self, path: &[String]) -> Vec<PackageSpec> {
        const LISTS: [&str; 3] = ["allow", "deny", "skip"];
        let [section, list, ..] = path else { return Vec::new() };
        if section != "bans" || !LISTS.contains(&list.as_str()) {
            return Vec::new();
        }
        let others = entries(self.text).into_iter().filter(|entry| {
            let own = match entry.list {
                PolicyList::Allow => "allow",
                PolicyList::Deny => "deny",
                PolicyList::Skip => "skip",
                _ => return false,
            };
            own != list
        });
        others.filter_map(|entry| entry.spec()).collect()
    }

    /// The documentation of a package.
    pub(super) fn package_description(&self, package: &PackageFacts, codes: &[Code]) -> RichText {
        let found = self.findings_about(package, codes);
        let mut text =
            RichText::default().code(&*package.name).text(format!(" {}", package.version));
        if let Some(license) = &package.license {
            text = text.text(" · ").text(sanitize(license));
        }
        let path: Vec<String> =
            self.facts.graph.path(package).iter().map(|one| one.name.to_string()).collect();
        text = match (package.member, path.len()) {
            (true, _) => text.text(" · workspace member"),
            (false, 0..=1) => text,
            (false, _) => text.text(" · ").text(path.join(" -> ")),
        };
        for finding in found.iter().take(MAX_FINDINGS) {
            text = text.paragraph().text(sanitize(&finding.message));
        }
        if found.len() > MAX_FINDINGS {
            text =
                text.paragraph().text(format!("and {} more findings", found.len() - MAX_FINDINGS));
        }
        text
    }

    /// Suggests `{ crate, allow = [".."] }` for packages with rejected licenses.
    pub(super) fn exceptions(&mut self, insertion: &InsertionPoint<'_>, list: &ListContext) {
        let others = subjects_of(list);
        let permitted = entries(self.text);
        let permitted = permitted.iter().filter(|entry| entry.list == PolicyList::License);
        let allowed: Vec<&str> = permitted.map(|entry| entry.subject.value.as_str()).collect();
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let spec = exactly(&package.name, &package.version);
            let terms: Vec<String> = package.terms.iter().map(ToString::to_string).collect();
            let terms: Vec<String> = terms
                .into_iter()
                .filter(|term| !allowed.contains(&term.as_str()) && is_licensee(term))
                .collect();
            if terms.is_empty() || is_listed(&others, &spec) {
                continue;
            }
            let found = self.findings_about(package, REJECTED);
            let rank = if found.is_empty() { Rank::Unused } else { Rank::Finding };
            let quotes: Vec<String> = terms.iter().map(|term| quoted(term)).collect();
            let snippet = Snippet::from("{ crate = ")
                .text(quoted(&spec))
                .text(format!(", allow = [{}] }}", quotes.join(", ")));
            let label = format!("{{ crate = \"{spec}\", allow }}");
            let item = entry(insertion, snippet, &spec).item(label, SuggestionKind::Package, rank);
            let terms: Vec<String> = terms.iter().map(|term| sanitize(term)).collect();
            let item = item.detail(join_with_and(&terms));
            self.items.push(item.of(SuggestionSubject::Package(number, REJECTED)));
        }
    }
}

/// Whether cargo-deny accepts a term in a list of licenses.
fn is_licensee(term: &str) -> bool {
    super::licenses::licensee(term).is_some()
}

/// An inline table, matched by its subject.
pub(super) fn entry(
    insertion: &InsertionPoint<'_>,
    snippet: Snippet,
    subject: &str,
) -> SuggestionEdit {
    insertion.literal(snippet, subject)
}

fn detail(package: &PackageFacts, rank: Rank) -> String {
    match (rank, package.member) {
        (Rank::Unused, _) => "no effect now".to_owned(),
        (Rank::Finding, _) => "resolves a finding".to_owned(),
        (_, true) => "workspace member".to_owned(),
        (_, false) => String::new(),
    }
}
