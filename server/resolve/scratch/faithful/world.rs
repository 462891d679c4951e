//! Generated workspaces.

use std::{collections::BTreeMap, fs};

use camino::Utf8PathBuf;

use super::super::test_folder::{Dice, TestFolder};
use crate::{text::SourceText, workspace::Workspace};

/// A package: its folder, and how it can be named from the folder above all.
struct TestPackage {
    name: &'static str,
    folder: &'static str,
    /// Other names of the folder, if these links exist.
    through_links: &'static [&'static str],
}

const fn package(
    name: &'static str,
    folder: &'static str,
    through_links: &'static [&'static str],
) -> TestPackage {
    TestPackage { name, folder, through_links }
}

/// Packages depend on those after them, or rarely on any.
const PACKAGES: [TestPackage; 12] = [
    package("app", "work", &["outside/back"]),
    package("a", "work/crates/a", &["work/tools/la", "outside/back/crates/a"]),
    package("legacy", "work/crates/legacy", &["work/dir/legacy"]),
    package("p", "outside/p", &["work/crates/linked", "work/link/p", "work/here/link/p"]),
    package("t", "work/tools/t", &["outside/back/tools/t"]),
    package("n", "work/nested/n", &["work/here/nested/n"]),
    package("q", "outside/q", &["work/link/q"]),
    package("m", "outside/ws/m", &["work/link/ws/m", "work/m"]),
    package("b", "work/crates/b", &["work/dir/b", "work/here/crates/b"]),
    package("c", "work/deep/er/c", &["work/crates/c"]),
    package("dep", "outside/patched", &["work/link/patched"]),
    package("other", "work/other", &["work/here/other"]),
];

/// Links and where they lead.
const LINKS: [(&str, &str); 12] = [
    ("outside/back", "../work"),
    ("work/tools/la", "../crates/a"),
    ("work/crates/linked", "../../outside/p"),
    ("work/link", "../outside"),
    ("work/here", "."),
    ("work/dir", "crates"),
    ("work/m", "@/outside/ws/m"),
    ("work/crates/c", "../deep/er/c"),
    ("work/crates/nowhere", "gone"),
    ("work/crates/a/src/bin/linked.rs", "../../../../../outside/q/src/lib.rs"),
    ("work/loop", "loop"),
    ("work/.cargo", "../outside/configuration"),
];

const MEMBERS: [&str; 17] = [
    "crates/*",
    "crates/*",
    "crates/a",
    "crates/[ab]",
    "tools/*",
    "deep/er/c",
    "deep/**/c",
    "link/p",
    "../outside/q",
    "nested/n",
    "nested/*",
    "m",
    "./crates/b",
    "crates/../tools/t",
    "crates/../too*/t",
    "@/work/crates/b",
    "other",
];

const EXCLUDED: [&str; 9] = [
    "crates/legacy",
    "crates/legacy",
    "tools",
    "nested",
    "crates/linked",
    "link",
    "../outside",
    "other",
    "crates/nowhere",
];

/// A generated workspace with its surroundings.
pub(super) struct World {
    pub(super) folder: TestFolder,
    /// The texts of the files, by paths relative to the folder.
    pub(super) files: BTreeMap<String, String>,
    pub(super) links: Vec<(&'static str, &'static str)>,
    /// The manifests that are links, and the files that they lead to.
    pub(super) linked_files: BTreeMap<String, String>,
    /// The checked manifest.
    pub(super) checked: Utf8PathBuf,
}

