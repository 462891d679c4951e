//! Lockfiles that are missing, do not fit, or cannot be used.

use expect_test::{Expect, expect};

use crate::harness::World;

const FIXTURE: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
cookie = "0.18"
"#;

fn check(world: &World, expected: &Expect) {
    expected.assert_eq(&world.check("--only advisories").shown());
}

#[test]
fn missing_lockfile_is_reported_and_a_fresh_resolution_is_checked() {
    check(
        &World::new(FIXTURE),
        &expect![[r#"
            note supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
              Cargo.toml:2
                name = "m"
                        ^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:6
                cookie = "0.18"
                          ^^^^
              via m 0.1.0 -> cookie 0.18.1 -> time 0.3.44
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn missing_lockfile_prevents_a_verdict_with_locked() {
    let world = World::new(FIXTURE);
    let report = world.check("--only advisories --locked");
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: cannot create the lock file [work]/Cargo.lock because --locked was passed to prevent this
          Cargo.toml:2
            name = "m"
                    ^
          help to generate the lock file without accessing the network, remove the --locked flag and use --offline instead
        exit 70
    "#]]
    .assert_eq(&report.shown());
    assert_eq!(world.check("--only advisories --frozen").shown(), report.shown());
}

#[test]
fn stale_lockfile_is_reported_and_its_locked_versions_stay() {
    let world = World::locked(FIXTURE);
    // A newer `time` has come out since, and the manifest asks for one more package.
    let world = world.with("#- crate: time 0.3.47\n#- crate: log 0.4.0");
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    check(
        &world,
        &expect![[r#"
            note supercargo::stale-lock-file: `Cargo.lock` is out of date: checked a fresh resolution, results may change
              Cargo.toml:2
                name = "m"
                        ^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:7
                cookie = "0.18"
                          ^^^^
              via m 0.1.0 -> cookie 0.18.1 -> time 0.3.44
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn stale_lockfile_prevents_a_verdict_with_locked() {
    let world = World::locked(FIXTURE).with("#- crate: log 0.4.0");
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    let report = world.check("--only advisories --locked");
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: cannot update the lock file [work]/Cargo.lock because --locked was passed to prevent this
          Cargo.toml:2
            name = "m"
                    ^
          help to generate the lock file without accessing the network, remove the --locked flag and use --offline instead
        exit 70
    "#]]
    .assert_eq(&report.shown());
    assert_eq!(world.check("--only advisories --frozen").shown(), report.shown());
}

#[test]
fn lockfile_of_unknown_version_is_reported_at_the_version() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "version = 4", "version = 99");
    let report = world.check("--only bans");
    let finding = report.with("supercargo::broken-lock-file")[0];
    // The version of this cargo follows.
    let message = "`Cargo.lock` has format version 99, written by a newer cargo than cargo 1.";
    assert!(finding.message.starts_with(message), "{}", finding.message);
    let remedy = finding.remedy.as_deref().unwrap_or_default();
    assert!(remedy.starts_with("use a cargo newer than 1."), "{remedy}");
    assert!(!remedy.contains("delete"), "{remedy}");
    let location = &finding.locations[0];
    assert_eq!((location.file.as_str(), location.start.line), ("[work]/Cargo.lock", 3));
    assert_eq!(report.code, 70);
    let fixed = world.run(&["fix", "--only", "bans"]);
    assert!(fixed.stdout.contains("use a cargo newer than 1."), "{}", fixed.stdout);
}

#[test]
fn truncated_lockfile_is_reported_at_its_end() {
    let world = World::locked(FIXTURE);
    let text = world.read("Cargo.lock");
    world.write(
        "Cargo.lock",
        &text[..text.find("[[package]]\nname = \"time\"").expect("time") + 20],
    );
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: could not parse `Cargo.lock`: invalid basic string, expected `"`
              Cargo.lock:22
                name = "
                ^^^^^^^^
              help restore it from version control, or delete it to let cargo resolve again
            exit 70
        "#]],
    );
}

#[test]
fn lockfile_with_merge_conflict_is_reported_at_the_first_marker() {
    let world = World::locked(FIXTURE);
    world.edit(
        "Cargo.lock",
        "version = \"0.3.44\"",
        "<<<<<<< HEAD\nversion = \"0.3.44\"\n=======\nversion = \"0.3.47\"\n>>>>>>> upgrade",
    );
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: could not parse `Cargo.lock`: found merge conflict markers
              Cargo.lock:23
                <<<<<<< HEAD
                ^^^^^^^^^^^^
              help restore it from version control, or delete it to let cargo resolve again
            exit 70
        "#]],
    );
}

#[test]
fn lockfile_with_invalid_entries_is_reported() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "version = \"0.3.44\"", "version = \"zero\"");
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: could not parse `Cargo.lock`: invalid version `zero`: unexpected character 'z' while parsing major version number
              Cargo.lock:23
                version = "zero"
                           ^^^^
              help restore it from version control, or delete it to let cargo resolve again
            exit 70
        "#]],
    );
}

#[test]
fn lockfile_that_is_not_utf8_is_reported() {
    let world = World::locked(FIXTURE);
    world.write("Cargo.lock", b"version = 4\n# \xff\n");
    check(
        &world,
        &expect![[r#"
            error supercargo::unreadable-file: could not read `[work]/Cargo.lock`: stream did not contain valid UTF-8
              Cargo.lock:1
              help restore it from version control, or delete it to let cargo resolve again
            exit 70
        "#]],
    );
}

#[test]
fn empty_lockfile_is_stale() {
    let world = World::locked(FIXTURE);
    world.write("Cargo.lock", "");
    check(
        &world,
        &expect![[r#"
            note supercargo::stale-lock-file: `Cargo.lock` is out of date: checked a fresh resolution, results may change
              Cargo.toml:2
                name = "m"
                        ^
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:6
                cookie = "0.18"
                          ^^^^
              via m 0.1.0 -> cookie 0.18.1 -> time 0.3.44
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn wrong_checksum_in_lockfile_is_reported_with_cargos_message() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "checksum = \"74", "checksum = \"00");
    check(
        &world,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: checksum for `time v0.3.44` changed between lock files
              Cargo.lock:23
                version = "0.3.44"
                           ^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn folder_named_cargo_lock_is_reported() {
    let world = World::new(FIXTURE);
    world.folder("Cargo.lock");
    check(
        &world,
        &expect![[r#"
            error supercargo::resolution-failed: could not copy `[work]/Cargo.lock` for resolving: Is a directory (os error 21)
              Cargo.toml:2
                name = "m"
                        ^
            exit 70
        "#]],
    );
}

#[test]
fn valid_lockfile_passes_with_locked_and_frozen() {
    let world = World::locked(FIXTURE);
    let unlocked_result = world.check("--only advisories").shown();
    assert_eq!(world.check("--only advisories --locked").shown(), unlocked_result);
    assert_eq!(world.check("--only advisories --frozen").shown(), unlocked_result);
}
