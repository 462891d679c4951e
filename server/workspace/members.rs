//! The folders that `workspace.members` means.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry},
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
    /// The indices of the entries for which cargo, which takes every way through links, would look at
    /// more than [`limits::GLOB_WALK`] allows: it must not be started.
    pub(crate) endless: Vec<usize>,
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
            let mut search = Search { left, walked: 0, growing: &mut found.growing, cut: false };
            let folders = search.expand(base, &entry.value);
            let (cut, is_endless) = (search.cut, search.walked > limits::GLOB_WALK);
            left = search.left;
            if cut {
                found.cut.push(index);
            }
            if is_endless {
                found.endless.push(index);
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
    /// How many cargo looks at, which takes each of the ways that lead to a folder.
    walked: u64,
    growing: &'s mut BTreeSet<Utf8PathBuf>,
    cut: bool,
}

/// A folder, and how many ways through links lead to it.
#[derive(Clone)]
struct Reached {
    path: Utf8PathBuf,
    ways: u64,
}

/// The folders that were found for one part of a pattern, each real one once.
#[derive(Default)]
struct Matching {
    folders: Vec<Reached>,
    /// What tells each of them from all others.
    identities: Vec<Identity>,
    /// Where they are in the list.
    known: HashMap<Identity, usize>,
}

impl Matching {
    /// Adds a folder, or further ways to one that is known: a link that leads back would have no end.
    /// Gives whether it is new.
    fn add(&mut self, path: Utf8PathBuf, identity: &Identity, ways: u64) -> bool {
        match self.known.entry(identity.clone()) {
            Entry::Occupied(known) => {
                let known = &mut self.folders[*known.get()];
                known.ways = known.ways.saturating_add(ways);
                false
            }
            Entry::Vacant(new) => {
                self.identities.push(new.key().clone());
                new.insert(self.folders.len());
                self.folders.push(Reached { path, ways });
                true
            }
        }
    }
}

/// How many links a path may lead through (Linux: `path_resolution(7)`; other systems allow fewer).
const MOST_LINKS: usize = 40;

/// The entries of a folder.
#[derive(Default)]
struct Listing {
    entries: u64,
    folders: Vec<Child>,
}

/// A folder in a folder, or a link to one.
struct Child {
    path: Utf8PathBuf,
    identity: Identity,
    is_link: bool,
}

