//! Upgrades and policies that clear licenses and duplicates.

use expect_test::expect;

use super::{MIT, check_all, locked_before};
use crate::harness::World;

#[test]
fn duplicate_is_unified_if_the_parent_accepts_it() {
    let policy =
        "#- deny.toml\n[bans]\nmultiple-versions = \"deny\"\n[licenses]\nallow = [\"MIT\"]\n";
    let before = "#- crate: base 0.1.0\n#- crate: base 0.2.0\n#- crate: old 1.0.0 -> base 0.1\n\
                  #- crate: new 1.0.0 -> base 0.2\n";
    let later = "#- crate: old 1.1.0 -> base 0.2\n";
    let world = locked_before("old = \"1\"\nnew = \"1\"", before, later).with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              upgraded base 0.1.0 -> 0.2.0
                also upgrades old 1.0.0 -> 1.1.0
                fixes duplicate: found 2 versions of `base`: 0.1.0 and 0.2.0
              1 file changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn three_versions_are_unified_together() {
    let policy =
        "#- deny.toml\n[bans]\nmultiple-versions = \"deny\"\n[licenses]\nallow = [\"MIT\"]\n";
    let before = "#- crate: base 0.1.0\n#- crate: base 0.2.0\n#- crate: base 0.3.0\n\
                  #- crate: older 1.0.0 -> base 0.1\n#- crate: old 1.0.0 -> base 0.2\n\
                  #- crate: new 1.0.0 -> base 0.3\n";
    let later = "#- crate: older 1.1.0 -> base 0.3\n#- crate: old 1.1.0 -> base 0.3\n";
    let dependencies = "older = \"1\"\nold = \"1\"\nnew = \"1\"";
    let world = locked_before(dependencies, before, later).with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
        .
          upgraded base 0.1.0 -> 0.3.0
            also upgrades old 1.0.0 -> 1.1.0
            also upgrades older 1.0.0 -> 1.1.0
            fixes duplicate: found 3 versions of `base`: 0.1.0, 0.2.0 and 0.3.0
          upgraded base 0.2.0 -> 0.3.0
          1 file changed; gate: clean
        exit 0
    "#]],
    );
    let world = locked_before(dependencies, before, "#- crate: older 1.1.0 -> base 0.3\n");
    check_all(
        &world.with(policy),
        "",
        &expect![[r#"
        .
          error remains: duplicate: found 3 versions of `base`: 0.1.0, 0.2.0 and 0.3.0
            `old` 1.0.0 (newest) requires `base` ^0.2; the crates that require the older version accept none of the others
          nothing to change; gate: fails
        exit 2
    "#]],
    );
}

#[test]
fn member_without_a_license_is_made_private_only_with_allow() {
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    let manifest = "#- Cargo.toml\n[package] # without a license\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let world = World::locked(manifest).with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
        .
          warning remains: no-license-field: `m` 0.1.0 has no `license` field
            add `license = ".."` to its manifest, or pass `--allow exception` to make it private and leave it out
          warning remains: unlicensed: could not determine the license of `m` 0.1.0
            add `license = ".."` to its manifest, or pass `--allow exception` to make it private and leave it out
          error remains: unlicensed: could not determine the license of `m` 0.1.0
            add `license = ".."` to its manifest, or pass `--allow exception` to make it private and leave it out
          warning remains: license-not-encountered: unused license `MIT`: no crate in the graph uses it
            remove it from `allow`
          nothing to change; gate: fails
        exit 4
    "#]],
    );
    check_all(
        &world,
        "--allow exception",
        &expect![[r#"
        .
          changed the policy: make `m` private and leave it out of the license check (`publish = false` and `licenses.private.ignore = true`) (fixes unlicensed, no-license-field)
            fixes no-license-field: `m` 0.1.0 has no `license` field
            fixes unlicensed: could not determine the license of `m` 0.1.0
          warning remains: license-not-encountered: unused license `MIT`: no crate in the graph uses it
            remove it from `allow`
          2 files changed; gate: clean
        exit 0
    "#]],
    );
    expect![[r#"
        [package] # without a license
        name = "m"
        version = "0.1.0"
        edition = "2021"
        publish = false

        [licenses]
        allow = ["MIT"]

        [licenses.private]
        ignore = true
    "#]]
    .assert_eq(&format!("{}\n{}", world.read("Cargo.toml"), world.read("deny.toml")));
}

#[test]
fn upgrade_to_a_version_with_a_license() {
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    let before = "#- crate: ring 0.17.9 ()\n";
    let later = "#- crate: ring 0.17.12\n#- crate: ring 0.17.14 (MIT)\n\
                 #- advisory: RUSTSEC-2025-0009 ring patched >=0.17.12: A panic\n";
    let world = locked_before("ring = \"0.17.9\"", before, later).with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              upgraded ring 0.17.9 -> 0.17.12
                fixes RUSTSEC-2025-0009: `ring` 0.17.9 has a vulnerability: A panic
                fixes no-license-field: `ring` 0.17.9 has no `license` field
                fixes unlicensed: could not determine the license of `ring` 0.17.9
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    let later = "#- crate: ring 0.17.12 ()\n#- crate: ring 0.17.14 (MIT)\n\
                 #- advisory: RUSTSEC-2025-0009 ring patched >=0.17.12: A panic\n";
    let world = locked_before("ring = \"0.17.9\"", before, later).with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              upgraded ring 0.17.9 -> 0.17.14
                fixes RUSTSEC-2025-0009: `ring` 0.17.9 has a vulnerability: A panic
                fixes no-license-field: `ring` 0.17.9 has no `license` field
                fixes unlicensed: could not determine the license of `ring` 0.17.9
              2 files changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn license_is_clarified_or_excepted_only_with_allow() {
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    let world =
        locked_before("gpl = \"1\"", "#- crate: gpl 1.0.0 (GPL-3.0-only)\n", "").with(policy);
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              error remains: rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow
                the local registry index has no version of `gpl` newer than 1.0.0; pass `--allow exception` to allow its license for this version only
              nothing to change; gate: fails
            exit 4
        "#]],
    );
    check_all(
        &world,
        "--allow clarify,exception",
        &expect![[r#"
            .
              changed the policy: allow `GPL-3.0-only` for `gpl` 1.0.0 only (fixes rejected)
                fixes rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    expect![[r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [
            { crate = "gpl@1.0.0", allow = ["GPL-3.0-only"] },
        ]
    "#]]
    .assert_eq(&world.read("deny.toml"));
    let world = locked_before("bare = \"1\"", "#- crate: bare 1.0.0 ()\n", "").with(policy);
    world.write("../vendor/bare-1.0.0/LICENSE", MIT);
    check_all(
        &world,
        "--allow exception",
        &expect![[r#"
            .
              warning remains: no-license-field: `bare` 1.0.0 has no `license` field
                pass `--allow clarify` to add a `licenses.clarify` entry if its license files determine its license
              nothing to change; gate: clean
            exit 0
        "#]],
    );
    check_all(
        &world,
        "--allow clarify",
        &expect![[r#"
            .
              changed the policy: clarify the license of `bare` 1.0.0 as `MIT` (fixes no-license-field)
                fixes no-license-field: `bare` 1.0.0 has no `license` field
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    expect![[r#"
        [licenses]
        allow = ["MIT"]

        [[licenses.clarify]]
        crate = "bare@1.0.0"
        expression = "MIT"
        license-files = [{ path = "LICENSE", hash = 0x66538f6a }]
    "#]]
    .assert_eq(&world.read("deny.toml"));
}
