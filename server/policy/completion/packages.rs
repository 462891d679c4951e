//! Packages of the graph, in the forms of package specs: those that findings speak of first.

use std::collections::BTreeSet;

use super::{
    CompletionBuilder, subjects_of,
    edit::{SuggestionEdit, InsertionPoint, quoted},
    is_there,
    item::{SuggestionKind, Rank, SuggestionSubject, Snippet},
};
use crate::{
    policy::{
        NO_REASON,
        cursor::{ListContext, ValueContext},
        entries::{PolicyList, entries},
        schema::SchemaTable,
        spec::{Spec, exactly},
        rich_text::RichText,
    },
    verdict::{Code, PackageFacts, harmless, listed},
};

/// How many findings about a package are told.
const TOLD: usize = 3;

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

/// What a list of packages is for.
#[derive(Clone, Copy)]
struct ListPurpose {
    /// The findings that an entry answers.
    codes: &'static [Code],
    /// Without such a finding it has no effect.
    only: bool,
}

/// What the list at the path of its keys is for.
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
    /// `name@version`, and the name alone for all versions; `narrow`: in a list, where cargo-deny refuses
    /// what other lists say.
    pub(super) fn package_specs(
        &mut self,
        spot: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
        in_list: bool,
    ) {
        let purpose = purpose(&context.path);
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let is_said = |spec: &str| {
            is_there(others, spec)
                || !specs_of_other_lists.is_empty()
                    && Spec::parse(spec).is_some_and(|spec| specs_of_other_lists.contains(&spec))
        };
        // With a `:` a requirement is meant.
        let by_requirement = spot.typed().contains(':') && !spot.typed().contains('@');
        let mut last = "";
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let rank = self.ranked(package, purpose);
            let (name, version) = (&*package.name, &*package.version);
            let specs = if by_requirement {
                vec![format!("{name}:{}", bare(version)), format!("{name}:={}", bare(version))]
            } else {
                vec![exactly(name, version)]
            };
            for spec in specs.into_iter().filter(|spec| !is_said(spec)) {
                let Some(edit) = spot.string(&spec) else { continue };
                let item = edit
                    .item(spec, SuggestionKind::Package, rank)
                    .of(SuggestionSubject::Package(number, purpose.codes));
                self.items.push(item.detail(detail(package, rank)));
            }
            if name != last && !by_requirement && !is_said(name) {
                last = name;
                self.every_version(name, spot, purpose, in_list);
            }
        }
    }

    /// The name alone.
    fn every_version(&mut self, name: &'m str, spot: &InsertionPoint<'_>, purpose: ListPurpose, in_list: bool) {
        let versions = self.facts.graph.versions(name);
        let ranks = versions.iter().map(|package| self.ranked(package, purpose));
        let rank = ranks.min().unwrap_or(Rank::Usual);
        // What is narrower comes first.
        let rank = if rank == Rank::Finding && in_list { Rank::Usual } else { rank };
        let all: Vec<&str> = versions.iter().map(|package| &*package.version).collect();
        let Some(edit) = spot.string(name) else { return };
        let about = RichText::default().text("Every version of ").code(name).text(": ");
        let item = edit.item(name, SuggestionKind::Package, rank).about(about.text(all.join(", ")));
        let detail =
            if rank == Rank::Unused { "every version; no effect now" } else { "every version" };
        self.items.push(item.detail(detail));
    }

    /// Names alone, where versions are said apart or not at all.
    pub(super) fn package_names(
        &mut self,
        spot: &InsertionPoint<'_>,
        context: &ValueContext,
        others: &[&str],
    ) {
        let purpose = purpose(&context.path);
        let graph = self.facts.graph;
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let names: BTreeSet<&str> = graph.packages.iter().map(|package| &*package.name).collect();
        let version = self.cursor.level().and_then(|level| level.said("version"));
        let is_said = |name: &str| {
            is_there(others, name)
                || Spec::of(name, version).is_some_and(|spec| specs_of_other_lists.contains(&spec))
        };
        for name in names.into_iter().filter(|name| !is_said(name)) {
            self.every_version(name, spot, purpose, false);
        }
    }

    /// Packages that depend on the banned one directly, as findings tell; then the others.
    pub(super) fn wrappers(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
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
        for name in names.into_iter().filter(|name| !is_there(others, name)) {
            let rank = if users.contains(name) { Rank::Finding } else { Rank::Usual };
            let Some(edit) = spot.string(name) else { continue };
            let detail = if rank == Rank::Finding { "uses it" } else { "" };
            self.items.push(edit.item(name, SuggestionKind::Package, rank).detail(detail));
        }
    }

    /// Versions of the package that the entry names.
    pub(super) fn versions(&mut self, spot: &InsertionPoint<'_>, context: &ValueContext) {
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let Some(name) = self.cursor.level().and_then(|level| level.said("name")) else { return };
        let mut told: BTreeSet<String> = BTreeSet::new();
        let graph = self.facts.graph;
        let start = graph.packages.partition_point(|package| *package.name < *name);
        for (number, package) in graph.versions(name).iter().enumerate().rev() {
            let number = start + number;
            let version = bare(&package.version);
            for (requirement, detail) in [
                (format!("={version}"), "exactly this one"),
                (version.to_owned(), "and compatible ones"),
            ] {
                let spec = Spec::of(name, Some(&requirement));
                if spec.is_some_and(|spec| specs_of_other_lists.contains(&spec))
                    || !told.insert(requirement.clone())
                {
                    continue;
                }
                let Some(edit) = spot.string(&requirement) else { continue };
                let item = edit.item(requirement, SuggestionKind::Package, Rank::Usual).detail(detail);
                self.items.push(item.of(SuggestionSubject::Package(number, &[])));
            }
        }
    }

    /// `{ crate = "name@version", reason = ".." }`
    pub(super) fn package_entries(
        &mut self,
        table: &'static SchemaTable,
        spot: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
    ) {
        let purpose = purpose(&context.path);
        let others = subjects_of(list);
        let specs_of_other_lists = self.specs_of_other_lists(&context.path);
        let has_reason = table.key("reason").is_some();
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let spec = exactly(&package.name, &package.version);
            let is_elsewhere = !specs_of_other_lists.is_empty()
                && Spec::parse(&spec).is_some_and(|spec| specs_of_other_lists.contains(&spec));
            if is_elsewhere || is_there(&others, &spec) {
                continue;
            }
            let rank = self.ranked(package, purpose);
            let mut template = Snippet::from("{ crate = ").text(quoted(&spec));
            if has_reason {
                template = template.text(", reason = \"").stop(NO_REASON).text("\"");
            }
            let label = if has_reason {
                format!("{{ crate = \"{spec}\", reason }}")
            } else {
                format!("{{ crate = \"{spec}\" }}")
            };
            let edit = entry(spot, template.text(" }"), &spec);
            let item = edit.item(label, SuggestionKind::Package, rank).detail(detail(package, rank));
            self.items.push(item.of(SuggestionSubject::Package(number, purpose.codes)));
        }
    }

    /// `name@version` of yanked packages, for `advisories.ignore`.
    pub(super) fn yanked(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let found = self.found(package, YANKED);
            let spec = exactly(&package.name, &package.version);
            if found.is_empty() || is_there(others, &spec) {
                continue;
            }
            let Some(edit) = spot.string(&spec) else { continue };
            let item = edit.item(spec, SuggestionKind::Package, Rank::Finding).detail("yanked");
            self.items.push(item.of(SuggestionSubject::Package(number, YANKED)));
        }
    }

    /// What `graph.exclude` takes: `name@version` and names.
    pub(super) fn package_ids(&mut self, spot: &InsertionPoint<'_>, others: &[&str]) {
        let mut last = "";
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let full = format!("{}@{}", package.name, package.version);
            let name = (*package.name != *last).then(|| package.name.to_string());
            last = &package.name;
            for id in std::iter::once(full).chain(name).filter(|id| !is_there(others, id)) {
                let Some(edit) = spot.string(&id) else { continue };
                let item = edit.item(id, SuggestionKind::Package, Rank::Usual);
                self.items.push(item.of(SuggestionSubject::Package(number, &[])));
            }
        }
    }

    /// How well a package suits a list.
    fn ranked(&self, package: &PackageFacts, purpose: ListPurpose) -> Rank {
        match (self.found(package, purpose.codes).is_empty(), purpose.only) {
            (false, _) => Rank::Finding,
            (true, false) => Rank::Usual,
            (true, true) => Rank::Unused,
        }
    }

    /// What the lists of `[bans]` say of packages that cargo-deny does not want said twice.
    fn specs_of_other_lists(&self, path: &[String]) -> Vec<Spec> {
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

    /// What is told of a package.
    pub(super) fn package_description(&self, package: &PackageFacts, codes: &[Code]) -> RichText {
        let found = self.found(package, codes);
        let mut words = RichText::default().code(&*package.name).text(format!(" {}", package.version));
        if let Some(license) = &package.license {
            words = words.text(" · ").text(harmless(license));
        }
        let path: Vec<String> =
            self.facts.graph.path(package).iter().map(|one| one.name.to_string()).collect();
        words = match (package.member, path.len()) {
            (true, _) => words.text(" · a member of the workspace"),
            (false, 0..=1) => words,
            (false, _) => words.text(" · ").text(path.join(" -> ")),
        };
        for finding in found.iter().take(TOLD) {
            words = words.paragraph().text(harmless(&finding.message));
        }
        if found.len() > TOLD {
            words = words.paragraph().text(format!("and {} more findings", found.len() - TOLD));
        }
        words
    }

    /// `{ crate, allow = [".."] }` for packages whose licenses are rejected.
    pub(super) fn exceptions(&mut self, spot: &InsertionPoint<'_>, list: &ListContext) {
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
            if terms.is_empty() || is_there(&others, &spec) {
                continue;
            }
            let found = self.found(package, REJECTED);
            let rank = if found.is_empty() { Rank::Unused } else { Rank::Finding };
            let quotes: Vec<String> = terms.iter().map(|term| quoted(term)).collect();
            let template = Snippet::from("{ crate = ")
                .text(quoted(&spec))
                .text(format!(", allow = [{}] }}", quotes.join(", ")));
            let label = format!("{{ crate = \"{spec}\", allow }}");
            let item = entry(spot, template, &spec).item(label, SuggestionKind::Package, rank);
            let terms: Vec<String> = terms.iter().map(|term| harmless(term)).collect();
            let item = item.detail(listed(&terms));
            self.items.push(item.of(SuggestionSubject::Package(number, REJECTED)));
        }
    }
}

/// Whether cargo-deny takes a term for an entry of a list of licenses.
fn is_licensee(term: &str) -> bool {
    super::licenses::licensee(term).is_some()
}

/// An entry in braces, found by what it is about.
pub(super) fn entry(spot: &InsertionPoint<'_>, template: Snippet, about: &str) -> SuggestionEdit {
    spot.literal(template, about)
}

fn detail(package: &PackageFacts, rank: Rank) -> String {
    match (rank, package.member) {
        (Rank::Unused, _) => "no effect now".to_owned(),
        (Rank::Finding, _) => "answers a finding".to_owned(),
        (_, true) => "member of the workspace".to_owned(),
        (_, false) => String::new(),
    }
}

/// A requirement says nothing of what follows a `+`.
fn bare(version: &str) -> &str {
    version.split('+').next().unwrap_or_default()
}
