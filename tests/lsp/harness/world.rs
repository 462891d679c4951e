//! The files of a test: the user's folder, a registry, an advisory database and a cargo home, written in
//! the fixture language of the tests of the command line.

#[path = "../../cli/harness/fixture.rs"]
mod fixture;
#[path = "../../cli/harness/registry.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod registry;
#[path = "../../support/untouched.rs"]
mod untouched;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use camino::Utf8PathBuf;

use super::text::file_uri;

/// A world; deleted when it and all its clones are dropped.
///
/// From the start of the first server on, all files except caches and temporary files are watched: a
/// change that the test has not made itself fails the test at the end of a server. So a test changes
/// files only with the methods of the world, or with [`World::change_as_test`].
#[derive(Clone)]
pub(crate) struct World {
    _folder: Arc<tempfile::TempDir>,
    root: Utf8PathBuf,
    variables: BTreeMap<String, String>,
    watch: untouched::Watch,
}

impl World {
    /// A world with the files, packages and advisories of a fixture. Its workspaces have no lockfile
    /// yet.
    pub(crate) fn new(fixture: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().canonicalize().expect("the temporary folder exists");
        let root = Utf8PathBuf::from_path_buf(root).expect("temporary folders are UTF-8");
        let mut world = Self {
            _folder: Arc::new(folder),
            root,
            variables: BTreeMap::new(),
            watch: untouched::Watch::default(),
        };
        for name in ["work", "home", "temp", "vendor"] {
            world.folder(&format!("../{name}"));
        }
        world.set("HOME", &world.path("../home"));
        world.set("TMPDIR", &world.path("../temp"));
        world.set("CARGO_HOME", &world.path("../cargo"));
        world.set("CARGO", &real_cargo());
        world.set("PATH", &path_with_cargo());
        world.write("../cargo/config.toml", registry::replacement(&world.path("../vendor")));
        fixture::lay_out(
            &world,
            "#- advisory: RUSTSEC-2000-0001 not-in-any-graph: A database without advisories is none",
        );
        fixture::lay_out(&world, fixture);
        world
    }

    /// A world whose workspace at the root of the user's folder has an up-to-date lockfile.
    pub(crate) fn locked(fixture: &str) -> Self {
        let world = Self::new(fixture);
        world.lock("");
        world
    }

    /// Adds files, packages and advisories.
    pub(crate) fn add(&self, fixture: &str) {
        fixture::lay_out(self, fixture);
    }

    /// Runs git in the user's folder.
    pub(crate) fn git(&self, words: &[&str]) {
        self.git_in("", words);
    }

    fn git_in(&self, folder: &str, words: &[&str]) {
        let mut command = Command::new("git");
        command.env_clear().envs(&self.variables).current_dir(self.path(folder));
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
        let done = self.change_as_test(|| command.output()).expect("git runs");
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {words:?}: {error}");
    }

