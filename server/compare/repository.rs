//! The git repository of a workspace, and the commits in it.
//!
//! In the user's repository git only looks up names and ancestors: with no hooks, no monitors and no download of missing
//! objects. Everything else is read by a repository of our own that borrows its objects, so its configuration, filters
//! and attributes do not count.

use std::{collections::BTreeSet, fs};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::BaseError;
use crate::process::{Children, Output, git};

/// Settings for each run: nothing but git itself is started.
const SETTINGS: [&str; 5] = [
    "core.fsmonitor=false",
    "core.hooksPath=/nowhere",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
];

/// The attributes of our own repository: files are neither filtered nor converted (gitattributes(5)).
const ATTRIBUTES: &str = "* -filter -text -eol -ident -working-tree-encoding\n";

/// Shows where a repository is: its files, its objects, and what each worktree has of its own.
const AROUND: [&str; 5] =
    ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir", "--git-dir"];

/// Where a name is looked up, in this order (gitrevisions(7)).
const NAMESPACES: [&str; 5] = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];

/// A git repository.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// The folder of its files, without links.
    pub(super) folder: Utf8PathBuf,
    /// The folder of its objects and branches; worktrees share it.
    common: Utf8PathBuf,
    /// The folder of its `HEAD`, which a worktree has for itself.
    own: Utf8PathBuf,
    children: Children,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// Its id.
    pub(super) id: String,
    /// The id of its files: the same content has the same id.
    pub(super) tree: String,
}

impl Repository {
    /// The repository that a folder belongs to, and the commit that is named, if there is one: git is started once in the
    /// usual case.
    ///
    /// # Errors
    ///
    /// When there is no repository, or git cannot be started or refuses to read it.
    pub(super) fn with_commit(
        folder: &Utf8Path,
        revision: &str,
        children: &Children,
    ) -> Result<(Self, Option<Commit>), BaseError> {
        if !is_revision(revision) {
            return Ok((Self::around(folder, children)?, None));
        }
        let names = names_of_commit(revision);
        let words = [&AROUND[..], &["--quiet", &names[0], &names[1], "--"]].concat();
        let output = run(children, folder, &words)?;
        let lines: Vec<_> = output.stdout.lines().map(str::to_owned).collect();
        if let ([top, common, own, id, tree, ..], true) = (lines.as_slice(), output.success) {
            let commit = Commit { id: id.clone(), tree: tree.clone() };
            let [folder, common, own] = [top, common, own].map(Utf8PathBuf::from);
            return Ok((Self { folder, common, own, children: children.clone() }, Some(commit)));
        }
        Ok((Self::around(folder, children)?, None))
    }

    /// The repository that a folder belongs to.
    ///
    /// # Errors
    ///
    /// When there is none, or git cannot be started or refuses to read it.
    pub(super) fn around(folder: &Utf8Path, children: &Children) -> Result<Self, BaseError> {
        let output = run(children, folder, &AROUND)?;
        let mut lines = output.stdout.lines();
        match (output.success, lines.next(), lines.next(), lines.next()) {
            (true, Some(top), Some(common), Some(own)) => Ok(Self {
                folder: Utf8PathBuf::from(top),
                common: Utf8PathBuf::from(common),
                own: Utf8PathBuf::from(own),
                children: children.clone(),
            }),
            _ => Err(BaseError::NoRepository {
                folder: folder.to_owned(),
                message: first_line(&output.stderr),
            }),
        }
    }

    /// The commit that a branch, tag or commit id names; `None` if there is none.
    pub(super) fn commit(&self, revision: &str) -> Result<Option<Commit>, BaseError> {
        if !is_revision(revision) {
            return Ok(None);
        }
        let names = names_of_commit(revision);
        let output =
            self.run(&["rev-parse", "--quiet", "--revs-only", &names[0], &names[1], "--"])?;
        let mut lines = output.stdout.lines().map(str::to_owned);
        Ok(match (output.success, lines.next(), lines.next()) {
            (true, Some(id), Some(tree)) => Some(Commit { id, tree }),
            _ => None,
        })
    }

    /// The commit at which the checked-out branch has left `commit`; `None` if the history does not contain it.
    pub(super) fn merge_base(&self, commit: &Commit) -> Result<Option<Commit>, BaseError> {
        let output = self.run(&["merge-base", "HEAD", &commit.id])?;
        match output.success.then(|| output.stdout.trim()).filter(|id| !id.is_empty()) {
            Some(id) => self.commit(id),
            None => Ok(None),
        }
    }

    /// The files of git that decide which commit a name means; some do not exist.
    pub(super) fn deciding_files(&self, revision: &str) -> BTreeSet<Utf8PathBuf> {
        // A parent, as in `main~2`, moves with its child.
        let named = revision.split(['~', '^']).next().unwrap_or_default();
        let name = named.split("@{").next().unwrap_or_default();
        let mut files = BTreeSet::from([
            self.own.join("HEAD"),
            self.common.join("packed-refs"),
            self.common.join("reftable/tables.list"),
        ]);
        let is_plain =
            Utf8Path::new(name).components().all(|part| matches!(part, Utf8Component::Normal(_)));
        if is_plain && !name.is_empty() {
            files.extend(NAMESPACES.map(|space| self.common.join(format!("{space}{name}"))));
            files.insert(self.common.join(format!("refs/remotes/{name}/HEAD")));
        }
        // The branches that `HEAD`, `origin/HEAD` and `@{upstream}` mean now.
        let mut words = vec!["rev-parse", "--symbolic-full-name", "HEAD"];
        words.extend(Some(named).filter(|named| is_revision(named)));
        let branches = self.run(&words).map(|output| output.stdout).unwrap_or_default();
        let branches = branches.lines().filter(|line| line.starts_with("refs/"));
        files.extend(branches.map(|branch| self.common.join(branch)));
        files
    }

