//! Finds the policy as cargo-deny does: in the manifest's folder and its parents, without resolving links.

use camino::{Utf8Path, Utf8PathBuf};

/// The names of a policy, in the order in which they are looked up in each folder.
pub const POLICY_NAMES: [&str; 3] = ["deny.toml", ".deny.toml", ".cargo/deny.toml"];

/// The names of a file that only adds license exceptions.
pub const EXCEPTION_NAMES: [&str; 3] =
    ["deny.exceptions.toml", ".deny.exceptions.toml", ".cargo/deny.exceptions.toml"];

/// The policy files for a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyFiles {
    /// The policy; without one, cargo-deny uses its defaults.
    pub policy: Option<Utf8PathBuf>,
    /// The file with more license exceptions.
    pub exceptions: Option<Utf8PathBuf>,
}

impl PolicyFiles {
    /// Searches the manifest's folder and all its parents.
    pub fn find(manifest: &Utf8Path) -> Self {
        Self { policy: first(manifest, POLICY_NAMES), exceptions: first(manifest, EXCEPTION_NAMES) }
    }
}

/// The policies in the same folder that are not read, because this one comes first.
pub(crate) fn shadowed_by(policy: &Utf8Path) -> Vec<Utf8PathBuf> {
    // The longest name first, as it ends with another one.
    let position =
        (0..POLICY_NAMES.len()).rev().find(|index| policy.ends_with(POLICY_NAMES[*index]));
    let Some(position) = position else { return Vec::new() };
    let depth = POLICY_NAMES[position].split('/').count();
    let Some(folder) = policy.ancestors().nth(depth) else { return Vec::new() };
    let later = POLICY_NAMES[position + 1..].iter().map(|name| folder.join(name));
    later.filter(|path| path.is_file()).collect()
}

/// Whether a file has the name of a policy.
pub fn is_policy(path: &Utf8Path) -> bool {
    // `.cargo/deny.toml` is covered by the plain name.
    matches!(path.file_name(), Some("deny.toml" | ".deny.toml"))
}

/// Whether a file has the name of an exceptions file.
pub fn is_exceptions(path: &Utf8Path) -> bool {
    matches!(path.file_name(), Some("deny.exceptions.toml" | ".deny.exceptions.toml"))
}

fn first(manifest: &Utf8Path, names: [&str; 3]) -> Option<Utf8PathBuf> {
    manifest
        .ancestors()
        .skip(1)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_folder_wins_and_first_name_in_it() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        std::fs::create_dir_all(root.join("a/b/.cargo")).expect("folders");
        let manifest = root.join("a/b/Cargo.toml");
        let found = || {
            let policy = PolicyFiles::find(&manifest).policy.expect("a policy");
            policy.strip_prefix(root).expect("below the root").to_string()
        };
        std::fs::write(root.join("deny.toml"), "").expect("write");
        assert_eq!(found(), "deny.toml");
        std::fs::write(root.join("a/.deny.toml"), "").expect("write");
        assert_eq!(found(), "a/.deny.toml");
        std::fs::write(root.join("a/b/.cargo/deny.toml"), "").expect("write");
        assert_eq!(found(), "a/b/.cargo/deny.toml");
        std::fs::write(root.join("a/b/deny.toml"), "").expect("write");
        assert_eq!(found(), "a/b/deny.toml");
        let shadowed = |path: &str| shadowed_by(&root.join(path)).len();
        assert_eq!(shadowed("a/b/deny.toml"), 1);
        assert_eq!(shadowed("a/b/.cargo/deny.toml"), 0);
        assert_eq!(shadowed("a/.deny.toml"), 0, "the policy below is in another folder");
        assert_eq!(shadowed("deny.toml"), 0);
    }
}
