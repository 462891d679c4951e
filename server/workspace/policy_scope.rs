//! Which workspaces a policy rules.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{DecidingFiles, Discovery, DiscoveryOptions, PolicyFiles, Workspace};
use crate::limits;

/// The workspaces that a policy rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuledWorkspaces {
    /// All that were found, sorted by their manifests.
    pub workspaces: Vec<Workspace>,
    /// The search stopped early because the folder has too many files.
    pub truncated: bool,
}

/// The folder whose workspaces use a policy: the policy's own folder, or the parent of `.cargo`.
pub(crate) fn policy_scope(policy: &Utf8Path) -> &Utf8Path {
    let folder = policy.parent().unwrap_or(policy);
    match folder.file_name() {
        Some(".cargo") => folder.parent().unwrap_or(folder),
        _ => folder,
    }
}

impl Workspace {
    /// Whether a file is the policy of the workspace, or its file of exceptions.
    pub(crate) fn is_ruled_by(&self, policy: &Utf8Path) -> bool {
        let PolicyFiles { policy: found, exceptions } = PolicyFiles::find(&self.manifest);
        [found, exceptions].iter().any(|one| one.as_deref() == Some(policy))
    }
}

impl RuledWorkspaces {
    /// Searches the folder of a policy for workspaces that have no closer one, also those that are nested in others.
    pub fn of(policy: &Utf8Path, options: &DiscoveryOptions) -> Self {
        let options = DiscoveryOptions { nested: true, ..options.clone() };
        let Discovery { mut workspaces, truncated } =
            Discovery::below(policy_scope(policy), &options);
        workspaces.retain(|workspace| workspace.is_ruled_by(policy) && is_checked_alone(workspace));
        let parts: BTreeSet<_> = workspaces.iter().flat_map(parts_below).collect();
        workspaces.retain(|workspace| !parts.contains(&workspace.manifest));
        Self { workspaces, truncated }
    }

    /// Whether there are too many to check them only because of an entry.
    pub fn are_too_many(&self) -> bool {
        self.truncated || self.workspaces.len() > limits::RULED_WORKSPACES
    }
}

/// Whether cargo accepts it as a workspace: a package below a root that does not list it is refused.
fn is_checked_alone(workspace: &Workspace) -> bool {
    workspace.manifest == workspace.root.join("Cargo.toml")
}

/// The manifests below a workspace that it uses as path dependencies, and that have no lockfile of their own: they are
/// not checked alone.
fn parts_below(workspace: &Workspace) -> Vec<Utf8PathBuf> {
    let is_part = |manifest: &Utf8PathBuf| {
        let folder = manifest.parent().unwrap_or(manifest);
        manifest.file_name() == Some("Cargo.toml")
            && folder != workspace.root
            && folder.starts_with(&workspace.root)
            && !folder.join("Cargo.lock").is_file()
    };
    DecidingFiles::of_workspace(workspace).files.into_iter().filter(is_part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_with_a_closer_policy_and_excluded_folders_are_not_ruled() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for (path, text) in [
            ("Cargo.toml", "[workspace]\nmembers = [\"m\"]\nexclude = [\"fuzz\"]\n"),
            ("deny.toml", ""),
            ("m/Cargo.toml", "[package]\nname = \"m\"\n"),
            ("fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n[workspace]\n"),
            ("Cargo.lock", ""),
            (
                "m/Cargo.toml",
                "[package]\nname = \"m\"\n[dependencies]\npart = { path = \"../part\" }\n",
            ),
            ("part/Cargo.toml", "[package]\nname = \"part\"\n[workspace]\n"),
            ("orphan/Cargo.toml", "[package]\nname = \"orphan\"\n"),
            ("own/Cargo.toml", "[package]\nname = \"own\"\n[workspace]\n"),
            ("own/deny.toml", ""),
            ("vendor/x/Cargo.toml", "[package]\nname = \"x\"\n[workspace]\n"),
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("write");
        }
        let ruled = RuledWorkspaces::of(&root.join("deny.toml"), &DiscoveryOptions::default());
        let folders: Vec<_> =
            ruled.workspaces.iter().map(|one| one.folder().strip_prefix(root)).collect();
        assert_eq!(folders, [Ok("".into()), Ok(Utf8Path::new("fuzz"))]);
        assert!(!ruled.are_too_many());
    }

    #[test]
    fn more_than_a_limited_number_are_too_many() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        std::fs::write(root.join("deny.toml"), "").expect("write");
        let add = |number: usize| {
            let folder = root.join(format!("w{number}"));
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("Cargo.toml"), "[workspace]\n").expect("write");
        };
        let ruled = || RuledWorkspaces::of(&root.join("deny.toml"), &DiscoveryOptions::default());
        (0..limits::RULED_WORKSPACES).for_each(add);
        assert!(!ruled().are_too_many());
        add(limits::RULED_WORKSPACES);
        assert!(ruled().are_too_many());
        assert_eq!(ruled().workspaces.len(), limits::RULED_WORKSPACES + 1);
    }
}
