//! Files of packages: license texts with their hashes, and what may lie in packages that are built.

use std::collections::BTreeSet;

use super::{
    Maker, abouts,
    edit::{Spot, quoted},
    is_there,
    item::{ItemKind, Rank, Subject, Template},
    packages::{UNTOLD_LICENSES, entry},
};
use crate::policy::{UNTOLD, cursor::ListContext, spec::exactly};

/// For how many packages license texts are read at once.
const READ: usize = 20;

impl Maker<'_> {
    /// The license texts of the packages that the entry names.
    fn texts(&self) -> Vec<(String, u32)> {
        let texts =
            self.named().into_iter().flat_map(|one| self.facts.files.licenses(&one.package()));
        let mut texts: Vec<_> = texts.map(|(path, hash)| (path.to_string(), hash)).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    pub(super) fn license_paths(&mut self, spot: &Spot<'_>) {
        let paths: BTreeSet<String> = self.texts().into_iter().map(|(path, _)| path).collect();
        for path in paths {
            let Some(edit) = spot.string(&path) else { continue };
            self.items.push(edit.item(path, ItemKind::File, Rank::Known));
        }
    }

    /// Hashes of the text that the entry names, or of each.
    pub(super) fn hashes(&mut self, spot: &Spot<'_>) {
        let path = self.cursor.level().and_then(|level| level.said("path"));
        for (text, hash) in self.texts() {
            if path.is_some_and(|path| path != text) {
                continue;
            }
            let label = shown(hash);
            let edit = spot.literal(Template::from(label.as_str()), &label);
            self.items.push(edit.item(label, ItemKind::File, Rank::Known).detail(text));
        }
    }

    /// `{ path = "..", hash = .. }`
    pub(super) fn license_files(&mut self, spot: &Spot<'_>, list: &ListContext) {
        let others: Vec<&str> = list.others.iter().filter_map(|one| one.said(&["path"])).collect();
        for (path, hash) in self.texts() {
            if is_there(&others, &path) {
                continue;
            }
            let template = Template::from(text(&path, hash).as_str());
            let label = format!("{{ path = \"{path}\", hash }}");
            let item = entry(spot, template, &path).item(label, ItemKind::File, Rank::Required);
            self.items.push(item.detail(shown(hash)));
        }
    }

    /// `{ crate, expression, license-files }` for packages whose license cannot be told.
    pub(super) fn clarifications(&mut self, spot: &Spot<'_>, list: &ListContext) {
        let others = abouts(list);
        let mut read = 0;
        for (number, package) in self.facts.graph.packages.iter().enumerate() {
            let found = self.found(package, UNTOLD_LICENSES);
            let spec = exactly(&package.name, &package.version);
            if found.is_empty() && !package.needs_text || is_there(&others, &spec) {
                continue;
            }
            read += 1;
            if read > READ {
                break;
            }
            let texts = self.facts.files.licenses(&package.package());
            let files: Vec<String> =
                texts.iter().map(|(path, hash)| text(path.as_str(), *hash)).collect();
            let template = Template::from("{ crate = ")
                .text(quoted(&spec))
                .text(", expression = \"")
                .stop(UNTOLD)
                .text(format!("\", license-files = [{}] }}", files.join(", ")));
            let rank = if found.is_empty() { Rank::Known } else { Rank::Finding };
            let label = format!("{{ crate = \"{spec}\", expression, license-files }}");
            let item = entry(spot, template, &spec).item(label, ItemKind::Package, rank);
            self.items.push(item.of(Subject::Package(number, UNTOLD_LICENSES)));
        }
    }

    /// The files of the packages that the entry names.
    fn lying(&self) -> BTreeSet<String> {
        let files = self.named().into_iter().flat_map(|one| self.facts.files.paths(&one.package()));
        files.map(|path| path.to_string()).collect()
    }

    pub(super) fn paths(&mut self, spot: &Spot<'_>) {
        for path in self.lying() {
            let Some(edit) = spot.string(&path) else { continue };
            self.items.push(edit.item(path, ItemKind::File, Rank::Known));
        }
    }

    /// `{ path = ".." }`
    pub(super) fn path_entries(&mut self, spot: &Spot<'_>, list: &ListContext) {
        let others: Vec<&str> = list.others.iter().filter_map(|one| one.said(&["path"])).collect();
        for path in self.lying() {
            if is_there(&others, &path) {
                continue;
            }
            let template = Template::from("{ path = ").text(quoted(&path)).text(" }");
            let label = format!("{{ path = \"{path}\" }}");
            let item = entry(spot, template, &path).item(label, ItemKind::File, Rank::Known);
            self.items.push(item);
        }
    }

    /// The folders of the packages that the entry names, with everything in them.
    pub(super) fn globs(&mut self, spot: &Spot<'_>, others: &[&str]) {
        let mut globs = BTreeSet::new();
        for path in self.lying() {
            let path = camino::Utf8Path::new(&path);
            if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
                globs.insert(format!("{}/*", escaped(folder.as_str())));
            }
            if let Some(extension) = path.extension() {
                globs.insert(format!("**/*.{}", escaped(extension)));
            }
        }
        for glob in globs.into_iter().filter(|glob| !is_there(others, glob)) {
            let Some(edit) = spot.string(&glob) else { continue };
            self.items.push(edit.item(glob, ItemKind::File, Rank::Known));
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

/// A path that a glob takes literally.
fn escaped(path: &str) -> String {
    path.chars().map(|c| if "*?[]{}\\!".contains(c) { '?' } else { c }).collect()
}
