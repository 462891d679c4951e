//! No copy of any workspace leads to anything of the user's.
//!
//! Workspaces are made at random, from what has ever led out of a copy: links, `..`, absolute paths,
//! globs, vendored sources, patches, included configurations, license files and targets anywhere.
//! Each is copied, gets unsaved texts and real sources, and then everything that can be reached
//! through the copy is overwritten, as cargo or a build script might. Nothing outside may change.
//! More are made with `SUPERCARGO_COPIES=5000`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    ops::Deref,
    os::unix::fs::MetadataExt as _,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    ROOT,
    test_folder::{Dice, TestFolder, number_of_copies},
    writer::normalized,
};
use crate::{
    model::manifest::Manifest,
    process::Children,
    resolve::BufferCopy,
    text::{SourceText, read_to_string},
    workspace::Workspace,
};

/// How many workspaces are made.
const COPIES: u64 = 250;

/// The folders of packages, relative to the world; `work` is the workspace's root.
const PACKAGES: [&str; 8] = [
    "work",
    "work/a",
    "work/b",
    "work/deep/er/c",
    "work/vendor/x-1.0.0",
    "work/third_party/m",
    "outside/p",
    "p",
];

/// Paths as people and others write them into manifests. `@` is the world's absolute path.
const PATHS: [&str; 24] = [
    ".",
    "..",
    "../b",
    "../a/../b",
    "../../outside/p",
    "../../p",
    "vendor/x-1.0.0",
    "third_party/m",
    "link",
    "link/b",
    "../link/../b",
    "loop/loop/a",
    "deep/er/c",
    "src/lib.rs",
    "Cargo.toml",
    "Cargo.lock",
    "../Cargo.toml",
    "../Cargo.lock",
    "../b/Cargo.toml",
    ".cargo/config.toml",
    "../../../../../../../../../../../../../../../../../..@/work",
    "../../../../../../../../../../../../../../../../../..@/outside/p/Cargo.toml",
    "@/work",
    "@/outside/p",
];

/// Names of files and links.
const NAMES: [&str; 16] = [
    "LICENSE",
    "LICENSE-MIT",
    "COPYING",
    "Cargo.lock",
    "Cargo.toml",
    "src/lib.rs",
    "src/main.rs",
    "build.rs",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    ".cargo/config",
    ".cargo/more.toml",
    "link",
    "loop",
    "third_party/link",
    "src/bin/tool.rs",
];

/// What links lead to.
const ENDS: [&str; 14] = [
    "..",
    ".",
    "../..",
    "LICENSE",
    "Cargo.lock",
    "../Cargo.toml",
    "../b/Cargo.toml",
    "@/outside",
    "@/outside/p/Cargo.toml",
    "@/outside/secret",
    "/dev/zero",
    "nowhere",
    "link",
    "vendor",
];

struct HostileWorld(TestFolder);

impl Deref for HostileWorld {
    type Target = TestFolder;

    fn deref(&self) -> &TestFolder {
        &self.0
    }
}

impl HostileWorld {
    fn generated(dice: &mut Dice) -> Self {
        let world = Self(TestFolder::new());
        world.write("outside/secret", "secret");
        for folder in PACKAGES {
            world.write(&format!("{folder}/Cargo.toml"), &world.manifest(dice, folder));
            world.write(&format!("{folder}/src/lib.rs"), "pub fn original() {}");
            for _ in 0..dice.roll(5) {
                let path = format!("{folder}/{}", dice.one(&NAMES));
                if dice.rarely() && !path.ends_with("Cargo.toml") {
                    world.write(&path, "original");
                } else {
                    world.link(&path, dice.one(&ENDS));
                }
            }
        }
        if dice.roll(3) > 0 {
            world.write("work/Cargo.lock", "# original\nversion = 4\n");
        }
        for folder in ["work/.cargo", ".cargo", "work/a/.cargo"] {
            if dice.roll(2) == 0 {
                world.write(&format!("{folder}/config.toml"), &world.configuration(dice));
            }
            if dice.rarely() {
                world.write(&format!("{folder}/more.toml"), &world.configuration(dice));
            }
        }
        world
    }

