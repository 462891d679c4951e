//! Fetches a database: makes a fresh clone next to it and replaces it with one rename. If the program is killed, the
//! old or the new database is complete, and the next fetch deletes the rest.
//!
//! Git runs only in a new folder of this process. So only the user's own configuration is used, and no program in a
//! repository or database is run.

use std::{
    fs,
    io::{self, Write as _},
    time::SystemTime,
};

use camino::{Utf8Path, Utf8PathBuf};
use tame_index::utils::flock::{FileLock, LockOptions};
use url::Url;

use super::{
    BRANCH, DatabaseLocation, FetchError, LOCK, commit_of, destination, existing_clone, lock_name,
};
use crate::process::{Children, WaitReports, git, lock_failure};

/// The start of the name of a folder for a new clone; the process id follows.
const PARTIAL: &str = ".partial-";

/// The allowed URL schemes. For others, git would start a program `git-remote-<scheme>`.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// Settings that override the user's configuration: no monitors, no submodules, no background jobs, no programs as
/// transports.
const SETTINGS: [&str; 6] = [
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
];

/// The attributes of every clone: git neither filters nor converts files. They override the database's own
/// `.gitattributes` (gitattributes(5)), also when cargo-deny fetches into the clone.
const ATTRIBUTES: &str = "* -filter -text -eol -ident -working-tree-encoding\n";

impl DatabaseLocation {
    /// Clones the database to this folder.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub(super) fn fetch_here(&self, children: &Children) -> Result<(), FetchError> {
        refuse_url(&self.url)?;
        let _partial_is_deleted = children.cleanup_guard();
        let root = destination::writable(self)?;
        fs::create_dir_all(&root).map_err(|error| cannot_write(&root, error))?;
        let _lock = lock(&root, children.waits())?;
        let folder = root.join(self.name());
        let sources_too = destination::is_of_cargo(&root);
        let inspect = || {
            // Report the folder as the policy names it.
            existing_clone::inspect(&folder, &self.url, sources_too)
                .map_err(|refusal| destination::Refusal { path: self.folder(), ..refusal })
        };
        inspect()?;
        delete_abandoned(&root);
        let partial = Partial::new(&root)?;
        let new = partial.0.join("new");
        self.clone_into(children, &partial.0, &new)?;
        // Check again, as cloning takes time.
        let content = inspect()?;
        replace(&partial.0, &new, &folder, content).map_err(|error| cannot_write(&folder, error))
    }

    /// Makes a clone that looks freshly fetched.
    fn clone_into(
        &self,
        children: &Children,
        partial: &Utf8Path,
        new: &Utf8Path,
    ) -> Result<(), FetchError> {
        let depth = ["--depth=1", "--branch", BRANCH, "--no-checkout"];
        let plain = ["--origin=origin", "--template=", "--no-recurse-submodules", "--"];
        let words = [&["clone"], &depth[..], &plain, &[self.url.as_str(), new.as_str()]].concat();
        self.git(children, partial, &words)?;
        let git = new.join(".git");
        let attributes = git.join("info/attributes");
        fs::create_dir_all(git.join("info"))
            .and_then(|()| fs::write(&attributes, ATTRIBUTES))
            .map_err(|error| cannot_write(&attributes, error))?;
        let folders = [format!("--git-dir={git}"), format!("--work-tree={new}")];
        let words = [&folders[0], &folders[1], "reset", "--quiet", "--hard"];
        self.git(children, partial, &words)?;
        let fetched = git.join("FETCH_HEAD");
        note_fetch(&fetched, &commit_of(&git).unwrap_or_default(), &self.url)
            .map_err(|error| cannot_write(&fetched, error))
    }

    fn git(&self, children: &Children, folder: &Utf8Path, args: &[&str]) -> Result<(), FetchError> {
        let mut command = git();
        command.current_dir(folder);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // A folder that does not exist; `/dev/null` is not portable.
        command.arg("-c").arg(format!("core.hooksPath={}", folder.join("no-hooks")));
        command.args(args);
        // Do not look for a repository in parent folders.
        command.env("GIT_CEILING_DIRECTORIES", folder.as_str());
        let output = children.run(command).map_err(|error| FetchError::NoGit(error.to_string()))?;
        if output.success {
            return Ok(());
        }
        let message = output
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("fatal: "))
            .unwrap_or(output.stderr.trim());
        Err(FetchError::Git { url: self.url.clone(), message: message.to_owned() })
    }
}

fn cannot_write(path: &Utf8Path, source: io::Error) -> FetchError {
    FetchError::Write { path: path.to_owned(), source }
}

/// Refuses URLs that would start a program other than git's own, or that git could take for an option.
fn refuse_url(url: &Url) -> Result<(), FetchError> {
    let refuse =
        |message: &str| Err(FetchError::Git { url: url.clone(), message: message.to_owned() });
    if !SCHEMES.contains(&url.scheme()) {
        return refuse("only https, http, ssh, git and file URLs are allowed");
    }
    let names = [Some(url.username()), url.host_str(), url.path().get(1..)];
    if names.into_iter().flatten().any(|name| name.starts_with('-')) {
        return refuse("a part of the URL starts with a dash, like a command-line option");
    }
    Ok(())
}

