//! What is resolved or built in a scratch copy changes nothing of the user's: neither through links
//! nor by paths that climb.

use std::{fs, os::unix::fs::symlink};

use crate::{copy_untouched::Untouched, harness::World};

const VENDORED: &str =
    "[source.crates-io]\nreplace-with = \"ours\"\n[source.ours]\ndirectory = \"vendor\"\n";

/// More `..` than any path has folders.
fn climbing_to(path: &str) -> String {
    format!("{}{}", "../".repeat(40), path.trim_start_matches('/'))
}

fn untouched(world: &World) -> Untouched {
    Untouched::now(world.path("../").trim_end_matches('/'))
}

/// Puts the published packages into the user's folder, as `cargo vendor` does.
fn vendor(world: &World) {
    fs::rename(world.path("../vendor"), world.path("vendor")).expect("it can be moved");
    world.write(".cargo/config.toml", VENDORED);
    world.write("../cargo/config.toml", "");
}

#[test]
fn a_build_beside_vendored_sources_changes_none_of_them() {
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
fn a_stale_lock_file_that_is_the_license_file_stays() {
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
fn a_target_outside_of_the_package_is_not_made() {
    let world = World::new("");
    let out = climbing_to(&world.path("../out"));
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
fn a_vendored_crate_that_is_checked_gets_no_lock_file() {
    let world = World::new("#- crate: time 0.3.44\n#- crate: log 0.4.0 -> time 0.3");
    vendor(&world);
    let before = untouched(&world);
    let report = world.check("--only bans vendor/log-0.4.0");
    assert_eq!((report.with("supercargo::no-lock-file").len(), report.code), (1, 0));
    before.assert();
}

#[test]
fn a_member_inside_of_vendored_sources_is_resolved_and_stays() {
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
fn a_root_that_is_named_absolutely_or_by_climbing_is_that_of_the_copy() {
    for climbs in [false, true] {
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
        let root = if climbs { climbing_to(&work) } else { work };
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
fn a_manifest_in_the_shared_temporary_folder_is_no_root() {
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
fn without_a_cache_nothing_has_a_name_in_the_temporary_folder_that_others_know() {
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
    // What somebody else has put there: cargo would believe what it says of rustc.
    world.folder("../shared/supercargo-no-target");
    world.set("TMPDIR", &world.path("../shared"));
    world.let_write("../shared");
    assert_eq!(world.check("--only bans --no-cache").code, 0);
    let others = world.path("../shared/supercargo-no-target");
    assert_eq!(fs::read_dir(others).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(world.path("../shared")).expect("a folder").count(), 1);
}

#[test]
fn what_cargo_knows_of_rustc_is_not_kept_in_the_users_build_folder() {
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
