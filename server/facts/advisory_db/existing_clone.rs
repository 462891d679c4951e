//! Checks that a folder contains a clone of a database and no work of the user, so that it may be replaced. Reads
//! files only: git is never run in an existing folder, since its configuration may name programs (hooks,
//! `core.fsmonitor`, `core.sshCommand`, filters).

use std::{collections::BTreeSet, fs};

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::{BRANCH, REFS_LIMIT, Refusal, commit_of, read_text};
use crate::text::read_at_most;

/// Earlier versions put this file into a clone while they changed it in place.
pub(super) const UNFINISHED: &str = "supercargo-unfinished";

/// The size limit of git's configuration; that of a new clone is much smaller.
const CONFIG_LIMIT: u64 = 64 << 10;

/// The size limit of git's index, which has about a hundred bytes per file.
const INDEX_LIMIT: u64 = 64 << 20;

/// How many files a database may have.
const MAX_FILES: usize = 200_000;

/// Files that operating systems put into folders.
const SYSTEM_FILES: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Actions in a reflog that are the user's work.
const WORK_ACTIONS: [&str; 6] = ["commit", "merge", "rebase", "cherry-pick", "revert", "am"];

/// The content of a database's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderContent {
    /// The folder does not exist.
    Nothing,
    /// An empty folder.
    Empty,
    /// A clone of the database.
    Clone,
}

/// Inspects a folder.
///
/// # Errors
///
/// When it contains anything that a new clone of `url` would not restore: another repository, local branches or
/// commits, untracked files. Changed files of the database itself are ignored, as cargo-deny resets them too.
/// `sources_too` allows packages in the database.
pub(super) fn inspect(
    folder: &Utf8Path,
    url: &Url,
    sources_too: bool,
) -> Result<FolderContent, Refusal> {
    let refuse = |reason: String| {
        let remedy = "move it to another folder, or delete it if it is not needed";
        Err(Refusal { path: folder.to_owned(), reason, remedy })
    };
    let Ok(entries) = folder.read_dir_utf8() else {
        // A folder that cannot be read is not deleted either.
        return match fs::symlink_metadata(folder) {
            Ok(_) => refuse("it cannot be read".to_owned()),
            Err(_) => Ok(FolderContent::Nothing),
        };
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_owned()).collect();
    if names.is_empty() {
        return Ok(FolderContent::Empty);
    }
    let git = folder.join(".git");
    if !is_folder(&git) {
        return refuse("it is not a git clone".to_owned());
    }
    match read_text(&git.join("config"), CONFIG_LIMIT).and_then(|config| origin(&config)) {
        Some(origin) if is_same(&origin, url) => {}
        // A clone that was interrupted at the start.
        None if names == [".git"] && commit_of(&git).is_none() => return Ok(FolderContent::Clone),
        _ => return refuse(format!("it is not a clone of `{url}`")),
    }
    if let Some(work) = own_work(&git) {
        return refuse(format!("it contains {work}"));
    }
    // Git was killed while it wrote files that are not in its index yet.
    let unfinished = ["index.lock", UNFINISHED].iter().any(|name| git.join(name).exists());
    match untracked_file(folder, &git, sources_too) {
        Ok(None) => Ok(FolderContent::Clone),
        Ok(Some(_)) if unfinished => Ok(FolderContent::Clone),
        Ok(Some(file)) => {
            refuse(format!("it contains `{file}`, which is not part of the database"))
        }
        Err(reason) => refuse(reason.to_owned()),
    }
}

fn is_folder(path: &Utf8Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.is_dir())
}

/// The URL of the remote `origin` in git's configuration, as `git clone` writes it.
fn origin(config: &str) -> Option<String> {
    let mut is_origin = false;
    let mut url = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            is_origin = line == "[remote \"origin\"]";
        } else if is_origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            url = Some(value.trim().trim_matches('"').to_owned());
        }
    }
    url
}

/// Whether two URLs have the same folder, whose name is made from the lowercase URL.
fn is_same(origin: &str, url: &Url) -> bool {
    let plain = |url: &str| url.to_lowercase().trim_end_matches('/').to_owned();
    let origin = Url::parse(origin).map_or_else(|_| origin.to_owned(), String::from);
    plain(&origin) == plain(url.as_str())
}