    /// Whether older commits were not fetched.
    pub(super) fn is_shallow(&self) -> bool {
        self.common.join("shallow").exists()
    }

    /// A repository in `folder`, which exists, that reads the objects of this one.
    pub(super) fn reader(&self, folder: &Utf8Path) -> Result<ObjectReader, BaseError> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))
                .and_then(|()| fs::write(&path, text))
                .map_err(|source| BaseError::Write { path, source })
        };
        let format = self.run(&["rev-parse", "--show-object-format"])?;
        let extension = match format.stdout.trim() {
            "sha256" => "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n",
            _ => "\trepositoryformatversion = 0\n",
        };
        write("HEAD", "ref: refs/heads/main\n")?;
        write("config", &format!("[core]\n\tbare = false\n\tsymlinks = false\n{extension}"))?;
        write("info/attributes", ATTRIBUTES)?;
        write("objects/info/alternates", &format!("{}\n", self.common.join("objects")))?;
        let refs = folder.join("refs");
        fs::create_dir_all(&refs).map_err(|source| BaseError::Write { path: refs, source })?;
        Ok(ObjectReader { folder: folder.to_owned(), children: self.children.clone() })
    }

    fn run(&self, words: &[&str]) -> Result<Output, BaseError> {
        run(&self.children, &self.folder, words)
    }
}

/// Whether it could name a commit; else it could be an option of git.
fn is_revision(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-')
}

/// What git is asked for: the commit and its files.
fn names_of_commit(revision: &str) -> [String; 2] {
    [format!("{revision}^{{commit}}"), format!("{revision}^{{tree}}")]
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry {
    /// Its path from the root of the repository.
    pub(super) path: Utf8PathBuf,
    pub(super) kind: EntryKind,
    /// The id of its content; of a submodule, the commit.
    pub(super) id: String,
    /// Its size in bytes.
    pub(super) bytes: u64,
}

/// What a path of a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    /// A symbolic link; its text is where it leads.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// A repository of our own with the objects of another one.
#[derive(Debug)]
pub(super) struct ObjectReader {
    folder: Utf8PathBuf,
    children: Children,
}

impl ObjectReader {
    /// All files of a commit, sorted by path.
    pub(super) fn entries(&self, commit: &Commit) -> Result<Vec<TreeEntry>, BaseError> {
        let words = ["ls-tree", "-r", "-l", "-z", "--full-tree", &commit.tree];
        let output = self.run(None, &words)?;
        if !output.success {
            return Err(BaseError::Unreadable { message: first_line(&output.stderr) });
        }
        Ok(output.stdout.split('\0').filter_map(entry).collect())
    }

    /// Writes the files of a commit that these patterns choose (pathspecs, gitglossary(7)) below a folder. Links are
    /// written as files with their text.
    pub(super) fn write_files(
        &self,
        commit: &Commit,
        patterns: &[String],
        to: &Utf8Path,
    ) -> Result<(), BaseError> {
        let list = self.folder.join("patterns");
        fs::write(&list, patterns.join("\0"))
            .map_err(|source| BaseError::Write { path: list.clone(), source })?;
        let from_file = format!("--pathspec-from-file={list}");
        let words = ["checkout", "--quiet", &from_file, "--pathspec-file-nul", &commit.tree];
        let output = self.run(Some(to), &words)?;
        if output.success {
            return Ok(());
        }
        Err(BaseError::Unreadable { message: first_line(&output.stderr) })
    }

    fn run(&self, work_tree: Option<&Utf8Path>, words: &[&str]) -> Result<Output, BaseError> {
        let git_dir = format!("--git-dir={}", self.folder);
        let work_tree = format!("--work-tree={}", work_tree.unwrap_or(&self.folder));
        let words = [&[git_dir.as_str(), work_tree.as_str()], words].concat();
        run(&self.children, &self.folder, &words)
    }
}

fn run(children: &Children, folder: &Utf8Path, words: &[&str]) -> Result<Output, BaseError> {
    let mut command = git();
    command.current_dir(folder);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(words);
    command.env("GIT_NO_LAZY_FETCH", "1");
    command.env("GIT_OPTIONAL_LOCKS", "0");
    children.run(command).map_err(|error| BaseError::NoGit(error.to_string()))
}

/// `<mode> <type> <id> <size>\t<path>`
fn entry(line: &str) -> Option<TreeEntry> {
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split_whitespace();
    let kind = match facts.next()? {
        "120000" => EntryKind::Link,
        "160000" => EntryKind::Submodule,
        _ => EntryKind::File,
    };
    let id = facts.nth(1)?.to_owned();
    let bytes = facts.next()?.parse().unwrap_or(0);
    Some(TreeEntry { path: Utf8PathBuf::from(path), kind, id, bytes })
}

/// What git says, without its prefix.
fn first_line(stderr: &str) -> String {
    let fatal = stderr
        .lines()
        .find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")));
    fatal.unwrap_or(stderr.trim()).to_owned()
}
