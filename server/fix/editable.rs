//! Where fixes may change manifests and lockfiles: below the folders that the user has named.

use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::workspace::{LockedWorkspaces, relative, repository_of};

/// Names of folders with copies of other people's packages.
const VENDOR_FOLDERS: [&str; 2] = ["vendor", "third_party"];

/// Files next to the manifest of a package that was downloaded: of `cargo vendor`, of cargo's registry, and of
/// `cargo package`.
const DOWNLOAD_MARKS: [&str; 3] = [".cargo-checksum.json", ".cargo-ok", ".cargo_vcs_info.json"];

/// The folders in which fixes may change manifests and lockfiles. A policy may be changed anywhere: each change of it is
/// asked for.
#[derive(Clone, Debug, Default)]
pub struct EditableFolders {
    /// The named folders, with links resolved. Empty: everything may be changed.
    folders: Vec<Utf8PathBuf>,
    outside: Outside,
    /// Files behind symbolic links are written.
    follows_links: bool,
    /// The workspaces with lockfiles that a change may concern.
    locked: OnceLock<LockedWorkspaces>,
}

/// Whether what lies outside of the named folders may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// No.
    #[default]
    Refused,
    /// Only where a finding needs it, and the title of the fix says so.
    Announced,
    /// As what is inside.
    Allowed,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Editability {
    /// In a named folder.
    Inside,
    /// In a named folder, but the copy of a package of other people.
    Vendored,
    /// In a named folder, but in another repository (a submodule), whose folder is given.
    OtherRepository(Utf8PathBuf),
    /// Not in a named folder, or only as the name of a link that leads out of it.
    Outside,
}

impl EditableFolders {
    /// What is below these folders.
    pub fn below(folders: impl IntoIterator<Item = Utf8PathBuf>, outside: Outside) -> Self {
        let mut folders: Vec<_> = folders.into_iter().map(|folder| real(&folder)).collect();
        folders.sort();
        // Those that are below another one are left out.
        folders.dedup_by(|folder, outer| folder.starts_with(&*outer));
        let follows_links = outside == Outside::Allowed;
        Self { folders, outside, follows_links, locked: OnceLock::new() }
    }

    /// The same, also behind symbolic links.
    #[must_use]
    pub fn following_links(self) -> Self {
        Self { follows_links: true, ..self }
    }

    pub(super) fn follows_links(&self) -> bool {
        self.follows_links
    }

    /// The outermost named folder that contains a file or a folder.
    pub fn folder_of(&self, path: &Utf8Path) -> Option<&Utf8Path> {
        let path = real_parent(path);
        self.folders.iter().find(|folder| path.starts_with(folder)).map(Utf8PathBuf::as_path)
    }

    /// The workspaces with lockfiles in the folders and in the repository of the workspace at `root`. They are looked for
    /// once.
    pub(super) fn locked_workspaces(&self, root: &Utf8Path) -> &LockedWorkspaces {
        self.locked.get_or_init(|| {
            let repository = repository_of(root).unwrap_or(root).to_owned();
            let mut folders = vec![repository];
            folders.extend(self.folders.iter().cloned());
            folders.sort();
            folders.dedup_by(|folder, outer| folder.starts_with(&*outer));
            LockedWorkspaces::below(folders.iter().map(Utf8PathBuf::as_path))
        })
    }

    /// The named folders.
    pub fn folders(&self) -> &[Utf8PathBuf] {
        &self.folders
    }

    /// Whether a file is in one of the folders, or anything may be changed.
    pub fn contain(&self, path: &Utf8Path) -> bool {
        self.folders.is_empty() || self.editability_of(path) == Editability::Inside
    }

    /// Whether a file may be changed.
    pub(super) fn may_change(&self, path: &Utf8Path) -> bool {
        self.outside != Outside::Refused || self.contain(path)
    }

    /// Whether the lockfile of another workspace may be brought along.
    pub(super) fn includes(&self, lockfile: &Utf8Path) -> bool {
        self.outside == Outside::Allowed || self.contain(lockfile)
    }

    pub(super) fn editability_of(&self, path: &Utf8Path) -> Editability {
        let Some(folder) = self.folder_of(path) else { return Editability::Outside };
        let path = real_parent(path);
        let below = path.parent().into_iter().flat_map(Utf8Path::ancestors);
        for between in below.take_while(|between| *between != folder) {
            let is_vendor = between.file_name().is_some_and(|name| VENDOR_FOLDERS.contains(&name));
            if is_vendor || DOWNLOAD_MARKS.iter().any(|mark| between.join(mark).is_file()) {
                return Editability::Vendored;
            }
            if between.join(".git").exists() {
                return Editability::OtherRepository(between.to_owned());
            }
        }
        Editability::Inside
    }

