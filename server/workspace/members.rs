//! The folders that `workspace.members` means.

use std::{
    collections::{BTreeSet, HashSet},
    fs::Metadata,
};

use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;

use super::lexical;
use crate::{limits, text::Spanned};

/// What the entries of `workspace.members` mean (The Cargo Book, "The members and exclude fields").
/// Cargo expands them with the crate `glob`: `*`, `?`, `[..]` and `**` are special, braces are not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFolders {
    /// The folders of the members, each with the index of the entry that means it; one that is named
    /// without a pattern may be missing.
    pub(crate) folders: Vec<(usize, Utf8PathBuf)>,
    /// The folders in which the patterns look: a new folder there may be a member.
    pub(crate) growing: BTreeSet<Utf8PathBuf>,
    /// The indices of the entries for which not everything was looked at, see
    /// [`limits::GLOB_ENTRIES`].
    pub(crate) cut: Vec<usize>,
}

impl MemberFolders {
    /// Looks for them. `base` is the folder of the workspace's root manifest.
    pub(crate) fn of(base: &Utf8Path, entries: &[Spanned<String>]) -> Self {
        let mut found = Self::default();
        let mut left = limits::GLOB_ENTRIES;
        let mut known = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            if !known.insert(entry.value.as_str()) {
                continue;
            }
            let mut search = Search { left, growing: &mut found.growing, cut: false };
            let folders = search.expand(base, &entry.value);
            let cut = search.cut;
            left = search.left;
            if cut {
                found.cut.push(index);
            }
            found.folders.extend(folders.into_iter().map(|folder| (index, folder)));
        }
        found
    }

    /// The manifests of those that are there.
    pub(crate) fn manifests(self) -> impl Iterator<Item = Utf8PathBuf> {
        let there =
            self.folders.into_iter().map(|(_, folder)| folder).filter(|folder| folder.is_dir());
        there.map(|folder| folder.join("Cargo.toml"))
    }
}

/// The search for the folders of one entry.
struct Search<'s> {
    /// How many entries of folders may still be looked at.
    left: usize,
    growing: &'s mut BTreeSet<Utf8PathBuf>,
    cut: bool,
}

impl Search<'_> {
    fn expand(&mut self, base: &Utf8Path, pattern: &str) -> Vec<Utf8PathBuf> {
        // No system has longer paths.
        const LONGEST: usize = 4096;
        let mut folders = vec![base.to_owned()];
        if pattern.len() > LONGEST {
            return Vec::new();
        }
        for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if !part.contains(['*', '?', '[']) {
                for folder in &mut folders {
                    *folder = lexical(&folder.join(part));
                }
                continue;
            }
            let Ok(pattern) = Pattern::new(part) else { return Vec::new() };
            // A link that leads back would have no end.
            let mut real = HashSet::new();
            let looked_into = std::mem::take(&mut folders);
            folders = if part == "**" {
                self.all_below(looked_into, &mut real)
            } else {
                let mut matching = Vec::new();
                for folder in looked_into {
                    matching
                        .extend(self.matching(&folder, &mut real, &|name| pattern.matches(name)));
                }
                matching
            };
        }
        folders
    }

    /// The folders themselves and those below, links not followed.
    fn all_below(
        &mut self,
        folders: Vec<Utf8PathBuf>,
        real: &mut HashSet<Identity>,
    ) -> Vec<Utf8PathBuf> {
        let mut found = Vec::new();
        let mut open: Vec<_> = folders.into_iter().filter(|folder| folder.is_dir()).collect();
        while let Some(folder) = open.pop() {
            let mut below = self.matching(&folder, real, &|_| true);
            below.retain(|path| !path.is_symlink());
            open.extend(below);
            found.push(folder);
        }
        found
    }

    /// The folders in a folder whose names match and that are not known yet.
    fn matching(
        &mut self,
        folder: &Utf8Path,
        real: &mut HashSet<Identity>,
        matches: &dyn Fn(&str) -> bool,
    ) -> Vec<Utf8PathBuf> {
        let mut found = Vec::new();
        if self.growing.len() < limits::WATCHED_FOLDERS {
            self.growing.insert(folder.to_owned());
        }
        let Ok(entries) = folder.read_dir_utf8() else { return found };
        for entry in entries.flatten() {
            let Some(left) = self.left.checked_sub(1) else {
                self.cut = true;
                break;
            };
            self.left = left;
            if !matches(entry.file_name()) {
                continue;
            }
            // The type of an entry is known without looking at it.
            let is_other = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_other {
                continue;
            }
            let path = entry.path().to_owned();
            if let Ok(data) = path.metadata()
                && data.is_dir()
                && real.insert(identity(&path, &data))
            {
                found.push(path);
            }
        }
        found
    }
}

