//! Cargo resolves a copy as it resolves the workspace.
//!
//! Workspaces are made at random: globs, excluded folders, links to members, manifests and lockfiles, nested workspaces,
//! path dependencies out and back, patches, vendored sources. The output of cargo, or its error, and the lockfile are
//! compared with those of a copy that is made from the disk (cold), and of one that is kept while texts change (warm).
//! Nothing outside of the copies may change. More are made with `SUPERCARGO_COPIES=5000`.

mod world;

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::{
    ROOT,
    test_folder::{Dice, number_of_copies},
};
use crate::{
    cache::Cache,
    process::Children,
    resolve::{BufferCopy, CargoWorkingDir, MetadataOptions, ResolveError, Resolver},
    text::SourceText,
};
use world::World;

/// What the system says of cyclic links.
const TOO_MANY_LINKS: &str = "Too many levels of symbolic links (os error 40)";
const NOT_FOUND: &str = "No such file or directory (os error 2)";

/// How many workspaces are made.
const COPIES: u64 = 24;

/// Replaces texts on disk, also behind links. Returns the earlier ones.
fn save(texts: &BTreeMap<Utf8PathBuf, SourceText>) -> BTreeMap<Utf8PathBuf, SourceText> {
    let replace = |(path, text): (&Utf8PathBuf, &SourceText)| {
        let before = fs::read_to_string(path).expect("it is there");
        fs::write(path, text.as_str()).expect("written");
        (path.clone(), SourceText::new(&before))
    };
    texts.iter().map(replace).collect()
}

/// Lets cargo resolve the files on disk, and restores the lockfiles, or keeps them if it could.
fn resolved_on_disk(world: &World, resolver: &Resolver, target: &Utf8Path, keeps: bool) -> Outcome {
    let before = world.lockfiles();
    let mut command = Command::new(&resolver.cargo);
    command.args(["metadata", "--format-version=1", "--manifest-path", "Cargo.toml", "--offline"]);
    command.current_dir(world.workspace().folder()).env("CARGO_TARGET_DIR", target);
    command.env("CARGO_BUILD_BUILD_DIR", target);
    let output = command.output().expect("cargo runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let result =
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) };
    let outcome = Outcome::new(result, &|path| fs::read_to_string(path).ok());
    let keeps = keeps && outcome.output.is_ok();
    for (path, text) in before.into_iter().filter(|_| !keeps) {
        match text {
            Some(text) if fs::read_to_string(&path).ok().as_ref() == Some(&text) => {}
            Some(text) => fs::write(&path, text).expect("written"),
            // It may have been written through a link.
            None if path.is_file() => {
                fs::remove_file(path.canonicalize().expect("it is there")).expect("removed");
            }
            None => {}
        }
    }
    outcome
}

/// What cargo says, with the paths of the workspace.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Cargo's output without the folder for build artifacts, or its error.
    output: Result<Value, String>,
    lockfile: Option<String>,
}

impl Outcome {
    fn new(output: Result<String, String>, read: &dyn Fn(&Utf8Path) -> Option<String>) -> Self {
        let output = output.map_err(|error| {
            // The order of warnings is random, and other processes may keep cargo waiting.
            let mut is_error = false;
            let lines = error.lines().filter(|line| {
                is_error = !line.starts_with("warning:") && (is_error || line.starts_with("error"));
                is_error && !line.is_empty() && !line.trim_start().starts_with("Blocking ")
            });
            // A copy has no links, but as many folders as links may follow each other.
            let lines = lines.collect::<Vec<_>>().join("\n");
            lines.replace(TOO_MANY_LINKS, NOT_FOUND)
        });
        let output = output.map(|json| {
            let mut json: Value = serde_json::from_str(&json).expect("JSON");
            let all = json.as_object_mut().expect("an object");
            all.remove("target_directory");
            all.remove("build_directory");
            json
        });
        let root = output.as_ref().ok().and_then(|json| json["workspace_root"].as_str());
        let lockfile = root.and_then(|root| read(&Utf8Path::new(root).join("Cargo.lock")));
        Self { output, lockfile }
    }
}