impl World {
    pub(super) fn generated(dice: &mut Dice) -> Self {
        let folder = TestFolder::new();
        let links = LINKS.into_iter().filter(|_| dice.roll(3) == 0).collect();
        let checked = folder.root.join("work/Cargo.toml");
        let (files, linked_files) = (BTreeMap::new(), BTreeMap::new());
        let mut world = Self { folder, files, links, linked_files, checked };
        for package in &PACKAGES {
            let text = world.manifest(dice, package);
            world.file(format!("{}/Cargo.toml", package.folder), &text);
            world.sources(dice, package.folder);
        }
        let root = "[workspace]\nmembers = [\"m\"]\n[workspace.package]\nversion = \"0.3.0\"\nlicense-file = \"TERMS\"\n[workspace.dependencies]\nother = { path = \"../../work/other\" }\n";
        world.file("outside/ws/Cargo.toml".to_owned(), root);
        world.file("outside/ws/TERMS".to_owned(), "terms");
        if dice.roll(2) == 0 {
            let members = world.list(dice, &["n", "*", "../crates/b"]);
            world.file(
                "work/nested/Cargo.toml".to_owned(),
                &format!("[workspace]\nmembers = {members}\n"),
            );
        }
        world.configure(dice);
        for manifest in ["work/Cargo.toml", "work/crates/b/Cargo.toml", "outside/p/Cargo.toml"] {
            if dice.roll(8) == 0 {
                let target = format!("elsewhere/{}", manifest.replace('/', "-"));
                world.linked_files.insert(manifest.to_owned(), target);
            }
        }
        if dice.roll(8) == 0 {
            world.linked_files.insert("work/Cargo.lock".to_owned(), "elsewhere/lock".to_owned());
        }
        world.lay_out();
        if dice.roll(6) == 0 {
            let package = &PACKAGES[dice.roll(PACKAGES.len())];
            let path = world.folder_of(dice, package);
            let checked = world.folder.root.join(path).join("Cargo.toml");
            if checked.is_file() {
                world.checked = checked;
            }
        }
        world
    }

    /// One with these files. `work/Cargo.toml` is checked.
    pub(super) fn of(files: &[(&str, &str)], links: &[(&'static str, &'static str)]) -> Self {
        let folder = TestFolder::new();
        let checked = folder.root.join("work/Cargo.toml");
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let files = files.collect();
        let world =
            Self { folder, files, links: links.to_vec(), linked_files: BTreeMap::new(), checked };
        world.lay_out();
        world
    }

    /// Vendored packages in place of the registry, perhaps with patches and overrides.
    fn configure(&mut self, dice: &mut Dice) {
        let (config, vendored, path) = [
            (".cargo/config.toml", "work/third_party", "work/third_party"),
            (".cargo/config.toml", "vendor", "./work/../vendor"),
            ("work/.cargo/config.toml", "work/third_party", "third_party"),
            ("work/.cargo/config", "vendor", "../vendor"),
            ("work/.cargo/config.toml", "outside/vendor", "link/vendor"),
        ][dice.roll(5)];
        if path.starts_with("link/") {
            self.links.push(("work/link", "../outside"));
        }
        self.links.retain(|(link, _)| *link != "work/.cargo" || !config.starts_with("work/"));
        for (name, version) in
            [("dep", "1.0.0"), ("dep", "1.1.0"), ("other", "1.0.0"), ("far", "2.0.0")]
        {
            let folder = format!("{vendored}/{name}-{version}");
            let more = if name == "far" { "[dependencies]\ndep = \"1\"\n" } else { "" };
            let text = format!(
                "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{more}"
            );
            self.file(format!("{folder}/Cargo.toml"), &text);
            self.file(format!("{folder}/src/lib.rs"), "");
            self.file(format!("{folder}/.cargo-checksum.json"), "{\"files\":{},\"package\":null}");
        }
        let mut text = format!(
            "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"{path}\"\n"
        );
        let base =
            config.strip_suffix(".cargo/config.toml").or(config.strip_suffix(".cargo/config"));
        let base = base.unwrap_or_default().trim_end_matches('/').to_owned();
        if dice.rarely() {
            let path = self.path_to(dice, &base, &PACKAGES[11]);
            text.push_str(&format!("[patch.crates-io]\nother = {{ path = \"{path}\" }}\n"));
        }
        if dice.roll(6) == 0 {
            let path = self.path_to(dice, &base, &PACKAGES[10]);
            // Of two versions of a package in an override, cargo takes any.
            let up = if vendored.starts_with("outside") { "" } else { dice.one(&["", "/.."]) };
            text = format!("paths = [\"{path}{up}\"]\n{text}");
        }
        self.file(config.to_owned(), &text);
        if dice.roll(3) == 0 {
            self.file("outside/configuration/config.toml".to_owned(), "[term]\nverbose = false\n");
        }
    }

    fn file(&mut self, path: String, text: &str) {
        self.files.insert(path, text.to_owned());
    }

