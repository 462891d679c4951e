//! Expands the patterns of `workspace.members`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry},
    fs::Metadata,
};

use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;

use super::lexical;
use crate::{limits, text::Spanned};

/// The folders that match the entries of `workspace.members` (The Cargo Book, "The members and exclude fields").
/// Cargo expands them with the crate `glob`: `*`, `?`, `[..]` and `**` are special, braces are not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberFolders {
    /// The folders of the members, each with the index of its entry. Those without a pattern may not exist.
    pub(crate) folders: Vec<(usize, Utf8PathBuf)>,
    /// The folders that the patterns search: a new folder there may be a member.
    pub(crate) visited_folders: BTreeSet<Utf8PathBuf>,
    /// The indices of the entries that were not searched completely, see [`limits::GLOB_ENTRIES`].
    pub(crate) cut: Vec<usize>,
    /// The indices of the entries for which cargo, which follows every path through links, would exceed
    /// [`limits::GLOB_WALK`]: cargo must not be started.
    pub(crate) cyclic: Vec<usize>,
}

impl MemberFolders {
    /// Expands entries. `base` is the folder of the workspace's root manifest.
    pub(crate) fn of(base: &Utf8Path, entries: &[Spanned<String>]) -> Self {
        let mut found = Self::default();
        let mut entries_left = limits::GLOB_ENTRIES;
        let mut seen = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            if !seen.insert(entry.value.as_str()) {
                continue;
            }
            let mut search = Search {
                entries_left,
                walked: 0,
                visited_folders: &mut found.visited_folders,
                cut: false,
            };
            let folders = search.expand(base, &entry.value);
            let (cut, is_cyclic) = (search.cut, search.walked > limits::GLOB_WALK);
            entries_left = search.entries_left;
            if cut {
                found.cut.push(index);
            }
            if is_cyclic {
                found.cyclic.push(index);
            }
            found.folders.extend(folders.into_iter().map(|folder| (index, folder)));
        }
        found
    }

    /// The manifests of the existing folders.
    pub(crate) fn manifests(self) -> impl Iterator<Item = Utf8PathBuf> {
        let there =
            self.folders.into_iter().map(|(_, folder)| folder).filter(|folder| folder.is_dir());
        there.map(|folder| folder.join("Cargo.toml"))
    }
}

/// The search for the folders of one entry.
struct Search<'s> {
    /// How many folder entries may still be visited.
    entries_left: usize,
    /// How many folder entries cargo visits, which follows each path to a folder.
    walked: u64,
    visited_folders: &'s mut BTreeSet<Utf8PathBuf>,
    cut: bool,
}

/// A folder, and how many paths through links lead to it.
#[derive(Clone)]
struct MatchedFolder {
    path: Utf8PathBuf,
    paths_to_it: u64,
}

/// The folders that match one part of a pattern, each real folder once.
#[derive(Default)]
struct FolderSet {
    folders: Vec<MatchedFolder>,
    /// The identity of each folder.
    identities: Vec<Identity>,
    /// The index of each identity in the list.
    indices: HashMap<Identity, usize>,
}

impl FolderSet {
    /// Inserts a folder, or adds the paths to one that is in the list, so that cyclic links end. Returns whether it
    /// is new.
    fn insert(&mut self, path: Utf8PathBuf, identity: &Identity, paths_to_it: u64) -> bool {
        match self.indices.entry(identity.clone()) {
            Entry::Occupied(indices) => {
                let indices = &mut self.folders[*indices.get()];
                indices.paths_to_it = indices.paths_to_it.saturating_add(paths_to_it);
                false
            }
            Entry::Vacant(new) => {
                self.identities.push(new.key().clone());
                new.insert(self.folders.len());
                self.folders.push(MatchedFolder { path, paths_to_it });
                true
            }
        }
    }
}

/// How many links a path may lead through (Linux: `path_resolution(7)`; other systems allow fewer).
const MAX_LINKS: usize = 40;

