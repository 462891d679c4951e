//! Malicious workspaces: links, paths that climb out, vendored sources, patches,
//! odd license files, targets anywhere, broken lockfiles, databases inside the workspace.
//!
//! A [`Workspace`] is a seed and [`Part`]s. Each part has a seed of its own and is understood without
//! the others, so that a failing workspace can be shortened by leaving parts out. It is laid out in a
//! case folder: `ws/` is what is checked, `outside/` is what hostile paths lead to.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::dice::Dice;

/// The packages and advisories that the workspaces use, in the language of fixtures.
pub(crate) const REGISTRY: &str = "
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: cookie 0.18.1 -> time 0.3
#- crate: plain 1.5.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2024-0436 plain unmaintained: No longer maintained
";

/// Begins the name of every file that a path asks for far above the workspace.
fn escaped() -> String {
    format!("supercargo-escaped-{}-", std::process::id())
}

/// The folder that cargo-deny keeps the default database in.
const DATABASE: &str = "advisory-db-3157b0e258782691";

/// How many workspaces a test makes: `SUPERCARGO_WORKSPACES`, or fewer.
pub(crate) fn number_of_workspaces(otherwise: u64) -> u64 {
    env::var("SUPERCARGO_WORKSPACES").map_or(otherwise, |number| number.parse().expect("a number"))
}

/// The seed of the first workspace: `SUPERCARGO_SEED`, or this one.
pub(crate) fn first_seed(otherwise: u64) -> u64 {
    env::var("SUPERCARGO_SEED").map_or(otherwise, |number| number.parse().expect("a number"))
}

/// A generated workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) seed: u64,
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    kind: Kind,
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// More members, also outside and in the folder of vendored sources.
    Member,
    /// Patterns of members that climb, loop or are nested.
    Glob,
    /// A folder of sources in place of crates.io.
    Vendored,
    /// A registry of files in place of crates.io.
    LocalRegistry,
    PathDependency,
    Patch,
    LicenseFile,
    /// `[lib]`, `[[bin]]`, `build` and others with a path.
    Target,
    Readme,
    /// `package.workspace`.
    Pointer,
    /// A link in place of something that is read.
    Link,
    LockFile,
    /// Where advisories are kept.
    Database,
    /// License files and exceptions that the policy names.
    Policy,
    NestedGit,
    CargoConfig,
}

const KINDS: [Kind; 16] = [
    Kind::Member,
    Kind::Glob,
    Kind::Vendored,
    Kind::LocalRegistry,
    Kind::PathDependency,
    Kind::Patch,
    Kind::LicenseFile,
    Kind::Target,
    Kind::Readme,
    Kind::Pointer,
    Kind::Link,
    Kind::LockFile,
    Kind::Database,
    Kind::Policy,
    Kind::NestedGit,
    Kind::CargoConfig,
];

#[derive(Clone, Debug)]
enum Entry {
    File(Vec<u8>),
    Link(String),
    Folder,
    Pipe,
}

/// What a workspace consists of, by paths relative to its case folder.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    entries: BTreeMap<String, Entry>,
    root: Manifest,
    /// The member `crates/a`.
    member: Manifest,
    config: Vec<String>,
    /// The lines of each section of the policy.
    policy: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    /// Where the packages of the registry are copied to.
    vendored: Vec<String>,
    lock: Lock,
}

/// What is at `ws/Cargo.lock`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Lock {
    /// What cargo writes, where it can.
    #[default]
    UpToDate,
    Entry,
    /// What cargo wrote before a dependency was added.
    Stale,
    Missing,
}

#[derive(Debug, Default)]
struct Manifest {
    package: BTreeMap<&'static str, String>,
    members: Vec<String>,
    dependencies: BTreeMap<&'static str, String>,
    patches: BTreeMap<&'static str, String>,
    targets: Vec<String>,
}

