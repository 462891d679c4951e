//! Completion in a policy.
//!
//! cargo-deny accepts what a suggestion inserts, in any layout and with the existing quotes and commas;
//! `completion/accepted.rs` tests that. The [`schema`](super::schema) says which keys and values are
//! valid, and the last verdict which packages, licenses and advisories there are.

mod advisories;
mod edit;
mod features;
mod files;
mod headers;
mod item;
mod keys;
mod licenses;
mod packages;
mod sources;
mod target_features;
mod targets;
mod values;

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::{cell::OnceCell, collections::HashMap};

use camino::Utf8PathBuf;
use semver::Version;

pub(crate) use item::{Suggestion, SuggestionKind};

use super::{
    cursor::{Cursor, CursorContext, ListContext, ListItem, ValueContext},
    schema::{SchemaKey, SchemaTable, StringKind, ValueType},
    spec::PackageSpec,
};
use crate::verdict::{
    AdvisoryTitle, Code, Finding, GraphFacts, PackageFacts, PackageRef, Severity,
};
use edit::InsertionPoint;
use item::SuggestionSubject;

/// The maximum number of suggestions; the client asks again when the user types more.
pub(crate) const MAX_SUGGESTIONS: usize = 200;

/// The facts about the workspace.
#[derive(Clone, Copy)]
pub(crate) struct CompletionFacts<'f> {
    /// The checked graph; empty if there is none
    pub(crate) graph: &'f GraphFacts,
    /// The findings of the check
    pub(crate) findings: &'f [Finding],
    /// All advisories of the databases
    pub(crate) advisories: &'f [AdvisoryTitle],
    pub(crate) files: &'f dyn PackageFiles,
}

/// Access to the files of packages, only on demand.
pub(crate) trait PackageFiles {
    /// The license texts of a package, relative to its folder, with their hashes.
    fn licenses(&self, package: &PackageRef) -> Vec<(Utf8PathBuf, u32)>;

    /// The files of a package, relative to its folder.
    fn paths(&self, package: &PackageRef) -> Vec<Utf8PathBuf>;
}

/// What to complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompletionRequest {
    /// The schema of the file: a policy or a file of exceptions
    pub(crate) root: &'static SchemaTable,
    /// Whether to suggest keys, tables and the values in the schema, too
    pub(crate) keys: bool,
}

/// The suggestions for an offset.
#[derive(Debug, Default)]
pub(crate) struct Completions {
    /// The best first
    pub(crate) items: Vec<Suggestion>,
    /// Whether there are more than these
    pub(crate) is_incomplete: bool,
}

/// The suggestions at a byte offset of a text.
pub(crate) fn complete(
    text: &str,
    offset: usize,
    request: CompletionRequest,
    facts: CompletionFacts<'_>,
) -> Completions {
    let Some(cursor) = Cursor::at(text, offset) else { return Completions::default() };
    let found = OnceCell::new();
    let mut builder =
        CompletionBuilder { text, cursor: &cursor, request, facts, found, items: Vec::new() };
    match &cursor.context {
        CursorContext::Header(context) => builder.header(context),
        CursorContext::Key(context) => builder.keys(context),
        CursorContext::Value(context) => builder.value(context),
    }
    let mut completions = item::matching(std::mem::take(&mut builder.items), text, offset);
    for item in &mut completions.items {
        match item.subject {
            None => {}
            Some(SuggestionSubject::License) => {
                item.about = builder.license_description(&item.label);
            }
            Some(SuggestionSubject::Package(number, codes)) => {
                let package = facts.graph.packages.get(number);
                item.about =
                    package.map(|one| builder.package_description(one, codes)).unwrap_or_default();
            }
        }
    }
    completions
}

/// Collects suggestions.
struct CompletionBuilder<'m> {
    text: &'m str,
    cursor: &'m Cursor,
    request: CompletionRequest,
    facts: CompletionFacts<'m>,
    /// The findings by name and version of their packages, collected on first use
    found: OnceCell<HashMap<(&'m str, &'m Version), Vec<&'m Finding>>>,
    items: Vec<Suggestion>,
}

impl<'m> CompletionBuilder<'m> {
    /// The line ending of the text.
    fn newline(&self) -> &'static str {
        let first = self.text.find('\n');
        if first.is_some_and(|at| self.text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
    }

    fn value(&mut self, context: &ValueContext) {
        let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
        let Some(key) = self.request.root.at(&path) else { return };
        if key.status_note().is_some() {
            return;
        }
        let insertion = InsertionPoint::of(context);
        match (&context.list, key.value) {
            (None, ValueType::Text(text)) => self.text(text, &insertion, context, key),
            (None, value) => self.plain(key, value, &insertion),
            (Some(list), ValueType::List(ValueType::Text(text))) => {
                self.item_text(*text, &insertion, context, list, key);
            }
            (Some(list), ValueType::List(ValueType::Either(text, table))) => {
                self.item_text(*text, &insertion, context, list, key);
                self.item_table(table, &insertion, context, list, key);
            }
            (Some(list), ValueType::List(ValueType::Table(table))) => {
                self.item_table(table, &insertion, context, list, key);
            }
            _ => {}
        }
    }