    /// What a manifest or lockfile is that is not among the user's own files in the named folders.
    pub(super) fn origin(&self, path: &Utf8Path) -> Option<&'static str> {
        if self.folders.is_empty() || !is_resolved(path) {
            return None;
        }
        match self.editability_of(path) {
            Editability::Inside => None,
            Editability::Vendored => Some("vendored copy"),
            Editability::OtherRepository(_) => Some("another repository"),
            Editability::Outside if self.outside == Outside::Announced => {
                Some("outside of the open folders")
            }
            Editability::Outside => Some("outside of the named folders"),
        }
    }

    /// Why a file may not be changed: a sentence without a final period. `None` if it may.
    pub(super) fn refusal(&self, path: &Utf8Path, workspace: &Utf8Path) -> Option<String> {
        if self.outside != Outside::Refused || self.folders.is_empty() || !is_resolved(path) {
            return None;
        }
        let folder =
            self.folder_of(workspace).or(self.folders.first().map(Utf8PathBuf::as_path))?;
        let shown = |path: &Utf8Path| relative(folder, path);
        let file = shown(&real_parent(path));
        let what = match self.editability_of(path) {
            Editability::Inside => return None,
            Editability::Outside => format!("is outside `{folder}`"),
            Editability::Vendored => "is a vendored copy".to_owned(),
            Editability::OtherRepository(repository) => {
                format!("is in another repository, `{}`", shown(&repository))
            }
        };
        Some(format!("`{file}` {what}; pass `--allow outside` to change it"))
    }
}

/// Whether cargo resolves with a file: a manifest or a lockfile.
fn is_resolved(path: &Utf8Path) -> bool {
    matches!(path.file_name(), Some("Cargo.toml" | "Cargo.lock"))
}

/// A path with the links in its folder resolved. A file that is a link itself stays: whether that is followed is another
/// question.
pub(super) fn real_parent(path: &Utf8Path) -> Utf8PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

/// A path with links resolved, as far as it exists.
fn real(path: &Utf8Path) -> Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().canonicalize().expect("it is there");
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        for path in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, "").expect("written");
        }
        (temp, root)
    }

    #[test]
    fn editability_of_a_file() {
        let (_temp, root) = tree(&[
            "app/Cargo.toml",
            "app/m/Cargo.toml",
            "app/vendor/x/Cargo.toml",
            "app/copied/Cargo.toml",
            "app/copied/.cargo-checksum.json",
            "app/sub/.git",
            "app/sub/m/Cargo.toml",
            "lib/Cargo.toml",
        ]);
        let folders =
            EditableFolders::below([root.join("app/m"), root.join("app")], Outside::Refused);
        assert_eq!(folders.folders(), [root.join("app")]);
        let editability = |path: &str| folders.editability_of(&root.join(path));
        assert_eq!(editability("app/Cargo.toml"), Editability::Inside);
        assert_eq!(editability("app/m/Cargo.toml"), Editability::Inside);
        assert_eq!(editability("app/m/new/Cargo.lock"), Editability::Inside);
        assert_eq!(editability("app/vendor/x/Cargo.toml"), Editability::Vendored);
        assert_eq!(editability("app/copied/Cargo.toml"), Editability::Vendored);
        assert_eq!(
            editability("app/sub/m/Cargo.toml"),
            Editability::OtherRepository(root.join("app/sub"))
        );
        assert_eq!(editability("lib/Cargo.toml"), Editability::Outside);
        // The named folder itself may be in one of these.
        let vendored = EditableFolders::below([root.join("app/vendor/x")], Outside::Refused);
        assert_eq!(
            vendored.editability_of(&root.join("app/vendor/x/Cargo.toml")),
            Editability::Inside
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_where_it_leads() {
        let (_temp, root) = tree(&["app/Cargo.toml", "app/real/Cargo.toml", "lib/Cargo.toml"]);
        for (to, link) in [("real", "app/inner"), ("../lib", "app/outer")] {
            std::os::unix::fs::symlink(to, root.join(link)).expect("a link");
        }
        let folders = EditableFolders::below([root.join("app")], Outside::Refused);
        let refusal = |path: &str| folders.refusal(&root.join(path), &root.join("app"));
        assert_eq!(refusal("app/inner/Cargo.toml"), None);
        let outside = format!(
            "`../lib/Cargo.toml` is outside `{}`; pass `--allow outside` to change it",
            root.join("app")
        );
        assert_eq!(refusal("app/outer/Cargo.toml"), Some(outside));
        assert_eq!(refusal("deny.toml"), None, "each change of a policy is asked for");
    }

    #[test]
    fn everything_may_be_changed_if_that_is_allowed() {
        let (_temp, root) = tree(&["app/Cargo.toml", "lib/Cargo.toml"]);
        let all = [
            EditableFolders::default(),
            EditableFolders::below([root.join("app")], Outside::Allowed),
        ];
        for folders in all {
            assert_eq!(folders.refusal(&root.join("lib/Cargo.toml"), &root.join("app")), None);
        }
    }
}