/// A description of the user's work in a clone, which a fetch would not restore.
fn own_work(git: &Utf8Path) -> Option<String> {
    let is_own = |name: &str| {
        let branch = name.strip_prefix("refs/heads/");
        name == "refs/stash" || branch.is_some_and(|branch| branch != BRANCH)
    };
    let packed = read_text(&git.join("packed-refs"), REFS_LIMIT).unwrap_or_default();
    let packed = packed.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned()));
    let branches = git.join("refs/heads").read_dir_utf8().into_iter().flatten().flatten();
    let branches = branches.map(|entry| format!("refs/heads/{}", entry.file_name()));
    let is_branch = |name: &String| Utf8Path::new(name).extension() != Some("lock");
    let stash = git.join("refs/stash").exists().then(|| "refs/stash".to_owned());
    let mut names = packed.chain(branches.filter(is_branch)).chain(stash);
    if let Some(name) = names.find(|name| is_own(name)) {
        return Some(format!("`{name}`"));
    }
    if git.join("worktrees").exists() {
        return Some("other worktrees".to_owned());
    }
    let log = read_text(&git.join("logs/HEAD"), REFS_LIMIT).unwrap_or_default();
    let is_work = |line: &str| {
        let action = line.split_once('\t').map_or("", |(_, action)| action);
        WORK_ACTIONS.contains(&action.split([':', ' ', '(']).next().unwrap_or_default())
    };
    log.lines().any(is_work).then(|| "local commits".to_owned())
}