    /// The string value of a key.
    fn text(
        &mut self,
        text: StringKind,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        key: &'static SchemaKey,
    ) {
        match text {
            StringKind::Package => self.package_specs(insertion, context, &[], false),
            StringKind::PackageName => self.package_names(insertion, context, &[]),
            StringKind::Requirement => self.versions(insertion, context),
            StringKind::Advisory => self.advisories(insertion, &[]),
            StringKind::Expression => self.expressions(insertion),
            StringKind::Triple => self.triples(insertion, &[]),
            StringKind::LicensePath => self.license_paths(insertion),
            StringKind::Path => self.paths(insertion),
            _ => self.example(text, insertion, key),
        }
    }

    /// A string in a list.
    fn item_text(
        &mut self,
        text: StringKind,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
        key: &'static SchemaKey,
    ) {
        let others: Vec<&str> = list
            .others
            .iter()
            .filter_map(|one| one.string(&["id", "crate", "name", "triple"]))
            .collect();
        match text {
            StringKind::Package => self.package_specs(insertion, context, &others, true),
            StringKind::PackageName => self.wrappers(insertion, &others),
            StringKind::PackageId => self.package_ids(insertion, &others),
            StringKind::AdvisoryOrPackage => {
                self.advisories(insertion, &others);
                self.yanked(insertion, &others);
            }
            StringKind::License => self.licenses(insertion, context, &others),
            StringKind::Triple => self.triples(insertion, &others),
            StringKind::OwnFeature => self.own_features(insertion, &others),
            StringKind::Feature => self.features(insertion, &others, key.name),
            StringKind::TargetFeature => self.target_features(insertion, &others),
            StringKind::Registry => self.registries(insertion, context, &others),
            StringKind::RegistryName => self.registry_names(insertion, &others),
            StringKind::Git => self.repositories(insertion, &others),
            StringKind::GitPrefix => self.prefixes(insertion, &others),
            StringKind::Organization(host) => self.organizations(host, insertion, &others),
            StringKind::DatabaseUrl => self.databases(insertion, &others),
            StringKind::Glob => self.globs(insertion, &others),
            _ => {}
        }
    }

    /// A table in a list of entries.
    fn item_table(
        &mut self,
        table: &'static SchemaTable,
        insertion: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
        key: &'static SchemaKey,
    ) {
        match key.name {
            "license-files" => self.license_files(insertion, list),
            "exceptions" => self.exceptions(insertion, list),
            "clarify" => self.clarifications(insertion, list),
            "allow" if table.key("checksum").is_some() => self.path_entries(insertion, list),
            _ => {}
        }
        // Entries with required keys have their own suggestions above.
        let needs_more = table.keys().any(|key| key.required);
        if table.key("crate").is_some() && !needs_more {
            self.package_entries(table, insertion, context, list);
        }
        if table.key("id").is_some() {
            self.advisory_entries(insertion, list);
        }
        if self.request.keys {
            self.empty_entry(table, insertion);
        }
    }

    /// The packages of the graph that the entry around the cursor matches.
    fn named(&self) -> Vec<&'m PackageFacts> {
        let Some(spec) = self.spec() else { return Vec::new() };
        let versions = self.facts.graph.versions(&spec.name).iter();
        versions.filter(|package| spec.admits(&package.version)).collect()
    }

    /// The package spec of the entry around the cursor.
    fn spec(&self) -> Option<PackageSpec> {
        self.cursor.levels.iter().rev().find_map(|level| match level.string("crate") {
            Some(spec) => PackageSpec::parse(spec),
            None => PackageSpec::of(level.string("name")?, level.string("version")),
        })
    }

    /// The findings about a package with these codes.
    fn findings_about(&self, package: &PackageFacts, codes: &[Code]) -> Vec<&'m Finding> {
        let found = self.found.get_or_init(|| {
            let mut found: HashMap<(&str, &Version), Vec<&Finding>> = HashMap::new();
            let counted =
                self.facts.findings.iter().filter(|one| one.severity >= Severity::Warning);
            for finding in counted {
                for package in &finding.packages {
                    found.entry((&package.name, &package.version)).or_default().push(finding);
                }
            }
            found
        });
        let about = found.get(&(&*package.name, &package.version)).into_iter().flatten().copied();
        let about = about.filter(|finding| {
            finding.code.is_some_and(|code| codes.contains(&code))
                && finding.packages.iter().any(|one| is_same(one, package))
        });
        about.collect()
    }
}

fn is_same(one: &PackageRef, package: &PackageFacts) -> bool {
    *one.name == *package.name
        && one.version == package.version
        && one.source.as_deref() == package.source.as_deref()
}

/// Whether another item of the list is the same.
fn is_listed(others: &[&str], text: &str) -> bool {
    others.contains(&text)
}

/// The subjects of the other items of a list.
fn subjects_of(list: &ListContext) -> Vec<&str> {
    list.others.iter().filter_map(|one: &ListItem| one.string(&["id", "crate", "name"])).collect()
}
