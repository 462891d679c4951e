//! Packages without a maintained version, replaced by the successors that their advisories name.

use expect_test::expect;

use super::{check, fix, package};
use crate::harness::World;

const USERS: &str = "#- crate: users 0.11.0\n#- crate: other 1.0.0 -> users 0.11\n";

/// A locked world, in which an advisory then names alternatives.
fn world(manifests: &str, later: &str) -> World {
    let world = World::locked(&format!("{USERS}{manifests}")).with(later);
    world.write(
        "../db/crates/users/RUSTSEC-2023-0040.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2023-0040\"\npackage = \"users\"\ndate = \"2023-06-01\"\n\
         informational = \"unmaintained\"\n[versions]\npatched = []\n```\n\n# `users` is unmaintained\n\n\
         ## Recommended alternatives\n- [`uzers`]\n\n[`uzers`]: https://crates.io/crates/uzers\n\
         Or https://crates.io/crates/people.\n",
    );
    world
}

#[test]
fn successor_replaces_the_package_under_its_name() {
    let world = world(
        &package("users = \"0.11\" # who"),
        "#- crate: uzers 0.11.3\n#- crate: uzers 0.12.1\n",
    );
    check(
        &world,
        "--allow replacement",
        &expect![[r#"
        .
          changed the manifests: replace `users` with `uzers` 0.12.1, which its advisory names; it resolves but was not compiled (fixes RUSTSEC-2023-0040)
            fixes RUSTSEC-2023-0040: `users` 0.11.0 is unmaintained: `users` is unmaintained
            also changes users 0.11.0 (gone), uzers 0.12.1 (new)
          2 files changed; gate: clean
        exit 0
    "#]],
    );
    expect![[r#"
        [package]
        name = "m"
        version = "0.1.0"
        edition = "2021"
        [dependencies]
        users = { version = "0.12.1", package = "uzers" } # who
    "#]]
    .assert_eq(&world.read("Cargo.toml"));
}

#[test]
fn every_member_gets_the_successor() {
    let member = "#- a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.1.0\"\n\
                  [dependencies]\nusers.workspace = true\n\
                  #- b/Cargo.toml\n[package]\nname = \"b\"\nversion = \"0.1.0\"\n\
                  [dev-dependencies]\nwho = { version = \"0.11\", package = \"users\" }\n";
    let root = "#- Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n\
                [workspace.dependencies]\nusers = { version = \"0.11\" }\n";
    let world = world(&format!("{root}{member}"), "#- crate: uzers 0.12.1\n");
    check(
        &world,
        "--allow replacement",
        &expect![[r#"
        .
          changed the manifests: replace `users` with `uzers` 0.12.1, which its advisory names; it resolves but was not compiled (fixes RUSTSEC-2023-0040)
            fixes RUSTSEC-2023-0040: `users` 0.11.0 is unmaintained: `users` is unmaintained
            also changes users 0.11.0 (gone), uzers 0.12.1 (new)
          3 files changed; gate: clean
        exit 0
    "#]],
    );
    expect![[r#"
        [workspace]
        members = ["a", "b"]
        resolver = "2"
        [workspace.dependencies]
        users = { version = "0.12.1", package = "uzers" }

        [package]
        name = "b"
        version = "0.1.0"
        [dev-dependencies]
        who = { version = "0.12.1", package = "uzers" }
    "#]]
    .assert_eq(&format!("{}\n{}", world.read("Cargo.toml"), world.read("b/Cargo.toml")));
}

#[test]
fn second_name_is_used_where_the_first_is_no_package() {
    let world = world(&package("users = \"0.11\""), "#- crate: people 2.0.0\n");
    let run = fix(&world, "--allow replacement");
    assert!(run.stdout.contains("replace `users` with `people` 2.0.0"), "{}", run.stdout);
}

#[test]
fn package_that_others_require_is_not_replaced() {
    let world = world(
        &package("users = { version = \"0.11\", default-features = false }\nother = \"1\""),
        "#- crate: uzers 0.12.1\n",
    );
    // `other` still requires it.
    let before = world.read("Cargo.toml");
    check(
        &world,
        "--allow replacement",
        &expect![[r#"
        .
          error remains: RUSTSEC-2023-0040: `users` 0.11.0 is unmaintained: `users` is unmaintained
            no version of `users` is patched; the advisory suggests alternatives: `uzers`
          nothing to change; gate: fails
        exit 1
    "#]],
    );
    assert_eq!(before, world.read("Cargo.toml"));
}

#[test]
fn nothing_is_replaced_unasked() {
    let world = world(&package("users = \"0.11\""), "#- crate: uzers 0.12.1\n");
    let before = world.read("Cargo.toml");
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              error remains: RUSTSEC-2023-0040: `users` 0.11.0 is unmaintained: `users` is unmaintained
                no version of `users` is patched; the advisory suggests alternatives: `uzers`; pass `--allow replacement` to replace it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    assert_eq!(before, world.read("Cargo.toml"));
}

#[test]
fn successor_without_a_used_feature_does_not_replace_it() {
    let before = "#- crate: users 0.11.1 features=cache\n";
    let dependency = "users = { version = \"0.11.1\", features = [\"cache\"] }";
    let without = world(&format!("{before}{}", package(dependency)), "#- crate: uzers 0.12.1\n");
    let run = fix(&without, "--allow replacement");
    assert!(run.stdout.contains("nothing to change"), "{}", run.stdout);
    let with = world(
        &format!("{before}{}", package(dependency)),
        "#- crate: uzers 0.12.1 features=cache\n#- crate: uzers 0.13.0\n",
    );
    let run = fix(&with, "--allow replacement");
    assert!(run.stdout.contains("replace `users` with `uzers` 0.12.1"), "{}", run.stdout);
}