fn resolved_in_copy(
    copy: &mut BufferCopy,
    resolver: &Resolver,
    buffers: &BTreeMap<Utf8PathBuf, SourceText>,
) -> Outcome {
    copy.write(buffers).expect("written");
    let manifest = copy.manifest_in_copy();
    let root = manifest.ancestors().find(|above| above.ends_with(ROOT)).expect("below the root");
    let run_in = CargoWorkingDir { manifest: &manifest, copy: Some(root) };
    let output = resolver.metadata(run_in, &MetadataOptions::default(), false, &|| true);
    let output = match output {
        Ok(json) => Ok(copy.map_back(&json)),
        Err(ResolveError::Cargo { stderr, .. }) => Err(copy.map_back(&stderr)),
        Err(other) => panic!("{other}"),
    };
    Outcome::new(output, &|path| {
        fs::read_to_string(root.join(path.strip_prefix("/").expect("absolute"))).ok()
    })
}

/// The differences between two outcomes, for people.
fn assert_same(
    expected: &Outcome,
    found: &Outcome,
    which: &str,
    world: &World,
    edits: &BTreeMap<Utf8PathBuf, SourceText>,
) {
    if expected == found {
        return;
    }
    let mut differing = Vec::new();
    match (&expected.output, &found.output) {
        (Ok(expected), Ok(found)) => differences(expected, found, "", &mut differing),
        (expected, found) => {
            let shown = |output: &Result<Value, String>| match output {
                Ok(_) => "it is resolved".to_owned(),
                Err(error) => error.clone(),
            };
            differing.extend([shown(expected), shown(found)]);
        }
    }
    if expected.lockfile != found.lockfile {
        let locks = [&expected.lockfile, &found.lockfile];
        differing.extend(locks.map(|lock| lock.clone().unwrap_or_default()));
    }
    let files = world
        .files
        .iter()
        .filter(|(path, _)| path.ends_with("Cargo.toml") || path.contains(".cargo"));
    let files: Vec<_> = files.map(|(path, text)| format!("--- {path}\n{text}")).collect();
    let edits = edits.iter().map(|(path, text)| format!("+++ {path}\n{}", text.as_str()));
    let edits: Vec<_> = edits.collect();
    panic!(
        "{which}, checked {}\n{}\nlinks {:?} {:?}\n{}\n{}",
        world.checked,
        differing.join("\n"),
        world.links,
        world.linked_files,
        edits.join("\n"),
        files.join("\n"),
    );
}

/// Where two values differ.
fn differences(expected: &Value, found: &Value, at: &str, all: &mut Vec<String>) {
    match (expected, found) {
        _ if expected == found => {}
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let null = Value::Null;
                let values = [one, other].map(|object| object.get(key).unwrap_or(&null));
                differences(values[0], values[1], &format!("{at}/{key}"), all);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differences(one, other, &format!("{at}/{index}"), all);
            }
        }
        _ => all.push(format!("{at}: {expected}\n  but {found}")),
    }
}

