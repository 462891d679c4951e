//! Which manifest belongs to which workspace, and which lock file and policy rule it.
//!
//! Reads manifests from disk; starts no process. The look-ups are cargo's and cargo-deny's own.

mod deciding;
mod discover;
mod members;
mod policy_files;
mod roots;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

pub use deciding::DecidingFiles;
pub(crate) use deciding::{CONFIGURATION_NAMES, TOOLCHAIN_NAMES};
pub use discover::{Discovery, DiscoveryOptions, EXCLUDED_FOLDERS};
pub(crate) use members::MemberFolders;
pub(crate) use policy_files::shadowed_by;
pub use policy_files::{EXCEPTION_NAMES, POLICY_NAMES, PolicyFiles, is_exceptions, is_policy};

/// One workspace as the gate sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace {
    /// The manifest that is judged: what `cargo deny --manifest-path` would be given.
    pub manifest: Utf8PathBuf,
    /// The folder of the workspace's root manifest, where `Cargo.lock` stands.
    pub root: Utf8PathBuf,
}

impl Workspace {
    /// The workspace that is judged when cargo-deny is given exactly this manifest.
    pub fn of_manifest(manifest: &Utf8Path) -> Self {
        Self { manifest: manifest.to_owned(), root: roots::root_of(manifest) }
    }

    /// The whole workspace that a manifest belongs to, judged from its root manifest.
    pub fn around_manifest(manifest: &Utf8Path) -> Self {
        let root = roots::root_of(manifest);
        Self { manifest: root.join("Cargo.toml"), root }
    }

    /// Whether the manifest, as things stand on disk, still belongs to this root.
    pub(crate) fn still_is_one(&self) -> bool {
        self.manifest.is_file() && roots::root_of(&self.manifest) == self.root
    }

    /// Where the lock file is or would be.
    pub fn lock_file(&self) -> Utf8PathBuf {
        self.root.join("Cargo.lock")
    }

    /// The same workspace without links in its paths.
    pub(crate) fn real(&self) -> Self {
        let real = |path: &Utf8Path| path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
        Self { manifest: real(&self.manifest), root: real(&self.root) }
    }

    /// The folder of the judged manifest.
    pub fn folder(&self) -> &Utf8Path {
        self.manifest.parent().unwrap_or(&self.root)
    }

    /// The policy files that rule it now.
    pub fn policy_files(&self) -> PolicyFiles {
        PolicyFiles::find(&self.manifest)
    }
}

/// `path` without `.` and `..`, as far as that can be told without asking the disk: how cargo-deny
/// and people read paths.
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
