//! Whether a database may be written to a folder: never through a symbolic link, never inside of a repository.
//!
//! The repository controls the policy and its links, not the user: `db-path = "."` with a committed link
//! `advisory-db-<hash> -> .` would replace the user's own clone.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Mutex, PoisonError},
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::DatabaseLocation;
use crate::workspace::lexical;

/// Why a folder must not be written to. The text completes "could not {refusal}".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write to `{path}`: {reason}; {remedy}")]
pub struct Refusal {
    /// Which folder.
    pub path: Utf8PathBuf,
    /// The reason.
    pub reason: String,
    /// What to do.
    pub remedy: &'static str,
}

const ELSEWHERE: &str = "set `db-path` in `[advisories]` to a folder outside of any repository";
const NO_LINK: &str =
    "delete the link, or set `db-path` in `[advisories]` to a folder outside of any repository";
const ABSOLUTE: &str = "set `db-path` in `[advisories]` to an absolute path";
const WRITABLE: &str = "fetch it where it can be written, or set the option `db`";
const MOVE: &str = "move it to another folder";

/// The files by which a folder is recognized as a repository or a package.
const SOURCE_MARKERS: [(&str, &str); 2] = [(".git", "repository"), ("Cargo.toml", "package")];

/// The folder below which a database may be written, absolute and without links.
///
/// Refuses a database whose folder is a link or not a folder, a relative path (cargo-deny resolves it from the
/// current folder, which is arbitrary in an editor), and a path inside of a repository or package. For the latter,
/// every ancestor with a `.git` or a `Cargo.toml` counts, both in the path as written and after resolving links.
/// Cargo's home is allowed in a repository (container builds keep it there to cache it): the user's environment
/// names it, and cargo writes there too.
///
/// [`super::existing_clone`] checks the content of an existing folder.
pub(super) fn writable(location: &DatabaseLocation) -> Result<Utf8PathBuf, Refusal> {
    let refuse = |path: &Utf8Path, reason: String, remedy| {
        Err(Refusal { path: path.to_owned(), reason, remedy })
    };
    let shown = location.folder();
    let written = match std::path::absolute(&location.root).map(Utf8PathBuf::from_path_buf) {
        Ok(Ok(path)) => path,
        Ok(Err(_)) => return refuse(&shown, "its path is not UTF-8".to_owned(), ELSEWHERE),
        Err(error) => return refuse(&shown, error.to_string(), ELSEWHERE),
    };
    let Some(root) = without_links(&written) else {
        return refuse(&shown, "its path contains a broken symbolic link".to_owned(), NO_LINK);
    };
    if let Ok(data) = fs::symlink_metadata(root.join(location.name())) {
        if data.is_symlink() {
            return refuse(&shown, "it is a symbolic link".to_owned(), NO_LINK);
        }
        if !data.is_dir() {
            return refuse(&shown, "it is not a folder".to_owned(), MOVE);
        }
    }
    let lock = root.join(super::LOCK);
    if fs::symlink_metadata(&lock).is_ok_and(|data| !data.is_file()) {
        return refuse(&lock, "it is not a file".to_owned(), "delete it");
    }
    if !is_of_cargo(&root) {
        let by_name = lexical(&written);
        let sources = sources_around(&by_name).or_else(|| sources_around(&root));
        if let Some((folder, kind)) = sources {
            return refuse(&shown, format!("it is inside the {kind} `{folder}`"), ELSEWHERE);
        }
    }
    if let Some(folder) = read_only(&root) {
        return refuse(&shown, format!("`{folder}` is read-only"), WRITABLE);
    }
    // An editor may start the program in any folder, often the user's home.
    if location.root.is_relative() {
        return refuse(&shown, "it is relative to the current folder".to_owned(), ABSOLUTE);
    }
    Ok(root)
}

/// The nearest existing folder of a path, if nothing may be written there.
#[cfg(unix)]
fn read_only(path: &Utf8Path) -> Option<&Utf8Path> {
    use rustix::fs::{Access, access};

    let folder = path.ancestors().find(|folder| folder.is_dir())?;
    access(folder.as_std_path(), Access::WRITE_OK).is_err().then_some(folder)
}

/// Elsewhere the attribute of a folder does not say so; the fetch fails.
#[cfg(not(unix))]
fn read_only(_: &Utf8Path) -> Option<&Utf8Path> {
    None
}

/// cargo-deny's default folder for databases.
pub(super) fn of_cargo() -> Option<Utf8PathBuf> {
    tame_index::utils::cargo_home().ok().map(|home| home.join("advisory-dbs"))
}

/// Whether a path without links is that folder; not if `advisory-dbs` itself is a link.
pub(super) fn is_of_cargo(root: &Utf8Path) -> bool {
    let home = tame_index::utils::cargo_home().ok();
    let home = home.and_then(|home| without_links(&home));
    home.is_some_and(|home| home.join("advisory-dbs") == root)
}

/// The nearest repository or package that contains a path, and its kind.
fn sources_around(path: &Utf8Path) -> Option<(&Utf8Path, &'static str)> {
    path.ancestors().find_map(|folder| {
        let has = |(name, _): &&(&str, &str)| fs::symlink_metadata(folder.join(name)).is_ok();
        SOURCE_MARKERS.iter().find(has).map(|(_, kind)| (folder, *kind))
    })
}

