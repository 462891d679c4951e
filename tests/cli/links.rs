//! Members, path dependencies, manifests and lockfiles that are links: the same findings, fixes and exit codes as for the
//! files that they lead to, and those of cargo-deny.

use std::{fs, os::unix::fs::symlink, time::Duration};

use crate::{
    copy_untouched::Untouched,
    harness::{World, real_cargo_deny},
};

const TIME: &str = "RUSTSEC-2026-0009";

/// A workspace `ws` with the member `m`, which has a vulnerable dependency.
const MEMBER: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- deny.toml
[licenses]
allow = ["MIT"]
[bans]
multiple-versions = "deny"
#- Cargo.toml
[workspace]
resolver = "2"
members = ["m"]
#- m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "0.3.44"
#- m/src/lib.rs
"#;

/// Moves a file or folder out of the workspace and leaves a link.
fn replace_by_link(world: &World, path: &str) {
    let target = world.path(&format!("../elsewhere/{}", path.replace('/', "-")));
    fs::create_dir_all(world.path("../elsewhere")).expect("a folder");
    fs::rename(world.path(path), &target).expect("it is moved");
    symlink(&target, world.path(path)).expect("a link");
}

/// What can be a link.
const LINKED: [&[&str]; 6] = [
    &["m"],
    &["m/Cargo.toml"],
    &["Cargo.toml"],
    &["Cargo.lock"],
    &["deny.toml"],
    &["Cargo.toml", "Cargo.lock", "deny.toml", "m"],
];

fn linked(links: &[&str], has_lock: bool) -> World {
    let world = if has_lock { World::locked(MEMBER) } else { World::new(MEMBER) };
    // An old version, whatever there is.
    if has_lock {
        world.edit("m/Cargo.toml", "0.3.44", "=0.3.44");
        world.lock("");
        world.edit("m/Cargo.toml", "=0.3.44", "0.3.44");
    } else {
        world.edit("m/Cargo.toml", "0.3.44", "=0.3.44");
    }
    for path in links.iter().filter(|path| has_lock || **path != "Cargo.lock") {
        replace_by_link(&world, path);
    }
    world
}

#[test]
fn linked_files_are_checked_as_the_files_themselves() {
    for has_lock in [true, false] {
        let plain = linked(&[], has_lock).check("");
        assert_eq!((plain.with(TIME).len(), plain.code), (1, 1), "{}", plain.shown());
        for links in LINKED {
            let world = linked(links, has_lock);
            let before = Untouched::now(world.path("../").trim_end_matches('/'));
            let report = world.check("");
            assert_eq!(report.shown(), plain.shown(), "{links:?}, {has_lock}");
            assert_eq!(report.code, plain.code);
            before.assert();
        }
    }
}

