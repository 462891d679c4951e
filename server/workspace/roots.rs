//! Finds a workspace's root manifest as cargo does.

use camino::{Utf8Path, Utf8PathBuf};

use super::lexical;
use crate::{
    model::manifest::{Manifest, WorkspaceTable},
    text::read_to_string,
};

/// The folder of the root manifest of `manifest`'s workspace (The Cargo Book, "The workspace section"): itself if
/// it has a `[workspace]` table, the one that `package.workspace` names, the nearest one above that does not
/// exclude it, else itself.
pub(super) fn root_of(manifest: &Utf8Path) -> Utf8PathBuf {
    let folder = manifest.parent().unwrap_or(Utf8Path::new(""));
    let own = read(manifest).unwrap_or_default();
    if own.workspace.is_some() {
        return folder.to_owned();
    }
    if let Some(named) = own.package.and_then(|package| package.workspace) {
        let root = lexical(&folder.join(named.value));
        // Without a manifest there, cargo refuses the package.
        return if root.join("Cargo.toml").is_file() { root } else { folder.to_owned() };
    }
    for above in folder.ancestors().skip(1) {
        let Some(workspace) = read(&above.join("Cargo.toml")).and_then(|found| found.workspace)
        else {
            continue;
        };
        let excluded = excludes(above, &workspace, folder);
        return if excluded { folder.to_owned() } else { above.to_owned() };
    }
    folder.to_owned()
}

/// Whether a workspace excludes a folder: below an entry of `exclude`, and below none of `members`.
pub(super) fn excludes(root: &Utf8Path, workspace: &WorkspaceTable, folder: &Utf8Path) -> bool {
    let covers = |path: &str| folder.starts_with(lexical(&root.join(path)));
    let excluded = workspace.exclude.iter().any(|path| covers(&path.value));
    excluded && !workspace.members.iter().any(|path| covers(&path.value))
}

fn read(manifest: &Utf8Path) -> Option<Manifest> {
    read_to_string(manifest).ok().map(|text| Manifest::parse(&text))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::from_path_buf(temp.path().to_owned()).expect("UTF-8");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("write");
        }
        (temp, root)
    }

    #[test]
    fn member_belongs_to_the_root_above_it() {
        let (_temp, root) = tree(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"a\"]\nexclude = [\"out\", \"a/deep\"]\n"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("out/x/Cargo.toml", "[package]\nname = \"x\"\n"),
            ("named/Cargo.toml", "[package]\nname = \"n\"\nworkspace = \"../other/.\"\n"),
            ("other/Cargo.toml", "[workspace]\nmembers = [\"../named\"]\n"),
            ("lost/Cargo.toml", "[package]\nname = \"l\"\nworkspace = \"../gone\"\n"),
            ("lone/Cargo.toml", "[package]\nname = \"l\"\n[workspace]\n"),
        ]);
        assert_eq!(root_of(&root.join("a/Cargo.toml")), root);
        assert_eq!(root_of(&root.join("Cargo.toml")), root);
        assert_eq!(root_of(&root.join("out/x/Cargo.toml")), root.join("out/x"));
        assert_eq!(root_of(&root.join("named/Cargo.toml")), root.join("other"));
        assert_eq!(root_of(&root.join("lost/Cargo.toml")), root.join("lost"));
        assert_eq!(root_of(&root.join("lone/Cargo.toml")), root.join("lone"));
    }

    #[test]
    fn package_without_root_above_is_its_own_root() {
        let (_temp, root) = tree(&[("p/Cargo.toml", "[package]\nname = \"p\"\n")]);
        assert_eq!(root_of(&root.join("p/Cargo.toml")), root.join("p"));
    }
}