    fn path(&self, dice: &mut Dice) -> String {
        dice.one(&PATHS).replace('@', self.root.as_str())
    }

    /// A manifest, a part of which cargo would refuse.
    fn manifest(&self, dice: &mut Dice, folder: &str) -> String {
        let name = folder.replace(['/', '.'], "-");
        let mut text = String::new();
        if folder == "work" || dice.roll(8) == 0 {
            let members: Vec<_> = (0..dice.roll(4))
                .map(|_| match dice.roll(3) {
                    0 => "*".to_owned(),
                    1 => "third_party/*".to_owned(),
                    _ => self.path(dice),
                })
                .collect();
            text.push_str(&format!("[workspace]\nmembers = {members:?}\n"));
        }
        text.push_str(&format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n"));
        if dice.rarely() {
            text.push_str(&format!("workspace = {:?}\n", self.path(dice)));
        }
        if dice.roll(2) == 0 {
            text.push_str(&format!("license-file = {:?}\n", self.path(dice)));
        }
        for number in 0..dice.roll(3) {
            let path = match dice.roll(3) {
                0 => format!("{}/made-anywhere.rs", self.path(dice)),
                _ => self.path(dice),
            };
            text.push_str(&format!("[[bin]]\nname = \"bin{number}\"\npath = {path:?}\n"));
        }
        text.push_str("[dependencies]\n");
        for number in 0..dice.roll(3) {
            text.push_str(&format!("d{number} = {{ path = {:?} }}\n", self.path(dice)));
        }
        if dice.rarely() {
            text.push_str(&format!("[patch.crates-io]\nx = {{ path = {:?} }}\n", self.path(dice)));
        }
        text
    }

    fn configuration(&self, dice: &mut Dice) -> String {
        let include =
            if dice.rarely() { "include = [\"more.toml\", \"../Cargo.toml\"]\n" } else { "" };
        let sources = ["third_party", "./vendor", "../outside", ".", "..", "link", "a"];
        format!(
            "paths = [{:?}]\n{include}[source.crates-io]\nreplace-with = \"v\"\n[source.v]\n\
             {} = {:?}\n[patch.crates-io]\ny = {{ path = {:?} }}\n\
             [resolver]\nlockfile-path = \"{}/work/Cargo.lock\"\n",
            self.path(dice),
            dice.one(&["directory", "local-registry"]),
            dice.one(&sources),
            self.path(dice),
            self.root,
        )
    }

    fn manifests(&self) -> Vec<Utf8PathBuf> {
        let manifests = PACKAGES.map(|folder| self.root.join(folder).join("Cargo.toml"));
        manifests.into_iter().filter(|path| path.is_file()).collect()
    }
}

/// Where cargo would write a lockfile for a manifest in the copy (`find_root` in its
/// `core::workspace`).
fn lockfile_of(manifest: &Utf8Path) -> Utf8PathBuf {
    let folder = manifest.parent().expect("a folder");
    let model = |path: &Utf8Path| Some(Manifest::parse(&read_to_string(path).ok()?));
    let own = model(manifest).unwrap_or_default();
    if own.workspace.is_some() {
        return folder.join("Cargo.lock");
    }
    if let Some(named) = own.package.and_then(|package| package.workspace) {
        return normalized(&folder.join(named.value)).join("Cargo.lock");
    }
    let above = folder.ancestors().skip(1).take_while(|above| !above.ends_with("target/package"));
    let root = above.into_iter().find(|above| {
        model(&above.join("Cargo.toml")).is_some_and(|model| model.workspace.is_some())
    });
    root.unwrap_or(folder).join("Cargo.lock")
}

/// Everything in a copy that is no folder.
fn files_of(copy: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![copy.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().expect("a folder").flatten() {
            let path = entry.path().to_owned();
            let data = fs::symlink_metadata(&path).expect("it is there");
            assert!(!data.is_symlink(), "`{path}` is a link");
            if data.is_dir() {
                folders.push(path);
            } else {
                assert!(data.is_file() && data.nlink() == 1, "`{path}` has another name");
                files.push(path);
            }
        }
    }
    files
}

/// Uses a copy of one workspace as the program does, and worse.
fn try_out(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let world = HostileWorld::generated(&mut dice);
    let before = world.snapshot();
    let manifests = world.manifests();
    if manifests.is_empty() {
        return false;
    }
    let workspace = Workspace::of_manifest(&manifests[dice.roll(manifests.len())]);
    let made = BufferCopy::of(&Children::default(), &workspace);
    let Ok(mut copy) = made else {
        assert_eq!(before, world.snapshot(), "seed {seed}: a copy that could not be made");
        return false;
    };
    let path_in_copy = copy.manifest_in_copy();
    let root =
        path_in_copy.ancestors().find(|above| above.ends_with(ROOT)).expect("below the root");
    for round in 0..2 {
        let unsaved = (0..dice.roll(4)).map(|_| {
            let manifest = &manifests[dice.roll(manifests.len())];
            let path = match dice.roll(5) {
                0 => manifest.with_file_name("Cargo.lock"),
                1 => manifest.with_file_name(dice.one(&NAMES)),
                _ => manifest.clone(),
            };
            let text = match dice.roll(5) {
                0 => String::new(),
                1 => world.configuration(&mut dice),
                _ => world.manifest(&mut dice, "work"),
            };
            (path, SourceText::new(&text))
        });
        let buffers: BTreeMap<_, _> = unsaved.collect();
        // What cannot be written is an error; it must not be written elsewhere.
        let written = copy.write(&buffers);
        if round == 1 {
            let packages = manifests.iter().skip(dice.roll(manifests.len())).take(3);
            let folders: Vec<_> =
                packages.filter_map(|path| Some(path.parent()?.to_owned())).collect();
            let _ = copy.copy_all_sources(&workspace, &folders, &|| true);
        }
        if written.is_ok() && path_in_copy.is_file() {
            let lockfile = lockfile_of(&path_in_copy);
            assert!(lockfile.starts_with(root), "seed {seed}: cargo would write `{lockfile}`");
        }
        let files = files_of(root);
        for configuration in files.iter().filter(|path| path.ends_with(".cargo/config.toml")) {
            let text = fs::read_to_string(configuration).expect("a text");
            if text.parse::<toml_edit::DocumentMut>().is_err() {
                // Cargo refuses it.
                continue;
            }
            let named = text
                .lines()
                .filter_map(|line| line.split_once(" = "))
                .filter(|(key, _)| ["directory", "local-registry", "lockfile-path"].contains(key));
            for (key, value) in named {
                let is_outside = value.starts_with("\"/") && !value.contains(root.as_str());
                assert!(
                    is_outside && key != "lockfile-path",
                    "seed {seed}: {key} = {value} in\n{text}"
                );
            }
        }
        for file in files {
            // Appended: some file systems wait for the disk when a file is truncated.
            let mut file = File::options().append(true).open(&file).expect("it can be written");
            file.write_all(b"\nwritten through the copy").expect("it can be written");
        }
        assert_eq!(before, world.snapshot(), "seed {seed}: reached through the copy");
    }
    drop(copy);
    assert_eq!(before, world.snapshot(), "seed {seed}: deleted with the copy");
    assert!(!root.exists(), "seed {seed}: the copy is left");
    true
}

#[test]
fn whatever_is_written_to_a_copy_changes_nothing_outside_of_it() {
    let count = number_of_copies(COPIES);
    let made = (0..count).filter(|&seed| try_out(seed)).count();
    assert!(made as u64 > count / 2, "only {made} of {count} could be copied");
}