    /// Commits all files of the user's folder.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Makes a folder a git repository, which git fetches for `url`.
    pub(crate) fn serve_git(&self, folder: &str, url: &str) {
        for words in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["commit", "-q", "-m", "all"],
        ] {
            self.git_in(folder, words);
        }
        let folder = self.path(folder);
        let text = format!("[url \"file://{folder}\"]\n\tinsteadOf = {url}\n");
        self.write("../home/.gitconfig", text);
    }

    /// Writes the lockfile of the workspace in `folder` with cargo.
    pub(crate) fn lock(&self, folder: &str) {
        if let Err(error) = self.try_lock(folder) {
            panic!("cargo could not lock the fixture: {error}");
        }
    }

    /// The same, but returns cargo's error.
    pub(crate) fn try_lock(&self, folder: &str) -> Result<(), String> {
        let mut command = Command::new(real_cargo());
        command
            .args(["generate-lockfile", "--quiet", "--offline"])
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path(folder))
            .stdin(Stdio::null());
        let output = self.change_as_test(|| command.output().expect("cargo runs"));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(error) }
    }

    /// What `cargo tree` prints with these arguments.
    pub(crate) fn cargo_tree(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(real_cargo());
        command
            .args(["tree", "--offline", "--locked"])
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path(""))
            .stdin(Stdio::null());
        let output = self.change_as_test(|| command.output().expect("cargo runs"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// [`World::lock`] without the old lockfile.
    pub(crate) fn lock_again(&self) {
        self.delete("Cargo.lock");
        self.lock("");
    }

    /// A path of the world: relative to the user's folder, with `../` to the whole world.
    pub(crate) fn path(&self, relative: &str) -> String {
        let (base, relative) = match relative.strip_prefix("../") {
            Some(outside) => (self.root.clone(), outside),
            None => (self.root.join("work"), relative),
        };
        if relative.is_empty() { base.into_string() } else { base.join(relative).into_string() }
    }

    /// The URI of a path.
    pub(crate) fn uri(&self, relative: &str) -> String {
        file_uri(&self.path(relative))
    }

    /// From now on only the test may change files of this world.
    pub(super) fn watch(&self) {
        self.watch.begin(self.root.as_std_path());
    }

    /// Fails when a file has changed that the test has not changed.
    pub(super) fn assert_untouched(&self) {
        self.watch.assert_same();
    }

    /// Changes any files of this world as the test.
    pub(crate) fn change_as_test<T>(&self, change: impl FnOnce() -> T) -> T {
        self.watch.change_any(change)
    }

    /// Changes a path of the world as the test.
    fn change<T>(&self, path: &str, change: impl FnOnce(&Path) -> T) -> T {
        let path = PathBuf::from(self.path(path));
        self.watch.change(&[&path], || change(&path))
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, path: &str) {
        self.change(path, |path| fs::create_dir_all(path).expect("the folder can be made"));
    }

    /// Writes a file and its folders.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        self.change(path, |path| {
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
            fs::write(path, text).expect("the file can be written");
        });
    }

    /// Renames a file, replacing another one, or a folder.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|path| PathBuf::from(self.path(path)));
        let rename = || fs::rename(&from, &to).expect("it can be renamed");
        if from.is_dir() {
            self.change_as_test(rename);
        } else {
            self.watch.change(&[&from, &to], rename);
        }
    }

    /// Deletes a folder with its contents.
    pub(crate) fn delete_folder(&self, path: &str) {
        self.change_as_test(|| fs::remove_dir_all(self.path(path)).expect("it can be deleted"));
    }

    /// Makes a symbolic link.
    #[cfg(unix)]
    pub(crate) fn link(&self, path: &str, target: &str) {
        let link = |path: &Path| std::os::unix::fs::symlink(target, path).expect("a link");
        self.change(path, link);
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("the file can be read")
    }

    /// Reads a file that may be missing.
    pub(crate) fn try_read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, path: &str) {
        self.change(path, |path| fs::remove_file(path).expect("the file can be deleted"));
    }

    /// Replaces an existing part of a file.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "`{path}` does not contain `{old}`:\n{text}");
        self.write(path, text.replacen(old, new, 1));
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Allows the cargo home of the user who runs the tests, and the network.
    pub(crate) fn use_crates_io(&mut self) {
        self.variables.remove("CARGO_HOME");
        self.set("SUPERCARGO_CACHE_DIR", &self.path("../cache"));
        let network = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "SSL_CERT_", "HOME"];
        for (name, value) in env::vars() {
            let is_proxy = name.to_lowercase().ends_with("_proxy");
            if is_proxy || network.iter().any(|start| name.starts_with(start)) {
                self.set(&name, &value);
            }
        }
    }

    /// The server's whole environment.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Waits until the cache has a complete entry of a kind, and returns all entries.
    pub(crate) fn kept(&self, kind: &str) -> Vec<PathBuf> {
        let folder = self.path(&format!("../home/.cache/supercargo/v1/{kind}"));
        let entries = || {
            let all = fs::read_dir(&folder).into_iter().flatten();
            let all = all.map(|entry| entry.expect("an entry").path());
            all.filter(|path| !path.to_string_lossy().contains("unfinished")).collect::<Vec<_>>()
        };
        let is_complete = |path: &PathBuf| fs::read(path).is_ok_and(|entry| entry.len() > 1000);
        super::wait_until("the cache has an entry", || entries().iter().any(is_complete));
        entries()
    }

    /// Replaces the paths of this world by placeholders.
    pub(crate) fn with_placeholders(&self, text: &str) -> String {
        text.replace(&self.path(""), "[work]").replace(self.root.as_str(), "[world]")
    }

    /// The paths in the folders for temporary files, the system's and that of the cache.
    pub(crate) fn temporary_files(&self) -> Vec<String> {
        let system = PathBuf::from(self.path("../temp"));
        let cache = PathBuf::from(self.path("../home/.cache/supercargo/v1/temporary"));
        let mut all = Vec::new();
        for root in [&system, &cache] {
            let mut folders = vec![root.clone()];
            while let Some(folder) = folders.pop() {
                let entries = fs::read_dir(&folder);
                assert!(entries.is_ok() || folder != system, "the folder can be read");
                for path in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
                    let name = path.strip_prefix(root).unwrap_or(&path);
                    all.push(name.to_string_lossy().into_owned());
                    folders.extend((path.is_dir() && !path.is_symlink()).then_some(path));
                }
            }
        }
        all
    }

    /// The ids of the processes of this world: they have its folders in their environment.
    #[cfg(target_os = "linux")]
    pub(crate) fn processes(&self) -> Vec<u32> {
        let inside = |id: &u32| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let mark = format!("HOME={}", self.path("../home"));
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let entries =
            fs::read_dir("/proc").expect("processes can be listed").filter_map(Result::ok);
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(inside).collect()
    }

    /// Not supported on other systems.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn processes(&self) -> Vec<u32> {
        Vec::new()
    }
}

/// The cargo that runs the tests.
pub(super) fn real_cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| env!("CARGO").to_owned())
}

/// `PATH` with the folder of the cargo that runs the tests first.
fn path_with_cargo() -> String {
    let cargo = PathBuf::from(real_cargo());
    let own = cargo.parent().expect("cargo is in a folder").to_owned();
    let machine = env::var_os("PATH").unwrap_or_default();
    let all = env::join_paths([own].into_iter().chain(env::split_paths(&machine)));
    all.expect("the folders of the path can be joined").to_string_lossy().into_owned()
}
