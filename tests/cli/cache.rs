//! What is kept between runs, and the word that shows and deletes it.

use crate::harness::World;

const PACKAGE: &str = "
#- crate: a 1.0.0
#- Cargo.toml
[package]
name = \"m\"
version = \"0.1.0\"
edition = \"2021\"
license = \"MIT\"

[dependencies]
a = \"1\"
#- deny.toml
[licenses]
allow = [\"MIT\"]
";

/// The numbers of entries that `cache status` lists.
fn entries(world: &World) -> Vec<String> {
    let output = world.run(&["cache", "status"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let lines = output.stdout.lines().skip(1);
    lines.map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn resolution_is_cached_and_can_be_deleted() {
    let world = World::locked(PACKAGE);
    assert_eq!(entries(&world), ["metadata 0", "verdicts 0", "advisories 0"]);
    let first = world.check("");
    assert_eq!(first.code, 0);
    assert_eq!(entries(&world), ["metadata 1", "verdicts 0", "advisories 0"]);
    assert_eq!(world.check("").shown(), first.shown());
    assert_eq!(entries(&world), ["metadata 1", "verdicts 0", "advisories 0"]);
    let cleaned = world.run(&["cache", "clean"]);
    assert_eq!(cleaned.code, 0, "{}", cleaned.stderr);
    assert_eq!(entries(&world), ["metadata 0", "verdicts 0", "advisories 0"]);
    assert_eq!(world.check("").shown(), first.shown());
}

#[test]
fn no_cache_option_caches_nothing() {
    let world = World::locked(PACKAGE);
    assert_eq!(world.check("--no-cache").code, 0);
    assert_eq!(entries(&world), ["metadata 0", "verdicts 0", "advisories 0"]);
}

#[test]
fn cached_resolution_is_not_used_for_other_files() {
    let world = World::locked(PACKAGE);
    assert_eq!(world.check("").code, 0);
    world.edit("Cargo.toml", "license = \"MIT\"", "license = \"GPL-3.0-only\"");
    let report = world.check("");
    assert_eq!(report.code, 4, "{}", report.shown());
}

#[test]
fn cache_folder_follows_the_environment() {
    let mut world = World::locked(PACKAGE);
    world.set("SUPERCARGO_CACHE_DIR", &world.path("../my cache"));
    world.let_write("../my cache");
    assert_eq!(world.check("").code, 0);
    let status = world.run(&["cache", "status"]);
    assert!(status.stdout.contains("my cache\n"), "{}", status.stdout);
    assert!(std::path::Path::new(&world.path("../my cache/CACHEDIR.TAG")).is_file());
}