/// Compares the copies of one workspace. Returns how often cargo could resolve it.
fn try_out(seed: u64, resolver: &Resolver, target: &Utf8Path) -> usize {
    let mut dice = Dice(seed);
    dice.roll(2);
    let world = World::generated(&mut dice);
    let states = [BTreeMap::new(), world.edits(&mut dice), world.edits(&mut dice)];
    let workspace = world.workspace();
    let mut outcomes = Vec::new();
    for state in &states {
        let saved = save(state);
        // Perhaps it is locked from the start.
        let keeps = outcomes.is_empty() && dice.roll(3) > 0;
        if keeps {
            resolved_on_disk(&world, resolver, target, true);
        }
        let expected = resolved_on_disk(&world, resolver, target, keeps);
        // One suffices, since they do not depend on each other.
        let cold = (outcomes.len() as u64 == seed % 2).then(|| {
            let before = world.folder.snapshot();
            let mut copy = BufferCopy::of(&resolver.children, &workspace).expect("copied");
            let cold = resolved_in_copy(&mut copy, resolver, &BTreeMap::new());
            drop(copy);
            assert!(before == world.folder.snapshot(), "seed {seed}: something was written");
            cold
        });
        save(&saved);
        outcomes.push((expected, cold));
    }
    let before = world.folder.snapshot();
    let mut copy = BufferCopy::of(&resolver.children, &workspace).expect("copied");
    for index in [1, 2, 0] {
        let (state, (expected, cold)) = (&states[index], &outcomes[index]);
        let warm = resolved_in_copy(&mut copy, resolver, state);
        assert!(before == world.folder.snapshot(), "seed {seed}: something was written");
        let cold = cold.as_ref().map(|cold| ("cold", cold));
        for (which, outcome) in cold.into_iter().chain([("warm", &warm)]) {
            let which = format!("seed {seed}, state {index}, {which}");
            assert_same(expected, outcome, &which, &world, state);
        }
    }
    outcomes.iter().filter(|(expected, _)| expected.output.is_ok()).count()
}

/// Cargo, with a folder for what it caches.
fn resolver() -> (tempfile::TempDir, Utf8PathBuf, Resolver) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = Utf8PathBuf::from_path_buf(temp.path().to_owned()).expect("UTF-8");
    let resolver = Resolver {
        cargo: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
        offline: true,
        locked: false,
        children: Children::default(),
        cache: Cache::in_folder(&folder),
    };
    (temp, folder.join("target"), resolver)
}