#[test]
fn findings_in_linked_files_are_those_of_cargo_deny() {
    let Some(program) = real_cargo_deny() else { return };
    for links in LINKED {
        let world = linked(links, true);
        world.fetched_advisories(Duration::from_secs(60));
        let run = world.run(&["check", "--offline", "--engine", &program]);
        let expected = "cargo-deny 0.20.2 has the same findings and the same exit code\n";
        assert!(run.stdout.ends_with(expected), "{links:?}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.code, 1, "{links:?}");
    }
}

#[test]
fn fix_upgrades_a_linked_member() {
    let fix = |world: &World, more: &[&str]| {
        let db = world.path("../db");
        let words = ["fix", "--dry-run", "--offline", "--db", &db];
        world.run(&[&words[..], more].concat())
    };
    let plain = fix(&linked(&[], true), &[]);
    assert!(plain.stdout.contains("would upgrade time 0.3.44 -> 0.3.47"), "{}", plain.stdout);
    assert_eq!(plain.code, 0);
    let run = fix(&linked(&["deny.toml"], true), &[]);
    assert_eq!((run.stdout, run.code), (plain.stdout, plain.code), "{}", run.stderr);
    // The member is outside of the folder.
    let run = fix(&linked(&["m"], true), &["--allow", "outside"]);
    assert!(run.stdout.contains("would upgrade time 0.3.44 -> 0.3.47"), "{}", run.stdout);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn path_dependency_behind_a_link_is_resolved_without_a_lockfile() {
    let world = World::new(MEMBER);
    world.write(
        "Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
         [dependencies]\nm = { path = \"deps/m\" }\n",
    );
    world.write("src/lib.rs", "");
    world.edit("m/Cargo.toml", "0.3.44", "=0.3.44");
    fs::rename(world.path("m"), world.path("../m")).expect("it is moved");
    world.folder("deps");
    symlink("../../m", world.path("deps/m")).expect("a link");
    let report = world.check("");
    assert_eq!((report.with(TIME).len(), report.code), (1, 1), "{}", report.shown());
    assert_eq!(report.with(TIME)[0].locations[0].file, "[work]/deps/m/Cargo.toml");
}

#[test]
fn excluded_folder_in_a_glob_may_lead_back() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- deny.toml
[licenses]
allow = ["MIT"]
#- Cargo.toml
[workspace]
resolver = "2"
members = ["crates/*"]
exclude = ["crates/legacy"]
[workspace.dependencies]
time = "0.3.44"
#- crates/core/Cargo.toml
[package]
name = "core-x"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time.workspace = true
#- crates/core/src/lib.rs
#- crates/legacy/Cargo.toml
[package]
name = "legacy"
version = "0.1.0"
edition = "2021"
[dependencies]
core-x = { path = "../core" }
#- crates/legacy/src/lib.rs
"#,
    );
    world.edit("Cargo.toml", "0.3.44", "=0.3.44");
    world.lock("");
    let db = world.path("../db");
    let run = world.run_that_writes(&["fix", "--offline", "--breaking", "--db", &db]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(world.read("Cargo.toml").contains("0.3.47"), "{}", world.read("Cargo.toml"));
    assert_eq!(world.check("").code, 0);
}

#[test]
fn links_that_lead_nowhere_or_in_circles_are_cargos_errors() {
    for target in ["gone", "m", "..", "/dev/zero", "../pipe"] {
        let world = World::new(MEMBER);
        fs::rename(world.path("m"), world.path("../m")).expect("it is moved");
        let status = std::process::Command::new("mkfifo").arg(world.path("../pipe")).status();
        assert!(status.expect("mkfifo").success());
        symlink(target, world.path("m")).expect("a link");
        let report = world.check("");
        assert_eq!(report.code, 70, "{target}: {}", report.shown());
        let manifest = World::new(MEMBER);
        manifest.delete("m/Cargo.toml");
        fs::remove_file(world.path("m")).expect("removed");
        symlink(target, manifest.path("m/Cargo.toml")).expect("a link");
        let report = manifest.check("");
        assert_eq!(report.code, 70, "{target}: {}", report.shown());
    }
}

#[test]
fn thousand_links_to_packages_are_members() {
    let world = World::new(MEMBER);
    world.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"links/*\"]\n");
    let text = world.read("m/Cargo.toml");
    world.folder("links");
    for number in 0..1000 {
        let folder = format!("../packages/{number}");
        world.write(
            &format!("{folder}/Cargo.toml"),
            text.replace("\"m\"", &format!("\"m{number}\"")).replace("0.3.44", "=0.3.44"),
        );
        world.write(&format!("{folder}/src/lib.rs"), "");
        symlink(format!("../{folder}"), world.path(&format!("links/{number}"))).expect("a link");
    }
    let report = world.check("");
    assert_eq!((report.with(TIME).len(), report.code), (1, 1), "{}", report.shown());
}

#[test]
fn links_to_one_package_are_the_error_that_cargo_reports() {
    let world = World::new(MEMBER);
    world.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"links/*\"]\n");
    world.folder("links");
    for name in ["a", "b", "c"] {
        symlink("../m", world.path(&format!("links/{name}"))).expect("a link");
    }
    let report = world.check("");
    assert_eq!(report.code, 70);
    assert!(report.shown().contains("two packages named `m`"), "{}", report.shown());
}

#[test]
fn names_that_differ_in_case_are_two_folders() {
    let world = World::new(MEMBER);
    world.write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"m\", \"M\"]\n");
    let text = world.read("m/Cargo.toml");
    if fs::create_dir(world.path("M")).is_err() {
        // The file system ignores case.
        return;
    }
    world.write("M/Cargo.toml", text.replace("\"m\"", "\"other\"").replace("0.3.44", "=0.3.44"));
    world.write("M/src/lib.rs", "");
    world.edit("m/Cargo.toml", "time = \"0.3.44\"", "");
    let report = world.check("");
    assert_eq!((report.with(TIME).len(), report.code), (1, 1), "{}", report.shown());
    assert_eq!(report.with(TIME)[0].locations[0].file, "[work]/M/Cargo.toml");
}
