//! Findings that are not fixed, and the reason.

use expect_test::expect;

use super::{LATER, TIME, check, fix, locked_before, package};
use crate::harness::{INDEX, World};

#[test]
fn blocking_parent_is_named() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let world = locked_before("clock = \"1\"", &before, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                `clock` 1.0.0 (newest) requires `time` =0.3.44
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn unpatched_package_is_not_upgraded() {
    let world = locked_before(
        "time = \"0.3\"",
        TIME,
        "#- crate: time 0.3.45\n#- advisory: RUSTSEC-2026-0009 time: A crafted date\n",
    );
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                no version of `time` is patched
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn yanked_patched_version_is_skipped() {
    let later = LATER.replace("time 0.3.47\n", "time 0.3.47 yanked\n");
    let world = locked_before("time = \"0.3\"", TIME, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.48
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.lock").contains("version = \"0.3.48\""));
}

#[test]
fn upper_bound_is_raised_only_on_request() {
    let world = locked_before("time = \">=0.3.40, <0.3.45\"", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                only a breaking upgrade fixes it: `time` 0.3.44 -> 0.3.47, past the upper bound of its requirement; pass `--breaking` to try it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47 (past the upper bound of its requirement: it resolves, but may not compile)
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = \">=0.3.40, <=0.3.47\""));
}