/// Takes the lock that cargo-deny uses too.
fn lock(root: &Utf8Path, waits: &WaitReports) -> Result<FileLock, FetchError> {
    let path = root.join(LOCK);
    let locked = waits.lock(&LockOptions::new(&path).exclusive(false), &lock_name(&path));
    locked.map_err(|error| FetchError::Locked { message: lock_failure(&error), path })
}

/// Writes the file whose time is that of the fetch, as git does.
fn note_fetch(path: &Utf8Path, commit: &str, url: &Url) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    writeln!(file, "{commit}\t\tbranch '{BRANCH}' of {url}")?;
    // Use our clock: the disk may be on another machine.
    file.set_modified(SystemTime::now())
}

/// A folder for a new clone, deleted when dropped, together with the replaced one.
struct Partial(Utf8PathBuf);

impl Partial {
    fn new(root: &Utf8Path) -> Result<Self, FetchError> {
        let path = root.join(format!("{PARTIAL}{}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Fails if the name exists.
        builder.create(&path).map_err(|error| cannot_write(&path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!("could not delete `{}`: {error}", self.0);
        }
    }
}

/// Deletes the folders of killed programs. Called with the lock, so no other program is using them.
fn delete_abandoned(root: &Utf8Path) {
    for entry in root.read_dir_utf8().into_iter().flatten().flatten() {
        let number = entry.file_name().strip_prefix(PARTIAL);
        let is_ours = number.is_some_and(|number| number.parse::<u32>().is_ok());
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Replaces the folder with the new clone; the old one is moved to `partial`.
fn replace(
    partial: &Utf8Path,
    new: &Utf8Path,
    folder: &Utf8Path,
    content: existing_clone::FolderContent,
) -> io::Result<()> {
    match content {
        existing_clone::FolderContent::Nothing => return fs::rename(new, folder),
        existing_clone::FolderContent::Empty => {
            fs::remove_dir(folder)?;
            return fs::rename(new, folder);
        }
        existing_clone::FolderContent::Clone => {}
    }
    if exchange(new, folder).is_ok() {
        return Ok(());
    }
    // If the system cannot exchange two names, there is no database for a moment.
    let old = partial.join("old");
    fs::rename(folder, &old)?;
    fs::rename(new, folder).inspect_err(|_| {
        let _ = fs::rename(&old, folder);
    })
}

/// Exchanges two names atomically.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Utf8Path, other: &Utf8Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let (one, other) = (one.as_std_path(), other.as_std_path());
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Utf8Path, _: &Utf8Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_that_starts_another_program_is_refused() {
        for url in [
            "ext://sh/-c/touch",
            "helper://example.org/x",
            "fd://17/x",
            "ssh://-oProxyCommand=touch/x",
            "ssh://-oProxyCommand=touch@example.org/x",
            "ssh://example.org/-x",
            "https://example.org/--upload-pack=touch",
        ] {
            refuse_url(&Url::parse(url).expect(url)).expect_err(url);
        }
        for url in [
            super::super::DEFAULT_URL,
            "ssh://git@example.org/a/b-c",
            "git://example.org/x",
            "https://user:word@example.org:8080/a/-/b",
        ] {
            refuse_url(&Url::parse(url).expect(url)).expect(url);
        }
    }

    #[test]
    fn new_folder_replaces_the_old_one() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for (name, content) in [
            ("nothing", existing_clone::FolderContent::Nothing),
            ("empty", existing_clone::FolderContent::Empty),
            ("clone", existing_clone::FolderContent::Clone),
        ] {
            let (partial, folder) = (root.join(format!("{PARTIAL}{name}")), root.join(name));
            let new = partial.join("new");
            fs::create_dir_all(&new).expect("made");
            fs::write(new.join("file"), "new").expect("written");
            if content != existing_clone::FolderContent::Nothing {
                fs::create_dir(&folder).expect("made");
            }
            if content == existing_clone::FolderContent::Clone {
                fs::write(folder.join("file"), "old").expect("written");
            }
            replace(&partial, &new, &folder, content).expect("replaced");
            assert_eq!(fs::read_to_string(folder.join("file")).expect("there"), "new", "{name}");
        }
    }

    #[test]
    fn abandoned_clones_are_deleted_and_nothing_else() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for name in [".partial-1", ".partial-mine", ".partial-", "partial-1"] {
            fs::create_dir_all(root.join(name).join("new")).expect("made");
        }
        fs::write(root.join(".partial-2"), "mine").expect("written");
        delete_abandoned(root);
        let mut left: Vec<_> = root.read_dir_utf8().expect("read").flatten().collect();
        left.sort_by(|one, other| one.file_name().cmp(other.file_name()));
        let left: Vec<_> = left.iter().map(camino::Utf8DirEntry::file_name).collect();
        assert_eq!(left, [".partial-", ".partial-2", ".partial-mine", "partial-1"]);
        Partial::new(root).expect("made");
        assert!(!root.join(format!("{PARTIAL}{}", std::process::id())).exists());
    }
}
