//! The folders that `workspace.members` means.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::lexical;

/// What one entry of `workspace.members` means (The Cargo Book, "The members and exclude fields").
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFolders {
    /// The folders of the members; one that is named without a pattern may be missing.
    pub(crate) folders: Vec<Utf8PathBuf>,
    /// The folders in which its patterns look: a new folder there may be a member.
    pub(crate) growing: BTreeSet<Utf8PathBuf>,
}

impl MemberFolders {
    /// Looks for them. `base` is the folder of the workspace's root manifest.
    pub(crate) fn find(base: &Utf8Path, pattern: &str) -> Self {
        let mut found = Self { folders: vec![base.to_owned()], growing: BTreeSet::new() };
        for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if !part.contains(['*', '?', '[', '{']) {
                for folder in &mut found.folders {
                    *folder = lexical(&folder.join(part));
                }
                continue;
            }
            let Ok(glob) = globset::Glob::new(part) else { return Self::default() };
            let matcher = glob.compile_matcher();
            let looked_into = std::mem::take(&mut found.folders);
            for folder in &looked_into {
                let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
                let entries = entries.filter(|entry| matcher.is_match(entry.file_name()));
                let entries = entries.map(|entry| entry.path().to_owned());
                found.folders.extend(entries.filter(|entry| entry.is_dir()));
            }
            found.growing.extend(looked_into);
        }
        found
    }

    /// The manifests of those that are there.
    pub(crate) fn manifests(self) -> impl Iterator<Item = Utf8PathBuf> {
        let there = self.folders.into_iter().filter(|folder| folder.is_dir());
        there.map(|folder| folder.join("Cargo.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_may_stand_anywhere() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for folder in ["a/x/app", "a/y/app", "a/z", "b/one", "b/two"] {
            std::fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        std::fs::write(root.join("b/three"), "").expect("a file");
        let found = |pattern: &str| {
            let found = MemberFolders::find(root, pattern);
            let name = |path: &Utf8PathBuf| {
                path.strip_prefix(root).expect("below").as_str().replace('\\', "/")
            };
            let mut folders: Vec<_> = found.folders.iter().map(name).collect();
            folders.sort();
            let growing: Vec<_> = found.growing.iter().map(name).collect();
            (folders.join(" "), growing.join(" "))
        };
        let expected = |folders: &str, growing: &str| (folders.to_owned(), growing.to_owned());
        assert_eq!(found("b/*"), expected("b/one b/two", "b"));
        assert_eq!(found("./a/*/app"), expected("a/x/app a/y/app a/z/app", "a"));
        assert_eq!(found("[ab]/*"), expected("a/x a/y a/z b/one b/two", " a b"));
        assert_eq!(found("b/t{w}o"), expected("b/two", "b"));
        assert_eq!(found("gone/../lost/one"), expected("lost/one", ""));
        assert_eq!(found("b/[").0, "");
    }
}
