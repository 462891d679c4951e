//! Adapts manifests for the copy.

use camino::Utf8Path;
use toml_edit::{DocumentMut, Item};

use super::writer::{CopyWriter, normalized};

/// The text of a manifest for the copy. Cargo writes the lockfile next to the root manifest that `package.workspace` names;
/// if that is outside of the copy, it is replaced by the copy of that root. Returns `None` if nothing changes.
pub(super) fn for_copy(text: &str, original: &Utf8Path, writer: &CopyWriter) -> Option<String> {
    if !text.contains("workspace") {
        return None;
    }
    let mut document: DocumentMut = text.parse().ok()?;
    let mut changed = false;
    for key in ["package", "project"] {
        let package = document.get_mut(key).and_then(Item::as_table_like_mut);
        let Some(named) = package.and_then(|package| package.get_mut("workspace")) else {
            continue;
        };
        let Some(path) = named.as_str() else { continue };
        let folder = original.parent().unwrap_or(original);
        let root = writer.path_in_copy(&normalized(&folder.join(path)));
        // As cargo looks for it (`read_root_pointer`).
        if normalized(&writer.path_in_copy(folder).join(path)) != root {
            *named = toml_edit::value(root.into_string());
            changed = true;
        }
    }
    changed.then(|| document.to_string())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_workspace_root_outside_of_the_copy_is_replaced() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let temp = Utf8Path::from_path(temp.path()).expect("UTF-8");
        std::fs::create_dir(temp.join("root")).expect("a folder");
        let writer = CopyWriter::new(temp.join("root")).expect("a root");
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
}
