//! Manifests that are missing, that cannot be read, or that cargo rejects: said once, at the place
//! that causes it, and never as a finding of a check.

use expect_test::{Expect, expect};

use crate::harness::World;

fn check(fixture: &str, expected: &Expect) {
    expected.assert_eq(&World::new(fixture).check("--only bans").shown());
}

#[test]
fn folder_without_manifest_is_an_error() {
    let world =
        World::new("#- src/main.rs\nfn main() {}\n#- target/package/Cargo.toml\n[package]\n");
    let run = world.run(&["check"]);
    expect![[r#"
        error: could not find `Cargo.toml` or a policy in `.` or below (git-ignored folders and folders named target, node_modules, vendor, third_party, fixtures, testdata, test-data, test_data are not searched)
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!((run.code, run.stdout.as_str()), (70, ""));
}

#[test]
fn missing_path_is_an_error() {
    let run = World::new("").run(&["check", "src/backend"]);
    expect![[r#"
        error: `src/backend` does not exist
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!((run.code, run.stdout.as_str()), (70, ""));
}

#[test]
fn file_that_is_no_manifest_is_an_error() {
    let world = World::new("#- deny.toml\n");
    expect![[r#"
        error: `deny.toml` is neither a folder nor a `Cargo.toml`
    "#]]
    .assert_eq(&world.run(&["check", "deny.toml"]).stderr);
    let run = world.run(&["check", "--manifest-path", "sub/Cargo.toml"]);
    expect![[r#"
        error: `sub/Cargo.toml` does not exist
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, 70);
}

#[test]
fn syntax_error_is_reported_at_its_location() {
    check(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"

[dependencies]
täme = "1", cookie = "0.18"
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: unexpected key or value, expected newline, `#`
              Cargo.toml:7
                täme = "1", cookie = "0.18"
                          ^
            exit 70
        "#]],
    );
}

#[test]
fn dependency_of_wrong_type_is_reported_on_its_value() {
    check(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = 3
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: invalid type: integer `3`, expected a version string like "0.9.8" or a detailed dependency like { version = "0.9.8" }
              Cargo.toml:6
                time = 3
                       ^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_requirement_is_reported_on_the_requirement() {
    check(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { version = "newest" }
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to parse the version requirement `newest` for dependency `time`: unexpected character 'n' while parsing major version number
              Cargo.toml:6
                time = { version = "newest" }
                                    ^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn unknown_package_is_reported_on_its_requirement() {
    check(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
no-such-crate = "1.2"
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: no matching package named `no-such-crate` found
              Cargo.toml:7
                no-such-crate = "1.2"
                                 ^^^
            exit 70
        "#]],
    );
}

#[test]
fn further_lines_of_cargos_error_are_notes() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.4"
"#,
    );
    let report = world.check("--only bans");
    let notes = &report.with("supercargo::resolution-failed")[0].notes;
    assert!(notes.iter().any(|note| note.contains("0.3.44")), "{notes:?}");
}

#[test]
fn unknown_version_is_reported_on_its_requirement() {
    check(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[workspace]
members = ["m"]
resolver = "2"
[workspace.dependencies]
time = "99"
#- m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time.workspace = true
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to select a version for the requirement `time = "^99"`
              Cargo.toml:5
                time = "99"
                        ^^
            exit 70
        "#]],
    );
}

#[test]
fn unknown_feature_is_reported_on_the_dependency() {
    check(
        r#"
#- crate: time 0.3.44
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { version = "0.3", features = ["no-such-feature"] }
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: package `m` depends on `time` with feature `no-such-feature` but `time` does not have that feature
              Cargo.toml:6
                time = { version = "0.3", features = ["no-such-feature"] }
                                                       ^^^^^^^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn package_without_targets_is_reported_on_its_name() {
    check(
        r#"
#- Cargo.toml
# no src
[package]
name = "m"
version = "0.1.0"
edition = "2021"
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: no targets specified in the manifest
              Cargo.toml:3
                name = "m"
                        ^
            exit 70
        "#]],
    );
}

#[test]
fn missing_member_is_reported_on_the_workspace() {
    check(
        r#"
#- Cargo.toml
[workspace]
members = ["a", "gone"]
resolver = "2"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to read `[work]/gone/Cargo.toml`: No such file or directory (os error 2)
              Cargo.toml:2
                members = ["a", "gone"]
                                 ^^^^
            exit 70
        "#]],
    );
}

#[test]
fn broken_member_is_reported_in_its_own_manifest() {
    check(
        r#"
#- Cargo.toml
[workspace]
members = ["a", "b"]
resolver = "2"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
#- b/Cargo.toml
[package]
name = "b"
version = "not a version"
edition = "2021"
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: unexpected character 'n' while parsing major version number
              b/Cargo.toml:3
                version = "not a version"
                           ^^^^^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn missing_path_dependency_is_reported_on_its_path() {
    check(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
near = { path = "../near" }
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to read `[world]/near/Cargo.toml`: No such file or directory (os error 2)
              Cargo.toml:6
                near = { path = "../near" }
                                 ^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn missing_workspace_dependency_is_reported_in_the_member() {
    check(
        r#"
#- Cargo.toml
[workspace]
members = ["a"]
resolver = "2"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
time.workspace = true
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: error inheriting `time` from workspace root manifest's `workspace.dependencies.time`: `workspace.dependencies` was not defined
              a/Cargo.toml:6
                time.workspace = true
                     ^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn manifest_that_is_not_utf8_is_reported() {
    let world = World::new("");
    world.write("Cargo.toml", b"[package]\nname = \"m\xff\"\n");
    expect![[r#"
        error supercargo::unreadable-file: could not read `[work]/Cargo.toml`: stream did not contain valid UTF-8
          Cargo.toml:1
          help the check cannot run without it
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn virtual_workspace_without_members_is_reported() {
    check(
        "#- Cargo.toml\n[workspace]\nresolver = \"2\"\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: manifest path `[work]` contains no package: The manifest is virtual, and the workspace has no members
              Cargo.toml:1
                [workspace]
                 ^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn other_workspaces_are_checked_when_one_fails() {
    let world = World::new(
        r#"
#- crate: time 0.1.0
#- crate: time 0.3.44
#- crate: old 1.0.0 -> time 0.1
#- broken/Cargo.toml
[package]
name = "broken"
version = "0.1.0"
edition = "2021"
[dependencies]
no-such-crate = "1"
#- sound/Cargo.toml
[package]
name = "sound"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
old = "1"
"#,
    );
    world.lock("sound");
    let report = world.check("--only bans");
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: no matching package named `no-such-crate` found
          broken/Cargo.toml:6
            no-such-crate = "1"
                             ^
        warning duplicate: found 2 versions of `time`: 0.1.0 and 0.3.44
          sound/Cargo.toml:7
            old = "1"
                   ^
          sound/Cargo.toml:6
            time = "0.3"
                    ^^^
          via sound 0.1.0 -> old 1.0.0 -> time 0.1.0
          2 paths
          help upgrade the dependencies that require the older one
        exit 70
    "#]]
    .assert_eq(&report.shown());
    let checked: Vec<_> = report.summaries.iter().map(|summary| &*summary.workspace).collect();
    assert_eq!(checked, ["[work]/sound"]);
}
