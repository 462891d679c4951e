//! The workspaces that are measured: the one of the tests in editors, real ones where `cargo xtask bench` has unpacked them, and two that
//! are made here from everyday dependencies. Their copies are below `target/bench`, with a cargo home of their own that
//! shares the user's downloads.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::edited::EditedDependency;

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

/// The policy of all workspaces: it reports every advisory, and what the first policy of a team usually denies.
const POLICY: &str = r#"[advisories]
yanked = "deny"
unmaintained = "all"
unsound = "all"

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
pub(crate) struct MeasuredWorkspace {
    pub(crate) name: String,
    /// The folder of the checked manifest.
    pub(crate) folder: PathBuf,
    home: PathBuf,
    /// In its lockfile.
    pub(crate) packages: usize,
    pub(crate) edited: EditedDependency,
    /// The names of the folders below it in which other workspaces are.
    pub(crate) other_workspaces: Vec<String>,
}

impl MeasuredWorkspace {
    /// Makes what is missing; the first time this needs the network. `filter` is a part of a name.
    pub(crate) fn all(root: &Path, filter: Option<&str>) -> Result<Vec<Self>> {
        let base = root.join("target/bench");
        let home = base.join("home");
        make_home(&home, root)?;
        let mut folders = Vec::new();
        let handshake = base.join("handshake");
        let _ = fs::remove_dir_all(&handshake);
        copy(&root.join("tests/fixtures/handshake"), &handshake)?;
        folders.push(("handshake".to_owned(), handshake.join("src/backend/handshake_core")));
        if let Some(real) = env::var_os("SUPERCARGO_BENCH_WORKSPACES").map(PathBuf::from) {
            let mut names = Vec::new();
            for entry in fs::read_dir(&real)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            folders.extend(names.into_iter().map(|name| (name.clone(), real.join(name))));
        }
        let large = format!("{MEDIUM}{LARGE}");
        for (name, dependencies) in [("made-medium", MEDIUM), ("made-large", &large)] {
            let folder = base.join(name);
            make(&folder, dependencies)?;
            folders.push((name.to_owned(), folder));
        }
        folders.retain(|(name, _)| filter.is_none_or(|filter| name.contains(filter)));
        folders.into_iter().map(|(name, folder)| Self::prepare(name, folder, &home)).collect()
    }

    fn prepare(name: String, folder: PathBuf, home: &Path) -> Result<Self> {
        fs::write(folder.join("deny.toml"), POLICY)?;
        let fetched = Command::new("cargo")
            .args(["fetch", "--quiet"])
            .current_dir(&folder)
            .env("CARGO_HOME", home)
            .status()
            .context("could not start cargo")?;
        if !fetched.success() {
            bail!("could not fetch the packages of {}", folder.display());
        }
        let lockfile = folder.ancestors().map(|above| above.join("Cargo.lock"));
        let lockfile = lockfile.into_iter().find(|path| path.is_file()).context("no lockfile")?;
        let lock = fs::read_to_string(lockfile)?;
        let packages = lock.lines().filter(|line| *line == "[[package]]").count();
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        let edited = EditedDependency::of(&manifest, &lock)
            .with_context(|| format!("{name} has no dependency to edit"))?;
        let other_workspaces = other_workspaces(&folder)?;
        Ok(Self { name, folder, home: home.to_owned(), packages, edited, other_workspaces })
    }

    /// A program that is run in the workspace.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("CARGO_HOME", &self.home).env_remove("CARGO");
        command.env("SUPERCARGO_CACHE_DIR", self.cache());
        // Flags that the benchmark was built with would let cargo resolve once for each target.
        let variables = env::vars_os().map(|(name, _)| name);
        for name in variables.filter(|name| name.to_string_lossy().ends_with("RUSTFLAGS")) {
            command.env_remove(name);
        }
        command
    }

    /// Deletes our results.
    pub(crate) fn forget_cache(&self) -> Result<()> {
        match fs::remove_dir_all(self.cache()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn cache(&self) -> PathBuf {
        self.home.join("supercargo-cache")
    }
}

/// The names of the folders below a workspace with a manifest that is none of its members.
fn other_workspaces(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("cargo")
        .args(["metadata", "--offline", "--no-deps", "--format-version=1"])
        .current_dir(root)
        .output()
        .context("could not start cargo")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let members: Vec<_> = packages
        .iter()
        .filter_map(|one| one["manifest_path"].as_str().map(PathBuf::from))
        .collect();
    let mut others = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let manifest = folder.join("Cargo.toml");
        if folder != *root && manifest.is_file() && !members.contains(&manifest) {
            others.extend(folder.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != "target" {
                folders.push(entry.path());
            }
        }
    }
    others.sort();
    others.dedup();
    Ok(others)
}

/// A package with these dependencies. Its lockfile stays from run to run.
fn make(folder: &Path, dependencies: &str) -> Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"world\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\n\
         [workspace]\n\n[dependencies]{dependencies}"
    );
    Ok(fs::write(folder.join("Cargo.toml"), manifest)?)
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
    let bundle = env::var_os("SUPERCARGO_BENCH_DATABASE").map(PathBuf::from);
    if let Some(bundle) = bundle {
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
