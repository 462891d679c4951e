//! Modules next to each other do not use each other in circles. A module counts together with everything below it, so a file and
//! its own children may use each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};

use crate::sources::below;

/// The segments of a module's path, without `crate`.
type Module = Vec<String>;

/// What uses what, by module.
type Uses = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn modules_do_not_use_each_other_in_circles() {
    let circles = circles(&uses_of_server());
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn circle_through_a_child_is_found() {
    let module = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let uses = |pairs: &[(&str, &str)]| -> Uses {
        let mut uses = Uses::new();
        for (from, to) in pairs {
            uses.entry(module(from)).or_default().insert(module(to));
            uses.entry(module(to)).or_default();
        }
        uses
    };
    assert_eq!(circles(&uses(&[("a::b", "a::c"), ("a::c", "a::d")])), [""; 0]);
    assert_eq!(circles(&uses(&[("a::b", "a::b::c"), ("a::b::c", "a::b")])), [""; 0]);
    let through_a_child = uses(&[("a::b::c", "a::d"), ("a::d", "a::b")]);
    assert_eq!(circles(&through_a_child), ["b -> d -> b, below `a`"]);
}

fn uses_of_server() -> Uses {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = below(root, "server", &["benches", "fuzz", "docs"]);
    let sources: Vec<_> = files.iter().filter_map(|file| Some((file, module_of(file)?))).collect();
    let modules: BTreeSet<_> = sources.iter().map(|(_, module)| module.clone()).collect();
    let mut uses = Uses::new();
    for (file, module) in sources {
        let text = fs::read_to_string(root.join(file)).expect("a source file");
        let syntax = syn::parse_file(&text).expect("a source file of Rust");
        let mut reader = Reader { module: &module, modules: &modules, used: BTreeSet::new() };
        reader.visit_file(&syntax);
        let used = reader.used;
        uses.insert(module, used);
    }
    uses
}

/// The module of `server/lsp/worker.rs` is `lsp::worker`.
fn module_of(file: &str) -> Option<Module> {
    let path = file.strip_prefix("server/")?.strip_suffix(".rs")?;
    let is_root = ["lib", "main"].contains(&path);
    (!is_root).then(|| path.split('/').map(str::to_owned).collect())
}

/// Collects the modules that a file names, outside of its tests.
struct Reader<'r> {
    module: &'r Module,
    modules: &'r BTreeSet<Module>,
    used: BTreeSet<Module>,
}

impl Reader<'_> {
    fn uses(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        let mut full = self.module.clone();
        let mut rest = rest;
        match first.as_str() {
            "crate" => full.clear(),
            "self" => {}
            "super" => {
                full.pop();
                while let Some((next, after)) =
                    rest.split_first().filter(|(next, _)| *next == "super")
                {
                    debug_assert_eq!(next, "super");
                    full.pop();
                    rest = after;
                }
            }
            child => full.push(child.to_owned()),
        }
        let is_known =
            first == "crate" || first == "self" || first == "super" || self.modules.contains(&full);
        if !is_known {
            return;
        }
        full.extend(rest.iter().cloned());
        while !full.is_empty() && !self.modules.contains(&full) {
            full.pop();
        }
        if !full.is_empty() {
            self.used.insert(full);
        }
    }

    fn uses_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| -> Vec<String> { before.iter().cloned().chain([name]).collect() };
        match tree {
            UseTree::Path(path) => self.uses_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.uses(&with(name.ident.to_string())),
            UseTree::Rename(rename) => self.uses(&with(rename.ident.to_string())),
            UseTree::Glob(_) => self.uses(before),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.uses_tree(before, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(module) => &module.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(function) => &function.attrs,
            Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.uses_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.uses(&segments);
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
}

/// One circle among the children of each module, where there is any.
fn circles(uses: &Uses) -> Vec<String> {
    let parents: BTreeSet<_> = uses
        .keys()
        .flat_map(|module| (0..module.len()).map(|length| module[..length].to_vec()))
        .collect();
    let mut found = Vec::new();
    for parent in parents {
        let child = |module: &Module| -> Option<String> {
            module.strip_prefix(parent.as_slice())?.first().cloned()
        };
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, used) in uses {
            let Some(from) = child(module) else { continue };
            let to = used.iter().filter_map(child).filter(|to| *to != from);
            edges.entry(from.clone()).or_default().extend(to);
        }
        let below = if parent.is_empty() { "crate".to_owned() } else { parent.join("::") };
        found
            .extend(circle(&edges).map(|names| format!("{}, below `{below}`", names.join(" -> "))));
    }
    found
}

/// A circle, its first name once more at the end.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &String,
        edges: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(start) = path.iter().position(|one| one == at) {
            path.drain(..start);
            path.push(at.clone());
            return true;
        }
        if done.contains(at) {
            return false;
        }
        path.push(at.clone());
        if edges.get(at).is_some_and(|next| next.iter().any(|next| walk(next, edges, path, done))) {
            return true;
        }
        path.pop();
        done.insert(at.clone());
        false
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| {
        let mut path = Vec::new();
        walk(start, edges, &mut path, &mut done).then_some(path)
    })
}
