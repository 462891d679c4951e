//! The files of a commit in a folder of ours, so that cargo and the checks read them as those of a checkout. No checkout of
//! the user's is touched.
//!
//! All files exist, since cargo finds targets by their names, but only those that can matter have their content. Links
//! become copies of what they lead to, as in every copy.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{
    BaseError,
    repository::{Commit, EntryKind, ObjectReader, Repository, TreeEntry},
};
use crate::{
    limits,
    process::{Children, TemporaryFolder},
    resolve::CopyWriter,
};

/// Files whose content is not needed: sources, which cargo only lists, pictures and the like. A file without one of these
/// endings may be a license text.
const IGNORED_ENDINGS: [&str; 46] = [
    "rs", "c", "cc", "cpp", "h", "hpp", "py", "js", "jsx", "ts", "tsx", "css", "scss", "go",
    "java", "kt", "swift", "rb", "php", "lua", "wgsl", "glsl", "png", "jpg", "jpeg", "gif", "svg",
    "webp", "ico", "ttf", "otf", "woff", "woff2", "mp4", "wasm", "zip", "gz", "xz", "bin", "pdf",
    "snap", "ipynb", "csv", "parquet", "exe", "so",
];

/// Files of these kinds are needed whatever their size.
const NEEDED_ENDINGS: [&str; 2] = ["toml", "lock"];

/// How deep submodules may be in each other.
const SUBMODULE_DEPTH: usize = 4;

/// How many links may lead to each other.
const LINK_DEPTH: usize = 8;

/// Writes the files of a commit to `to`, an empty folder.
///
/// # Errors
///
/// When objects are missing, there are too many files, or they cannot be written.
pub(super) fn write(
    repository: &Repository,
    commit: &Commit,
    to: &Utf8Path,
    children: &Children,
) -> Result<(), BaseError> {
    let cannot_write = |source: io::Error| BaseError::Write { path: to.to_owned(), source };
    let writer = CopyWriter::new(to.to_owned(), children.clone()).map_err(cannot_write)?;
    let mut files = BaseFiles { children, writer, written: 0 };
    files.write(repository, commit, Utf8Path::new(""), 0)
}

struct BaseFiles<'c> {
    children: &'c Children,
    writer: CopyWriter,
    /// The number of files.
    written: usize,
}

impl BaseFiles<'_> {
    /// Writes the files of a repository to a folder, which is relative.
    fn write(
        &mut self,
        repository: &Repository,
        commit: &Commit,
        folder: &Utf8Path,
        depth: usize,
    ) -> Result<(), BaseError> {
        let temporary = TemporaryFolder::new(self.children)
            .map_err(|error| BaseError::Folder(error.to_string()))?;
        let reader = repository.reader(&temporary.path().join("git"))?;
        let entries = reader.entries(commit)?;
        self.count(entries.len())?;
        self.write_content(&reader, commit, &entries, folder)?;
        for submodule in entries.iter().filter(|entry| entry.kind == EntryKind::Submodule) {
            self.write_submodule(repository, submodule, folder, depth)?;
        }
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), BaseError> {
        self.written += more;
        if self.written > limits::BASE_FILES {
            return Err(BaseError::TooManyFiles { limit: limits::BASE_FILES });
        }
        Ok(())
    }

    fn write_content(
        &mut self,
        reader: &ObjectReader,
        commit: &Commit,
        entries: &[TreeEntry],
        folder: &Utf8Path,
    ) -> Result<(), BaseError> {
        let to = self.writer.root().join(folder);
        let failed = |source: io::Error| BaseError::Write { path: to.clone(), source };
        fs::create_dir_all(&to).map_err(failed)?;
        reader.write_files(commit, &patterns(entries), &to)?;
        let links: BTreeMap<&Utf8Path, Utf8PathBuf> = entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Link)
            .map(|link| {
                let text = fs::read_to_string(to.join(&link.path)).unwrap_or_default();
                (link.path.as_path(), Utf8PathBuf::from(text))
            })
            .collect();
        let tree = Tree { entries, links };
        for entry in entries {
            let path = to.join(&entry.path);
            match entry.kind {
                EntryKind::File if !self.writer.has_entry(&path) => {
                    self.writer.create(&path).map_err(failed)?;
                }
                EntryKind::Link => {
                    let copied = self.write_link(&tree, &entry.path, &to).map_err(failed)?;
                    self.count(copied)?;
                }
                EntryKind::File | EntryKind::Submodule => {}
            }
        }
        Ok(())
    }

    /// Replaces the text of a link by a copy of what it leads to. Returns how many files that are.
    fn write_link(&self, tree: &Tree<'_>, link: &Utf8Path, to: &Utf8Path) -> io::Result<usize> {
        let path = to.join(link);
        self.writer.remove(&path)?;
        let Some(target) = tree.target(link) else { return Ok(0) };
        if target.starts_with(link) || link.starts_with(&target) {
            // It leads to a folder that contains it.
            return Ok(0);
        }
        let files = tree.files_at(&target);
        for entry in &files {
            let Ok(name) = entry.path.strip_prefix(&target) else { continue };
            let copy = if name.as_str().is_empty() { path.clone() } else { path.join(name) };
            match fs::read(to.join(&entry.path)) {
                Ok(content) => self.writer.write(&copy, &content)?,
                // Not written yet: its content is not needed.
                Err(_) => drop(self.writer.create(&copy)?),
            }
        }
        Ok(files.len())
    }

    /// The commit of a submodule is read from its clone, if there is one. Else its folder is empty, and cargo says so
    /// if it needs the files.
    fn write_submodule(
        &mut self,
        repository: &Repository,
        submodule: &TreeEntry,
        folder: &Utf8Path,
        depth: usize,
    ) -> Result<(), BaseError> {
        let here = repository.folder.join(&submodule.path);
        if depth >= SUBMODULE_DEPTH || !here.join(".git").exists() {
            return Ok(());
        }
        let Ok(inner) = Repository::around(&here, self.children) else { return Ok(()) };
        if let Some(commit) = inner.commit(&submodule.id)? {
            return self.write(&inner, &commit, &folder.join(&submodule.path), depth + 1);
        }
        tracing::warn!(
            "commit {} of the submodule `{}` was not fetched; run `git submodule update`",
            submodule.id,
            submodule.path
        );
        Ok(())
    }
}

