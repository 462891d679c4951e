//! Which manifests belong to a workspace, as cargo finds its members.

use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};

use super::{MemberFolders, lexical, roots::excludes};
use crate::{model::manifest::Manifest, text::read_to_string};

/// How many manifests of a workspace are read.
const MAX_MANIFESTS: usize = 10_000;

/// The members of the workspaces that were asked for.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    by_root: HashMap<Utf8PathBuf, Members>,
}

/// The manifests of a workspace.
#[derive(Debug)]
enum Members {
    /// These, with links resolved.
    Known(BTreeSet<Utf8PathBuf>),
    /// A manifest could not be read completely, so any may be one.
    Unknown,
}

impl Memberships {
    /// Whether `manifest` belongs to the workspace at `root`; true if that is unknown.
    pub(super) fn has(&mut self, root: &Utf8Path, manifest: &Utf8Path) -> bool {
        if manifest.parent() == Some(root) {
            return true;
        }
        let members = self.by_root.entry(root.to_owned()).or_insert_with(|| members_of(root));
        match members {
            Members::Known(members) => members.contains(&real(manifest)),
            Members::Unknown => true,
        }
    }
}

/// The members of a workspace: the entries of `members`, and the path dependencies of members that are below the root
/// (The Cargo Book, "The members and exclude fields").
fn members_of(root: &Utf8Path) -> Members {
    let root_manifest = root.join("Cargo.toml");
    let Ok(text) = read_to_string(&root_manifest) else { return Members::Unknown };
    let root_model = Manifest::parse(&text);
    let Some(workspace) = root_model.workspace.as_ref().filter(|_| root_model.errors.is_empty())
    else {
        return Members::Unknown;
    };
    let listed = MemberFolders::of(root, &workspace.members);
    if !listed.cut.is_empty() || !listed.cyclic.is_empty() {
        return Members::Unknown;
    }
    let listed = listed.folders.into_iter().map(|(_, folder)| folder);
    let listed = listed.filter(|folder| !excludes(root, workspace, folder));
    let mut queue: Vec<_> = listed.map(|folder| folder.join("Cargo.toml")).collect();
    queue.push(root_manifest);
    let mut found = BTreeSet::new();
    while let Some(manifest) = queue.pop() {
        if !found.insert(real(&manifest)) {
            continue;
        }
        if found.len() > MAX_MANIFESTS {
            return Members::Unknown;
        }
        let Ok(text) = read_to_string(&manifest) else { continue };
        let model = Manifest::parse(&text);
        if !model.errors.is_empty() {
            return Members::Unknown;
        }
        let folder = manifest.parent().unwrap_or(root);
        let paths = model.dependencies.iter().filter_map(|dependency| {
            let own = dependency.path.as_ref().map(|path| folder.join(&path.value));
            own.or_else(|| {
                let inherits = dependency.inherits.as_ref();
                let inherited = inherits.and_then(|_| root_model.inherited(dependency))?;
                Some(root.join(&inherited.path.as_ref()?.value))
            })
        });
        let below = paths
            .map(|path| lexical(&path))
            .filter(|path| path.starts_with(root) && !excludes(root, workspace, path));
        queue.extend(below.map(|path| path.join("Cargo.toml")));
    }
    Members::Known(found)
}

/// A path with links resolved, where it exists.
fn real(path: &Utf8Path) -> Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace::Workspace;

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
    fn package_that_no_workspace_lists_is_checked_on_its_own() {
        let package = |name: &str| format!("[package]\nname = \"{name}\"\n");
        let app = package("app") + "[dev-dependencies]\nnear = { path = \"../near\" }\n";
        let near = package("near") + "[dependencies]\ndeep.workspace = true\n";
        let (_temp, root) = tree(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"app\"]\nexclude = [\"out\"]\n[workspace.dependencies]\ndeep = { path = \"lib/deep\" }\nunused = { path = \"unused\" }\n[patch.crates-io]\npatched = { path = \"patched\" }\n",
            ),
            ("app/Cargo.toml", &app),
            ("near/Cargo.toml", &near),
            ("lib/deep/Cargo.toml", &package("deep")),
            ("unused/Cargo.toml", &package("unused")),
            ("patched/Cargo.toml", &package("patched")),
            ("out/Cargo.toml", &package("out")),
            ("tools/gen/Cargo.toml", &package("gen")),
        ]);
        let whole = Workspace { manifest: root.join("Cargo.toml"), root: root.clone() };
        let around = |path: &str| Workspace::around_manifest(&root.join(path).join("Cargo.toml"));
        for member in ["app", "near", "lib/deep"] {
            assert_eq!(around(member), whole, "{member}");
        }
        for other in ["unused", "patched", "tools/gen"] {
            let manifest = root.join(other).join("Cargo.toml");
            let alone = Workspace { manifest, root: root.clone() };
            assert_eq!(around(other), alone);
            assert!(alone.is_current());
        }
        assert_eq!(around("out").root, root.join("out"));
        fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"app\", \"tools/*\"\n")
            .expect("write");
        assert_eq!(around("tools/gen"), whole, "the manifest is half typed");
    }
}
