//! Resolves programs to absolute paths that do not depend on the current folder.
//!
//! A repository that is checked is often the current folder, so neither a relative path nor a
//! relative entry of `PATH` may name a program: not for us ([`resolve_program`]), and not for the libraries and
//! children that look for programs by themselves ([`restart_with_safe_environment`]).

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The variable that names cargo.
const CARGO: &str = "CARGO";

/// Makes cargo write a log to its current folder.
#[cfg(unix)]
const CARGO_LOG_PROFILE: &str = "CARGO_LOG_PROFILE";

/// The value of [`CARGO`] that [`restart_with_safe_environment`] has removed.
const REMOVED_CARGO: &str = "SUPERCARGO_REFUSED_CARGO";

/// The default cargo: `$CARGO`, else `cargo`.
pub(crate) fn default_cargo() -> PathBuf {
    let named = env::var_os(REMOVED_CARGO).or_else(|| env::var_os(CARGO));
    named.map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Restarts this program with the same arguments if its environment could start a program from the current
/// folder, or write to that folder. The new environment has no relative entries in `PATH`, no relative
/// `$CARGO` (which [`default_cargo`] still returns), and no cargo log. Call it before anything else.
/// (`cargo-deny` starts `$CARGO -V` in this process, and cargo looks up rustc itself.)
///
/// # Errors
///
/// When the restart is needed and fails; no program may be started then.
#[cfg(unix)]
pub(crate) fn restart_with_safe_environment() -> io::Result<()> {
    use std::os::unix::process::CommandExt as _;

    let path = env::var_os("PATH").and_then(|path| absolute_entries(&path));
    let cargo = env::var_os(CARGO).filter(|cargo| is_relative(Path::new(cargo)));
    if path.is_none() && cargo.is_none() && env::var_os(CARGO_LOG_PROFILE).is_none() {
        return Ok(());
    }
    let mut again = std::process::Command::new(env::current_exe()?);
    let mut arguments = env::args_os();
    again.arg0(arguments.next().unwrap_or_default()).args(arguments).env_remove(CARGO_LOG_PROFILE);
    if let Some(path) = path {
        again.env("PATH", path);
    }
    if let Some(cargo) = cargo {
        again.env_remove(CARGO).env(REMOVED_CARGO, cargo);
    }
    Err(again.exec())
}

/// On other systems programs are not searched in the current folder unless `PATH` says so.
#[cfg(not(unix))]
pub(crate) fn restart_with_safe_environment() -> io::Result<()> {
    Ok(())
}

/// `PATH` without its relative entries; `None` if it has none. An empty entry is the current folder.
#[cfg(unix)]
fn absolute_entries(path: &OsStr) -> Option<OsString> {
    if env::split_paths(path).all(|folder| folder.is_absolute()) {
        return None;
    }
    let absolute = env::split_paths(path).filter(|folder| folder.is_absolute());
    let joined = env::join_paths(absolute).unwrap_or_default();
    Some(if joined.is_empty() { OsString::from("/nowhere") } else { joined })
}

fn is_relative(program: &Path) -> bool {
    !program.is_absolute() && !is_name(program)
}

/// The absolute path of a program. A plain name is looked up in the absolute folders of `PATH`, and again
/// only when the file is gone.
///
/// # Errors
///
/// When there is no such program in `PATH`, or `program` is a relative path.
pub(crate) fn resolve_program(program: &Path) -> io::Result<PathBuf> {
    static RESOLVED: Mutex<BTreeMap<OsString, PathBuf>> = Mutex::new(BTreeMap::new());

    if program.is_absolute() {
        return Ok(program.to_owned());
    }
    if is_relative(program) {
        let message = "relative paths are not allowed, as they could name a program of the checked folder; use an \
                       absolute path, or a name that is looked up in `PATH`";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let name = program.as_os_str();
    let resolved = || RESOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = resolved().get(name).filter(|path| path.is_file()) {
        return Ok(path.clone());
    }
    let path = resolve_in(name, &env::var_os("PATH").unwrap_or_default())?;
    resolved().insert(name.to_owned(), path.clone());
    Ok(path)
}

/// Whether it is a plain name: no folder, no drive, not `.` or `..`.
fn is_name(program: &Path) -> bool {
    let mut components = program.components();
    matches!((components.next(), components.next()), (Some(Component::Normal(name)), None)
        if name == program.as_os_str())
}

fn resolve_in(name: &OsStr, path: &OsStr) -> io::Result<PathBuf> {
    let absolute = env::split_paths(path).filter(|folder| folder.is_absolute());
    let searched = env::join_paths(absolute).map_err(io::Error::other)?;
    which::which_in_global(name, Some(searched))
        .ok()
        .and_then(|mut resolve_program| resolve_program.next())
        .filter(|resolve_program| resolve_program.is_absolute())
        .ok_or_else(|| {
            let message = "not found in any absolute folder of `PATH`";
            io::Error::new(io::ErrorKind::NotFound, message)
        })
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// A folder with an executable file, a text file, and a subfolder.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for (name, mode) in [("program", 0o755), ("text", 0o644)] {
            fs::write(path(name), "").expect("written");
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).expect("a mode");
        }
        fs::create_dir(path("folder")).expect("a folder");
        folder
    }

    #[test]
    fn name_is_looked_up_in_absolute_folders_only() {
        let folder = folder();
        let absolute = folder.path().to_str().expect("UTF-8");
        // From the current folder, which is that of the package.
        let up = "../".repeat(env::current_dir().expect("a folder").components().count());
        let relative = format!("{up}{absolute}");
        assert!(Path::new(&relative).join("program").is_file());
        let find = |name: &str, path: &str| resolve_in(name.as_ref(), path.as_ref());
        for path in [absolute.to_owned(), format!("{relative}::.:{absolute}:/nowhere")] {
            assert_eq!(find("program", &path).ok(), Some(folder.path().join("program")));
        }
        for path in [relative.as_str(), "", ":", ".", "~"] {
            assert!(find("program", path).is_err(), "{path}");
        }
        for other in ["text", "folder", "missing"] {
            assert!(find(other, absolute).is_err(), "{other}");
        }
    }

    #[test]
    fn path_without_relative_entries_stays() {
        let cleaned = |path: &str| absolute_entries(path.as_ref()).map(OsString::into_string);
        assert_eq!(cleaned("/usr/bin:/bin"), None);
        assert_eq!(cleaned(".:/usr/bin::/bin:../x:"), Some(Ok("/usr/bin:/bin".to_owned())));
        for path in ["", ":", "."] {
            assert_eq!(cleaned(path), Some(Ok("/nowhere".to_owned())), "{path}");
        }
    }

    #[test]
    fn relative_paths_are_refused() {
        for program in ["./sh", "bin/sh", "../sh", "", ".", "..", "sh/", "./"] {
            let error = resolve_program(Path::new(program)).expect_err(program);
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{program}");
        }
        assert_eq!(
            resolve_program(Path::new("/nowhere/sh")).ok(),
            Some(PathBuf::from("/nowhere/sh"))
        );
        assert!(resolve_program(Path::new("sh")).is_ok_and(|path| path.is_absolute()));
    }
}