/// The entries of a folder.
#[derive(Default)]
struct Listing {
    entries: u64,
    folders: Vec<SubFolder>,
}

/// A folder in a folder, or a link to one.
struct SubFolder {
    path: Utf8PathBuf,
    identity: Identity,
    is_link: bool,
}

impl Search<'_> {
    fn expand(&mut self, base: &Utf8Path, pattern: &str) -> Vec<Utf8PathBuf> {
        // No system has longer paths.
        const MAX_PATH: usize = 4096;
        let mut folders = vec![MatchedFolder { path: base.to_owned(), paths_to_it: 1 }];
        if pattern.len() > MAX_PATH {
            return Vec::new();
        }
        for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if !part.contains(['*', '?', '[']) {
                for folder in &mut folders {
                    folder.path = lexical(&folder.path.join(part));
                }
                continue;
            }
            let Ok(pattern) = Pattern::new(part) else { return Vec::new() };
            folders = if part == "**" {
                self.all_below(folders)
            } else {
                let mut matching = FolderSet::default();
                for folder in &folders {
                    self.matching(folder, &|name| pattern.matches(name), &mut matching);
                }
                matching.folders
            };
        }
        folders.into_iter().map(|folder| folder.path).collect()
    }

    /// The folders and all folders below them, each once, those behind fewer links first. Cargo follows links until
    /// the system refuses a path with too many.
    fn all_below(&mut self, folders: Vec<MatchedFolder>) -> Vec<MatchedFolder> {
        let mut found = FolderSet::default();
        let mut listings = HashMap::new();
        // The folders behind the same number of links.
        let mut layer = FolderSet::default();
        for MatchedFolder { path, paths_to_it } in folders {
            if let Some(identity) = folder_identity(&path) {
                layer.insert(path, &identity, paths_to_it);
            }
        }
        for _ in 0..=MAX_LINKS {
            let behind_links = self.visit(&mut layer, &mut listings);
            for (MatchedFolder { path, paths_to_it }, identity) in
                layer.folders.into_iter().zip(&layer.identities)
            {
                found.insert(path, identity, paths_to_it);
            }
            layer = behind_links;
        }
        found.folders
    }

    /// Visits the folders of a layer, adds their subfolders that are not links, and returns those behind links.
    fn visit(
        &mut self,
        layer: &mut FolderSet,
        listings: &mut HashMap<Identity, Listing>,
    ) -> FolderSet {
        let mut behind_links = FolderSet::default();
        // By depth: when a folder is visited, all paths to it are known.
        let mut waiting = BTreeMap::<usize, Vec<usize>>::new();
        for (index, folder) in layer.folders.iter().enumerate() {
            let real = folder.path.canonicalize_utf8();
            let depth = real.as_ref().unwrap_or(&folder.path).components().count();
            waiting.entry(depth).or_default().push(index);
        }
        while let Some((depth, indices)) = waiting.pop_first() {
            for index in indices {
                if self.cut || self.walked > limits::GLOB_WALK {
                    return behind_links;
                }
                let MatchedFolder { path, paths_to_it } = layer.folders[index].clone();
                let listing = listings
                    .entry(layer.identities[index].clone())
                    .or_insert_with(|| self.list(&path));
                self.walked =
                    self.walked.saturating_add(paths_to_it.saturating_mul(listing.entries));
                for SubFolder { path, identity, is_link } in &listing.folders {
                    let into = if *is_link { &mut behind_links } else { &mut *layer };
                    if into.insert(path.clone(), identity, paths_to_it) && !is_link {
                        waiting.entry(depth + 1).or_default().push(layer.folders.len() - 1);
                    }
                }
            }
        }
        behind_links
    }

    /// Lists a folder for `**`.
    fn list(&mut self, folder: &Utf8Path) -> Listing {
        let mut listing = Listing::default();
        if self.visited_folders.len() < limits::WATCHED_FOLDERS {
            self.visited_folders.insert(folder.to_owned());
        }
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            let Some(entries_left) = self.entries_left.checked_sub(1) else {
                self.cut = true;
                break;
            };
            self.entries_left = entries_left;
            listing.entries += 1;
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path().to_owned();
            let identity = if kind.is_file() { None } else { folder_identity(&path) };
            if let Some(identity) = identity {
                listing.folders.push(SubFolder { path, identity, is_link: kind.is_symlink() });
            }
        }
        listing
    }

    /// Adds the subfolders whose names match.
    fn matching(
        &mut self,
        folder: &MatchedFolder,
        matches: &dyn Fn(&str) -> bool,
        found: &mut FolderSet,
    ) {
        if self.visited_folders.len() < limits::WATCHED_FOLDERS {
            self.visited_folders.insert(folder.path.clone());
        }
        let Ok(entries) = folder.path.read_dir_utf8() else { return };
        for entry in entries.flatten() {
            let Some(entries_left) = self.entries_left.checked_sub(1) else {
                self.cut = true;
                break;
            };
            self.entries_left = entries_left;
            self.walked = self.walked.saturating_add(folder.paths_to_it);
            if !matches(entry.file_name()) {
                continue;
            }
            // The type of an entry needs no further system call.
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let path = entry.path().to_owned();
            if let Some(identity) = folder_identity(&path) {
                found.insert(path, &identity, folder.paths_to_it);
            }
        }
    }
}

