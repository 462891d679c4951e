//! Files of packages: license texts with their hashes, and paths for `bans.build.bypass`.

use std::collections::BTreeSet;

use super::{
    CompletionBuilder,
    edit::{InsertionPoint, quoted},
    is_listed,
    item::{Rank, Snippet, SuggestionKind, SuggestionSubject},
    packages::{UNKNOWN_LICENSE_CODES, entry},
    subjects_of,
};
use crate::policy::{LICENSE_PLACEHOLDER, cursor::ListContext, spec::exactly};

/// The maximum number of packages whose license texts are read.
const MAX_READ: usize = 20;

impl CompletionBuilder<'_> {
    /// The license texts of the packages that the entry matches.
    fn texts(&self) -> Vec<(String, u32)> {
        let texts =
            self.named().into_iter().flat_map(|one| self.facts.files.licenses(&one.package()));
        let mut texts: Vec<_> = texts.map(|(path, hash)| (path.to_string(), hash)).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    pub(super) fn license_paths(&mut self, insertion: &InsertionPoint<'_>) {
        let paths: BTreeSet<String> = self.texts().into_iter().map(|(path, _)| path).collect();
        for path in paths {
            let Some(edit) = insertion.string(&path) else { continue };
            self.items.push(edit.item(path, SuggestionKind::File, Rank::Usual));
        }
    }

    /// Suggests the hash of the license text at `path`, or all hashes without a path.
    pub(super) fn hashes(&mut self, insertion: &InsertionPoint<'_>) {
        let path = self.cursor.level().and_then(|level| level.string("path"));
        for (text, hash) in self.texts() {
            if path.is_some_and(|path| path != text) {
                continue;
            }
            let label = shown(hash);
            let edit = insertion.literal(Snippet::from(label.as_str()), &label);
            self.items.push(edit.item(label, SuggestionKind::File, Rank::Usual).detail(text));
        }
    }

    /// Suggests `{ path = "..", hash = .. }`.
    pub(super) fn license_files(&mut self, insertion: &InsertionPoint<'_>, list: &ListContext) {
        let others: Vec<&str> =
            list.others.iter().filter_map(|one| one.string(&["path"])).collect();
        for (path, hash) in self.texts() {
            if is_listed(&others, &path) {
                continue;
            }
            let snippet = Snippet::from(text(&path, hash).as_str());
            let label = format!("{{ path = \"{path}\", hash }}");
            let item =
                entry(insertion, snippet, &path).item(label, SuggestionKind::File, Rank::Required);
            self.items.push(item.detail(shown(hash)));
        }
    }

    /// Suggests `{ crate, expression, license-files }` for packages with an unknown license.
    pub(super) fn clarifications(&mut self, insertion: &InsertionPoint<'_>, list: &ListContext) {
        let others = subjects_of(list);
        let mut read = 0;
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let found = self.findings_about(package, UNKNOWN_LICENSE_CODES);
            let spec = exactly(&package.name, &package.version);
            if found.is_empty() && !package.needs_text || is_listed(&others, &spec) {
                continue;
            }
            read += 1;
            if read > MAX_READ {
                break;
            }
            let texts = self.facts.files.licenses(&package.package());
            let files: Vec<String> =
                texts.iter().map(|(path, hash)| text(path.as_str(), *hash)).collect();
            let snippet = Snippet::from("{ crate = ")
                .text(quoted(&spec))
                .text(", expression = \"")
                .placeholder(LICENSE_PLACEHOLDER)
                .text(format!("\", license-files = [{}] }}", files.join(", ")));
            let rank = if found.is_empty() { Rank::Usual } else { Rank::Finding };
            let label = format!("{{ crate = \"{spec}\", expression, license-files }}");
            let item = entry(insertion, snippet, &spec).item(label, SuggestionKind::Package, rank);
            self.items.push(item.of(SuggestionSubject::Package(number, UNKNOWN_LICENSE_CODES)));
        }
    }

    /// The files of the packages that the entry matches.
    fn files_of_named_packages(&self) -> BTreeSet<String> {
        let files = self.named().into_iter().flat_map(|one| self.facts.files.paths(&one.package()));
        files.map(|path| path.to_string()).collect()
    }

    pub(super) fn paths(&mut self, insertion: &InsertionPoint<'_>) {
        for path in self.files_of_named_packages() {
            let Some(edit) = insertion.string(&path) else { continue };
            self.items.push(edit.item(path, SuggestionKind::File, Rank::Usual));
        }
    }

    /// Suggests `{ path = ".." }`.
    pub(super) fn path_entries(&mut self, insertion: &InsertionPoint<'_>, list: &ListContext) {
        let others: Vec<&str> =
            list.others.iter().filter_map(|one| one.string(&["path"])).collect();
        for path in self.files_of_named_packages() {
            if is_listed(&others, &path) {
                continue;
            }
            let snippet = Snippet::from("{ path = ").text(quoted(&path)).text(" }");
            let label = format!("{{ path = \"{path}\" }}");
            let item =
                entry(insertion, snippet, &path).item(label, SuggestionKind::File, Rank::Usual);
            self.items.push(item);
        }
    }

    /// Suggests globs for the folders and file extensions of the packages that the entry matches.
    pub(super) fn globs(&mut self, insertion: &InsertionPoint<'_>, others: &[&str]) {
        let mut globs = BTreeSet::new();
        for path in self.files_of_named_packages() {
            let path = camino::Utf8Path::new(&path);
            if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
                globs.insert(format!("{}/*", escaped(folder.as_str())));
            }
            if let Some(extension) = path.extension() {
                globs.insert(format!("**/*.{}", escaped(extension)));
            }
        }
        for glob in globs.into_iter().filter(|glob| !is_listed(others, glob)) {
            let Some(edit) = insertion.string(&glob) else { continue };
            self.items.push(edit.item(glob, SuggestionKind::File, Rank::Usual));
        }
    }
}

/// `{ path = "..", hash = .. }`
fn text(path: &str, hash: u32) -> String {
    format!("{{ path = {}, hash = {} }}", quoted(path), shown(hash))
}

fn shown(hash: u32) -> String {
    format!("{hash:#010x}")
}

/// A path as a glob, with `?` for special characters.
fn escaped(path: &str) -> String {
    path.chars().map(|c| if "*?[]{}\\!".contains(c) { '?' } else { c }).collect()
}
