//! Finds the workspaces in a folder.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use ignore::{DirEntry, WalkBuilder};

use super::{Memberships, Workspace};
use crate::threads::{self, Activity};

/// Folders that are not searched for workspaces by default: build output, vendored sources, and test fixtures.
/// Hidden and git-ignored folders are not searched either.
pub const EXCLUDED_FOLDERS: [&str; 8] = [
    "target",
    "node_modules",
    "vendor",
    "third_party",
    "fixtures",
    "testdata",
    "test-data",
    "test_data",
];

/// How many files and folders a search visits.
const MAX_VISITED: usize = 200_000;

/// What a search skips, and how far it goes.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    /// Names of folders that are not searched.
    pub excluded: Vec<String>,
    /// Also find workspaces that are nested in other workspaces.
    pub nested: bool,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self { excluded: EXCLUDED_FOLDERS.map(str::to_owned).to_vec(), nested: false }
    }
}

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The workspaces, sorted by their manifests.
    pub workspaces: Vec<Workspace>,
    /// The search stopped early because the folder has too many files.
    pub truncated: bool,
}

impl Discovery {
    /// The workspace whose manifest is in `folder`, else those below it.
    pub fn below(folder: &Utf8Path, options: &DiscoveryOptions) -> Self {
        let manifest = folder.join("Cargo.toml");
        let here = manifest.is_file().then(|| Workspace::of_manifest(&manifest));
        if here.is_some() && !options.nested {
            return Self { workspaces: here.into_iter().collect(), truncated: false };
        }
        let (manifests, truncated) = manifests_below(folder, options);
        let mut memberships = Memberships::default();
        let mut found: BTreeSet<_> =
            manifests.iter().map(|manifest| around(manifest, &mut memberships)).collect();
        if let Some(here) = here {
            // Check the given manifest itself, not as a part of a workspace above it.
            found.retain(|workspace| {
                workspace.root != here.root
                    || workspace.manifest.parent() != Some(workspace.root.as_path())
            });
            found.insert(here);
        }
        found.retain(|workspace| workspace.manifest.is_file());
        if found.is_empty() && !truncated {
            found = policies_below(folder, options);
        }
        Self { workspaces: found.into_iter().collect(), truncated }
    }
}

/// The folders with policies, where there is no workspace for them.
fn policies_below(folder: &Utf8Path, options: &DiscoveryOptions) -> BTreeSet<Workspace> {
    let folders = folders_below(folder, options).into_iter().chain([folder.to_owned()]);
    folders
        .map(|folder| Workspace { manifest: folder.join("Cargo.toml"), root: folder })
        .filter(Workspace::is_policy_alone)
        .collect()
}

/// The workspace of a manifest that was found. If parsing it panics, it is a workspace of its own, so that the
/// search goes on.
fn around(manifest: &Utf8Path, memberships: &mut Memberships) -> Workspace {
    let doing = Activity::to("looking for the workspace of", manifest.as_str());
    let mut around = || Workspace::around(manifest, &mut *memberships);
    threads::catch_panic(&doing, &mut around).unwrap_or_else(|_| {
        let root = manifest.parent().unwrap_or(manifest).to_owned();
        Workspace { manifest: manifest.to_owned(), root }
    })
}

