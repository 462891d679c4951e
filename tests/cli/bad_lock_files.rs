//! Lock files that are missing, do not fit, or cannot be used.

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
fn a_missing_lock_file_is_told_and_what_is_resolved_now_is_judged() {
    check(
        &World::new(FIXTURE),
        &expect![[r#"
            note supercargo::no-lock-file: there is no `Cargo.lock`: what is judged was resolved just now and may change
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
fn a_missing_lock_file_forbids_a_verdict_when_it_is_required() {
    let world = World::new(FIXTURE);
    let report = world.check("--only advisories --locked");
    expect![[r#"
        error supercargo::resolution-failed: cargo rejects the workspace: cannot create the lock file [work]/Cargo.lock because --locked was passed to prevent this
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&report.shown());
    assert_eq!(world.check("--only advisories --frozen").shown(), report.shown());
}

#[test]
fn a_stale_lock_file_is_told_and_keeps_what_it_locks() {
    let world = World::locked(FIXTURE);
    // A newer `time` has come out since, and the manifest asks for one more package.
    let world = world.with("#- crate: time 0.3.47\n#- crate: log 0.4.0");
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    check(
        &world,
        &expect![[r#"
            note supercargo::stale-lock-file: `Cargo.lock` does not fit the manifests: what is judged was resolved just now
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
fn a_stale_lock_file_forbids_a_verdict_when_it_is_required() {
    let world = World::locked(FIXTURE).with("#- crate: log 0.4.0");
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    let report = world.check("--only advisories --locked");
    expect![[r#"
        error supercargo::resolution-failed: cargo rejects the workspace: cannot update the lock file [work]/Cargo.lock because --locked was passed to prevent this
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&report.shown());
    assert_eq!(world.check("--only advisories --frozen").shown(), report.shown());
}

#[test]
fn a_lock_file_of_an_unknown_version_is_named_at_its_version() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "version = 4", "version = 99");
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: `Cargo.lock` cannot be used: invalid Cargo.lock format version: `99`
              Cargo.lock:3
                version = 99
                          ^^
              help restore it from version control, or delete it and let cargo resolve anew
            exit 70
        "#]],
    );
}

#[test]
fn a_truncated_lock_file_is_named_where_it_ends() {
    let world = World::locked(FIXTURE);
    let text = world.read("Cargo.lock");
    world.write(
        "Cargo.lock",
        &text[..text.find("[[package]]\nname = \"time\"").expect("time") + 20],
    );
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: `Cargo.lock` cannot be used: invalid basic string, expected `"`
              Cargo.lock:22
                name = "
                ^^^^^^^^
              help restore it from version control, or delete it and let cargo resolve anew
            exit 70
        "#]],
    );
}

#[test]
fn a_lock_file_in_the_middle_of_a_merge_is_named_at_its_first_marker() {
    let world = World::locked(FIXTURE);
    world.edit(
        "Cargo.lock",
        "version = \"0.3.44\"",
        "<<<<<<< HEAD\nversion = \"0.3.44\"\n=======\nversion = \"0.3.47\"\n>>>>>>> upgrade",
    );
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: `Cargo.lock` cannot be used: the lock file holds the markers of an unfinished merge
              Cargo.lock:23
                <<<<<<< HEAD
                ^^^^^^^^^^^^
              help restore it from version control, or delete it and let cargo resolve anew
            exit 70
        "#]],
    );
}

#[test]
fn a_lock_file_whose_entries_make_no_sense_is_named() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "version = \"0.3.44\"", "version = \"zero\"");
    check(
        &world,
        &expect![[r#"
            error supercargo::broken-lock-file: `Cargo.lock` cannot be used: `zero` is no version: unexpected character 'z' while parsing major version number
              Cargo.lock:23
                version = "zero"
                           ^^^^
              help restore it from version control, or delete it and let cargo resolve anew
            exit 70
        "#]],
    );
}

#[test]
fn a_lock_file_that_is_not_utf8_is_named() {
    let world = World::locked(FIXTURE);
    world.write("Cargo.lock", b"version = 4\n# \xff\n");
    check(
        &world,
        &expect![[r#"
            error supercargo::unreadable-file: `[work]/Cargo.lock` cannot be read: stream did not contain valid UTF-8
              Cargo.lock:1
              help restore it from version control, or delete it and let cargo resolve anew
            exit 70
        "#]],
    );
}

#[test]
fn an_empty_lock_file_is_one_that_does_not_fit() {
    let world = World::locked(FIXTURE);
    world.write("Cargo.lock", "");
    check(
        &world,
        &expect![[r#"
            note supercargo::stale-lock-file: `Cargo.lock` does not fit the manifests: what is judged was resolved just now
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
fn a_wrong_checksum_in_the_lock_file_is_told_in_cargos_words() {
    let world = World::locked(FIXTURE);
    world.edit("Cargo.lock", "checksum = \"74", "checksum = \"00");
    check(
        &world,
        &expect![[r#"
            error supercargo::resolution-failed: cargo rejects the workspace: checksum for `time v0.3.44` changed between lock files
              Cargo.lock:23
                version = "0.3.44"
                           ^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn a_folder_in_place_of_the_lock_file_is_said() {
    let world = World::new(FIXTURE);
    world.folder("Cargo.lock");
    check(
        &world,
        &expect![[r#"
            error supercargo::resolution-failed: could not copy `[work]/Cargo.lock` to resolve it elsewhere: Is a directory (os error 21)
              Cargo.toml:2
                name = "m"
                        ^
            exit 70
        "#]],
    );
}

#[test]
fn a_sound_lock_file_satisfies_those_who_require_it() {
    let world = World::locked(FIXTURE);
    let judged = world.check("--only advisories").shown();
    assert_eq!(world.check("--only advisories --locked").shown(), judged);
    assert_eq!(world.check("--only advisories --frozen").shown(), judged);
}
