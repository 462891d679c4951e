//! A small world for each test: the user's files, a registry, an advisory database and a cargo
//! home of its own. The real program runs in it with nothing of the machine's environment but the
//! path to cargo and git.

mod fixture;
mod registry;
mod report;
#[path = "../support/untouched.rs"]
mod untouched;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use camino::Utf8PathBuf;

use untouched::{APART, Snapshot};

pub(crate) use registry::INDEX;
pub(crate) use report::{Finding, Report, Summary};

/// Where cargo-deny keeps the database that a policy names by default.
pub(crate) const DATABASE: &str = "../cargo/advisory-dbs/advisory-db-3157b0e258782691";

/// Where that one comes from.
pub(crate) const DATABASE_URL: &str = "https://github.com/RustSec/advisory-db";

/// How long a run over hostile files may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What a test sees of the world.
pub(crate) struct World {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    variables: BTreeMap<String, String>,
    /// Other paths that the program may write to.
    apart: Vec<String>,
}

/// What a run of the program left behind, its paths made the same on every machine.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// A world with the files, packages and advisories of a fixture (see [`fixture`]).
    pub(crate) fn new(fixture: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().canonicalize().expect("the temporary folder exists");
        let root = Utf8PathBuf::from_path_buf(root).expect("temporary folders are UTF-8");
        let mut world =
            Self { _folder: folder, root, variables: BTreeMap::new(), apart: Vec::new() };
        for name in ["work", "home", "temp", "vendor"] {
            world.folder(&format!("../{name}"));
        }
        world.set("HOME", &world.path("../home"));
        world.set("TMPDIR", &world.path("../temp"));
        world.set("CARGO_HOME", &world.path("../cargo"));
        world.set("PATH", &path_with_cargo());
        world.write("../cargo/config.toml", registry::replacement(&world.path("../vendor")));
        // A database without any advisory is none.
        world.with("#- advisory: RUSTSEC-2000-0001 unused: Nothing uses this").with(fixture)
    }

    /// The same world with more files, packages and advisories.
    pub(crate) fn with(self, fixture: &str) -> Self {
        fixture::lay_out(&self, fixture);
        self
    }

    /// A world whose workspace has a sound lockfile.
    pub(crate) fn locked(fixture: &str) -> Self {
        let world = Self::new(fixture);
        world.lock("");
        world
    }

    /// Lets cargo write the lockfile of the workspace in `folder`.
    pub(crate) fn lock(&self, folder: &str) {
        let output = self
            .command("cargo")
            .args(["generate-lockfile", "--quiet"])
            .current_dir(self.path(folder))
            .output()
            .expect("cargo runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo cannot lock the fixture: {words}");
    }

    /// The same in any folder, where cargo can.
    pub(crate) fn try_lock(&self, folder: &Path) {
        let mut command = self.command("cargo");
        command.args(["generate-lockfile", "--quiet", "--offline"]).current_dir(folder);
        let _ = output_within(LIMIT, &mut command);
    }

    /// Runs cargo in the user's folder, and writes what it prints to a file there.
    pub(crate) fn cargo_to_file(&self, arguments: &[&str], file: &str) {
        let mut command = self.command("cargo");
        let output = command.args(arguments).output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.write(file, output.stdout);
    }

    /// Runs `git` with a fixed author and date and no configuration of the machine.
    pub(crate) fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = self
            .command("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0"])
            .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, "1770000000 +0000")))
            .args(arguments)
            .current_dir(self.path(folder))
            .output()
            .expect("git runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Leaves cargo's index cache without anything.
    pub(crate) fn forget_index(&self) {
        fs::remove_dir_all(self.path(registry::INDEX)).expect("the index cache can be removed");
    }

    /// Makes a git repository of a folder, which is fetched where `url` is asked for.
    pub(crate) fn serve_git(&self, folder: &str, url: &str) {
        self.git(folder, &["init", "--quiet", "--initial-branch=main"]);
        self.git(folder, &["add", "."]);
        self.git(folder, &["commit", "--quiet", "--message=all"]);
        let configuration = self.path("../home/.gitconfig");
        let known = fs::read_to_string(&configuration).unwrap_or_default();
        let folder = self.path(folder);
        self.write(
            "../home/.gitconfig",
            format!("{known}[url \"file://{folder}\"]\n\tinsteadOf = {url}\n"),
        );
    }

    /// Puts the world's advisories where cargo-deny keeps them, as a clone that was brought up to
    /// date `age` ago.
    pub(crate) fn fetched_advisories(&self, age: Duration) {
        self.serve_git("../db", DATABASE_URL);
        self.folder("../cargo/advisory-dbs");
        self.git("", &["clone", "--quiet", DATABASE_URL, &self.path(DATABASE)]);
        self.write(&format!("{DATABASE}/.git/FETCH_HEAD"), "");
        let path = self.path(&format!("{DATABASE}/.git/FETCH_HEAD"));
        let file = fs::File::options().write(true).open(path).expect("the file was just written");
        file.set_modified(SystemTime::now() - age).expect("times of files can be set");
    }

    /// Lets the program find only these programs.
    #[cfg(unix)]
    pub(crate) fn only_on_path(&mut self, programs: &[&str]) {
        self.folder("../bin");
        let path = self.variables["PATH"].clone();
        for program in programs {
            let found = env::split_paths(&path).map(|folder| folder.join(program));
            let found = found.into_iter().find(|file| file.is_file()).expect("it is on the path");
            let link = self.path(&format!("../bin/{program}"));
            std::os::unix::fs::symlink(found, link).expect("a link can be made");
        }
        self.set("PATH", &self.path("../bin"));
    }

    /// Runs a script each time before `cargo metadata`.
    #[cfg(unix)]
    pub(crate) fn before_cargo(&mut self, script: &str) {
        let fake = format!(
            "#!/bin/sh\ncase \"$1\" in metadata)\n{script}\nesac\nunset CARGO\nexec cargo \"$@\"\n"
        );
        self.write("../fake/cargo", fake);
        self.make_executable("../fake/cargo");
        self.set("CARGO", &self.path("../fake/cargo"));
    }

    /// Lets a file be run as a program.
    #[cfg(unix)]
    pub(crate) fn make_executable(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755))
            .expect("the mode can be changed");
    }

    /// A path of the world; relative to the user's folder.
    pub(crate) fn path(&self, relative: &str) -> String {
        let (base, relative) = match relative.strip_prefix("../") {
            Some(outside) => (self.root.clone(), outside),
            None => (self.root.join("work"), relative),
        };
        if relative.is_empty() { base.into_string() } else { base.join(relative).into_string() }
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("the folder can be made");
    }

    /// Writes a file and the folders that it needs.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = Utf8PathBuf::from(self.path(path));
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
        fs::write(&path, text).expect("the file can be written");
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, path: &str) {
        fs::remove_file(self.path(path)).expect("the file can be deleted");
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("the file can be read")
    }

    /// Replaces a part of a file that has to be there.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "`{path}` does not hold `{old}`:\n{text}");
        self.write(path, text.replacen(old, new, 1));
    }

    /// Sets a variable of the program's environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// A variable of the program's environment.
    #[cfg(unix)]
    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    /// Puts a folder before all others on the path.
    #[cfg(unix)]
    pub(crate) fn first_on_path(&mut self, folder: &str) {
        let path = format!("{}:{}", self.path(folder), self.variable("PATH"));
        self.set("PATH", &path);
    }

    /// Runs `supercargo` in the user's folder with these words.
    ///
    /// Whatever they are, nothing may change in the user's folder and around it (bytes, inodes, times:
    /// see [`untouched`]) and no scratch copy may be left.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.untouched(|| self.run_unwatched(words))
    }

    /// Does something that may change nothing in this world but caches, and leave no scratch copy.
    pub(crate) fn untouched<T>(&self, action: impl FnOnce() -> T) -> T {
        let result = self.unchanged(action);
        self.assert_nothing_temporary();
        result
    }

    /// The same where a scratch copy may be left.
    pub(crate) fn unchanged<T>(&self, action: impl FnOnce() -> T) -> T {
        let before = self.snapshot();
        let result = action();
        before.assert_same("supercargo");
        result
    }

    /// The same for words that are meant to change files: only those that the run names, or as many
    /// manifests, lockfiles and policies as it counts.
    pub(crate) fn run_that_writes(&self, words: &[&str]) -> Run {
        let before = self.snapshot();
        let run = self.run_unwatched(words);
        self.assert_nothing_temporary();
        let mut files = Vec::new();
        let mut left_before = Vec::new();
        let mut others = before.differences();
        // What a run that was killed has left is deleted by the next one that writes.
        others.retain(|difference| {
            let name = difference.path.file_name().and_then(|name| name.to_str());
            let is_left = name.is_some_and(|name| name.starts_with(".supercargo-"));
            let is_deleted = is_left && !difference.path.exists();
            left_before.extend(is_deleted.then(|| difference.path.clone()));
            !is_deleted
        });
        // It may have been another name of a file.
        others.retain(|difference| left_before.is_empty() || !difference.is_only_other_names);
        others.retain(|difference| {
            let path = &difference.path;
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_ours =
                path.is_file() && ["Cargo.toml", "Cargo.lock", "deny.toml"].contains(&name);
            files.extend(is_ours.then(|| path.clone()));
            !is_ours
        });
        // A file that takes another one's place changes the time of its folder.
        others.retain(|difference| {
            let mut changed = files.iter().chain(&left_before);
            let is_around = changed.any(|file| file.parent() == Some(&difference.path));
            !(difference.is_only_time_of_folder && is_around)
        });
        let others: Vec<_> = others.iter().map(ToString::to_string).collect();
        assert!(others.is_empty(), "not only files that are named changed: {}", others.join("\n"));
        run.assert_reports_all(
            &files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
        );
        run
    }

    /// Lets the program write to a path of the world.
    pub(crate) fn let_write(&mut self, path: &str) {
        let inside = self.path(path)[self.root.as_str().len()..].trim_start_matches('/').to_owned();
        self.apart.push(inside);
    }

    fn snapshot(&self) -> Snapshot {
        let own = self.apart.iter().map(String::as_str);
        Snapshot::of(self.root.as_std_path(), &APART.into_iter().chain(own).collect::<Vec<_>>())
    }

    fn assert_nothing_temporary(&self) {
        let left = fs::read_dir(self.path("../temp")).expect("the folder can be read").flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert!(left.is_empty(), "supercargo left in the temporary folder: {left:?}");
    }

    /// The same where something else may write to the temporary folder meanwhile.
    #[cfg(unix)]
    pub(crate) fn run_that_writes_anywhere(&self, words: &[&str]) -> Run {
        self.run_unwatched(words)
    }

    /// Runs a program in this folder, in the environment of `supercargo`.
    pub(crate) fn run_program(&self, program: &str, folder: &str, words: &[&str]) -> Run {
        self.unchanged(|| {
            let mut command = self.command(program);
            let output = command.args(words).current_dir(folder).output().expect("it runs");
            self.tidied(&output)
        })
    }

    /// `supercargo` in the user's folder with these words, not started yet.
    #[cfg(target_os = "linux")]
    pub(crate) fn program(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_supercargo"));
        command.args(words);
        command
    }

    /// Starts `supercargo` in the user's folder with these words, its output thrown away.
    #[cfg(target_os = "linux")]
    pub(crate) fn start(&self, words: &[&str]) -> std::process::Child {
        let nothing = std::process::Stdio::null;
        let mut command = self.command(env!("CARGO_BIN_EXE_supercargo"));
        command.args(words).stdin(nothing()).stdout(nothing()).stderr(nothing());
        command.spawn().expect("supercargo starts")
    }

    /// The same through a shell, which has prepared something first: `"$0"` is the program.
    #[cfg(unix)]
    pub(crate) fn run_in_shell(&self, script: &str) -> Run {
        let mut command = self.command("/bin/sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_supercargo")]);
        self.tidied(&self.unchanged(|| command.output().expect("a shell runs")))
    }

    /// [`Self::run`], which has to end by itself before long.
    pub(crate) fn run_within_limit(&self, words: &[&str]) -> Run {
        self.untouched(|| {
            let mut command = self.command(env!("CARGO_BIN_EXE_supercargo"));
            let output = output_within(LIMIT, command.args(words));
            self.tidied(&output.unwrap_or_else(|| panic!("{words:?} does not end")))
        })
    }

    fn run_unwatched(&self, words: &[&str]) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_supercargo"));
        let output = command.args(words).output().expect("supercargo runs");
        self.tidied(&output)
    }

    /// Runs one of these tests in a process of its own, in the world's environment and with the
    /// variable `SUPERCARGO_IN_WORLD` set, and gives what it prints in lines that begin with `| `.
    pub(crate) fn run_test(&self, name: &str) -> String {
        let test = env::current_exe().expect("a test has a program");
        let mut command = self.command(&test.to_string_lossy());
        command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
        let output = command.env("SUPERCARGO_IN_WORLD", self.path("")).output().expect("it runs");
        let run = self.tidied(&output);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let lines = run.stdout.lines().filter_map(|line| line.split_once("| "));
        let lines: Vec<_> = lines.map(|(_, line)| line).chain([""]).collect();
        lines.join("\n")
    }

    /// Runs `supercargo check` offline over the world's own advisories, words separated by blanks.
    pub(crate) fn human(&self, words: &str) -> Run {
        let db = self.path("../db");
        let mut all = vec!["check", "--offline", "--db", &db];
        all.extend(words.split_whitespace());
        self.run(&all)
    }

    /// The same, its findings read from `--format json`.
    pub(crate) fn check(&self, words: &str) -> Report {
        let run = self.human(&format!("--format json {words}"));
        assert_eq!(run.stderr, "", "a successful run prints nothing else");
        self.understood(run)
    }

    /// Runs `supercargo check` with these words and reads its findings.
    pub(crate) fn report(&self, words: &[&str]) -> Report {
        self.understood(self.run(&[&["check", "--format", "json"], words].concat()))
    }

    /// The findings of a run with `--format json`, without reading the files that it speaks of: they may
    /// have no end.
    pub(crate) fn read_again(run: Run) -> Report {
        Report::of(run, |_| String::new())
    }

    fn understood(&self, run: Run) -> Report {
        let text = |path: String| fs::read_to_string(path).unwrap_or_default();
        // A pipe has no end.
        let is_file = |path: &String| Path::new(path).is_file();
        Report::of(run, |file| Some(self.real(file)).filter(is_file).map(text).unwrap_or_default())
    }

    /// Runs the program with the cargo home of the user who runs the tests and with the network: for
    /// fixtures whose packages come from crates.io. `folder` is watched as the user's.
    pub(crate) fn run_on_crates_io(&mut self, folder: &str, words: &[&str]) -> Report {
        self.use_crates_io();
        let before = Snapshot::of(folder.as_ref(), &[]);
        let run = self.untouched(|| self.run_unwatched(words));
        before.assert_same("supercargo");
        self.understood(run)
    }

    /// Lets the program use the cargo home of the user who runs the tests, and the network.
    pub(crate) fn use_crates_io(&mut self) {
        self.variables.remove("CARGO_HOME");
        self.set("SUPERCARGO_CACHE_DIR", &self.path("../cache"));
        let network = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "SSL_CERT_", "HOME"];
        for (name, value) in env::vars() {
            let proxy = name.to_lowercase().ends_with("_proxy");
            if proxy || network.iter().any(|start| name.starts_with(start)) {
                self.set(&name, &value);
            }
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.path(""));
        command
    }

    fn tidied(&self, output: &Output) -> Run {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
            let inside = text.replace(&self.path(""), "[work]");
            inside.replace(self.root.as_str(), "[world]").replace(&repository(), "[repository]")
        };
        Run {
            code: output.status.code().expect("the program ends by itself"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The real path of a tidied one.
    fn real(&self, tidied: &str) -> String {
        let inside = tidied.replace("[work]", &self.path(""));
        inside.replace("[world]", self.root.as_str()).replace("[repository]", &repository())
    }
}

impl Run {
    /// Asserts that the output reports exactly these files as changed: by name in the summaries of `--format json`, else by
    /// number.
    fn assert_reports_all(&self, files: &[impl AsRef<str>]) {
        let mut named = Vec::new();
        let mut counted = 0;
        for line in self.stdout.lines() {
            let created = line.strip_prefix("created ").and_then(|rest| rest.split_once(" for "));
            if let Some((name, _)) = created {
                named.push(name.to_owned());
            }
            let words: Vec<_> = line.split_whitespace().collect();
            if let [count, "file" | "files", "changed;", ..] = words[..] {
                counted += count.parse::<usize>().expect("a number of files");
            }
            let Ok(record) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            if record["type"] == "summary" && record["written"] == true {
                let all = record["files"].as_array().into_iter().flatten();
                named.extend(all.filter_map(|name| name.as_str().map(str::to_owned)));
            }
        }
        assert_eq!(
            named.len() + counted,
            files.len(),
            "{named:?}, {counted} others: {}",
            self.stdout
        );
        for name in named {
            let end = name.replace("[work]/", "").replace("[world]/", "");
            let is_there = files.iter().any(|file| file.as_ref().ends_with(&end));
            assert!(is_there, "`{name}` is said to be written but did not change");
        }
    }
}

/// What a program writes; `None`, and its end, when it takes longer.
fn output_within(limit: Duration, command: &mut Command) -> Option<Output> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let read = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            bytes
        })
    };
    let stdout = read(Box::new(child.stdout.take().expect("a pipe")));
    let stderr = read(Box::new(child.stderr.take().expect("a pipe")));
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let [stdout, stderr] = [stdout, stderr].map(|thread| thread.join().expect("no panic"));
    Some(Output { status, stdout, stderr })
}

/// The cargo-deny that the tests install; `None` where it is not.
#[expect(clippy::print_stderr, reason = "a skipped part of a test is reported")]
pub(crate) fn real_cargo_deny() -> Option<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/cargo-deny");
    if program.is_file() {
        return program.to_str().map(str::to_owned);
    }
    assert!(env::var_os("CI").is_none(), "cargo-deny is not installed");
    eprintln!("skipped cargo-deny: it is not installed in target/tools");
    None
}

/// Where the project's own files are.
pub(crate) fn repository() -> String {
    env!("CARGO_MANIFEST_DIR").to_owned()
}

/// The folder of the cargo that runs the tests, and whatever the machine has.
fn path_with_cargo() -> String {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from(env!("CARGO")), PathBuf::from);
    let own = cargo.parent().expect("cargo is in a folder").to_owned();
    let machine = env::var_os("PATH").unwrap_or_default();
    let all = env::join_paths([own].into_iter().chain(env::split_paths(&machine)));
    all.expect("the folders of the path can be joined").to_string_lossy().into_owned()
}