/// The folders in which a search looks for manifests, up to a limited depth and number so that they can be watched,
/// the nearest first.
pub(super) fn folders_below(folder: &Utf8Path, options: &DiscoveryOptions) -> Vec<Utf8PathBuf> {
    const DEPTH: usize = 4;
    const SEEN: usize = 20_000;
    const FOLDERS: usize = 512;
    let excluded = options.excluded.clone();
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(DEPTH))
        .filter_entry(move |entry| enters(entry, &excluded))
        .build();
    let mut found: Vec<_> = walk
        .filter_map(Result::ok)
        .take(SEEN)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((entry.depth(), Utf8Path::from_path(entry.path())?.to_owned())))
        .collect();
    found.sort();
    found.truncate(FOLDERS);
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn manifests_below(folder: &Utf8Path, options: &DiscoveryOptions) -> (Vec<Utf8PathBuf>, bool) {
    let excluded = options.excluded.clone();
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| enters(entry, &excluded))
        .build();
    let mut manifests = Vec::new();
    let mut seen = 0;
    for entry in walk.filter_map(Result::ok) {
        seen += 1;
        if seen > MAX_VISITED {
            return (manifests, true);
        }
        if entry.file_name() == "Cargo.toml"
            && entry.file_type().is_some_and(|kind| kind.is_file())
            && let Some(path) = Utf8Path::from_path(entry.path())
        {
            manifests.push(path.to_owned());
        }
    }
    (manifests, false)
}

fn enters(entry: &DirEntry, excluded: &[String]) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return true;
    }
    let named =
        entry.file_name().to_str().is_some_and(|name| excluded.iter().any(|out| out == name));
    // The marker files of unpacked registry sources and of `cargo vendor`.
    let registry =
        [".cargo-ok", ".cargo-checksum.json"].iter().any(|mark| entry.path().join(mark).exists());
    !named && !registry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str], folder: &str, nested: bool) -> Vec<String> {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for file in files {
            let (path, text) = file.split_once(": ").unwrap_or((file, "[package]\nname = \"p\"\n"));
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("write");
        }
        let options = DiscoveryOptions { nested, ..DiscoveryOptions::default() };
        let discovery = Discovery::below(&root.join(folder), &options);
        let relative = |workspace: &Workspace| {
            workspace.manifest.strip_prefix(root).expect("below the root").to_string()
        };
        discovery.workspaces.iter().map(relative).collect()
    }

    #[test]
    fn the_one_at_the_root_or_those_below() {
        let files = [
            "one/Cargo.toml: [workspace]\nmembers = [\"m\"]\n",
            "one/m/Cargo.toml",
            "two/deep/er/Cargo.toml",
        ];
        assert_eq!(found(&files, "", false), ["one/Cargo.toml", "two/deep/er/Cargo.toml"]);
        assert_eq!(found(&files, "one", false), ["one/Cargo.toml"]);
        assert_eq!(found(&files, "one/m", false), ["one/m/Cargo.toml"]);
    }

    #[test]
    fn nested_ones_only_when_asked_for() {
        let files = [
            "Cargo.toml: [workspace]\nmembers = [\"m\"]\nexclude = [\"tools\"]\n",
            "m/Cargo.toml",
            "tools/t/Cargo.toml",
        ];
        assert_eq!(found(&files, "", false), ["Cargo.toml"]);
        assert_eq!(found(&files, "", true), ["Cargo.toml", "tools/t/Cargo.toml"]);
    }

    #[test]
    fn ignored_vendored_hidden_and_fixture_folders_are_left_out() {
        let files = [
            ".gitignore: /ignored\n",
            "ignored/Cargo.toml",
            "target/package/Cargo.toml",
            "vendor/x/Cargo.toml",
            "deps/y/Cargo.toml",
            "deps/y/.cargo-checksum.json: {}",
            ".hidden/Cargo.toml",
            "tests/fixtures/f/Cargo.toml",
            "app/Cargo.toml",
        ];
        assert_eq!(found(&files, "", false), ["app/Cargo.toml"]);
        assert_eq!(found(&files, "tests/fixtures", false), ["tests/fixtures/f/Cargo.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        std::fs::create_dir(root.join("a")).expect("folder");
        std::os::unix::fs::symlink(root, root.join("a/loop")).expect("link");
        std::fs::write(root.join("a/Cargo.toml"), "[package]\nname = \"p\"\n").expect("write");
        let discovery = Discovery::below(root, &DiscoveryOptions::default());
        assert_eq!(discovery.workspaces.len(), 1);
    }
}
