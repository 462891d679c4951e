//! The cargo home in which both programs run.
//!
//! It shares the user's downloaded crates (symbolic links to every entry of the real one), but has an advisory database and
//! git checkouts of its own. The environment is scrubbed: what the user has set for cargo, git and supercargo must not
//! decide a verdict.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{placement, std_data};

/// Where cargo-deny keeps the database that its default URL names: the URL's last part and a hash of the whole.
const DATABASE: &str = "advisory-dbs/advisory-db-3157b0e258782691";

/// Entries of the real cargo home that a comparison must not share: the first two because it has its own, the others because
/// it needs no one's keys.
const NOT_SHARED: &[&str] = &["advisory-dbs", "git", "credentials", "credentials.toml"];

#[derive(Clone)]
pub(crate) struct Home {
    cargo: PathBuf,
    temp: PathBuf,
    cache: PathBuf,
}

impl Home {
    /// Lays out a home below `directory` anew; `database` fills the advisory database's directory, which does not exist yet.
    pub(crate) fn create(
        directory: &Path,
        database: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory)
                .with_context(|| format!("could not clear {}", directory.display()))?;
        }
        let home = Self {
            cargo: directory.join("cargo"),
            temp: directory.join("temp"),
            cache: directory.join("cache"),
        };
        for directory in [&home.cargo, &home.temp, &home.cache] {
            fs::create_dir_all(directory)?;
        }
        share(&real_cargo_home()?, &home.cargo)?;

        let path = home.cargo.join(DATABASE);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        database(&path).context("could not set up the advisory database")?;
        // The age of the last fetch is the age of this file; an old database would be refused.
        fs::write(path.join(".git/FETCH_HEAD"), "")?;

        std_data::write(&home.temp)?;
        Ok(home)
    }

    /// Where the advisory database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.cargo.join(DATABASE)
    }

    /// A command in this home, with a scrubbed environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let ours = ["CARGO_", "GIT_", "SUPERCARGO_", "XDG_"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            if ours
                || matches!(
                    text.as_ref(),
                    "CARGO" | "RUST_LOG" | "RUST_BACKTRACE" | "RUSTFLAGS" | "RUSTC"
                )
            {
                command.env_remove(name);
            }
        }
        command
            .env("CARGO_HOME", &self.cargo)
            .env("TMPDIR", &self.temp)
            .env("TMP", &self.temp)
            .env("TEMP", &self.temp)
            .env("SUPERCARGO_CACHE_DIR", &self.cache)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }
}

fn real_cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return std::path::absolute(PathBuf::from(home)).context("could not resolve CARGO_HOME");
    }
    let home = env::home_dir().context("there is no home directory")?;
    Ok(home.join(".cargo"))
}

fn share(real: &Path, private: &Path) -> Result<()> {
    // So that what is downloaded now is there the next time.
    fs::create_dir_all(real.join("registry"))?;
    for entry in fs::read_dir(real).with_context(|| format!("could not read {}", real.display()))? {
        let entry = entry?;
        if !NOT_SHARED.iter().any(|name| entry.file_name() == *name) {
            placement::symlink(&entry.path(), &private.join(entry.file_name()))?;
        }
    }
    Ok(())
}
