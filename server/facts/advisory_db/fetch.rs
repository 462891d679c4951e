//! A fetch: a fresh clone is made beside the database and takes its place by one rename. Killed at any
//! moment there is a whole database, the old one or the new one; what is left beside it is deleted by
//! the next fetch.
//!
//! Git only ever runs in a folder that was just made, for this process alone. So no configuration
//! but the user's own counts, and nothing that a repository or a database holds is run.

use std::{
    fs,
    io::{self, Write as _},
    time::SystemTime,
};

use camino::{Utf8Path, Utf8PathBuf};
use tame_index::utils::flock::{FileLock, LockOptions};
use url::Url;

use super::{BRANCH, DatabaseLocation, FetchError, LOCK, PATIENCE, commit_of, ours, place};
use crate::process::{Children, git};

/// A folder in which a clone is made has this in its name, and after it the number of a process.
const PARTIAL: &str = ".partial-";

/// What a policy may name. Of others git would start a program `git-remote-<scheme>`.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// What git does not do, whatever the user's configuration says: hooks and monitors are off, nothing
/// of a submodule is fetched, nothing goes on in the background, no program of git's is a transport.
const OFF: [&str; 6] = [
    "core.fsmonitor=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
];

/// Stands in every clone: no file of a database goes through a program (`filter`), and none is
/// changed on its way to the disk. Before what the database's own `.gitattributes` says
/// (gitattributes(5)), also for a cargo-deny that fetches into the clone.
const ATTRIBUTES: &str = "* -filter -text -eol -ident -working-tree-encoding\n";

impl DatabaseLocation {
    /// Clones the database into this very place.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub(super) fn fetch_here(&self, children: &Children) -> Result<(), FetchError> {
        refuse_url(&self.url)?;
        let _partial_is_deleted = children.cleanup_guard();
        let root = place::writable(self)?;
        fs::create_dir_all(&root).map_err(|error| cannot_write(&root, error))?;
        let _lock = lock(&root)?;
        let folder = root.join(self.name());
        let sources_too = place::is_of_cargo(&root);
        let found = || {
            // The sentence names the folder as the policy does.
            ours::found(&folder, &self.url, sources_too)
                .map_err(|refusal| place::Refusal { path: self.folder(), ..refusal })
        };
        found()?;
        delete_left(&root);
        let partial = Partial::new(&root)?;
        let new = partial.0.join("new");
        self.clone_into(children, &partial.0, &new)?;
        // The clone took its time.
        let found = found()?;
        take_place(&partial.0, &new, &folder, found).map_err(|error| cannot_write(&folder, error))
    }

    /// Makes a clone that looks as if it was fetched just now.
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
        for setting in OFF {
            command.args(["-c", setting]);
        }
        // A folder that is not there: `/dev/null` is one on some systems only.
        command.arg("-c").arg(format!("core.hooksPath={}", folder.join("no-hooks")));
        command.args(args);
        // Not to be taken for a part of what is around it.
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

/// Refuses what would start another program than git's own, or be taken for one of its options.
fn refuse_url(url: &Url) -> Result<(), FetchError> {
    let refuse =
        |message: &str| Err(FetchError::Git { url: url.clone(), message: message.to_owned() });
    if !SCHEMES.contains(&url.scheme()) {
        return refuse("the policy may only name URLs of the kinds https, http, ssh, git and file");
    }
    let names = [Some(url.username()), url.host_str(), url.path().get(1..)];
    if names.into_iter().flatten().any(|name| name.starts_with('-')) {
        return refuse("a part of the URL begins with a dash, as options of programs do");
    }
    Ok(())
}

/// Takes the lock under which cargo-deny and we change databases; waits a minute.
fn lock(root: &Utf8Path) -> Result<FileLock, FetchError> {
    let path = root.join(LOCK);
    LockOptions::new(&path)
        .exclusive(false)
        .lock(|_| Some(PATIENCE))
        .map_err(|error| FetchError::Locked { path: path.clone(), message: error.to_string() })
}