#[test]
fn missing_lockfile_is_not_upgraded() {
    let world = World::new(&format!("{TIME}{LATER}{}", package("time = \"=0.3.44\"")));
    let run = fix(&world, "");
    expect![[r#"
        .
          error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            there is no `Cargo.lock` to upgrade; run `cargo generate-lockfile` to create it
          nothing to change; gate: fails
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 1);
}

#[test]
fn broken_manifest_is_reported_with_its_line_and_kept() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    world.edit("Cargo.toml", "[dependencies]", "[dependencies");
    let (manifest, lock) = (world.read("Cargo.toml"), world.read("Cargo.lock"));
    let run = fix(&world, "");
    expect![[r#"
        .
          error: supercargo::resolution-failed: cargo failed: unclosed table, expected `]`
            Cargo.toml:5
          nothing to change; gate: no verdict
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 70);
    assert_eq!((manifest, lock), (world.read("Cargo.toml"), world.read("Cargo.lock")));
}

#[test]
fn version_with_newer_rust_is_taken_only_on_request() {
    let later = "#- crate: time 0.3.47 rust=1.90\n#- crate: time 0.3.48 rust=1.70\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";
    let dependencies = "time = \"0.3\"";
    let world = locked_before(dependencies, TIME, later);
    world.edit("Cargo.toml", "edition", "rust-version = \"1.75\"\nedition");
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.48
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    let world = locked_before(dependencies, TIME, &later.replace("1.70", "1.91"));
    world.edit("Cargo.toml", "edition", "rust-version = \"1.75\"\nedition");
    check(
        &world,
        "",
        &expect![[r#"
        .
          error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            `time` 0.3.47 requires Rust 1.90.0, newer than the workspace's `rust-version` 1.75.0; pass `--allow rust-version` to take it
          nothing to change; gate: fails
        exit 1
    "#]],
    );
    let records = fix(&world, "--dry-run --format json --allow rust-version").stdout;
    assert!(
        records.contains("to 0.3.47, which requires Rust 1.90.0, newer than the workspace's `rust-version` 1.75.0"),
        "{records}"
    );
    check(
        &world,
        "--allow rust-version",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                requires Rust 1.90.0, newer than the workspace's `rust-version`
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn version_that_is_not_downloaded_is_not_verified_offline() {
    let world = locked_before("time = \"0.3\"", TIME, LATER);
    for version in ["0.3.47", "0.3.48"] {
        std::fs::remove_dir_all(world.path(&format!("../vendor/time-{version}"))).expect("there");
    }
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                could not verify offline: `time` 0.3.47 is not downloaded; try again with a network connection
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn downloaded_version_is_selected_offline() {
    let world = locked_before("time = \"0.3\"", TIME, LATER);
    for version in ["0.3.44", "0.3.48"] {
        let archive = format!("time-{version}.crate");
        world.write(&format!("../cargo/registry/cache/index/{archive}"), "an archive");
    }
    check(
        &world,
        "",
        &expect![[r#"
        .
          upgraded time 0.3.44 -> 0.3.48
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          1 file changed; gate: clean
        exit 0
    "#]],
    );
}

/// Lets cargo fail where its arguments and the lockfile match a shell pattern.
#[cfg(unix)]
fn refusing(world: &mut World, commands: &str, message: &str) {
    let cargo = env!("CARGO");
    world.write(
        "../refusing/cargo",
        format!(
            "#!/bin/sh\ncase \"$* $(cat Cargo.lock)\" in {commands}) printf '{message}\\n' >&2; exit 101;; esac\nexec '{cargo}' \
             \"$@\"\n"
        ),
    );
    world.make_executable("../refusing/cargo");
    let path = world.path("../refusing/cargo");
    world.set("CARGO", &path);
}

#[cfg(unix)]
#[test]
fn unreachable_registry_leaves_the_local_index() {
    let mut world = locked_before("time = \"0.3\"", TIME, LATER);
    refusing(&mut world, "*--dry-run*", "error: failed to fetch the index: no route to host");
    let db = world.path("../db");
    let run = world.run_that_writes(&["fix", "--only", "advisories", "--db", &db]);
    expect![[r#"
        .
          warning: could not fetch new versions from the registries
            cargo: failed to fetch the index: no route to host
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          1 file changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
}

#[cfg(unix)]
#[test]
fn rejected_version_shows_the_message_of_cargo() {
    let mut world = locked_before("time = \"0.3\"", TIME, LATER);
    refusing(
        &mut world,
        "metadata*0.3.4[78]*",
        "error: failed to select a version for `time`\\n  version 0.3.47 was published 2 days ago, which \
         is younger than the minimum publish age of 7 days",
    );
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                cargo: failed to select a version for `time`; version 0.3.47 was published 2 days ago, which is younger than the minimum publish age of 7 days
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

/// Cargo fetches index entries while it resolves; no version is to blame for an entry that was not there yet.
#[cfg(unix)]
#[test]
fn plan_is_made_again_with_the_entries_that_cargo_has_fetched() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let later = format!(
        "{LATER}#- crate: base 1.0.0\n#- crate: clock 1.1.0 -> time ^0.3.47, base 1\n\
         #- crate: clock 1.2.0 -> time ^0.3.47\n"
    );
    let mut world = locked_before("clock = \"1\"", &before, &later);
    let entry = world.path(&format!("{INDEX}/ba/se/base"));
    std::fs::rename(&entry, world.path("../cargo/registry/not-fetched")).expect("an entry");
    let cargo = env!("CARGO");
    world.write(
        "../fetching/cargo",
        format!(
            "#!/bin/sh\nif [ -e '{hidden}' ] && grep -q '1.1.0' Cargo.lock; then\n\
             mv '{hidden}' '{entry}'\n\
             printf 'error: failed to select a version for `base`\\n  required by package `clock v1.1.0`\\n' >&2\n\
             exit 101\nfi\nexec '{cargo}' \"$@\"\n",
            hidden = world.path("../cargo/registry/not-fetched"),
        ),
    );
    world.make_executable("../fetching/cargo");
    let path = world.path("../fetching/cargo");
    world.set("CARGO", &path);
    let run = fix(&world, "");
    assert!(run.stdout.contains("also upgrades clock 1.0.0 -> 1.1.0"), "{}", run.stdout);
}

#[test]
fn requirement_of_a_git_dependency_is_named() {
    let world = World::new(
        "#- ../clock/Cargo.toml
[package]
name = \"clock\"
version = \"1.0.0\"
edition = \"2021\"
[dependencies]
time = \"=0.3.44\"
#- ../clock/src/lib.rs
",
    );
    let url = "https://git.example/clock";
    world.serve_git("../clock", url);
    let mut world =
        world.with(&format!("{TIME}{}", package(&format!("clock = {{ git = \"{url}\" }}"))));
    world.set("CARGO_NET_GIT_FETCH_WITH_CLI", "true");
    world.lock("");
    let world = world.with(LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                `clock` 1.0.0 requires `time` =0.3.44
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn alternatives_in_an_advisory_are_shown() {
    let world = locked_before("time = \"0.3\"", TIME, "");
    world.write(
        "../db/crates/time/RUSTSEC-2026-0010.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0010\"\npackage = \"time\"\ndate = \"2026-02-05\"\n\
         informational = \"unmaintained\"\n[versions]\npatched = []\n```\n\n# No maintainer\n\n\
         ## Possible alternatives\n\n- [jiff](https://jiff.example): all of it\n- `chrono`\n",
    );
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0010: `time` 0.3.44 is unmaintained: No maintainer
                no version of `time` is patched; the advisory suggests alternatives: `jiff`, `chrono`; pass `--allow replacement` to replace it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn unwritable_file_keeps_the_others_unchanged() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    let (manifest, lock) = (world.read("Cargo.toml"), world.read("Cargo.lock"));
    let path = world.path("Cargo.toml");
    let read_only = |on: bool| {
        let mut permissions = std::fs::metadata(&path).expect("there").permissions();
        permissions.set_readonly(on);
        std::fs::set_permissions(&path, permissions).expect("they can be set");
    };
    read_only(true);
    let run = fix(&world, "");
    read_only(false);
    // Also for root: a read-only file is not meant to be replaced.
    expect![[r#"
        70error: `[work]/Cargo.toml` is read-only; nothing was changed; make it writable and run the command again
    "#]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    assert_eq!((manifest, lock), (world.read("Cargo.toml"), world.read("Cargo.lock")));
}

/// A patched version of `time` whose dependencies cannot be selected together: each of one more pigeons than there are
/// holes needs one for itself. To prove that takes a time that is exponential in the number of holes.
fn pigeons_in(holes: usize) -> String {
    let mut index = LATER.lines().last().map(|line| format!("{line}\n")).unwrap_or_default();
    let pigeons: Vec<_> = (0..=holes).map(|pigeon| format!("pigeon{pigeon} 1")).collect();
    index.push_str(&format!("#- crate: time 0.3.47 -> {}\n", pigeons.join(", ")));
    for hole in 0..holes {
        for pigeon in 0..=holes {
            index.push_str(&format!(
                "#- crate: pigeon{pigeon} 1.{hole}.0 -> hole{hole} =1.{pigeon}.0\n"
            ));
            index.push_str(&format!("#- crate: hole{hole} 1.{pigeon}.0\n"));
        }
    }
    index
}

#[test]
fn search_that_would_take_minutes_ends() {
    let world = locked_before("time = \"0.3\"", TIME, &pigeons_in(12));
    let run = fix(&world, "");
    expect![[r#"
        .
          error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            the search for versions without `time` took too long
          nothing to change; gate: fails
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
}
