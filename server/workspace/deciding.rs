//! Lists the files that affect how a workspace is resolved and checked, so that they can be watched.
//!
//! They are found by reading manifests, which works also if cargo fails. Files outside of the workspace (cargo's
//! home, advisory databases) are not listed.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    DiscoveryOptions, EXCEPTION_NAMES, MemberFolders, POLICY_NAMES, Workspace,
    discover::folders_below, lexical, roots::root_of,
};
use crate::{model::manifest::Manifest, text::read_to_string};

/// Cargo's configuration, looked up in a folder and all its parents.
pub(crate) const CONFIGURATION_NAMES: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// Rustup's toolchain file, looked up in the same way.
pub(crate) const TOOLCHAIN_NAMES: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// How many manifests of one workspace are listed.
const MAX_FILES: usize = 10_000;

/// The files that affect a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecidingFiles {
    /// The files' absolute paths; they may not exist.
    pub files: BTreeSet<Utf8PathBuf>,
    /// Folders in which a new folder may add files.
    pub search_folders: BTreeSet<Utf8PathBuf>,
}

impl DecidingFiles {
    /// The manifests, the lockfile, the policies and the configuration of a workspace.
    pub fn of_workspace(workspace: &Workspace) -> Self {
        let mut found = Self::named_by_manifests(workspace);
        found.files.extend(Self::of_any(workspace).files);
        let behind_links: Vec<_> = behind_links(&found.files, workspace).collect();
        found.files.extend(behind_links);
        found
    }

    /// The manifests that cargo reads for a workspace, without those that only look for its root.
    pub(crate) fn manifests_of(workspace: &Workspace) -> BTreeSet<Utf8PathBuf> {
        Self::named_by_manifests(workspace).files
    }

    fn named_by_manifests(workspace: &Workspace) -> Self {
        let mut found = Self::default();
        let mut queue = vec![workspace.manifest.clone(), workspace.root.join("Cargo.toml")];
        while let Some(manifest) = queue.pop() {
            if found.files.len() < MAX_FILES && found.files.insert(manifest.clone()) {
                found.add_named_by(&manifest, workspace, &mut queue);
            }
        }
        found
    }

    /// The files that affect a workspace whatever its manifests contain.
    pub(crate) fn of_any(workspace: &Workspace) -> Self {
        let mut found = Self::default();
        found.files.insert(workspace.root.join("Cargo.toml"));
        found.files.insert(workspace.lockfile());
        for above in workspace.folder().ancestors() {
            // A new or deleted manifest in a parent folder may change the workspace's root.
            found.files.insert(above.join("Cargo.toml"));
            let policies = POLICY_NAMES.iter().chain(&EXCEPTION_NAMES);
            let names = policies.chain(&CONFIGURATION_NAMES).chain(&TOOLCHAIN_NAMES);
            found.files.extend(names.map(|name| above.join(name)));
        }
        found
    }

    /// The manifests that may add a workspace to an opened folder.
    pub fn of_folder(folder: &Utf8Path) -> Self {
        let manifest = folder.join("Cargo.toml");
        let mut found = Self::default();
        if !manifest.is_file() {
            for below in folders_below(folder, &DiscoveryOptions::default()) {
                found.files.insert(below.join("Cargo.toml"));
                found.search_folders.insert(below);
            }
        }
        found.files.insert(manifest);
        found
    }

    /// Adds the members and path dependencies of a manifest.
    fn add_named_by(
        &mut self,
        manifest: &Utf8Path,
        workspace: &Workspace,
        queue: &mut Vec<Utf8PathBuf>,
    ) {
        let Ok(text) = read_to_string(manifest) else { return };
        let model = Manifest::parse(&text);
        let folder = manifest.parent().unwrap_or(manifest);
        let local = model.all_dependencies().filter_map(|declared| declared.path.as_ref());
        queue.extend(local.map(|path| lexical(&folder.join(&path.value)).join("Cargo.toml")));
        if folder == workspace.root {
            let members = model.workspace.as_ref().map(|table| table.members.as_slice());
            let found = MemberFolders::of(folder, members.unwrap_or_default());
            queue.extend(found.folders.iter().map(|(_, folder)| folder.join("Cargo.toml")));
            self.search_folders.extend(found.visited_folders);
        } else if !folder.starts_with(&workspace.root) {
            // It may inherit from its own workspace.
            queue.push(root_of(manifest).join("Cargo.toml"));
        }
    }
}

