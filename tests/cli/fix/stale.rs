//! An outdated lockfile is brought up to date; a missing one is not created.

use expect_test::expect;

use super::{LATER, TIME, fix, package};
use crate::harness::World;

/// The lockfile is older than the requirement of `log`, of which there is a newer version meanwhile.
fn stale() -> World {
    let crates = format!("{TIME}#- crate: log 0.4.0\n");
    let world = World::locked(&format!("{crates}{}", package("time = \"0.3\"")));
    world.edit("Cargo.toml", "[dependencies]", "[dependencies]\nlog = \"0.4\"");
    world.with("#- crate: time 0.3.45\n")
}

#[test]
fn outdated_lockfile_is_updated_as_far_as_the_manifests_require() {
    let world = stale();
    let run = fix(&world, "");
    expect![[r#"
        .
          changed the lockfile: update `Cargo.lock` to what the manifests require
            changes log 0.4.0 (new)
          1 file changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    let lock = world.read("Cargo.lock");
    assert!(lock.contains("name = \"log\"") && lock.contains("\"0.3.44\""), "{lock}");
    assert_eq!(world.check("--only advisories --locked").code, 0);
    assert!(fix(&world, "").stdout.contains("nothing to change"));
}

#[test]
fn outdated_lockfile_is_updated_before_the_upgrades() {
    let world = stale().with(LATER);
    let run = fix(&world, "");
    expect![[r#"
        .
          changed the lockfile: update `Cargo.lock` to what the manifests require
            changes log 0.4.0 (new)
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          1 file changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    assert_eq!(world.check("--only advisories --locked").code, 0);
    let records = fix(&stale(), "--dry-run --format json").stdout;
    let first = records.lines().next().unwrap_or_default();
    assert!(first.contains("\"remedy\":\"lockfile\""), "{records}");
}

#[test]
fn missing_lockfile_is_not_created() {
    let world = World::new(&format!("{TIME}{}", package("time = \"0.3\"")));
    let run = fix(&world, "");
    assert!(run.stdout.contains("nothing to change"), "{}", run.stdout);
}

#[test]
fn lockfile_that_this_cargo_cannot_read_is_not_touched() {
    let world = stale();
    world.edit("Cargo.lock", "version = 4", "version = 99");
    let before = world.read("Cargo.lock");
    let run = fix(&world, "");
    assert!(run.stdout.contains("written by a newer cargo"), "{}", run.stdout);
    assert_eq!((run.code, world.read("Cargo.lock")), (70, before));
}
