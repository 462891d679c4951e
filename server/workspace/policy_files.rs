//! cargo-deny's look-up of its configuration: upwards from the manifest's folder, lexically.

use camino::{Utf8Path, Utf8PathBuf};

/// The names of a policy, in the order in which each folder is asked for them.
pub const POLICY_NAMES: [&str; 3] = ["deny.toml", ".deny.toml", ".cargo/deny.toml"];

/// The names of a file that only adds license exceptions.
pub const EXCEPTION_NAMES: [&str; 3] =
    ["deny.exceptions.toml", ".deny.exceptions.toml", ".cargo/deny.exceptions.toml"];

/// The files that rule a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyFiles {
    /// The policy; without one cargo-deny's defaults hold.
    pub policy: Option<Utf8PathBuf>,
    /// Further license exceptions.
    pub exceptions: Option<Utf8PathBuf>,
}

impl PolicyFiles {
    /// Looks in the manifest's folder and every folder above it.
    pub fn find(manifest: &Utf8Path) -> Self {
        Self { policy: first(manifest, POLICY_NAMES), exceptions: first(manifest, EXCEPTION_NAMES) }
    }
}

/// The policies in the same folder that are not read, because this one is asked for first.
pub(crate) fn shadowed_by(policy: &Utf8Path) -> Vec<Utf8PathBuf> {
    // The longest name first: it ends with another one.
    let rules = (0..POLICY_NAMES.len()).rev().find(|index| policy.ends_with(POLICY_NAMES[*index]));
    let Some(rules) = rules else { return Vec::new() };
    let depth = POLICY_NAMES[rules].split('/').count();
    let Some(folder) = policy.ancestors().nth(depth) else { return Vec::new() };
    let later = POLICY_NAMES[rules + 1..].iter().map(|name| folder.join(name));
    later.filter(|path| path.is_file()).collect()
}

/// Whether a file is a policy by its name.
pub fn is_policy(path: &Utf8Path) -> bool {
    // `.cargo/deny.toml` is covered by the plain name.
    matches!(path.file_name(), Some("deny.toml" | ".deny.toml"))
}

/// Whether a file adds license exceptions, by its name.
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
    fn the_nearest_folder_wins_and_in_it_the_first_name() {
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
        assert_eq!(shadowed("a/.deny.toml"), 0, "what stands below is another folder's");
        assert_eq!(shadowed("deny.toml"), 0);
    }
}
