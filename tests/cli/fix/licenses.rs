//! Upgrades and policies that clear licenses and duplicates.

use expect_test::expect;

use super::{MIT, check_all, locked_before};

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