    fn sources(&mut self, dice: &mut Dice, folder: &str) {
        self.file(format!("{folder}/src/lib.rs"), "");
        for path in [
            "src/main.rs",
            "src/bin/tool.rs",
            "src/bin/more/main.rs",
            "src/bin/.hidden.rs",
            "examples/e.rs",
            "tests/t/main.rs",
            "build.rs",
            "README.md",
            "README",
            "LICENSE-MIT",
            "src/named.rs",
        ] {
            if dice.roll(6) == 0 {
                self.file(format!("{folder}/{path}"), "");
            }
        }
    }

    /// One of the names of a package's folder.
    fn folder_of(&self, dice: &mut Dice, package: &TestPackage) -> String {
        let exists = |path: &&&str| {
            self.links
                .iter()
                .any(|(link, _)| **path == *link || path.starts_with(&format!("{link}/")))
        };
        let names: Vec<_> = package.through_links.iter().filter(exists).copied().collect();
        if names.is_empty() || dice.roll(3) > 0 {
            return package.folder.to_owned();
        }
        dice.one(&names).to_owned()
    }

    /// A path to a package, as written in a file in `from`.
    fn path_to(&self, dice: &mut Dice, from: &str, package: &TestPackage) -> String {
        let to = self.folder_of(dice, package);
        match dice.roll(8) {
            0 => return format!("{}/{to}", self.folder.root),
            1 => return format!("{}{}/{to}", "../".repeat(30), &self.folder.root.as_str()[1..]),
            _ => {}
        }
        let parts = |path: &str| -> Vec<String> {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (from, to) = (parts(from), parts(&to));
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let common = if dice.roll(20) == 0 { 0 } else { common };
        let up = vec!["..".to_owned(); from.len() - common];
        let path = up.into_iter().chain(to[common..].iter().cloned()).collect::<Vec<_>>().join("/");
        if path.is_empty() { ".".to_owned() } else { path }
    }

    /// Some of these paths. One that leads through a link is left out where there is no such link.
    fn list(&self, dice: &mut Dice, of: &[&str]) -> String {
        let exists = |path: &&&str| match path.split('/').next() {
            Some(first @ ("link" | "m")) if path.len() > first.len() || first == "m" => {
                self.links.iter().any(|(link, _)| *link == format!("work/{first}"))
            }
            _ => true,
        };
        let mut of: Vec<_> = of.iter().filter(exists).copied().collect();
        if dice.roll(20) == 0 {
            of.push("gone/*");
        }
        let some =
            (0..=dice.roll(3)).map(|_| dice.one(&of).replace('@', self.folder.root.as_str()));
        format!("{:?}", some.collect::<Vec<_>>())
    }

    fn manifest(&self, dice: &mut Dice, package: &TestPackage) -> String {
        let TestPackage { name, folder, .. } = *package;
        let index = PACKAGES.iter().position(|one| one.name == name).expect("it is one of them");
        let is_root = folder == "work";
        let mut text = String::new();
        if is_root {
            let members = self.list(dice, &MEMBERS);
            let excluded = self.list(dice, &EXCLUDED);
            text.push_str(&format!("[workspace]\nresolver = \"2\"\nmembers = {members}\n"));
            if dice.roll(3) > 0 {
                text.push_str(&format!("exclude = {excluded}\n"));
            }
            if dice.roll(12) == 0 {
                text.push_str(&format!(
                    "default-members = {}\n",
                    self.list(dice, &["crates/a", "crates/*", "."])
                ));
            }
            let (b, q) = (&PACKAGES[8], &PACKAGES[6]);
            text.push_str(&format!(
                "[workspace.package]\nversion = \"0.2.0\"\nlicense-file = \"LICENSE-MIT\"\n\
                 [workspace.dependencies]\nb = {{ path = \"{}\" }}\nq = {{ path = \"{}\" }}\ndep = \"1\"\n",
                self.path_to(dice, folder, b),
                self.path_to(dice, folder, q),
            ));
        }
        if !is_root || dice.roll(2) == 0 {
            text.push_str(&format!("[package]\nname = \"{name}\"\n"));
            let inherits = folder.starts_with("work/crates") || is_root || name == "m";
            if inherits && dice.roll(2) == 0 {
                text.push_str("version.workspace = true\n");
                if dice.rarely() {
                    text.push_str("license-file.workspace = true\n");
                }
            } else {
                text.push_str(if name == "dep" {
                    "version = \"1.5.0\"\n"
                } else {
                    "version = \"1.0.0\"\n"
                });
            }
            if dice.roll(10) > 0 {
                text.push_str("edition = \"2021\"\n");
            }
            if name == "q" && dice.rarely() {
                let root = self.path_to(dice, folder, &PACKAGES[0]);
                text.push_str(&format!("workspace = \"{root}\"\n"));
            }
            if dice.roll(24) == 0 {
                text.push_str("[[bin]]\nname = \"named\"\n");
                if dice.roll(4) > 0 {
                    text.push_str("path = \"../named/main.rs\"\n");
                }
            }
            self.dependencies(dice, package, index, &mut text);
        }
        if is_root && dice.roll(3) == 0 {
            let path = self.path_to(dice, folder, &PACKAGES[10]);
            text.push_str(&format!("[patch.crates-io]\ndep = {{ path = \"{path}\" }}\n"));
        }
        text
    }

    fn dependencies(
        &self,
        dice: &mut Dice,
        package: &TestPackage,
        index: usize,
        text: &mut String,
    ) {
        let table = dice.one(&[
            "dependencies",
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ]);
        let mut named = BTreeMap::new();
        for _ in 0..dice.roll(3) {
            let later = PACKAGES.len() - index - 1;
            let other = match dice.roll(20) {
                0 => &PACKAGES[dice.roll(PACKAGES.len())],
                _ if later > 0 => &PACKAGES[index + 1 + dice.roll(later)],
                _ => continue,
            };
            let path = self.path_to(dice, package.folder, other);
            let may_be_optional = table != "dev-dependencies" && dice.roll(6) == 0;
            let optional = if may_be_optional { ", optional = true" } else { "" };
            named.insert(other.name, format!("{{ path = \"{path}\"{optional} }}"));
        }
        if package.folder.starts_with("work/") && dice.rarely() {
            let key = dice.one(&["b", "q", "dep"]);
            if key != package.name {
                named.insert(key, "{ workspace = true }".to_owned());
            }
        }
        if dice.roll(3) == 0 && index < 10 {
            let key = dice.one(&["dep", "far", "other"]);
            let requirement = if key == "far" { "2" } else { dice.one(&["1", "=1.0.0", "1.0"]) };
            named.entry(key).or_insert_with(|| format!("\"{requirement}\""));
        }
        text.push_str(&format!("[{table}]\n"));
        for (key, value) in named {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }

    fn lay_out(&self) {
        for (path, text) in &self.files {
            let path = self.linked_files.get(path).unwrap_or(path);
            self.folder.write(path, text);
        }
        fs::create_dir_all(self.folder.root.join("elsewhere")).expect("a folder");
        for (path, target) in &self.linked_files {
            self.folder.link(path, &format!("@/{target}"));
        }
        for (path, end) in &self.links {
            if !self.folder.root.join(path).exists() {
                self.folder.link(path, end);
            }
        }
    }

    pub(super) fn workspace(&self) -> Workspace {
        Workspace::of_manifest(&self.checked)
    }

    /// Texts that differ from those on disk, by any name of their files.
    pub(super) fn edits(&self, dice: &mut Dice) -> BTreeMap<Utf8PathBuf, SourceText> {
        let mut edits = BTreeMap::new();
        let mut edited = Vec::new();
        for _ in 0..=dice.roll(2) {
            let index = if dice.roll(2) == 0 { 0 } else { dice.roll(PACKAGES.len()) };
            let package = &PACKAGES[index];
            if edited.contains(&package.name) {
                continue;
            }
            edited.push(package.name);
            let path = self.folder.root.join(self.folder_of(dice, package)).join("Cargo.toml");
            let text = SourceText::new(&self.manifest(dice, package));
            if fs::read_to_string(&path).is_ok_and(|disk| disk != text.as_str()) {
                edits.insert(path, text);
            }
        }
        edits
    }

    /// All lockfiles.
    pub(super) fn lockfiles(&self) -> BTreeMap<Utf8PathBuf, Option<String>> {
        let packages = PACKAGES.iter().map(|package| package.folder);
        let folders = packages.chain(["work/nested", "outside/ws"]);
        let locks = folders.map(|folder| self.folder.root.join(folder).join("Cargo.lock"));
        locks.map(|path| (path.clone(), fs::read_to_string(path).ok())).collect()
    }
}
