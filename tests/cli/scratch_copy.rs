//! Resolving and building in a scratch copy does not change the user's files, neither through links nor
//! through `..` paths.

use std::{fs, os::unix::fs::symlink};

use crate::{copy_untouched::Untouched, harness::World};

const VENDORED: &str =
    "[source.crates-io]\nreplace-with = \"ours\"\n[source.ours]\ndirectory = \"vendor\"\n";

/// A path that goes up to the root with more `..` than any path has folders.
fn path_via_root(path: &str) -> String {
    format!("{}{}", "../".repeat(40), path.trim_start_matches('/'))
}

fn untouched(world: &World) -> Untouched {
    Untouched::now(world.path("../").trim_end_matches('/'))
}

/// Moves the published packages into the user's folder, as `cargo vendor` does.
fn vendor(world: &World) {
    fs::rename(world.path("../vendor"), world.path("vendor")).expect("it can be moved");
    world.write(".cargo/config.toml", VENDORED);
    world.write("../cargo/config.toml", "");
}

#[test]
fn build_does_not_change_vendored_sources() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3.44"
"#,
    )
    .with("#- crate: time 0.3.47\n#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A date");
    vendor(&world);
    world.write("../elsewhere/shared.rs", "pub fn shared() {}\n");
    symlink("../../elsewhere/shared.rs", world.path("src/shared.rs")).expect("a link");
    symlink("../../elsewhere", world.path("src/linked")).expect("a link");
    world.write("src/lib.rs", "mod shared;\npub fn m() { shared::shared(); time::now() }\n");
    for version in ["0.3.44", "0.3.47"] {
        world.write(&format!("vendor/time-{version}/src/lib.rs"), "pub fn now() {}\n");
    }
    let before = untouched(&world);
    let db = world.path("../db");
    let words = ["fix", "--offline", "--only", "advisories", "--db", &db, "--build"];
    let run = world.run_that_writes(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("`cargo check` passes"), "{}", run.stdout);
    before.assert();
}

#[test]
fn stale_lockfile_that_is_the_license_file_is_kept() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license-file = "Cargo.lock"
[dependencies]
"#,
    );
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\ntime = \"0.3\"");
    let before = untouched(&world);
    let report = world.check("--only bans");
    assert_eq!((report.with("supercargo::stale-lock-file").len(), report.code), (1, 0));
    before.assert();
}

#[test]
fn target_outside_of_the_package_is_not_created() {
    let world = World::new("");
    let out = path_via_root(&world.path("../out"));
    world.write("src/lib.rs", "");
    world.write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [[bin]]\nname = \"tool\"\npath = \"{out}/new/tool.rs\"\n\
             [[bin]]\nname = \"near\"\npath = \"../../../near.rs\"\n"
        ),
    );
    let before = untouched(&world);
    let report = world.check("--only bans");
    assert_eq!((report.with("supercargo::no-lock-file").len(), report.code), (1, 0));
    before.assert();
}

#[test]
fn checked_vendored_crate_gets_no_lockfile() {
    let world = World::new("#- crate: time 0.3.44\n#- crate: log 0.4.0 -> time 0.3");
    vendor(&world);
    let before = untouched(&world);
    let report = world.check("--only bans vendor/log-0.4.0");
    assert_eq!((report.with("supercargo::no-lock-file").len(), report.code), (1, 0));
    before.assert();
}

#[test]
fn member_inside_vendored_sources_is_resolved_and_kept() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- deny.toml
[bans]
deny = ["time"]
#- Cargo.toml
[workspace]
members = ["vendor/m"]
resolver = "2"
#- vendor/m/.cargo-checksum.json
{"files":{}}
#- vendor/m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    let vendored = "time-0.3.44";
    fs::rename(
        world.path(&format!("../vendor/{vendored}")),
        world.path(&format!("vendor/{vendored}")),
    )
    .expect("it can be moved");
    world.write(".cargo/config.toml", VENDORED);
    world.write("../cargo/config.toml", "");
    let before = untouched(&world);
    let report = world.check("--only bans");
    assert_eq!((report.with("banned").len(), report.code), (1, 2), "{}", report.shown());
    before.assert();
}

#[test]
fn absolute_or_parent_path_to_the_root_resolves_in_the_copy() {
    for uses_parents in [false, true] {
        let world = World::new(
            r#"
#- crate: time 0.3.44
#- Cargo.toml
[workspace]
members = ["m"]
resolver = "2"
"#,
        );
        let work = world.path("");
        let root = if uses_parents { path_via_root(&work) } else { work };
        world.write("m/src/lib.rs", "");
        world.write(
            "m/Cargo.toml",
            format!(
                "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                 workspace = \"{root}\"\n[dependencies]\n"
            ),
        );
        world.lock("");
        world.edit("m/Cargo.toml", "[dependencies]", "[dependencies]\ntime = \"0.3\"");
        let before = untouched(&world);
        let report = world.check("--only bans m");
        let notes = report.with("supercargo::stale-lock-file").len();
        assert_eq!((notes, report.code), (1, 0), "{}", report.shown());
        before.assert();
    }
}

#[test]
fn manifest_in_the_shared_temporary_folder_is_not_a_root() {
    let mut world = World::new(
        r#"
#- crate: time 0.3.44
#- ../shared/Cargo.toml
[workspace]
members = ["*/**"]
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    world.set("TMPDIR", &world.path("../shared"));
    world.let_write("../shared");
    let report = world.check("--only bans");
    assert_eq!(report.code, 0, "{}", report.shown());
    assert_eq!(fs::read_dir(world.path("../shared")).expect("a folder").count(), 1);
}

#[test]
fn temporary_folder_has_no_predictable_names_without_cache() {
    let mut world = World::locked(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    // Put there by another user: cargo would trust its information about rustc.
    world.folder("../shared/supercargo-no-target");
    world.set("TMPDIR", &world.path("../shared"));
    world.let_write("../shared");
    assert_eq!(world.check("--only bans --no-cache").code, 0);
    let others = world.path("../shared/supercargo-no-target");
    assert_eq!(fs::read_dir(others).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(world.path("../shared")).expect("a folder").count(), 1);
}

#[test]
fn rustc_information_is_not_written_to_the_build_folder() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- .cargo/config.toml
[build]
build-dir = "made"
target-dir = "out"
#- made/x
#- out/x
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    let before = untouched(&world);
    assert_eq!(world.check("--only bans").code, 0);
    before.assert();
}