impl Search<'_> {
    fn expand(&mut self, base: &Utf8Path, pattern: &str) -> Vec<Utf8PathBuf> {
        // No system has longer paths.
        const LONGEST: usize = 4096;
        let mut folders = vec![Reached { path: base.to_owned(), ways: 1 }];
        if pattern.len() > LONGEST {
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
                let mut matching = Matching::default();
                for folder in &folders {
                    self.matching(folder, &|name| pattern.matches(name), &mut matching);
                }
                matching.folders
            };
        }
        folders.into_iter().map(|folder| folder.path).collect()
    }

    /// The folders themselves and those below, each once: cargo follows links there, too, until the
    /// system refuses a path that leads through too many. Those that fewer links lead to come first.
    fn all_below(&mut self, folders: Vec<Reached>) -> Vec<Reached> {
        let mut found = Matching::default();
        let mut listings = HashMap::new();
        // Those that the same number of links leads to.
        let mut layer = Matching::default();
        for Reached { path, ways } in folders {
            if let Some(identity) = folder_identity(&path) {
                layer.add(path, &identity, ways);
            }
        }
        for _ in 0..=MOST_LINKS {
            let behind_links = self.look_at(&mut layer, &mut listings);
            for (Reached { path, ways }, identity) in
                layer.folders.into_iter().zip(&layer.identities)
            {
                found.add(path, identity, ways);
            }
            layer = behind_links;
        }
        found.folders
    }

    /// Looks at the folders of a layer, adds those below them that no link leads to, and gives those
    /// behind links.
    fn look_at(
        &mut self,
        layer: &mut Matching,
        listings: &mut HashMap<Identity, Listing>,
    ) -> Matching {
        let mut behind_links = Matching::default();
        // By their depth: when one is looked at, all ways that lead to it are known.
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
                let Reached { path, ways } = layer.folders[index].clone();
                let listing = listings
                    .entry(layer.identities[index].clone())
                    .or_insert_with(|| self.list(&path));
                self.walked = self.walked.saturating_add(ways.saturating_mul(listing.entries));
                for Child { path, identity, is_link } in &listing.folders {
                    let into = if *is_link { &mut behind_links } else { &mut *layer };
                    if into.add(path.clone(), identity, ways) && !is_link {
                        waiting.entry(depth + 1).or_default().push(layer.folders.len() - 1);
                    }
                }
            }
        }
        behind_links
    }

    /// What is in a folder that `**` looks at.
    fn list(&mut self, folder: &Utf8Path) -> Listing {
        let mut listing = Listing::default();
        if self.growing.len() < limits::WATCHED_FOLDERS {
            self.growing.insert(folder.to_owned());
        }
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            let Some(left) = self.left.checked_sub(1) else {
                self.cut = true;
                break;
            };
            self.left = left;
            listing.entries += 1;
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path().to_owned();
            let identity = if kind.is_file() { None } else { folder_identity(&path) };
            if let Some(identity) = identity {
                listing.folders.push(Child { path, identity, is_link: kind.is_symlink() });
            }
        }
        listing
    }

    /// Adds the folders in a folder whose names match.
    fn matching(&mut self, folder: &Reached, matches: &dyn Fn(&str) -> bool, found: &mut Matching) {
        if self.growing.len() < limits::WATCHED_FOLDERS {
            self.growing.insert(folder.path.clone());
        }
        let Ok(entries) = folder.path.read_dir_utf8() else { return };
        for entry in entries.flatten() {
            let Some(left) = self.left.checked_sub(1) else {
                self.cut = true;
                break;
            };
            self.left = left;
            self.walked = self.walked.saturating_add(folder.ways);
            if !matches(entry.file_name()) {
                continue;
            }
            // The type of an entry is known without looking at it.
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let path = entry.path().to_owned();
            if let Some(identity) = folder_identity(&path) {
                found.add(path, &identity, folder.ways);
            }
        }
    }
}

/// The identity of a folder; `None` where there is none.
fn folder_identity(path: &Utf8Path) -> Option<Identity> {
    path.metadata().ok().filter(Metadata::is_dir).map(|data| identity(path, &data))
}

/// What tells a folder from all others, whatever leads to it.
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
        assert_eq!(loops.endless, [0], "cargo would take each of the 3^40 ways");
        assert_eq!(find(root, "*/*/*/*").endless, [0; 0]);
        let all = find(root, "**");
        assert_eq!(all.folders.len(), 4);
        assert_eq!(all.endless, [0], "cargo would take 9 links after each of 40 links");
        std::fs::create_dir(root.join("a/deep")).expect("a folder");
        let below = find(&root.join("a/deep"), "**");
        assert_eq!((below.folders.len(), below.endless.len()), (1, 0));
        std::os::unix::fs::symlink(".", root.join("a/deep/one")).expect("a link");
        let below = find(&root.join("a/deep"), "**");
        assert_eq!((below.folders.len(), below.endless.len()), (1, 0), "cargo follows it 40 times");
        std::fs::create_dir_all(root.join("elsewhere/member")).expect("a folder");
        std::os::unix::fs::symlink(root.join("elsewhere"), root.join("a/deep/two"))
            .expect("a link");
        let below = find(&root.join("a/deep"), "**").folders;
        let below: Vec<_> = below.iter().map(|(_, path)| path.file_name()).collect();
        assert_eq!(below, [Some("deep"), Some("two"), Some("member")]);
        let above = find(root, &format!("{}*/*/*/*/*", "../".repeat(20)));
        assert_eq!(above.cut, [0]);
        assert!(above.growing.len() <= limits::WATCHED_FOLDERS);
    }
}
