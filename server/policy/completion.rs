//! What could stand at the cursor of a policy.
//!
//! What an item inserts is what cargo-deny accepts there, in any layout and between whatever quotes and
//! commas are there already; `completion/accepted.rs` asks it. What belongs there is told by the
//! [`schema`](super::schema), what there is by the facts of the last verdict.

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

pub(crate) use item::{Suggestion, SuggestionKind};

use super::{
    cursor::{Cursor, CursorContext, ListContext, ListItem, ValueContext},
    schema::{SchemaKey, SchemaTable, StringKind, ValueType},
    spec::Spec,
};
use crate::verdict::{
    AdvisoryTitle, Code, Finding, GraphFacts, PackageFacts, PackageRef, Severity,
};
use edit::Spot;
use item::Subject;

/// How many items are told at once; the client asks again when more is typed.
pub(crate) const MOST: usize = 200;

/// What is known besides the text.
#[derive(Clone, Copy)]
pub(crate) struct CompletionFacts<'f> {
    /// The judged graph; empty where there is none.
    pub(crate) graph: &'f GraphFacts,
    /// What was found in it.
    pub(crate) findings: &'f [Finding],
    /// The advisories of the databases, by their ids.
    pub(crate) advisories: &'f [AdvisoryTitle],
    /// The files of packages.
    pub(crate) files: &'f dyn PackageFiles,
}

/// The files of packages, looked at when they are asked for.
pub(crate) trait PackageFiles {
    /// The license texts of a package below its folder, each with its hash.
    fn licenses(&self, package: &PackageRef) -> Vec<(Utf8PathBuf, u32)>;

    /// The files of a package below its folder.
    fn paths(&self, package: &PackageRef) -> Vec<Utf8PathBuf>;
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompletionRequest {
    /// The tables of the file: those of a policy, or of a file of exceptions.
    pub(crate) root: &'static SchemaTable,
    /// Also keys, tables and the values that the schema lists.
    pub(crate) keys: bool,
}

/// What could stand there.
#[derive(Debug, Default)]
pub(crate) struct Completions {
    /// The best first.
    pub(crate) items: Vec<Suggestion>,
    /// There are more than are told.
    pub(crate) is_incomplete: bool,
}

/// What could stand at a byte offset of a text.
pub(crate) fn complete(text: &str, offset: usize, wanted: CompletionRequest, facts: CompletionFacts<'_>) -> Completions {
    let Some(cursor) = Cursor::at(text, offset) else { return Completions::default() };
    let found = OnceCell::new();
    let mut maker = CompletionBuilder { text, cursor: &cursor, wanted, facts, found, items: Vec::new() };
    match &cursor.context {
        CursorContext::Header(context) => maker.header(context),
        CursorContext::Key(context) => maker.keys(context),
        CursorContext::Value(context) => maker.value(context),
    }
    let mut told = item::told(std::mem::take(&mut maker.items), text, offset);
    for item in &mut told.items {
        match item.subject {
            None => {}
            Some(SuggestionSubject::License) => item.about = maker.license_description(&item.label),
            Some(SuggestionSubject::Package(number, codes)) => {
                let package = facts.graph.packages.get(number);
                item.about = package.map(|one| maker.package_description(one, codes)).unwrap_or_default();
            }
        }
    }
    told
}

/// What makes items, and all it needs for it.
struct CompletionBuilder<'m> {
    text: &'m str,
    cursor: &'m Cursor,
    wanted: CompletionRequest,
    facts: CompletionFacts<'m>,
    /// What was found about each name and version, made when first asked for.
    found: OnceCell<HashMap<(&'m str, &'m str), Vec<&'m Finding>>>,
    items: Vec<Suggestion>,
}

impl<'m> CompletionBuilder<'m> {
    /// How lines end.
    fn newline(&self) -> &'static str {
        let first = self.text.find('\n');
        if first.is_some_and(|at| self.text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
    }

    fn value(&mut self, context: &ValueContext) {
        let path: Vec<&str> = context.path.iter().map(String::as_str).collect();
        let Some(key) = self.wanted.root.at(&path) else { return };
        if key.status_note().is_some() {
            return;
        }
        let spot = InsertionPoint::of(context);
        match (&context.list, key.value) {
            (None, ValueType::Text(text)) => self.text(text, &spot, context, key),
            (None, value) => self.plain(key, value, &spot),
            (Some(list), ValueType::List(ValueType::Text(text))) => {
                self.item_text(*text, &spot, context, list, key);
            }
            (Some(list), ValueType::List(ValueType::Either(text, table))) => {
                self.item_text(*text, &spot, context, list, key);
                self.item_table(table, &spot, context, list, key);
            }
            (Some(list), ValueType::List(ValueType::Table(table))) => {
                self.item_table(table, &spot, context, list, key);
            }
            _ => {}
        }
    }

