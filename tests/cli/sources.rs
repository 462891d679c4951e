//! Where findings about the source of a package are reported.

use expect_test::expect;

use crate::harness::World;

const FORK: &str = "https://example.org/forks/time";

fn world(fixture: &str) -> World {
    let world = World::new(fixture);
    world.write(
        "../repositories/time/Cargo.toml",
        "[package]\nname = \"time\"\nversion = \"0.3.44\"\nedition = \"2021\"\nlicense = \"MIT\"\n",
    );
    world.write("../repositories/time/src/lib.rs", "");
    world.serve_git("../repositories/time", FORK);
    world.lock("");
    world
}

#[test]
fn git_source_is_reported_on_its_url() {
    let report = world(
        r#"
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { version = "0.3", git = "https://example.org/forks/time", branch = "main" }
#- deny.toml
[sources]
unknown-git = "deny"
"#,
    )
    .check("--only advisories,sources");
    expect![[r#"
        error source-not-allowed: source not allowed: `time` 0.3.44 comes from git repository https://example.org/forks/time?branch=main#f2c81d10b62cb5a55ba99902f2afd2ccb0d2012f
          Cargo.toml:6
            time = { version = "0.3", git = "https://example.org/forks/time", branch = "main" }
                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          help use an allowed source, or allow this one in the policy
        exit 8
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn inherited_git_source_is_reported_in_the_root() {
    let report = world(
        r#"
#- Cargo.toml
[workspace]
members = ["m"]
resolver = "2"
[workspace.dependencies]
time = { git = "https://example.org/forks/time" }
#- m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { workspace = true }
#- deny.toml
[sources]
required-git-spec = "rev"
allow-git = ["https://example.org/forks/time"]
"#,
    )
    .check("--only sources");
    expect![[r#"
        error git-source-underspecified: git source of `time` 0.3.44 is underspecified: the policy requires a `rev`, but it names nothing
          Cargo.toml:5
            time = { git = "https://example.org/forks/time" }
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          m/Cargo.toml:6
            time = { workspace = true }
                     ^^^^^^^^^
          help add its `rev`
        note allowed-source: `time` 0.3.44: `git` source explicitly allowed
          Cargo.toml:5
            time = { git = "https://example.org/forks/time" }
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          m/Cargo.toml:6
            time = { workspace = true }
                     ^^^^^^^^^
        exit 8
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn patched_source_is_reported_on_the_patch() {
    let report = world(
        r#"
#- crate: time 0.3.40
#- crate: cookie 0.18.1 -> time 0.3
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
cookie = "0.18"
time = "0.3"
[patch.crates-io]
time = { git = "https://example.org/forks/time" }
#- deny.toml
[sources]
unknown-git = "deny"
"#,
    )
    .check("--only sources");
    expect![[r#"
        error source-not-allowed: source not allowed: `time` 0.3.44 comes from git repository https://example.org/forks/time#f2c81d10b62cb5a55ba99902f2afd2ccb0d2012f
          Cargo.toml:9
            time = { git = "https://example.org/forks/time" }
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          2 paths
          help use an allowed source, or allow this one in the policy
        exit 8
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn package_patched_by_a_folder_has_no_source_finding() {
    let report = World::locked(
        r#"
#- crate: time 0.3.40
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
[patch.crates-io]
time = { path = "patched/time" }
#- patched/time/Cargo.toml
[package]
name = "time"
version = "0.3.44"
edition = "2021"
"#,
    )
    .check("--only advisories,sources");
    expect![[r#"
        exit 0
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn other_registry_is_reported_on_the_requirement() {
    let world = World::new(
        r#"
#- crate: private 1.0.0
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
private = { version = "1", registry = "corp" }
#- deny.toml
[sources]
unknown-registry = "deny"
"#,
    );
    let configuration = world.read("../cargo/config.toml");
    world.write(
        "../cargo/config.toml",
        format!(
            "{configuration}[registries.corp]\nindex = \"sparse+https://crates.example.org/\"\n\
             [source.corp]\nregistry = \"sparse+https://crates.example.org/\"\nreplace-with = \"vendored\"\n"
        ),
    );
    world.lock("");
    expect![[r#"
        error source-not-allowed: source not allowed: `private` 1.0.0 comes from registry https://crates.example.org/
          Cargo.toml:6
            private = { version = "1", registry = "corp" }
                                   ^
          help use an allowed source, or allow this one in the policy
        exit 8
    "#]]
    .assert_eq(&world.check("--only sources").shown());
}

/// `time` 0.3.44 from a fork and from crates.io.
fn fork_and_crates_io() -> World {
    let world = World::new(
        r#"#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- ../repositories/time/Cargo.toml
[package]
name = "time"
version = "0.3.44"
edition = "2021"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = { git = "https://example.org/time" }
cookie = "0.18.1"
#- deny.toml
[advisories]
yanked = "deny"
[bans]
multiple-versions = "warn"
"#,
    );
    world.serve_git("../repositories/time", "https://example.org/time");
    world.lock("");
    world.with("#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n")
}

#[test]
fn source_of_the_same_version_is_named() {
    let world = fork_and_crates_io();
    expect![[r#"
        error RUSTSEC-2026-0009: `time` 0.3.44 (crates.io) has a vulnerability: A crafted date
          Cargo.toml:7
            cookie = "0.18.1"
                      ^^^^^^
          via m 0.1.0 -> cookie 0.18.1 -> time 0.3.44
          help upgrade to >=0.3.47
        warning duplicate: found 2 versions of `time`: 0.3.44 (git https://example.org/time) and 0.3.44 (crates.io)
          Cargo.toml:6
            time = { git = "https://example.org/time" }
                            ^^^^^^^^^^^^^^^^^^^^^^^^
          Cargo.toml:7
            cookie = "0.18.1"
                      ^^^^^^
          via m 0.1.0 -> cookie 0.18.1 -> time 0.3.44
          2 paths
          help depend on one source of it only
        exit 1
    "#]]
    .assert_eq(&world.check("--only advisories,bans").shown());
}

#[test]
fn remedy_for_a_yanked_version_names_the_source() {
    let world = fork_and_crates_io();
    let index = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/ti/me/time";
    world.edit(index, "\"yanked\":false", "\"yanked\":true");
    let report = world.check("--only advisories");
    let yanked = report.shown();
    let yanked = yanked.lines().filter(|line| line.contains("yanked")).collect::<Vec<_>>();
    expect![[r#"
        error yanked: `time` 0.3.44 (crates.io) is yanked
          help run `cargo update registry+https://github.com/rust-lang/crates.io-index#time@0.3.44` to select a version that is not yanked"#]].assert_eq(&yanked.join("\n"));
}