/// The identity of a folder; `None` if it does not exist.
fn folder_identity(path: &Utf8Path) -> Option<Identity> {
    path.metadata().ok().filter(Metadata::is_dir).map(|data| identity(path, &data))
}

/// Identifies a folder independently of its path.
#[cfg(unix)]
#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
fn identity(_: &Utf8Path, data: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;

    Identity { device: data.dev(), inode: data.ino() }
}

#[cfg(not(unix))]
#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity(Utf8PathBuf);

#[cfg(not(unix))]
fn identity(path: &Utf8Path, _: &Metadata) -> Identity {
    Identity(path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(base: &Utf8Path, pattern: &str) -> MemberFolders {
        MemberFolders::of(base, &[Spanned { value: pattern.to_owned(), span: 0..0 }])
    }

    #[test]
    fn patterns_match_in_any_part_of_a_path() {
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
            let visited_folders: Vec<_> = found.visited_folders.iter().map(name).collect();
            (folders.join(" "), visited_folders.join(" "))
        };
        let expected =
            |folders: &str, visited_folders: &str| (folders.to_owned(), visited_folders.to_owned());
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
    fn cyclic_links_and_disk_roots_end_the_search() {
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
        assert_eq!(loops.cyclic, [0], "cargo would follow each of the 3^40 paths");
        assert_eq!(find(root, "*/*/*/*").cyclic, [0; 0]);
        let all = find(root, "**");
        assert_eq!(all.folders.len(), 4);
        assert_eq!(all.cyclic, [0], "cargo would follow 9 links after each of 40 links");
        std::fs::create_dir(root.join("a/deep")).expect("a folder");
        let below = find(&root.join("a/deep"), "**");
        assert_eq!((below.folders.len(), below.cyclic.len()), (1, 0));
        std::os::unix::fs::symlink(".", root.join("a/deep/one")).expect("a link");
        let below = find(&root.join("a/deep"), "**");
        assert_eq!((below.folders.len(), below.cyclic.len()), (1, 0), "cargo follows it 40 times");
        std::fs::create_dir_all(root.join("elsewhere/member")).expect("a folder");
        std::os::unix::fs::symlink(root.join("elsewhere"), root.join("a/deep/two"))
            .expect("a link");
        let below = find(&root.join("a/deep"), "**").folders;
        let below: Vec<_> = below.iter().map(|(_, path)| path.file_name()).collect();
        assert_eq!(below, [Some("deep"), Some("two"), Some("member")]);
        let above = find(root, &format!("{}*/*/*/*/*", "../".repeat(20)));
        assert_eq!(above.cut, [0]);
        assert!(above.visited_folders.len() <= limits::WATCHED_FOLDERS);
    }
}