    /// A string behind a key.
    fn text(&mut self, text: StringKind, spot: &InsertionPoint<'_>, context: &ValueContext, key: &'static SchemaKey) {
        match text {
            StringKind::Package => self.package_specs(spot, context, &[], false),
            StringKind::PackageName => self.package_names(spot, context, &[]),
            StringKind::Requirement => self.versions(spot, context),
            StringKind::Advisory => self.advisories(spot, &[]),
            StringKind::Expression => self.expressions(spot),
            StringKind::Triple => self.triples(spot, &[]),
            StringKind::LicensePath => self.license_paths(spot),
            StringKind::Path => self.paths(spot),
            _ => self.example(text, spot, key),
        }
    }

    /// A string in a list.
    fn item_text(
        &mut self,
        text: StringKind,
        spot: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
        key: &'static SchemaKey,
    ) {
        let others: Vec<&str> = list
            .others
            .iter()
            .filter_map(|one| one.said(&["id", "crate", "name", "triple"]))
            .collect();
        match text {
            StringKind::Package => self.package_specs(spot, context, &others, true),
            StringKind::PackageName => self.wrappers(spot, &others),
            StringKind::PackageId => self.package_ids(spot, &others),
            StringKind::AdvisoryOrPackage => {
                self.advisories(spot, &others);
                self.yanked(spot, &others);
            }
            StringKind::License => self.licenses(spot, context, &others),
            StringKind::Triple => self.triples(spot, &others),
            StringKind::OwnFeature => self.own_features(spot, &others),
            StringKind::Feature => self.features(spot, &others, key.name),
            StringKind::TargetFeature => self.target_features(spot, &others),
            StringKind::Registry => self.registries(spot, context, &others),
            StringKind::RegistryName => self.registry_names(spot, &others),
            StringKind::Git => self.repositories(spot, &others),
            StringKind::GitPrefix => self.prefixes(spot, &others),
            StringKind::Organization(host) => self.organizations(host, spot, &others),
            StringKind::DatabaseUrl => self.databases(spot, &others),
            StringKind::Glob => self.globs(spot, &others),
            _ => {}
        }
    }

    /// A table in a list, where the packages or advisories that it could be about are known.
    fn item_table(
        &mut self,
        table: &'static SchemaTable,
        spot: &InsertionPoint<'_>,
        context: &ValueContext,
        list: &ListContext,
        key: &'static SchemaKey,
    ) {
        match key.name {
            "license-files" => self.license_files(spot, list),
            "exceptions" => self.exceptions(spot, list),
            "clarify" => self.clarifications(spot, list),
            "allow" if table.key("checksum").is_some() => self.path_entries(spot, list),
            _ => {}
        }
        // What has to be written is written by an entry of a kind.
        let needs_more = table.keys().any(|key| key.required);
        if table.key("crate").is_some() && !needs_more {
            self.package_entries(table, spot, context, list);
        }
        if table.key("id").is_some() {
            self.advisory_entries(spot, list);
        }
        if self.wanted.keys {
            self.empty_entry(table, spot);
        }
    }

    /// The packages of the graph that the entry around the cursor names.
    fn named(&self) -> Vec<&'m PackageFacts> {
        let Some(spec) = self.spec() else { return Vec::new() };
        let versions = self.facts.graph.versions(&spec.name).iter();
        versions.filter(|package| spec.admits(&package.version)).collect()
    }

    /// What the entry around the cursor says that it is about.
    fn spec(&self) -> Option<Spec> {
        self.cursor.levels.iter().rev().find_map(|level| match level.said("crate") {
            Some(spec) => Spec::parse(spec),
            None => Spec::of(level.said("name")?, level.said("version")),
        })
    }

    /// What was found about a package, of these kinds.
    fn found(&self, package: &PackageFacts, codes: &[Code]) -> Vec<&'m Finding> {
        let found = self.found.get_or_init(|| {
            let mut found: HashMap<(&str, &str), Vec<&Finding>> = HashMap::new();
            let counted =
                self.facts.findings.iter().filter(|one| one.severity >= Severity::Warning);
            for finding in counted {
                for package in &finding.packages {
                    found.entry((&package.name, &package.version)).or_default().push(finding);
                }
            }
            found
        });
        let about = found.get(&(&*package.name, &*package.version)).into_iter().flatten().copied();
        let about = about.filter(|finding| {
            finding.code.is_some_and(|code| codes.contains(&code))
                && finding.packages.iter().any(|one| is(one, package))
        });
        about.collect()
    }
}

fn is(one: &PackageRef, package: &PackageFacts) -> bool {
    *one.name == *package.name
        && *one.version == *package.version
        && one.source.as_deref() == package.source.as_deref()
}

/// Whether another item of a list says the same.
fn is_there(others: &[&str], text: &str) -> bool {
    others.contains(&text)
}

/// What the other items of a list are about.
fn subjects_of(list: &ListContext) -> Vec<&str> {
    list.others.iter().filter_map(|one: &ListItem| one.said(&["id", "crate", "name"])).collect()
}
