//! Upgrades that also move the dependents of a package, and as few others as possible.

use expect_test::expect;

use super::{LATER, TIME, check, check_all, fix, locked_before};
use crate::harness::World;

#[test]
fn other_packages_move_by_the_smallest_step() {
    let before =
        "#- crate: clock 1.0.0\n#- crate: zone 1.0.0\n#- crate: time 0.3.44 -> clock 1, zone 1\n";
    let later = "#- crate: clock 1.1.0\n#- crate: huge 1.0.0\n#- crate: zone 1.1.0\n\
                 #- crate: clock 1.2.0 -> huge 1, zone 1.1\n\
                 #- crate: time 0.3.47 -> clock 1.1, zone 1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";
    let world = locked_before("time = \"0.3\"", before, later);
    assert_eq!(fix(&world, "").code, 0);
    // By itself cargo selects the newest `clock`, which adds `huge` and moves `zone`.
    expect![[r#"
        name = "clock", version = "1.1.0"
        name = "m", version = "0.1.0"
        name = "time", version = "0.3.47"
        name = "zone", version = "1.0.0"
    "#]]
    .assert_eq(&versions(&world));
}

#[test]
fn smallest_step_is_not_taken_if_it_introduces_a_finding() {
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    let before = "#- crate: clock 1.0.0 -> zone 1\n#- crate: zone 1.0.0\n\
                  #- crate: time 0.3.44 -> clock 1, zone 1\n";
    let later = "#- crate: zone 1.1.0\n#- crate: zone 2.0.0\n#- crate: clock 1.1.0 -> zone 2\n\
                 #- crate: clock 1.2.0 -> zone 1.1\n\
                 #- crate: time 0.3.47 -> clock 1.1, zone 1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";
    let world = locked_before("time = \"0.3\"", before, later).with(policy);
    // `clock` 1.1.0 would add a second version of `zone`.
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                also changes clock 1.0.0 -> 1.2.0, zone 1.0.0 -> 1.1.0
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    expect![[r#"
        name = "clock", version = "1.2.0"
        name = "m", version = "0.1.0"
        name = "time", version = "0.3.47"
        name = "zone", version = "1.1.0"
    "#]]
    .assert_eq(&versions(&world));
}

/// Name and version of every lock entry.
fn versions(world: &World) -> String {
    let lock = world.read("Cargo.lock");
    let mut lines =
        lock.lines().filter(|line| line.starts_with("name = ") || line.starts_with("version = \""));
    let mut all = String::new();
    while let (Some(name), Some(version)) = (lines.next(), lines.next()) {
        all.push_str(&format!("{name}, {version}\n"));
    }
    all
}

#[test]
fn parent_that_rejects_the_patched_version_is_upgraded() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let later = format!(
        "{LATER}#- crate: clock 1.1.0 -> time =0.3.45\n#- crate: clock 1.2.0 -> time 0.3.46\n\
         #- crate: clock 1.3.0 -> time 0.3.46\n#- crate: clock 2.0.0 -> time 0.3.46\n"
    );
    let world = locked_before("clock = \"1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                also upgrades clock 1.0.0 -> 1.2.0
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert!(!world.read("Cargo.toml").contains("1.2"), "the requirement admits it");
}

#[test]
fn parent_of_a_parent_is_upgraded_and_its_requirement_raised() {
    let before = format!(
        "{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n#- crate: tower 0.5.1 -> clock =1.0.0\n"
    );
    let later = format!(
        "{LATER}#- crate: clock 1.1.0 -> time 0.3.46\n#- crate: tower 0.5.2 -> clock =1.0.0\n\
         #- crate: tower 0.5.3 -> clock =1.1.0\n#- crate: tower 0.5.4 -> clock =1.1.0\n"
    );
    let world = locked_before("tower = \"0.5.1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                also upgrades tower 0.5.1 -> 0.5.3
                also upgrades clock 1.0.0 -> 1.1.0
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("tower = \"0.5.3\""));
}

#[test]
fn packages_with_exact_requirements_move_together() {
    let family = |version: &str, time: &str| {
        format!(
            "#- crate: fam-core {version} -> time {time}\n\
             #- crate: fam-io {version} -> fam-core ={version}\n\
             #- crate: fam {version} -> fam-core ={version}, fam-io ={version}\n"
        )
    };
    let before = format!("{TIME}{}", family("0.1.0", "=0.3.44"));
    let later = format!("{LATER}{}{}", family("0.1.1", "=0.3.45"), family("0.2.0", "0.3.47"));
    let world = locked_before("fam = \"0.1\"\nfam-io = \"0.1.0\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                only a breaking upgrade fixes it: `fam` 0.1.0 -> 0.2.0, `fam-io` 0.1.0 -> 0.2.0; pass `--breaking` to try it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                also upgrades fam 0.1.0 -> 0.2.0 (semver-incompatible: it resolves, but may not compile)
                also upgrades fam-io 0.1.0 -> 0.2.0 (semver-incompatible: it resolves, but may not compile)
                also upgrades fam-core 0.1.0 -> 0.2.0
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    let manifest = world.read("Cargo.toml");
    assert!(manifest.contains("fam = \"0.2\"\nfam-io = \"0.2.0\""), "{manifest}");
}

#[test]
fn newest_blocking_parent_is_named() {
    let before = format!(
        "{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n#- crate: watch 0.9.0 -> time =0.3.44\n"
    );
    let later = format!(
        "{LATER}#- crate: clock 1.2.0 -> time ~0.3.45, <0.3.47\n#- crate: clock 2.0.0-rc.1 -> time 0.3\n"
    );
    let later = later.replace("~0.3.45, <0.3.47", "=0.3.46");
    let world = locked_before("clock = \"1\"\nwatch = \"0.9\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                `watch` 0.9.0 (newest) requires `time` =0.3.44
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn parent_that_needs_a_breaking_upgrade_is_named() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let later = format!("{LATER}#- crate: clock 2.0.0 -> time 0.3.46\n");
    let world = locked_before("clock = \"1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                only a breaking upgrade fixes it: `clock` 1.0.0 -> 2.0.0; pass `--breaking` to try it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                also upgrades clock 1.0.0 -> 2.0.0 (semver-incompatible: it resolves, but may not compile)
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn cyclic_parents_end_the_search() {
    // Cargo allows a cycle only through dev-dependencies, but this index has one.
    let before = format!(
        "{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n#- crate: tower 1.0.0 -> clock =1.0.0\n"
    );
    let later = format!(
        "{LATER}#- crate: clock 1.1.0 -> time 0.3, tower =1.1.0\n#- crate: tower 1.1.0 -> clock =1.1.0\n"
    );
    let world = locked_before("tower = \"1\"\nclock = \"1\"", &before, &later);
    let run = fix(&world, "");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("cargo: cyclic package dependency"), "{}", run.stdout);
}

#[test]
fn package_that_a_parent_no_longer_needs_is_removed() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time 0.3\n");
    let later = "#- crate: clock 1.1.0\n\
                 #- advisory: RUSTSEC-2026-0009 time: A crafted date\n";
    let world = locked_before("clock = \"1\"", &before, later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded clock 1.0.0 -> 1.1.0
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                also changes time 0.3.44 (gone)
              1 file changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn shared_direct_dependency_moves_with_its_parent() {
    let before = format!(
        "{TIME}#- crate: fam-io 0.1.0\n#- crate: fam 0.1.0 -> time =0.3.44, fam-io =0.1.0\n"
    );
    let later = format!(
        "{LATER}#- crate: fam-io 0.2.0\n#- crate: fam 0.2.0 -> time 0.3.47, fam-io =0.2.0\n"
    );
    let world = locked_before("fam = \"0.1\"\nfam-io = \"0.1\"", &before, &later);
    assert_eq!(fix(&world, "--breaking").code, 0);
    assert!(world.read("Cargo.toml").contains("fam = \"0.2\"\nfam-io = \"0.2\""));
    assert_eq!(world.read("Cargo.lock").matches("name = \"fam-io\"").count(), 1);
}