/// The files to write with their content.
fn patterns(entries: &[TreeEntry]) -> Vec<String> {
    let mut patterns = vec![".".to_owned()];
    patterns.extend(IGNORED_ENDINGS.iter().map(|ending| format!(":(exclude,icase)*.{ending}")));
    // Each of these is compared with each file.
    let large = entries.iter().filter(|entry| {
        let ending = entry.path.extension().unwrap_or_default();
        entry.bytes > limits::LICENSE_TEXT
            && !NEEDED_ENDINGS.contains(&ending)
            && !IGNORED_ENDINGS.contains(&ending)
    });
    patterns.extend(large.take(1000).map(|entry| format!(":(exclude,literal){}", entry.path)));
    patterns
}

/// The files of a commit, with its links.
struct Tree<'e> {
    /// Sorted by path.
    entries: &'e [TreeEntry],
    links: BTreeMap<&'e Utf8Path, Utf8PathBuf>,
}

impl Tree<'_> {
    /// The file or folder that a link leads to, through other links; `None` outside of the repository.
    fn target(&self, link: &Utf8Path) -> Option<Utf8PathBuf> {
        let mut path = link.to_owned();
        let mut seen = BTreeSet::new();
        for _ in 0..LINK_DEPTH {
            let Some((at, text)) = self.first_link(&path) else { return Some(path) };
            let rest = path.strip_prefix(&at).ok()?.to_owned();
            let target = below_root(at.parent()?, text)?;
            path = if rest.as_str().is_empty() { target } else { target.join(rest) };
            if !seen.insert(path.clone()) {
                return None;
            }
        }
        None
    }

    /// The file at a path, or the files below it, up to the limit.
    fn files_at(&self, path: &Utf8Path) -> Vec<&TreeEntry> {
        let below = format!("{path}/");
        let from = |path: &str| self.entries.partition_point(|entry| entry.path.as_str() < path);
        let file = self.entries[from(path.as_str())..].iter().take(1);
        let file = file.filter(|entry| entry.path == *path);
        let inside = self.entries[from(&below)..].iter();
        let inside = inside.take_while(|entry| entry.path.as_str().starts_with(&below));
        let all = file.chain(inside).filter(|entry| entry.kind == EntryKind::File);
        all.take(limits::BASE_FILES).collect()
    }

    /// The first folder or file on a path that is a link.
    fn first_link(&self, path: &Utf8Path) -> Option<(Utf8PathBuf, &Utf8Path)> {
        let mut ancestors: Vec<_> = path.ancestors().collect();
        ancestors.reverse();
        ancestors
            .into_iter()
            .find_map(|path| Some((path.to_owned(), self.links.get(path)?.as_path())))
    }
}

/// A path relative to a folder, normalized; `None` above the root.
fn below_root(folder: &Utf8Path, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut normal = folder.to_owned();
    for component in path.components() {
        match component {
            Utf8Component::Normal(name) => normal.push(name),
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if normal.as_str().is_empty() => return None,
            Utf8Component::ParentDir => {
                normal.pop();
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}