/// A file that is not in the clone's index.
fn untracked_file(
    folder: &Utf8Path,
    git: &Utf8Path,
    sources_too: bool,
) -> Result<Option<Utf8PathBuf>, &'static str> {
    let index = git.join("index");
    let tracked = match read_at_most(&index, INDEX_LIMIT) {
        Ok(bytes) => names(&bytes).ok_or("could not parse its index")?,
        Err(_) if fs::symlink_metadata(&index).is_err() => BTreeSet::new(),
        Err(_) => return Err("could not read its index"),
    };
    let mut folders = vec![Utf8PathBuf::new()];
    let mut count = 0;
    while let Some(below) = folders.pop() {
        let entries = folder.join(&below).read_dir().map_err(|_| "could not read all of it")?;
        for entry in entries {
            count += 1;
            let entry = entry.map_err(|_| "could not read all of it")?;
            let name = entry.file_name();
            let name = name.to_str().ok_or("a file in it has a name that is not UTF-8")?;
            let path = below.join(name);
            if path == ".git" || SYSTEM_FILES.contains(&name) {
                continue;
            }
            if count > MAX_FILES {
                return Err("it contains too many files for a database");
            }
            if !sources_too && name == "Cargo.toml" {
                return Ok(Some(path));
            }
            // A submodule is one entry, and its folder is empty in our clones.
            if tracked.contains(path.as_str().as_bytes()) {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// The paths in git's index, versions 2 to 4 (`gitformat-index`); `None` if it is invalid, split into two files, or
/// has object names other than SHA-1.
fn names(index: &[u8]) -> Option<BTreeSet<Vec<u8>>> {
    /// Times, device, mode, owner, size and object name; the flags follow.
    const FIXED: usize = 60;
    const EXTENDED: u16 = 0x4000;

    let number = |at: usize| {
        let bytes = index.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let version = number(4)?;
    if !index.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let mut names = BTreeSet::new();
    let mut at = 12;
    let mut last: Vec<u8> = Vec::new();
    for _ in 0..number(8)? {
        let start = at;
        at += FIXED;
        let flags = u16::from_be_bytes(index.get(at..at + 2)?.try_into().ok()?);
        at += if flags & EXTENDED == 0 { 2 } else { 4 };
        let mut name = Vec::new();
        if version == 4 {
            let kept = last.len().checked_sub(variable(index, &mut at)?)?;
            name.extend(&last[..kept]);
        }
        let rest = index.get(at..)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        name.extend(&rest[..length]);
        at += length + 1;
        if version < 4 {
            // The length of each entry is a multiple of eight bytes.
            at = start + (at - start).next_multiple_of(8);
        }
        last.clone_from(&name);
        names.insert(name);
    }
    // Extensions follow; with `link`, the names are in another file.
    let is_split = index.get(at..at + 4) == Some(b"link");
    (!is_split).then_some(names)
}

/// A number of variable length, as the offsets in git's pack files.
fn variable(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?.checked_mul(0x80)?;
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const URL: &str = "https://example.org/Advisories";

    struct TestClone {
        _folder: tempfile::TempDir,
        path: Utf8PathBuf,
    }

    impl TestClone {
        /// A repository with two files, as if it were a clone.
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = Utf8Path::from_path(folder.path()).expect("UTF-8").join("clone");
            fs::create_dir_all(path.join("crates/a")).expect("made");
            fs::write(path.join("crates/a/one.md"), "1").expect("written");
            fs::write(path.join("README.md"), "2").expect("written");
            let clone = Self { _folder: folder, path };
            clone.git(&["init", "--quiet", "--initial-branch=main"]);
            clone.git(&["remote", "add", "origin", URL]);
            clone.git(&["add", "."]);
            clone.git(&["commit", "--quiet", "--message=all"]);
            fs::remove_dir_all(clone.path.join(".git/logs")).expect("removed");
            clone
        }

        fn git(&self, words: &[&str]) {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
            command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            let output = command.arg("-C").arg(&self.path).args(words).output().expect("git runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "git {words:?}: {error}");
        }

        fn write(&self, path: &str) {
            let path = self.path.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "text").expect("written");
        }

        fn inspect(&self) -> Result<FolderContent, String> {
            let url = Url::parse(URL).expect("a URL");
            inspect(&self.path, &url, true).map_err(|refusal| refusal.reason)
        }

        fn is_refused(&self, words: &str) {
            let refused = self.inspect().expect_err(words);
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn clone_with_damaged_and_deleted_files_is_accepted() {
        let clone = TestClone::new();
        assert_eq!(clone.inspect(), Ok(FolderContent::Clone));
        clone.write("crates/a/one.md");
        fs::remove_file(clone.path.join("README.md")).expect("removed");
        clone.write("crates/.DS_Store");
        assert_eq!(clone.inspect(), Ok(FolderContent::Clone));
    }

    #[test]
    fn missing_and_empty_folder_are_accepted() {
        let clone = TestClone::new();
        fs::remove_dir_all(&clone.path).expect("removed");
        assert_eq!(clone.inspect(), Ok(FolderContent::Nothing));
        fs::create_dir(&clone.path).expect("made");
        assert_eq!(clone.inspect(), Ok(FolderContent::Empty));
        clone.write(".git/HEAD");
        fs::write(clone.path.join(".git/HEAD"), "ref: refs/heads/main\n").expect("written");
        assert_eq!(
            clone.inspect(),
            Ok(FolderContent::Clone),
            "a clone that was interrupted at once"
        );
        clone.write("mine");
        clone.is_refused("not a clone of");
    }

    #[test]
    fn local_files_branches_and_commits_are_found() {
        let clone = TestClone::new();
        clone.write("crates/a/deep/mine.txt");
        clone.is_refused("`crates/a/deep/mine.txt`");
        clone.write(".git/index.lock");
        assert_eq!(clone.inspect(), Ok(FolderContent::Clone), "git was killed while it wrote");
        let clone = TestClone::new();
        clone.git(&["branch", "mine"]);
        clone.is_refused("`refs/heads/mine`");
        clone.git(&["pack-refs", "--all"]);
        clone.is_refused("`refs/heads/mine`");
        let clone = TestClone::new();
        clone.write("README.md");
        clone.git(&["stash", "--quiet"]);
        clone.is_refused("refs/stash");
        let clone = TestClone::new();
        clone.git(&["commit", "--quiet", "--allow-empty", "--message=mine"]);
        clone.is_refused("commits");
    }

    #[test]
    fn another_repository_and_plain_folder_are_refused() {
        let clone = TestClone::new();
        clone.git(&["remote", "set-url", "origin", "https://example.org/other"]);
        clone.is_refused("not a clone of");
        clone.git(&["remote", "remove", "origin"]);
        clone.is_refused("not a clone of");
        fs::remove_dir_all(clone.path.join(".git")).expect("removed");
        clone.is_refused("not a git clone");
        clone.write(".git");
        clone.is_refused("not a git clone");
    }

    #[test]
    fn package_is_accepted_only_in_cargos_home() {
        let clone = TestClone::new();
        clone.write("Cargo.toml");
        clone.git(&["add", "."]);
        assert_eq!(clone.inspect(), Ok(FolderContent::Clone));
        let url = Url::parse(URL).expect("a URL");
        inspect(&clone.path, &url, false).expect_err("it may be a workspace that is checked");
    }

    #[test]
    fn every_version_of_an_index_is_parsed() {
        let clone = TestClone::new();
        for name in ["crates/a/two.md", "crates/b/x.md", "crates/b/xy.md", "z"] {
            clone.write(name);
        }
        clone.git(&["add", "."]);
        clone.git(&["add", "--intent-to-add", "."]);
        for version in ["2", "3", "4"] {
            clone.git(&["update-index", "--index-version", version]);
            let index = fs::read(clone.path.join(".git/index")).expect("an index");
            let names = names(&index).expect("understood");
            let names: Vec<_> =
                names.iter().map(|name| str::from_utf8(name).expect("UTF-8")).collect();
            let all = [
                "README.md",
                "crates/a/one.md",
                "crates/a/two.md",
                "crates/b/x.md",
                "crates/b/xy.md",
                "z",
            ];
            assert_eq!(names, all, "version {version}");
            for cut in 0..index.len() {
                // Never more than there is, and no panic.
                let _ = super::names(&index[..cut]);
            }
        }
    }
}