/// Resolves the links in an absolute path. The part that does not exist stays as written; `None` if it has a broken
/// link or `..`.
fn without_links(path: &Utf8Path) -> Option<Utf8PathBuf> {
    for existing in path.ancestors() {
        match existing.canonicalize_utf8() {
            Ok(real) => {
                let rest = path.strip_prefix(existing).ok()?;
                let plain = |part| matches!(part, Utf8Component::Normal(_));
                return rest.components().all(plain).then(|| match rest.as_str() {
                    "" => real,
                    rest => real.join(rest),
                });
            }
            Err(_) if fs::symlink_metadata(existing).is_ok() => return None,
            Err(_) => {}
        }
    }
    None
}

/// Logs that a database is in another folder, once for each reason.
pub(super) fn log_once(refusal: &Refusal, root: &Utf8Path) {
    static LOGGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let reason = refusal.to_string();
    if LOGGED.lock().unwrap_or_else(PoisonError::into_inner).insert(reason.clone()) {
        tracing::info!("using the advisory database in `{root}`: could not {reason}");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use url::Url;

    use super::{super::DEFAULT_URL, *};

    struct TestFolders {
        _folder: tempfile::TempDir,
        path: Utf8PathBuf,
    }

    impl TestFolders {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = Utf8Path::from_path(folder.path()).expect("UTF-8");
            let path = path.canonicalize_utf8().expect("a folder");
            Self { _folder: folder, path }
        }

        fn folder(&self, name: &str) {
            fs::create_dir_all(self.path.join(name)).expect("made");
        }

        fn written(&self, root: &str) -> Result<String, String> {
            let url = Url::parse(DEFAULT_URL).expect("a URL");
            let location = DatabaseLocation { root: self.path.join(root), url };
            let below = |path: Utf8PathBuf| {
                path.strip_prefix(&self.path).expect("below the folder").to_string()
            };
            writable(&location).map(below).map_err(|refusal| refusal.reason)
        }
    }

    const NAME: &str = "advisory-db-3157b0e258782691";

    #[test]
    fn plain_folder_is_writable_even_if_it_does_not_exist() {
        let folders = TestFolders::new();
        assert_eq!(folders.written("dbs").as_deref(), Ok("dbs"));
        assert_eq!(folders.written("dbs/deep").as_deref(), Ok("dbs/deep"));
        folders.folder(&format!("dbs/{NAME}"));
        assert_eq!(folders.written("dbs").as_deref(), Ok("dbs"));
    }

    #[test]
    fn relative_path_is_refused() {
        let up = "../".repeat(64);
        let folders = TestFolders::new();
        let url = Url::parse(DEFAULT_URL).expect("a URL");
        let root = Utf8PathBuf::from(format!("{up}{}/dbs", &folders.path.as_str()[1..]));
        let refused = writable(&DatabaseLocation { root, url }).expect_err("it is relative");
        assert_eq!(refused.reason, "it is relative to the current folder");
    }

    #[test]
    fn links_are_resolved_first() {
        let folders = TestFolders::new();
        folders.folder("real");
        symlink("real", folders.path.join("link")).expect("a link");
        assert_eq!(folders.written("link/dbs").as_deref(), Ok("real/dbs"));
        symlink("nowhere", folders.path.join("dead")).expect("a link");
        folders.written("dead/dbs").expect_err("a broken link");
        folders.written("missing/../dbs").expect_err("`..` in a missing folder");
    }

    #[test]
    fn database_that_is_a_link_or_a_file_is_refused() {
        let folders = TestFolders::new();
        folders.folder("dbs");
        symlink("..", folders.path.join("dbs").join(NAME)).expect("a link");
        assert_eq!(folders.written("dbs"), Err("it is a symbolic link".to_owned()));
        folders.folder("other");
        fs::write(folders.path.join("other").join(NAME), "").expect("written");
        assert_eq!(folders.written("other"), Err("it is not a folder".to_owned()));
        folders.folder("third");
        symlink("../elsewhere", folders.path.join("third/db.lock")).expect("a link");
        assert_eq!(folders.written("third"), Err("it is not a file".to_owned()));
    }

    #[test]
    fn folder_inside_a_repository_or_behind_its_link_is_refused() {
        let folders = TestFolders::new();
        for mark in [".git", "Cargo.toml"] {
            folders.folder(&format!("work{mark}/below"));
            folders.folder("outside");
            fs::write(folders.path.join(format!("work{mark}/{mark}")), "").expect("written");
            for root in ["", "/dbs", "/below", "/below/../dbs"] {
                let refused = folders.written(&format!("work{mark}{root}"));
                assert!(refused.is_err_and(|reason| reason.contains("inside")), "{mark} {root}");
            }
            let link = folders.path.join(format!("work{mark}/link"));
            symlink("../outside", link).expect("a link");
            folders.written(&format!("work{mark}/link")).expect_err("a link of the sources");
            symlink(format!("work{mark}"), folders.path.join(format!("to{mark}"))).expect("a link");
            folders.written(&format!("to{mark}/dbs")).expect_err("a link into the sources");
        }
    }
}
