//! The workspaces that are measured: everyday dependencies, resolved once and kept below
//! `target/bench`, in a cargo home of their own that shares the user's downloads.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// Where cargo-deny keeps the database that its default URL names.
const DATABASE: &str = "advisory-dbs/advisory-db-3157b0e258782691";

/// About 300 packages.
const MEDIUM: &str = r#"
axum = "0.8"
clap = { version = "4", features = ["derive"] }
regex = "1"
reqwest = "0.12"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
sqlx = { version = "0.8", features = ["runtime-tokio", "postgres", "mysql"] }
time = "0.3"
tokio = { version = "1", features = ["full"] }
tonic = "0.13"
tracing = "0.1"
tracing-subscriber = "0.3"
"#;

/// With these about 1,000.
const LARGE: &str = r#"
bevy = "0.16"
tauri = "2"
wasmtime = "36"
"#;

const POLICY: &str = r#"[advisories]
yanked = "deny"

[licenses]
allow = [
    "Apache-2.0",
    "MIT",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
]

[bans]
multiple-versions = "warn"
wildcards = "deny"

[sources]
unknown-registry = "deny"
unknown-git = "deny"
"#;

/// One workspace.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) home: PathBuf,
    /// In its lockfile.
    pub(crate) packages: usize,
}

impl World {
    /// Makes what is missing. The first time this needs the network.
    pub(crate) fn all(root: &Path) -> Result<Vec<Self>> {
        let base = root.join("target/bench");
        let home = base.join("home");
        make_home(&home, root)?;
        let large = format!("{MEDIUM}{LARGE}");
        let make =
            |name: &str, dependencies: &str| Self::make(&base.join(name), &home, dependencies);
        Ok(vec![make("medium", MEDIUM)?, make("large", &large)?])
    }

    fn make(folder: &Path, home: &Path, dependencies: &str) -> Result<Self> {
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        let manifest = format!(
            "[package]\nname = \"world\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\n\
             [workspace]\n\n[dependencies]{dependencies}"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("deny.toml"), POLICY)?;
        let fetched = Command::new("cargo")
            .arg("fetch")
            .current_dir(folder)
            .env("CARGO_HOME", home)
            .status()
            .context("cargo cannot be started")?;
        if !fetched.success() {
            bail!("the packages of {} cannot be fetched", folder.display());
        }
        let lock = fs::read_to_string(folder.join("Cargo.lock"))?;
        let packages = lock.lines().filter(|line| *line == "[[package]]").count();
        Ok(Self { folder: folder.to_owned(), home: home.to_owned(), packages })
    }
}

/// A cargo home with links to the user's own and a database of its own.
fn make_home(home: &Path, root: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(home);
    fs::create_dir_all(home.join("advisory-dbs"))?;
    let user = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().context("there is no home folder")?.join(".cargo"),
    };
    fs::create_dir_all(user.join("registry"))?;
    for entry in fs::read_dir(&user)? {
        let entry = entry?;
        if entry.file_name() != "advisory-dbs" {
            link(&entry.path(), &home.join(entry.file_name()))?;
        }
    }
    let database = home.join(DATABASE);
    let bundle = root.join("../shared/data/advisory-db.bundle");
    if bundle.is_file() {
        git(
            home,
            &["clone", "-q", "-b", "main", &bundle.to_string_lossy(), &database.to_string_lossy()],
        )?;
    } else {
        // Without the whole database the small one of the tests: reading it costs less, for both.
        copy(&root.join("tests/fixtures/advisory-db"), &database)?;
        git(&database, &["init", "-q", "-b", "main"])?;
    }
    fs::write(database.join(".git/FETCH_HEAD"), "")?;
    Ok(())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("git").args(arguments).current_dir(folder).status()?;
    if status.success() { Ok(()) } else { bail!("`git {}` failed", arguments.join(" ")) }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(original: &Path, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(original, link)?)
}

#[cfg(windows)]
fn link(original: &Path, link: &Path) -> Result<()> {
    Ok(if original.is_dir() {
        std::os::windows::fs::symlink_dir(original, link)
    } else {
        std::os::windows::fs::symlink_file(original, link)
    }?)
}