/// The real paths of files that are links or behind links in the workspace: editors may have opened them under these names.
fn behind_links<'f>(
    files: &'f BTreeSet<Utf8PathBuf>,
    workspace: &'f Workspace,
) -> impl Iterator<Item = Utf8PathBuf> + 'f {
    let root = workspace.real().root;
    files.iter().filter_map(move |file| {
        let real = file.canonicalize_utf8().ok()?;
        // A link to the whole workspace is none in it.
        let as_named = match file.strip_prefix(&workspace.root) {
            Ok(rest) => root.join(rest),
            Err(_) => file.clone(),
        };
        (real != as_named).then_some(real)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn inputs(files: &[(&str, &str)]) -> (BTreeSet<String>, BTreeSet<String>) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("write");
        }
        let found =
            DecidingFiles::of_workspace(&Workspace::of_manifest(&root.join("w/Cargo.toml")));
        let names = |paths: BTreeSet<Utf8PathBuf>| {
            let ours = paths.into_iter();
            let ours = ours.filter_map(|path| Some(path.strip_prefix(root).ok()?.to_string()));
            ours.filter(|path| !path.contains("deny") && !path.contains("rust-toolchain")).collect()
        };
        (names(found.files), names(found.search_folders))
    }

    #[test]
    fn members_path_dependencies_and_parent_folders_are_listed() {
        let (files, search_folders) = inputs(&[
            ("w/Cargo.toml", "[workspace]\nmembers = [\"crates/*\", \"tool\"]\n"),
            ("w/crates/a/Cargo.toml", "[dependencies]\nout = { path = \"../../../out\" }\n"),
            ("w/crates/empty/README.md", ""),
            ("out/Cargo.toml", "[dependencies]\ngone = { path = \"gone\" }\n"),
            ("elsewhere/Cargo.toml", ""),
        ]);
        let expected = [
            ".cargo/config",
            ".cargo/config.toml",
            "Cargo.toml",
            "out/Cargo.toml",
            "out/gone/Cargo.toml",
            "w/.cargo/config",
            "w/.cargo/config.toml",
            "w/Cargo.lock",
            "w/Cargo.toml",
            "w/crates/a/Cargo.toml",
            "w/crates/empty/Cargo.toml",
            "w/tool/Cargo.toml",
        ];
        assert_eq!(files, expected.map(str::to_owned).into());
        assert_eq!(search_folders, ["w/crates".to_owned()].into());
    }

    #[cfg(unix)]
    #[test]
    fn files_behind_links_are_listed_under_both_names() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().canonicalize().expect("it is there");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("write");
        };
        write("w/Cargo.toml", "[workspace]\nmembers = [\"m\", \"n\"]\n");
        write("elsewhere/m/Cargo.toml", "[package]\nname = \"m\"\n");
        write("w/n/Cargo.toml", "[package]\nname = \"n\"\n");
        for (link, target) in [("w/m", "../elsewhere/m"), ("v", "w")] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("a link");
        }
        for name in ["w", "v"] {
            let workspace = Workspace::of_manifest(&root.join(name).join("Cargo.toml"));
            let files = DecidingFiles::of_workspace(&workspace).files;
            for path in ["m/Cargo.toml", "n/Cargo.toml"].map(|path| root.join(name).join(path)) {
                assert!(files.contains(&path), "{path}");
            }
            assert!(files.contains(&root.join("elsewhere/m/Cargo.toml")));
            assert_eq!(files.contains(&root.join("w/n/Cargo.toml")), name == "w");
        }
    }
}