#[test]
fn copies_resolve_as_the_workspace_does() {
    let (_temp, target, resolver) = resolver();
    let first = std::env::var("SUPERCARGO_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = first.unwrap_or(0);
    let count = number_of_copies(COPIES);
    let resolved: usize =
        (first..first + count).map(|seed| try_out(seed, &resolver, &target)).sum();
    assert!(resolved as u64 > count / 2, "cargo resolved {resolved} of {} states", count * 3);
}

/// Compares a copy of these files. `edit` is a file and its unsaved text. Cargo can resolve both states.
fn check(files: &[(&str, &str)], links: &[(&'static str, &'static str)], edit: (&str, &str)) {
    let (_temp, target, resolver) = resolver();
    let world = World::of(files, links);
    let edit = (world.folder.root.join(edit.0), SourceText::new(edit.1));
    let states = [BTreeMap::new(), BTreeMap::from([edit])];
    let expected = states.each_ref().map(|state| {
        let saved = save(state);
        let expected = resolved_on_disk(&world, &resolver, &target, false);
        save(&saved);
        assert!(expected.output.is_ok(), "{expected:?}");
        expected
    });
    let before = world.folder.snapshot();
    let mut copy = BufferCopy::of(&resolver.children, &world.workspace()).expect("copied");
    for index in [0, 1, 0] {
        let found = resolved_in_copy(&mut copy, &resolver, &states[index]);
        assert_same(&expected[index], &found, &format!("state {index}"), &world, &states[index]);
    }
    assert!(before == world.folder.snapshot(), "something was written");
}

const MEMBER: &str = "[package]\nname = \"m\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
const EDITED: &str = "[package]\nname = \"m\"\nversion = \"2.0.0\"\nedition = \"2021\"\n";

#[test]
fn lockfile_that_cargo_wrote_is_no_input_of_the_next_resolution() {
    let package = |version: &str| format!("[package]\nname = \"v\"\nversion = \"{version}\"\n");
    let depends = |requirement: &str| format!("{MEMBER}[dependencies]\nv = \"{requirement}\"\n");
    let source =
        "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"link/../vendor\"\n";
    let checksum = "{\"files\":{},\"package\":null}";
    check(
        &[
            ("work/Cargo.toml", &depends("1")),
            ("work/src/lib.rs", ""),
            ("work/.cargo/config.toml", source),
            ("other/vendor/v1/Cargo.toml", &package("1.0.0")),
            ("other/vendor/v1/src/lib.rs", ""),
            ("other/vendor/v1/.cargo-checksum.json", checksum),
            ("other/vendor/v2/Cargo.toml", &package("1.1.0")),
            ("other/vendor/v2/src/lib.rs", ""),
            ("other/vendor/v2/.cargo-checksum.json", checksum),
            ("other/folder/empty", ""),
        ],
        // The system resolves the `..` after it.
        &[("work/link", "../other/folder")],
        ("work/Cargo.toml", &depends("=1.0.0")),
    );
}

#[test]
fn root_package_of_a_path_dependency_has_its_targets() {
    let inherits = "[package]\nname = \"p\"\nversion.workspace = true\nedition = \"2021\"\n";
    check(
        &[
            (
                "work/Cargo.toml",
                &format!("{MEMBER}[dependencies]\np = {{ path = \"../far/p\" }}\n"),
            ),
            ("work/src/lib.rs", ""),
            (
                "far/Cargo.toml",
                "[workspace]\nmembers = [\"p\"]\n[workspace.package]\nversion = \"3.0.0\"\n\
                 [package]\nname = \"far\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            ),
            ("far/src/main.rs", ""),
            ("far/p/Cargo.toml", inherits),
            ("far/p/src/lib.rs", ""),
        ],
        &[],
        ("far/p/Cargo.toml", &inherits.replace(".workspace = true", " = \"4.0.0\"")),
    );
}

#[test]
fn inherited_path_may_be_that_of_a_root_further_up() {
    let inherits = format!("{MEMBER}[dependencies]\nb = {{ workspace = true }}\n");
    check(
        &[
            (
                "work/Cargo.toml",
                "[workspace]\nresolver = \"2\"\nmembers = [\"nested/*\"]\n[workspace.dependencies]\n\
                 b = { path = \"b\" }\n",
            ),
            ("work/nested/Cargo.toml", "[workspace]\nmembers = [\"*\"]\n"),
            ("work/nested/m/Cargo.toml", &inherits),
            ("work/nested/m/src/lib.rs", ""),
            ("work/b/Cargo.toml", &MEMBER.replace("\"m\"", "\"b\"")),
            ("work/b/src/lib.rs", ""),
        ],
        &[],
        ("work/nested/m/Cargo.toml", &inherits.replace("1.0.0", "2.0.0")),
    );
}

#[test]
fn search_for_overrides_follows_no_link() {
    let root = format!("[workspace]\n{MEMBER}[dependencies]\nc = {{ path = \"../work/c\" }}\n");
    check(
        &[
            ("work/Cargo.toml", &root),
            ("work/src/lib.rs", ""),
            ("work/.cargo/config.toml", "paths = [\"../over\"]\n"),
            ("work/c/Cargo.toml", &MEMBER.replace("\"m\"", "\"c\"")),
            ("work/c/src/lib.rs", ""),
            (
                "over/q/Cargo.toml",
                "[package]\nname = \"q\"\nversion = \"1.0.0\"\nworkspace = \"../back\"\n",
            ),
            ("over/q/src/lib.rs", ""),
        ],
        &[("over/back", "../work")],
        ("work/Cargo.toml", &root.replace("1.0.0", "2.0.0")),
    );
}

#[test]
fn member_and_manifest_behind_links_are_edited_under_any_name() {
    for edited in ["work/m/Cargo.toml", "elsewhere/m/Cargo.toml", "elsewhere/manifest"] {
        check(
            &[
                ("work/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"m\"]\n"),
                ("elsewhere/manifest", MEMBER),
                ("elsewhere/m/src/lib.rs", ""),
            ],
            &[("work/m", "../elsewhere/m"), ("elsewhere/m/Cargo.toml", "../manifest")],
            (edited, EDITED),
        );
    }
}
