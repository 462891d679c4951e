//! Adapts manifests for the copy: paths that would lead out of it lead to the copies of the same files.

use camino::Utf8Path;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::writer::CopyWriter;

/// The tables of dependencies.
const DEPENDENCIES: [&str; 5] = [
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
];

/// The text of a manifest for the copy: absolute paths, and those with more `..` than the manifest has parent folders, are
/// replaced. Returns `None` if nothing changes.
///
/// The paths are those of packages and workspace roots. Cargo writes the lockfile next to the root that `package.workspace`
/// names.
pub(super) fn for_copy(text: &str, original: &Utf8Path, writer: &CopyWriter) -> Option<String> {
    let folder = original.parent().unwrap_or(original);
    if !may_lead_out(text, folder) {
        return None;
    }
    let mut document: DocumentMut = text.parse().ok()?;
    let mut adapter = Adapter { folder, writer, changed: false };
    let root = document.as_table_mut();
    for key in ["package", "project"] {
        adapter.path_in(root.get_mut(key), "workspace");
    }
    adapter.packages(root, &DEPENDENCIES);
    for target in tables(root.get_mut("target")) {
        adapter.packages(target, &DEPENDENCIES);
    }
    for patched in tables(root.get_mut("patch")) {
        adapter.packages_in(patched);
    }
    adapter.packages(root, &["replace"]);
    if let Some(workspace) = root.get_mut("workspace").and_then(Item::as_table_like_mut) {
        adapter.packages(workspace, &["dependencies"]);
        for key in ["members", "default-members", "exclude"] {
            adapter.paths(workspace.get_mut(key));
        }
    }
    adapter.changed.then(|| document.to_string())
}

/// Whether some path may be absolute or lead above the root of the file system. Most manifests have none, and need not be
/// parsed.
fn may_lead_out(text: &str, folder: &Utf8Path) -> bool {
    let depth = folder.components().count();
    text.lines().any(|line| {
        let is_absolute = ["\"/", "'/", ":\\", ":/", "\"\\", "'\\", "\\u", "\\U", "\"\"\"", "'''"];
        line.matches("..").count() >= depth || is_absolute.iter().any(|start| line.contains(start))
    })
}

struct Adapter<'a> {
    folder: &'a Utf8Path,
    writer: &'a CopyWriter,
    changed: bool,
}

impl Adapter<'_> {
    fn packages(&mut self, table: &mut dyn TableLike, keys: &[&str]) {
        for key in keys {
            if let Some(packages) = table.get_mut(key).and_then(Item::as_table_like_mut) {
                self.packages_in(packages);
            }
        }
    }

    fn packages_in(&mut self, packages: &mut dyn TableLike) {
        for (_, package) in packages.iter_mut() {
            self.path_in(Some(package), "path");
        }
    }

    fn path_in(&mut self, table: Option<&mut Item>, key: &str) {
        let table = table.and_then(Item::as_table_like_mut);
        if let Some(value) = table.and_then(|table| table.get_mut(key)?.as_value_mut()) {
            self.path(value);
        }
    }

    fn paths(&mut self, list: Option<&mut Item>) {
        let list = list.and_then(Item::as_array_mut);
        for value in list.into_iter().flat_map(|list| list.iter_mut()) {
            self.path(value);
        }
    }

    fn path(&mut self, value: &mut Value) {
        let adapted = value.as_str().and_then(|path| self.writer.adapted_path(path, self.folder));
        if let Some(adapted) = adapted {
            let decor = value.decor().clone();
            *value = Value::from(adapted.into_string());
            *value.decor_mut() = decor;
            self.changed = true;
        }
    }
}

fn tables(item: Option<&mut Item>) -> impl Iterator<Item = &mut dyn TableLike> {
    let table = item.and_then(Item::as_table_like_mut);
    let items = table.into_iter().flat_map(|table| table.iter_mut().map(|(_, item)| item));
    items.filter_map(Item::as_table_like_mut)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn writer(temp: &Utf8Path) -> CopyWriter {
        std::fs::create_dir(temp.join("root")).expect("a folder");
        CopyWriter::new(temp.join("root"), crate::process::Children::default()).expect("a root")
    }

    #[test]
    fn only_a_workspace_root_outside_of_the_copy_is_replaced() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let writer = writer(Utf8Path::from_path(temp.path()).expect("UTF-8"));
        let written = |path: &str| {
            let text = format!("[package]\nname = \"m\"\nworkspace = \"{path}\"\n[lib]\n");
            for_copy(&text, "/w/m/Cargo.toml".into(), &writer)
        };
        let named = |path: &str| {
            let root = writer.root();
            Some(format!("[package]\nname = \"m\"\nworkspace = \"{root}{path}\"\n[lib]\n"))
        };
        for inside in ["..", "../../w", "../other/./x", "../.."] {
            assert_eq!(written(inside), None, "{inside}");
        }
        assert_eq!(written("/w"), named("/w"));
        let climbs = "../".repeat(40) + "w";
        assert_eq!(written(&climbs), named("/w"));
        assert_eq!(for_copy("[workspace", "/w/m/Cargo.toml".into(), &writer), None);
        let inherits = "[dependencies]\nx.workspace = true\n";
        assert_eq!(for_copy(inherits, "/w/m/Cargo.toml".into(), &writer), None);
    }

    #[test]
    fn absolute_paths_of_packages_lead_to_their_copies() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let writer = writer(Utf8Path::from_path(temp.path()).expect("UTF-8"));
        let text = r#"
[package]
license-file = "/w/LICENSE"
[lib]
path = "/w/src/lib.rs"
[dependencies]
a = { path = '/o/a' } # kept
b = { version = "1", path = "../b" }
[target.'cfg(unix)'.build-dependencies.c]
path = "../../../../o/c"
[workspace]
members = [ "/w/m/*", "x" ]
exclude = ["/o"]
[workspace.dependencies]
d.path = "\u002fo/d"
[patch.crates-io]
e = { path = "/o/e" }
[replace]
"f:1.0.0" = { path = "/o/f" }
"#;
        let adapted = for_copy(text, "/w/m/Cargo.toml".into(), &writer).expect("it changes");
        let root = writer.root();
        let expected = text
            .replace("'/o/a'", &format!("\"{root}/o/a\""))
            .replace("\"../../../../o/c\"", &format!("\"{root}/o/c\""))
            .replace("\"\\u002fo/d\"", &format!("\"{root}/o/d\""))
            .replace("\"/w/m/*\"", &format!("\"{root}/w/m/*\""))
            .replace("\"/o", &format!("\"{root}/o"));
        assert_eq!(adapted, expected);
        assert_eq!(for_copy(&adapted, "/w/m/Cargo.toml".into(), &writer), None);
    }
}
