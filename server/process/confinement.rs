//! Limits which folders children may write to, with Landlock on Linux.
//!
//! A thread restricts itself and starts the child, which inherits the restriction; the thread then ends.
//! (The usual way, a function that runs between `fork` and `exec`, is not safe Rust.) Reading, executing
//! and connecting are not restricted. Without Landlock, or with its first version, which forbids moving
//! files between folders, children are not confined.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Child, Command},
};

#[cfg(target_os = "linux")]
use std::{ffi::OsStr, thread};

/// The folder for a child's temporary files, in the child's own folder.
#[cfg(target_os = "linux")]
const TEMPORARY: &str = ".tmp";

/// Devices that any child may write to.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// Starts a command that may write only to `writable` and to the tools' own folders. Its temporary files go
/// to the first of these folders.
#[cfg(target_os = "linux")]
pub(super) fn spawn(
    command: &mut Command,
    program: &Path,
    writable: &[PathBuf],
) -> io::Result<Child> {
    if needs_privileges(program) {
        return command.spawn();
    }
    // The tools could not create their home folders themselves, as only their content is writable.
    let is_of_rustup = program.with_file_name("rustup").exists();
    for home in cargo_home().into_iter().chain(rustup_home().filter(|_| is_of_rustup)) {
        let _ = fs::create_dir_all(home);
    }
    let temporary = writable.first().map(|folder| folder.join(TEMPORARY));
    if let Some(temporary) = temporary.filter(|it| it.is_dir() || fs::create_dir(it).is_ok()) {
        command.env("TMPDIR", temporary);
    }
    thread::scope(|scope| {
        let confined = thread::Builder::new().name("confined".to_owned());
        let child = confined.spawn_scoped(scope, || {
            match kernel::restrict(writable) {
                Ok(true) => {}
                Ok(false) => tracing::debug!("the kernel does not support confining children"),
                Err(error) => tracing::debug!("could not confine a child: {error}"),
            }
            command.spawn()
        })?;
        child.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it panicked")))
    })
}

/// Not implemented on other systems.
#[cfg(not(target_os = "linux"))]
pub(super) fn spawn(command: &mut Command, _: &Path, writable: &[PathBuf]) -> io::Result<Child> {
    let _ = (writable, kept_by_tools);
    command.spawn()
}

/// Snap programs are started by `snap-confine`, which needs more rights than a confined process can get.
#[cfg(target_os = "linux")]
fn needs_privileges(program: &Path) -> bool {
    fs::canonicalize(program).is_ok_and(|real| real.file_name() == Some(OsStr::new("snap")))
}

/// The folders of cargo, rustup and their credential helpers. Some may not exist, and some are files.
fn kept_by_tools() -> Vec<PathBuf> {
    let configuration = named("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
    let cache = named("XDG_CACHE_HOME").or_else(|| in_home(".cache"));
    let home = cargo_home();
    let linked = home.iter().flat_map(|home| linked_in_cargo_home(home)).collect::<Vec<_>>();
    let all = [
        home,
        rustup_home(),
        // Sockets and locks, gone when the user logs out.
        named("XDG_RUNTIME_DIR"),
        named("CLOUDSDK_CONFIG").or_else(|| Some(configuration?.join("gcloud"))),
        named("AZURE_CONFIG_DIR").or_else(|| in_home(".azure")),
        named("GNUPGHOME").or_else(|| in_home(".gnupg")),
        in_home(".aws"),
        in_home(".git-credential-cache"),
        cache.map(|cache| cache.join("git/credential")),
    ];
    // A relative path is another folder for the child.
    all.into_iter().flatten().chain(linked).filter(|folder| folder.is_absolute()).collect()
}

/// What links in cargo's home lead to: some users keep `registry`, or what is in it, on another disk.
fn linked_in_cargo_home(home: &Path) -> Vec<PathBuf> {
    let folders = [home.to_owned(), home.join("registry"), home.join("git")];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    links.filter_map(|link| fs::canonicalize(link.path()).ok()).collect()
}

fn cargo_home() -> Option<PathBuf> {
    let home = named("CARGO_HOME").or_else(|| in_home(".cargo"));
    home.filter(|home| home.is_absolute())
}

fn rustup_home() -> Option<PathBuf> {
    let home = named("RUSTUP_HOME").or_else(|| in_home(".rustup"));
    home.filter(|home| home.is_absolute())
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn in_home(path: &str) -> Option<PathBuf> {
    etcetera::home_dir().ok().map(|home| home.join(path))
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus,
    };

    /// Restricts this thread and the processes it starts to these folders. Returns whether the kernel
    /// enforces it.
    pub(super) fn restrict(writable: &[PathBuf]) -> Result<bool, RulesetError> {
        // Writing, creating, deleting, moving (version 2) and truncating (version 3). Devices
        // (version 5) and sockets (version 9) are left out: askpass programs and agents need them.
        let all = AccessFs::from_write(ABI::V3);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::SoftRequirement)
            .handle_access(AccessFs::Refer)?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            .create()?;
        let mut allow = |path: &Path, access: BitFlags<AccessFs>| match PathFd::new(path) {
            Ok(opened) => (&mut rules).add_rule(PathBeneath::new(opened, access)).map(|_| ()),
            // A missing path needs no rule.
            Err(_) => Ok(()),
        };
        for folder in writable {
            allow(folder, all)?;
        }
        let of_files = AccessFs::WriteFile | AccessFs::Truncate;
        for path in super::kept_by_tools() {
            allow(&path, if path.is_file() { of_files } else { all })?;
        }
        for device in super::DEVICES {
            allow(Path::new(device), of_files)?;
        }
        // ssh needs to create a socket there to share connections; nothing else may be changed.
        if let Some(folder) = super::in_home(".ssh") {
            allow(&folder, AccessFs::MakeSock.into())?;
        }
        Ok(rules.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
    }
}
