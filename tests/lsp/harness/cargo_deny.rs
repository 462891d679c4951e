//! The real cargo-deny, which checks saved files.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::World;

/// Where cargo-deny keeps the database that its default URL names.
const DATABASE: &str = "advisory-dbs/advisory-db-3157b0e258782691";

impl World {
    /// Runs `cargo deny check` on the workspace in `folder`, with the downloads of the user who runs the
    /// tests and the advisories in `database`. Returns whether it succeeds, and its output; `None` where
    /// it is not installed (`cargo xtask test` does that).
    pub(crate) fn cargo_deny(
        &self,
        folder: &str,
        database: &str,
        checks: &[&str],
    ) -> Option<(bool, String)> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/cargo-deny");
        if !program.is_file() {
            assert!(env::var_os("CI").is_none(), "cargo-deny is not installed");
            warn_of_missing_cargo_deny();
            return None;
        }
        let home = PathBuf::from(self.path("../cargo-deny-home"));
        make_home(&home, database);
        let mut command = Command::new(program);
        command.env_clear().envs(self.variables()).env("CARGO_HOME", &home);
        command.current_dir(self.path(folder)).args(["--offline", "check"]).args(checks);
        let output = self.change_as_test(|| command.output()).expect("cargo-deny can be started");
        Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

#[expect(clippy::print_stderr, reason = "a skipped part of a test is reported")]
fn warn_of_missing_cargo_deny() {
    eprintln!("skipped cargo-deny: it is not installed in target/tools");
}

/// A cargo home with the user's downloads and these advisories.
fn make_home(home: &Path, database: &str) {
    if home.is_dir() {
        return;
    }
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    let user = named.or_else(|| Some(env::home_dir()?.join(".cargo"))).expect("a home folder");
    std::fs::create_dir_all(home).expect("folders");
    for name in ["registry", "config.toml", "config", "bin", "env"] {
        #[cfg(unix)]
        if user.join(name).exists() {
            std::os::unix::fs::symlink(user.join(name), home.join(name)).expect("a link");
        }
    }
    let clone = home.join(DATABASE);
    copy(Path::new(database), &clone);
    for words in [
        &["init", "-q", "-b", "main"][..],
        &["add", "."],
        &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "advisories"],
    ] {
        let done = Command::new("git").args(words).current_dir(&clone).status();
        assert!(done.is_ok_and(|status| status.success()), "git {words:?}");
    }
    std::fs::write(clone.join(".git/FETCH_HEAD"), "").expect("written");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folders");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
