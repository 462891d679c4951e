//! Finds the workspace of a manifest, its lockfile and its policy, as cargo and cargo-deny do. Reads manifests
//! from disk; starts no process.

mod deciding;
mod discover;
mod locked;
mod members;
mod membership;
mod policy_files;
mod policy_scope;
mod roots;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

pub use deciding::DecidingFiles;
pub(crate) use deciding::{CONFIGURATION_NAMES, TOOLCHAIN_NAMES};
pub use discover::{Discovery, DiscoveryOptions, EXCLUDED_FOLDERS};
pub(crate) use locked::{LockedWorkspaces, repository_of};
pub(crate) use members::MemberFolders;
use membership::Memberships;
pub(crate) use policy_files::shadowed_by;
pub use policy_files::{EXCEPTION_NAMES, POLICY_NAMES, PolicyFiles, is_exceptions, is_policy};
pub use policy_scope::RuledWorkspaces;
pub(crate) use policy_scope::policy_scope;

/// A workspace to check.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace {
    /// The checked manifest, as for `cargo deny --manifest-path`.
    pub manifest: Utf8PathBuf,
    /// The folder of the workspace's root manifest and `Cargo.lock`.
    pub root: Utf8PathBuf,
}

impl Workspace {
    /// The workspace that cargo-deny checks for this manifest.
    pub fn of_manifest(manifest: &Utf8Path) -> Self {
        Self { manifest: manifest.to_owned(), root: roots::root_of(manifest) }
    }

    /// The whole workspace that a manifest belongs to, checked from its root manifest. A manifest that is below a root but
    /// does not belong to its workspace is checked itself: cargo says what is wrong with it.
    pub fn around_manifest(manifest: &Utf8Path) -> Self {
        Self::around(manifest, &mut Memberships::default())
    }

    fn around(manifest: &Utf8Path, memberships: &mut Memberships) -> Self {
        let root = roots::root_of(manifest);
        let is_member = memberships.has(&root, manifest);
        let manifest = if is_member { root.join("Cargo.toml") } else { manifest.to_owned() };
        Self { manifest, root }
    }

    /// Whether the manifest on disk still belongs to this root.
    pub(crate) fn is_current(&self) -> bool {
        self.is_policy_alone()
            || self.manifest.is_file() && Self::around_manifest(&self.manifest) == *self
    }

    /// A folder with a policy that rules no workspace, in the place of one.
    pub(crate) fn of_policy(policy: &Utf8Path) -> Self {
        let folder = policy.parent().unwrap_or(policy);
        let folder = match folder.file_name() {
            Some(".cargo") => folder.parent().unwrap_or(folder),
            _ => folder,
        };
        Self { manifest: folder.join("Cargo.toml"), root: folder.to_owned() }
    }

    /// Whether this is a folder with a policy that rules no workspace.
    pub(crate) fn is_policy_alone(&self) -> bool {
        let is_here = |policy: Utf8PathBuf| Self::of_policy(&policy) == *self;
        !self.manifest.exists() && self.policy_files().policy.is_some_and(is_here)
    }

    /// The path of the lockfile, which may not exist.
    pub fn lockfile(&self) -> Utf8PathBuf {
        self.root.join("Cargo.lock")
    }

    /// The same workspace as cargo names it, which is started in the manifest's folder: the links to the folders are
    /// resolved, but not the manifest, if it is a link.
    pub(crate) fn real(&self) -> Self {
        let real = |path: &Utf8Path| path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        let name = self.manifest.file_name().unwrap_or("Cargo.toml");
        Self { manifest: real(self.folder()).join(name), root: real(&self.root) }
    }

    /// The folder of the checked manifest.
    pub fn folder(&self) -> &Utf8Path {
        self.manifest.parent().unwrap_or(&self.root)
    }

    /// The policy files that are in effect now.
    pub fn policy_files(&self) -> PolicyFiles {
        PolicyFiles::find(&self.manifest)
    }
}

/// `path` as it is written in `folder`, with `..` where it is not below it. Both are absolute and without links.
pub(crate) fn relative(folder: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    let same = folder.components().zip(path.components()).take_while(|(one, other)| one == other);
    let same = same.count();
    let up = folder.components().skip(same).map(|_| Utf8Component::ParentDir);
    let path: Utf8PathBuf = up.chain(path.components().skip(same)).collect();
    if path.as_str().is_empty() { Utf8PathBuf::from(".") } else { path }
}

/// `path` without `.` and `..`, without resolving symbolic links, as cargo-deny does.
pub(crate) fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    let mut result = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if result.file_name().is_some() => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_lead_from_a_folder_to_a_file() {
        for (folder, path, expected) in [
            ("/w", "/w/a/Cargo.toml", "a/Cargo.toml"),
            ("/w/a", "/w/b/Cargo.toml", "../b/Cargo.toml"),
            ("/w/a", "/x", "../../x"),
            ("/w", "/w", "."),
        ] {
            assert_eq!(relative(folder.into(), path.into()), expected);
        }
    }
}