/// What tells a folder from all others, whatever leads to it.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(_: &Utf8Path, data: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;

    (data.dev(), data.ino())
}

#[cfg(not(unix))]
type Identity = Utf8PathBuf;

#[cfg(not(unix))]
fn identity(path: &Utf8Path, _: &Metadata) -> Identity {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(base: &Utf8Path, pattern: &str) -> MemberFolders {
        MemberFolders::of(base, &[Spanned { value: pattern.to_owned(), span: 0..0 }])
    }

    #[test]
    fn patterns_may_stand_anywhere() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for folder in ["a/x/app", "a/y/app", "a/z", "b/one", "b/two", "b/t{w}o"] {
            std::fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        std::fs::write(root.join("b/three"), "").expect("a file");
        let found = |pattern: &str| {
            let found = find(root, pattern);
            assert!(found.cut.is_empty());
            let name = |path: &Utf8PathBuf| {
                path.strip_prefix(root).expect("below").as_str().replace('\\', "/")
            };
            let mut folders: Vec<_> = found.folders.iter().map(|(_, path)| name(path)).collect();
            folders.sort();
            let growing: Vec<_> = found.growing.iter().map(name).collect();
            (folders.join(" "), growing.join(" "))
        };
        let expected = |folders: &str, growing: &str| (folders.to_owned(), growing.to_owned());
        assert_eq!(found("b/*"), expected("b/one b/two b/t{w}o", "b"));
        assert_eq!(found("./a/*/app"), expected("a/x/app a/y/app a/z/app", "a"));
        assert_eq!(found("[a]/*"), expected("a/x a/y a/z", " a"));
        assert_eq!(found("b/t{w}o"), expected("b/t{w}o", ""), "braces are not special");
        assert_eq!(found("gone/../lost/one"), expected("lost/one", ""));
        assert_eq!(
            found("a/**/app"),
            expected(
                "a/app a/x/app a/x/app/app a/y/app a/y/app/app a/z/app",
                "a a/x a/x/app a/y a/y/app a/z"
            )
        );
        assert_eq!(found("b/[").0, "");
        assert_eq!(found("gone/*"), expected("", "gone"));
        assert_eq!(found(&"{".repeat(200)), expected(&"{".repeat(200), ""));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_and_roots_of_disks_have_an_end() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for name in ["a", "b", "c"] {
            std::fs::create_dir(root.join(name)).expect("a folder");
            for link in ["x", "y", "z"] {
                std::os::unix::fs::symlink(root, root.join(name).join(link)).expect("a link");
            }
        }
        let loops = find(root, &"*/".repeat(40));
        assert_eq!((loops.folders.len(), loops.cut.len()), (1, 0), "{:?}", loops.folders);
        assert_eq!(find(root, "**").folders.len(), 4);
        let above = find(root, &format!("{}*/*/*/*/*", "../".repeat(20)));
        assert_eq!(above.cut, [0]);
        assert!(above.growing.len() <= limits::WATCHED_FOLDERS);
    }
}
