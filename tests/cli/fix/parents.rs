//! What has to move with a package: those that hold it back, and no more than has to.

use expect_test::expect;

use super::{LATER, TIME, check, check_all, fix, locked_before};
use crate::harness::World;

#[test]
fn what_has_to_move_beside_it_goes_the_smallest_step() {
    let before =
        "#- crate: clock 1.0.0\n#- crate: zone 1.0.0\n#- crate: time 0.3.44 -> clock 1, zone 1\n";
    let later = "#- crate: clock 1.1.0\n#- crate: huge 1.0.0\n#- crate: zone 1.1.0\n\
                 #- crate: clock 1.2.0 -> huge 1, zone 1.1\n\
                 #- crate: time 0.3.47 -> clock 1.1, zone 1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";
    let world = locked_before("time = \"0.3\"", before, later);
    assert_eq!(fix(&world, "").code, 0);
    // Left to itself cargo takes the newest `clock`, which brings `huge` and another `zone`.
    expect![[r#"
        name = "clock", version = "1.1.0"
        name = "m", version = "0.1.0"
        name = "time", version = "0.3.47"
        name = "zone", version = "1.0.0"
    "#]]
    .assert_eq(&versions(&world));
}

#[test]
fn the_smallest_step_beside_it_is_not_taken_where_it_brings_a_finding() {
    let policy = "#- deny.toml\n[licenses]\nallow = [\"MIT\"]\n";
    let before = "#- crate: clock 1.0.0 -> zone 1\n#- crate: zone 1.0.0\n\
                  #- crate: time 0.3.44 -> clock 1, zone 1\n";
    let later = "#- crate: zone 1.1.0\n#- crate: zone 2.0.0\n#- crate: clock 1.1.0 -> zone 2\n\
                 #- crate: clock 1.2.0 -> zone 1.1\n\
                 #- crate: time 0.3.47 -> clock 1.1, zone 1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";
    let world = locked_before("time = \"0.3\"", before, later).with(policy);
    // With `clock` 1.1.0 there would be two of `zone`.
    check_all(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                moves also clock 1.0.0 -> 1.2.0, zone 1.0.0 -> 1.1.0
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
fn a_parent_is_moved_where_it_does_not_admit_the_patched_version() {
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
            for it clock 1.0.0 -> 1.2.0
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          1 file changed; gate: clean
        exit 0
    "#]],
    );
    assert!(!world.read("Cargo.toml").contains("1.2"), "the requirement admits it");
}

#[test]
fn the_parent_of_a_parent_is_moved_and_its_requirement_raised() {
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
          upgraded time 0.3.44 -> 0.3.48
            for it tower 0.5.1 -> 0.5.3
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            moves also clock 1.0.0 -> 1.1.0
          2 files changed; gate: clean
        exit 0
    "#]],
    );
    assert!(world.read("Cargo.toml").contains("tower = \"0.5.3\""));
}

#[test]
fn a_family_that_requires_each_other_exactly_moves_together() {
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
          error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            only a breaking upgrade clears it: fam-io 0.1.0 -> 0.2.0 or later (`--breaking` tries that)
          nothing to change; gate: fails
        exit 1
    "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
        .
          upgraded time 0.3.44 -> 0.3.48, a breaking upgrade: it resolves, whether it compiles is not known
            for it fam 0.1.0 -> 0.2.0
            for it fam-io 0.1.0 -> 0.2.0
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            moves also fam-core 0.1.0 -> 0.2.0
          2 files changed; gate: clean
        exit 0
    "#]],
    );
    let manifest = world.read("Cargo.toml");
    assert!(manifest.contains("fam = \"0.2\"\nfam-io = \"0.2.0\""), "{manifest}");
}

#[test]
fn the_newest_parent_that_is_in_the_way_is_named() {
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
          error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            clock 1.2.0 (newest) requires time =0.3.46, watch 0.9.0 (newest) requires time =0.3.44
          nothing to change; gate: fails
        exit 1
    "#]],
    );
}

#[test]
fn a_parent_that_only_a_breaking_upgrade_moves_is_named() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let later = format!("{LATER}#- crate: clock 2.0.0 -> time 0.3.46\n");
    let world = locked_before("clock = \"1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
        .
          error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            only a breaking upgrade clears it: clock 1.0.0 -> 2.0.0 or later (`--breaking` tries that)
          nothing to change; gate: fails
        exit 1
    "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
        .
          upgraded time 0.3.44 -> 0.3.47, a breaking upgrade: it resolves, whether it compiles is not known
            for it clock 1.0.0 -> 2.0.0
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          2 files changed; gate: clean
        exit 0
    "#]],
    );
}

#[test]
fn parents_in_a_circle_are_no_endless_search() {
    // Cargo allows a circle only through dev-dependencies: the index states one all the same.
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
fn a_package_that_a_parent_does_without_is_gone() {
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
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            moves also time 0.3.44 (gone)
          1 file changed; gate: clean
        exit 0
    "#]],
    );
}

#[test]
fn what_is_shared_with_a_declared_parent_follows_it() {
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