impl Workspace {
    /// The workspace of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let count = 1 + dice.roll(6);
        let parts = (0..count).map(|_| Part { kind: *dice.pick(&KINDS), seed: dice.number() });
        Self { seed, parts: parts.collect() }
    }

    /// The same with fewer parts that still fails, found by leaving out one after the other.
    pub(crate) fn shortened(&self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut shortest = self.clone();
        let mut at = 0;
        while at < shortest.parts.len() {
            let mut shorter = shortest.clone();
            shorter.parts.remove(at);
            if fails(&shorter) {
                shortest = shorter;
            } else {
                at += 1;
            }
        }
        shortest
    }

    /// Everything that it consists of. `case` is the absolute path of its case folder.
    pub(crate) fn layout(&self, case: &str) -> Layout {
        let mut layout = Layout::default();
        layout.base();
        for part in &self.parts {
            layout.add(part.kind, case, self.seed, &mut Dice(part.seed));
        }
        layout
    }
}

impl Layout {
    fn base(&mut self) {
        for (path, text) in [
            (
                "outside/Cargo.toml",
                "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\n[dependencies]\ntime = \"0.3.44\"\n",
            ),
            ("outside/src/lib.rs", "// outside\n"),
            ("outside/src/main.rs", "fn main() {}\n"),
            ("outside/precious.rs", "fn main() {} // precious\n"),
            ("outside/LICENSE", "All of this is precious.\n"),
            ("outside/Cargo.lock", "# precious\nversion = 4\n"),
            ("outside/deny.toml", "[licenses]\nallow = [\"MIT\"] # precious\n"),
            ("outside/notes", "uncommitted work\n"),
            ("outside/.cargo/config.toml", "[term]\nquiet = true\n"),
            (
                "outside/nested/Cargo.toml",
                "[package]\nname = \"nested\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            ),
            ("outside/nested/src/lib.rs", ""),
            ("ws/src/lib.rs", "// ours\n"),
            ("ws/crates/a/src/lib.rs", "// a\n"),
            ("ws/LICENSE", "Permission is hereby granted.\n"),
        ] {
            self.file(path, text);
        }
        for (manifest, name) in [(&mut self.root, "app"), (&mut self.member, "a")] {
            manifest.package = BTreeMap::from([
                ("name", quoted(name)),
                ("version", quoted("0.1.0")),
                ("edition", quoted("2021")),
                ("license", quoted("MIT")),
            ]);
        }
        self.root.members.push("crates/a".to_owned());
        self.root.dependencies.insert("cookie", quoted("0.18"));
        // Something to fix, so that fixes are proved.
        self.root.dependencies.insert("time", quoted("=0.3.44"));
        self.member.dependencies.insert("plain", quoted("1.5"));
        self.rule("licenses", "allow", "[\"MIT\", \"Zlib\"]");
    }

    fn add(&mut self, kind: Kind, case: &str, seed: u64, dice: &mut Dice) {
        match kind {
            Kind::Member => self.more_members(dice),
            Kind::Glob => {
                let nested = format!("{}x{}", "{".repeat(200), "}".repeat(200));
                let globs = [
                    "crates/*",
                    "../outside/*",
                    "../../*/*",
                    "../../../*/*/*/*",
                    "*",
                    "**",
                    "crates/**",
                    "loop/*",
                    "{crates,../outside}/*",
                    "[",
                    "cr?tes/a",
                    &nested,
                ];
                self.root.members.push((*dice.pick(&globs)).to_owned());
                self.link("ws/loop", ".");
            }
            Kind::Vendored => self.vendor(case, dice),
            Kind::LocalRegistry => {
                let folder = *dice.pick(&["registry", "../outside/registry", "link-out"]);
                self.config.push(format!(
                    "[source.crates-io]\nreplace-with = \"l\"\n[source.l]\nlocal-registry = \"{folder}\"\n"
                ));
                self.file("ws/registry/index/ti/me/time", "{\"name\":\"time\",\"vers\":\"0.3.44\",\"deps\":[],\"cksum\":\"00\",\"features\":{},\"yanked\":false}\n");
                self.file("ws/registry/time-0.3.44.crate", "no archive\n");
                self.link("ws/link-out", "../outside");
            }
            Kind::PathDependency => {
                let path = self.folder_path(case, dice);
                let name = *dice.pick(&["outside", "nested", "mine"]);
                let value = format!("{{ path = {} }}", quoted(&path));
                self.either(dice).dependencies.insert(name, value);
            }
            Kind::Patch => {
                let path = self.folder_path(case, dice);
                let name = *dice.pick(&["time", "plain"]);
                self.root.patches.insert(name, format!("{{ path = {} }}", quoted(&path)));
                for folder in ["ws/patched", "outside/patched"] {
                    let version = if name == "time" { "0.3.44" } else { "1.5.0" };
                    self.package(folder, name, &format!("version = \"{version}\"\n"));
                }
            }
            Kind::LicenseFile => {
                let path = self.file_path(case, seed, dice);
                let manifest = self.either(dice);
                manifest.package.insert("license-file", quoted(&path));
                if dice.once_in(2) {
                    manifest.package.remove("license");
                }
            }
            Kind::Target => {
                let path = quoted(&self.file_path(case, seed, dice));
                let number = dice.roll(1000);
                let manifest = self.either(dice);
                match dice.roll(4) {
                    0 => manifest.targets.push(format!("[lib]\npath = {path}\n")),
                    1 => drop(manifest.package.insert("build", path)),
                    2 => manifest
                        .targets
                        .push(format!("[[bin]]\nname = \"b{number}\"\npath = {path}\n")),
                    _ => {
                        let kind = *dice.pick(&["example", "test", "bench"]);
                        manifest
                            .targets
                            .push(format!("[[{kind}]]\nname = \"t{number}\"\npath = {path}\n"));
                    }
                }
            }
            Kind::Readme => {
                let path = self.file_path(case, seed, dice);
                self.either(dice).package.insert("readme", quoted(&path));
            }
            Kind::Pointer => {
                let path = *dice.pick(&["../..", "../../../outside", ".", "../../..", "nowhere"]);
                self.member.package.insert("workspace", quoted(path));
            }
            Kind::Link => self.odd_link(dice),
            Kind::LockFile => self.lockfile(dice),
            Kind::Database => self.database(case, dice),
            Kind::Policy => self.odd_policy(case, seed, dice),
            Kind::NestedGit => self.nested_git(dice),
            Kind::CargoConfig => {
                let lines = [
                    "[build]\ntarget-dir = \"../outside/target\"\n",
                    "[build]\ntarget-dir = \"link-out/target\"\n",
                    "paths = [\"../outside\"]\n",
                    "[build]\ntarget = \"wasm32-unknown-unknown\"\n",
                    "[net]\noffline = false\n",
                    "[term]\nverbose = true\n",
                    "broken = \n",
                    "[http]\ncainfo = \"../outside/notes\"\n",
                    "[build]\ndep-info-basedir = \"../outside\"\nbuild-dir = \"../outside/build\"\n",
                    "[env]\nHOME = \"../outside\"\n",
                    "[install]\nroot = \"../outside\"\n",
                    "[cache]\nauto-clean-frequency = \"always\"\n",
                ];
                self.link("ws/link-out", "../outside");
                self.config.push((*dice.pick(&lines)).to_owned());
            }
        }
    }

    fn more_members(&mut self, dice: &mut Dice) {
        let folder = *dice.pick(&[
            "crates/b",
            "third_party/mine",
            "vendor/mine",
            "../outside/nested",
            "crates/a/../c",
            "./d",
            "link-out/nested",
            "crates/a/inner",
        ]);
        self.link("ws/link-out", "../outside");
        self.root.members.push(folder.to_owned());
        if !folder.contains("outside") && !folder.contains("link") {
            let folder = format!("ws/{}", folder.replace("a/../", "").replace("./", ""));
            self.package(&folder, "mine", "version = \"0.1.0\"\n");
        }
    }

    fn vendor(&mut self, case: &str, dice: &mut Dice) {
        let (folder, at) = match dice.roll(5) {
            0 => ("third_party".to_owned(), "ws/third_party"),
            1 => ("vendor".to_owned(), "ws/vendor"),
            2 => ("../outside/vendor".to_owned(), "outside/vendor"),
            3 => (format!("{case}/ws/vendor"), "ws/vendor"),
            _ => {
                self.link("ws/sources", "../outside/vendor");
                ("sources".to_owned(), "outside/vendor")
            }
        };
        self.vendored.push(at.to_owned());
        self.config.push(format!(
            "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = {}\n",
            quoted(&folder)
        ));
        if dice.once_in(2) {
            self.package(&format!("{at}/mine"), "mine", "version = \"0.1.0\"\n");
            self.root.members.push(format!("{folder}/mine"));
        }
        if dice.once_in(3) {
            let path = quoted(&format!("{folder}/time-0.3.44"));
            self.root.patches.insert("time", format!("{{ path = {path} }}"));
        }
    }

    fn odd_link(&mut self, dice: &mut Dice) {
        let links = [
            ("ws/Cargo.lock", "../outside/Cargo.lock"),
            ("ws/crates/a/Cargo.toml", "../../../outside/Cargo.toml"),
            ("ws/crates/a/src", "../../../outside/src"),
            ("ws/src", "../outside/src"),
            ("ws/deny.toml", "../outside/deny.toml"),
            ("ws/.cargo", "../outside/.cargo"),
            ("ws/crates/again", ".."),
            ("ws/crates/self", "self"),
            ("ws/target", "../outside"),
            ("ws/LICENSE", "../outside/LICENSE"),
            ("ws/LICENSE", "nowhere"),
            ("ws/LICENSE-MIT", "Cargo.lock"),
            ("ws/crates/a/LICENSE", "../../Cargo.toml"),
            ("ws/Cargo.lock", "../outside/not-there"),
            ("ws/crates/b", "../../outside/nested"),
        ];
        let (path, target) = *dice.pick(&links);
        if path == "ws/Cargo.lock" {
            self.lock = Lock::Entry;
        }
        if path == "ws/crates/b" {
            self.root.members.push("crates/b".to_owned());
        }
        self.entries.insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    fn lockfile(&mut self, dice: &mut Dice) {
        let entry = match dice.roll(8) {
            0 => None,
            1 => Some(Entry::File(b"version = 4\n<<<<<<< HEAD\n".to_vec())),
            2 => Some(Entry::Folder),
            3 => Some(Entry::Pipe),
            4 => Some(Entry::File(vec![0xff, 0xfe, 0])),
            5 => Some(Entry::File(
                b"version = 4\n\n[[package]]\nname = \"app\"\nversion = \"9.0.0\"\n".to_vec(),
            )),
            _ => {
                self.lock = Lock::Stale;
                return;
            }
        };
        self.lock = if entry.is_some() { Lock::Entry } else { Lock::Missing };
        if let Some(entry) = entry {
            self.entries.insert("ws/Cargo.lock".to_owned(), entry);
        }
    }

    fn database(&mut self, case: &str, dice: &mut Dice) {
        let outside = format!("{case}/outside");
        let path =
            *dice.pick(&[".", "db", "../outside", "link-out", "./crates/..", outside.as_str()]);
        self.rule("advisories", "db-path", &quoted(path));
        self.link("ws/link-out", "../outside");
        let target = *dice.pick(&[".", "../outside", "nowhere", ".."]);
        for folder in ["ws", "ws/db", "outside"] {
            if dice.once_in(2) {
                self.link(&format!("{folder}/{DATABASE}"), target);
            }
        }
        if dice.once_in(2) {
            self.nested_git(dice);
        }
        if dice.once_in(3) {
            self.link("ws/db.lock", "../outside/locked");
            self.link("ws/db/db.lock", "../../outside/locked");
        }
    }

    fn odd_policy(&mut self, case: &str, seed: u64, dice: &mut Dice) {
        match dice.roll(4) {
            0 => {
                let path = quoted(&self.file_path(case, seed, dice));
                let clarify = format!(
                    "[{{ crate = \"time\", expression = \"MIT\", license-files = [{{ path = {path}, hash = 0 }}] }}]"
                );
                self.rule("licenses", "clarify", &clarify);
            }
            1 => self.link("ws/deny.exceptions.toml", "../outside/notes"),
            2 => self.file("ws/crates/a/deny.toml", "[bans]\nmultiple-versions = \"deny\"\n"),
            _ => {
                let path = quoted(&self.file_path(case, seed, dice));
                let bypass = format!(
                    "{{ executables = \"deny\", bypass = [{{ crate = \"time\", allow = [{{ path = {path} }}] }}] }}"
                );
                self.rule("bans", "build", &bypass);
            }
        }
    }

    fn nested_git(&mut self, dice: &mut Dice) {
        let folder = *dice.pick(&["ws", "ws/crates/a", "ws/db", "outside"]);
        if dice.once_in(4) {
            self.file(&format!("{folder}/.git"), "gitdir: ../outside/.git\n");
            return;
        }
        self.file(&format!("{folder}/.git/HEAD"), "ref: refs/heads/main\n");
        self.file(
            &format!("{folder}/.git/config"),
            "[core]\nrepositoryformatversion = 0\nbare = false\nfsmonitor = \"touch ran-fsmonitor\"\n\
             [remote \"origin\"]\nurl = \"ext::touch ran-remote\"\nfetch = +refs/heads/*:refs/remotes/origin/*\n",
        );
        self.file(&format!("{folder}/.git/refs/heads/.keep"), "");
        self.file(&format!("{folder}/.git/objects/.keep"), "");
        self.file(&format!("{folder}/.git/FETCH_HEAD"), "");
    }

    /// A path of a file as a manifest or a policy may name it, and what has to be there for that.
    fn file_path(&mut self, case: &str, seed: u64, dice: &mut Dice) -> String {
        let up = "../".repeat(1 + dice.roll(9));
        match dice.roll(22) {
            0 => "../outside/precious.rs".to_owned(),
            1 => "../../../outside/precious.rs".to_owned(),
            2 => "../outside/LICENSE".to_owned(),
            3 => "../../../outside/Cargo.toml".to_owned(),
            4 => "../outside/Cargo.lock".to_owned(),
            5 => "../outside/new/deep/file.rs".to_owned(),
            6 => "src/../../outside/created.rs".to_owned(),
            7 => format!("{case}/outside/precious.rs"),
            8 => format!("{case}/outside/not-there"),
            9 => {
                self.link("ws/link-out", "../outside");
                "link-out/precious.rs".to_owned()
            }
            10 => {
                self.link("ws/link-file", "../outside/precious.rs");
                "link-file".to_owned()
            }
            11 => "Cargo.lock".to_owned(),
            12 => "../../Cargo.lock".to_owned(),
            13 => "Cargo.toml".to_owned(),
            14 => "crates/a/Cargo.toml".to_owned(),
            15 => "../../Cargo.toml".to_owned(),
            16 => {
                self.entries.insert("ws/pipe".to_owned(), Entry::Pipe);
                "pipe".to_owned()
            }
            17 => (*dice.pick(&[".", "src", "", "src/"])).to_owned(),
            18 => "deny.toml".to_owned(),
            _ => format!("{up}{}{seed}/{}", escaped(), dice.roll(3)),
        }
    }

    /// The same of a folder with a package.
    fn folder_path(&mut self, case: &str, dice: &mut Dice) -> String {
        match dice.roll(11) {
            0 => "../outside".to_owned(),
            1 => "../../../outside".to_owned(),
            2 => "../outside/nested".to_owned(),
            3 => format!("{case}/outside"),
            4 => {
                self.link("ws/link-out", "../outside");
                "link-out/nested".to_owned()
            }
            5 => {
                self.package("ws/third_party/mine", "mine", "version = \"0.1.0\"\n");
                "third_party/mine".to_owned()
            }
            6 => "patched".to_owned(),
            7 => "../outside/patched".to_owned(),
            8 => "crates/a/../../../outside".to_owned(),
            9 => format!("{}nowhere", "../".repeat(dice.roll(9))),
            _ => ".".to_owned(),
        }
    }

    fn package(&mut self, folder: &str, name: &str, more: &str) {
        self.file(
            &format!("{folder}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nedition = \"2021\"\nlicense = \"MIT\"\n{more}\n[dependencies]\n{}",
                if name == "time" { "" } else { "time = \"0.3.44\"\n" }
            ),
        );
        self.file(&format!("{folder}/src/lib.rs"), "");
    }

    fn either(&mut self, dice: &mut Dice) -> &mut Manifest {
        if dice.once_in(2) { &mut self.root } else { &mut self.member }
    }

    fn rule(&mut self, section: &'static str, key: &'static str, value: &str) {
        self.policy.entry(section).or_default().insert(key, value.to_owned());
    }

    fn file(&mut self, path: &str, text: &str) {
        self.entries.insert(path.to_owned(), Entry::File(text.as_bytes().to_vec()));
    }

    fn link(&mut self, path: &str, target: &str) {
        self.entries.insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    /// Writes everything below the case folder, which is made. `vendor` has the packages of the
    /// registry, `lock` lets cargo write the lockfile of the folder, if it can.
    pub(crate) fn write(&self, case: &Path, vendor: &Path, lock: &dyn Fn(&Path)) {
        let text = |manifest: &Manifest, is_root| manifest.text(is_root).into_bytes();
        let mut entries = self.entries.clone();
        let mut generated = vec![
            ("ws/Cargo.toml", text(&self.root, true)),
            ("ws/crates/a/Cargo.toml", text(&self.member, false)),
            ("ws/deny.toml", self.policy_text().into_bytes()),
        ];
        if !self.config.is_empty() {
            generated.push(("ws/.cargo/config.toml", self.config.concat().into_bytes()));
        }
        for (path, bytes) in generated {
            entries.entry(path.to_owned()).or_insert(Entry::File(bytes));
        }
        // Links last: what they replace is not written through them.
        let is_link = |entry: &&(&String, &Entry)| matches!(entry.1, Entry::Link(_));
        let all: Vec<_> = entries.iter().collect();
        for (path, entry) in all.iter().filter(|entry| !is_link(entry)) {
            entry.put(&case.join(path));
        }
        for folder in &self.vendored {
            copy(vendor, &case.join(folder));
        }
        let locked = case.join("ws/Cargo.lock");
        if matches!(self.lock, Lock::UpToDate | Lock::Stale) {
            lock(&case.join("ws"));
        }
        for (path, entry) in all.iter().filter(is_link) {
            entry.put(&case.join(path));
        }
        match self.lock {
            Lock::Missing => drop(fs::remove_file(locked)),
            // A pipe in its place has no end.
            Lock::Stale if locked.is_file() => {
                let text = fs::read_to_string(&locked).unwrap_or_default();
                let _ = fs::write(&locked, text.replace("\"0.18.1\"", "\"0.18.0\""));
            }
            Lock::UpToDate | Lock::Stale | Lock::Entry => {}
        }
    }

    fn policy_text(&self) -> String {
        let mut text = String::new();
        for (section, rules) in &self.policy {
            let _ = writeln!(text, "[{section}]");
            for (key, value) in rules {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        text
    }
}

impl Manifest {
    fn text(&self, is_root: bool) -> String {
        let mut text = "[package]\n".to_owned();
        let lines = |lines: &BTreeMap<&str, String>, text: &mut String| {
            for (key, value) in lines {
                let _ = writeln!(text, "{key} = {value}");
            }
        };
        lines(&self.package, &mut text);
        if is_root {
            let members: Vec<_> = self.members.iter().map(|member| quoted(member)).collect();
            let _ = write!(
                text,
                "\n[workspace]\nmembers = [{}]\nresolver = \"2\"\n",
                members.join(", ")
            );
        }
        text.push_str("\n[dependencies]\n");
        lines(&self.dependencies, &mut text);
        if !self.patches.is_empty() {
            text.push_str("\n[patch.crates-io]\n");
            lines(&self.patches, &mut text);
        }
        let lib = self.targets.iter().rfind(|target| target.starts_with("[lib]"));
        let others = self.targets.iter().filter(|target| !target.starts_with("[lib]"));
        for target in others.chain(lib) {
            let _ = write!(text, "\n{target}");
        }
        text
    }
}

impl Entry {
    /// Puts it there, where that is possible.
    fn put(&self, path: &Path) {
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        match self {
            Self::File(bytes) => drop(fs::write(path, bytes)),
            Self::Folder => drop(fs::create_dir_all(path)),
            Self::Link(target) => {
                let _ = fs::remove_file(path);
                let _ = fs::remove_dir_all(path);
                link(target, path);
            }
            Self::Pipe => {
                let _ = std::process::Command::new("mkfifo").arg(path).status();
            }
        }
    }
}

#[cfg(unix)]
fn link(target: &str, path: &Path) {
    let _ = std::os::unix::fs::symlink(target, path);
}

/// On other systems, links may need rights that the user does not have.
#[cfg(not(unix))]
fn link(_: &str, _: &Path) {}

fn copy(from: &Path, to: &Path) {
    let _ = fs::create_dir_all(to);
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            let _ = fs::copy(entry.path(), target);
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\"))
}

/// Runs it; a panic is an error with its words.
pub(crate) fn attempt(what: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&words| words.to_owned()));
        words.unwrap_or_else(|| "a panic".to_owned())
    })
}

/// Goes through workspaces, several at a time. What fails is tried alone and shortened, and its
/// seed and files are printed.
pub(crate) fn go_through(first_seed: u64, count: u64, together: u64, go: impl Fn(&[Workspace])) {
    let mut seed = first_seed;
    while seed < first_seed + count {
        let until = (seed + together).min(first_seed + count);
        let workspaces: Vec<_> = (seed..until).map(Workspace::of).collect();
        if let Err(all) = attempt(|| go(&workspaces)) {
            let alone = |one: &Workspace| attempt(|| go(std::slice::from_ref(one))).err();
            let failing = workspaces.iter().find(|one| alone(one).is_some());
            let Some(failing) = failing else {
                panic!("workspaces {seed}..{until} fail together, none of them alone: {all}");
            };
            let shortest = failing.shortened(|one| alone(one).is_some());
            let why = alone(&shortest).unwrap_or_else(|| "not once more".to_owned());
            let layout = shortest.layout("CASE");
            panic!(
                "SUPERCARGO_SEED={} fails with the parts {:?}: {why}\n\
                 --- Cargo.toml\n{}--- crates/a/Cargo.toml\n{}--- deny.toml\n{}--- .cargo/config.toml\n{}--- {:?}, {:?}",
                failing.seed,
                shortest.parts.iter().map(|part| part.kind).collect::<Vec<_>>(),
                layout.root.text(true),
                layout.member.text(false),
                layout.policy_text(),
                layout.config.concat(),
                layout.lock,
                layout
                    .entries
                    .iter()
                    .filter(|(_, entry)| !matches!(entry, Entry::File(_)))
                    .collect::<Vec<_>>(),
            );
        }
        seed = until;
    }
}

/// Fails where something was made far above the workspaces.
pub(crate) fn assert_nothing_escaped(root: &Path) {
    for above in root.ancestors() {
        let entries = fs::read_dir(above).into_iter().flatten().flatten();
        let escaped = entries.map(|entry| entry.path()).find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&escaped()))
        });
        assert_eq!(escaped, None, "something was made outside of every workspace");
    }
}