/// The file whose time tells when a clone was fetched, as git writes it.
fn note_fetch(path: &Utf8Path, commit: &str, url: &Url) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    writeln!(file, "{commit}\t\tbranch '{BRANCH}' of {url}")?;
    // By our clock: the disk may be on a machine with another one.
    file.set_modified(SystemTime::now())
}

/// A folder in which a clone is made, deleted when dropped, together with what has been replaced.
struct Partial(Utf8PathBuf);

impl Partial {
    fn new(root: &Utf8Path) -> Result<Self, FetchError> {
        let path = root.join(format!("{PARTIAL}{}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Fails where there is anything of that name.
        builder.create(&path).map_err(|error| cannot_write(&path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!("`{}` is left: {error}", self.0);
        }
    }
}

/// Deletes what programs left that were killed; under the lock nobody else is at it.
fn delete_left(root: &Utf8Path) {
    for entry in root.read_dir_utf8().into_iter().flatten().flatten() {
        let number = entry.file_name().strip_prefix(PARTIAL);
        let is_ours = number.is_some_and(|number| number.parse::<u32>().is_ok());
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Lets the new clone take the place of what is there, which is left in `partial`.
fn take_place(
    partial: &Utf8Path,
    new: &Utf8Path,
    folder: &Utf8Path,
    found: ours::Found,
) -> io::Result<()> {
    match found {
        ours::Found::Nothing => return fs::rename(new, folder),
        ours::Found::Empty => {
            fs::remove_dir(folder)?;
            return fs::rename(new, folder);
        }
        ours::Found::Clone => {}
    }
    if exchange(new, folder).is_ok() {
        return Ok(());
    }
    // Where the system cannot exchange two names: for a moment there is no database.
    let old = partial.join("old");
    fs::rename(folder, &old)?;
    fs::rename(new, folder).inspect_err(|_| {
        let _ = fs::rename(&old, folder);
    })
}

/// Exchanges two names at once.
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
    fn urls_that_would_start_other_programs_are_refused() {
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
    fn a_new_folder_takes_the_place_of_the_old_one_however_the_system_does_it() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for (name, found) in [
            ("nothing", ours::Found::Nothing),
            ("empty", ours::Found::Empty),
            ("clone", ours::Found::Clone),
        ] {
            let (partial, folder) = (root.join(format!("{PARTIAL}{name}")), root.join(name));
            let new = partial.join("new");
            fs::create_dir_all(&new).expect("made");
            fs::write(new.join("file"), "new").expect("written");
            if found != ours::Found::Nothing {
                fs::create_dir(&folder).expect("made");
            }
            if found == ours::Found::Clone {
                fs::write(folder.join("file"), "old").expect("written");
            }
            take_place(&partial, &new, &folder, found).expect("replaced");
            assert_eq!(fs::read_to_string(folder.join("file")).expect("there"), "new", "{name}");
        }
    }

    #[test]
    fn what_is_left_is_deleted_and_nothing_else() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(temp.path()).expect("UTF-8");
        for name in [".partial-1", ".partial-mine", ".partial-", "partial-1"] {
            fs::create_dir_all(root.join(name).join("new")).expect("made");
        }
        fs::write(root.join(".partial-2"), "mine").expect("written");
        delete_left(root);
        let mut left: Vec<_> = root.read_dir_utf8().expect("read").flatten().collect();
        left.sort_by(|one, other| one.file_name().cmp(other.file_name()));
        let left: Vec<_> = left.iter().map(camino::Utf8DirEntry::file_name).collect();
        assert_eq!(left, [".partial-", ".partial-2", ".partial-mine", "partial-1"]);
        Partial::new(root).expect("made");
        assert!(!root.join(format!("{PARTIAL}{}", std::process::id())).exists());
    }
}
