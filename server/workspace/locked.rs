//! The workspaces of a repository with lockfiles of their own, and the manifests that take part in each.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{DecidingFiles, Discovery, DiscoveryOptions, Workspace};

/// Workspaces with a lockfile, such as those of fuzz targets, examples and bindings.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockedWorkspaces(Vec<LockedWorkspace>);

#[derive(Clone, Debug)]
struct LockedWorkspace {
    workspace: Workspace,
    /// The manifests that cargo may read for it, with links resolved.
    manifests: BTreeSet<Utf8PathBuf>,
}

impl LockedWorkspaces {
    /// Those in these folders and below, also if they are nested in others.
    pub(crate) fn below<'f>(folders: impl IntoIterator<Item = &'f Utf8Path>) -> Self {
        let options = DiscoveryOptions { nested: true, ..DiscoveryOptions::default() };
        let found = folders.into_iter().flat_map(|folder| {
            let found = Discovery::below(folder, &options).workspaces;
            // A manifest of another workspace may be given first: its own root counts.
            found.into_iter().map(|one| Workspace::of_manifest(&one.root.join("Cargo.toml")))
        });
        let found: BTreeSet<_> =
            found.filter(|one| one.manifest.is_file() && one.lockfile().is_file()).collect();
        Self(found.into_iter().map(LockedWorkspace::of).collect())
    }

    /// Those in which one of these manifests takes part, whose paths have no links.
    pub(crate) fn using<'l>(
        &'l self,
        manifests: &'l BTreeSet<Utf8PathBuf>,
    ) -> impl Iterator<Item = &'l Workspace> {
        let uses = |one: &&LockedWorkspace| !one.manifests.is_disjoint(manifests);
        self.0.iter().filter(uses).map(|one| &one.workspace)
    }
}

impl LockedWorkspace {
    fn of(workspace: Workspace) -> Self {
        let manifests = DecidingFiles::manifests_of(&workspace).into_iter();
        let manifests = manifests.filter_map(|path| path.canonicalize_utf8().ok()).collect();
        Self { workspace, manifests }
    }
}

/// The folder of the repository that contains a folder, if it is in one.
pub(crate) fn repository_of(folder: &Utf8Path) -> Option<&Utf8Path> {
    folder.ancestors().find(|above| above.join(".git").exists())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn workspaces_in_which_a_manifest_takes_part() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().canonicalize().expect("it is there");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        let package = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
        for (path, text) in [
            ("Cargo.toml", "[workspace]\nmembers = [\"a\"]\nexclude = [\"alone\"]\n".to_owned()),
            ("Cargo.lock", String::new()),
            ("a/Cargo.toml", package("a", "")),
            ("a/fuzz/Cargo.toml", package("f", "[dependencies.a]\npath = \"..\"\n[workspace]\n")),
            ("a/fuzz/Cargo.lock", String::new()),
            (
                "bind/Cargo.toml",
                package("b", "[patch.crates-io]\na.path = \"../a\"\n[workspace]\n"),
            ),
            ("bind/Cargo.lock", String::new()),
            (
                "unlocked/Cargo.toml",
                package("u", "[dependencies.a]\npath = \"../a\"\n[workspace]\n"),
            ),
            ("alone/Cargo.toml", package("l", "")),
            ("alone/Cargo.lock", String::new()),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("written");
        }
        let found = LockedWorkspaces::below([root.as_path()]);
        let using = |manifest: &str| -> Vec<String> {
            let manifests = [root.join(manifest)].into();
            let using = found.using(&manifests).map(|one| super::super::relative(&root, &one.root));
            using.map(Utf8PathBuf::into_string).collect()
        };
        assert_eq!(using("a/Cargo.toml"), [".", "a/fuzz", "bind"]);
        assert_eq!(using("Cargo.toml"), [".", "a/fuzz", "bind"], "a package may inherit from it");
        assert_eq!(using("alone/Cargo.toml"), ["alone"]);
    }
}
