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
fn all_entries(world: &World) -> Vec<String> {
    let output = world.run(&["cache", "status"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let lines = output.stdout.lines().skip(1);
    lines.map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The same without the gates, which are kept only where no file is new.
fn entries(world: &World) -> Vec<String> {
    let mut all = all_entries(world);
    all.retain(|line| !line.starts_with("gates"));
    all
}

#[test]
fn resolution_is_cached_and_can_be_deleted() {
    let world = World::locked(PACKAGE);
    assert_eq!(entries(&world), ["metadata 0", "verdicts 0", "advisories 0", "bases 0"]);
    let first = world.check("");
    assert_eq!(first.code, 0);
    assert_eq!(entries(&world), ["metadata 1", "verdicts 1", "advisories 0", "bases 0"]);
    assert_eq!(world.check("").shown(), first.shown());
    assert_eq!(entries(&world), ["metadata 1", "verdicts 1", "advisories 0", "bases 0"]);
    let cleaned = world.run(&["cache", "clean"]);
    assert_eq!(cleaned.code, 0, "{}", cleaned.stderr);
    let nothing = ["metadata 0", "verdicts 0", "advisories 0", "gates 0", "bases 0"];
    assert_eq!(all_entries(&world), nothing);
    assert_eq!(world.check("").shown(), first.shown());
}

#[test]
fn no_cache_option_caches_nothing() {
    let world = World::locked(PACKAGE);
    assert_eq!(world.check("--no-cache").code, 0);
    let nothing = ["metadata 0", "verdicts 0", "advisories 0", "gates 0", "bases 0"];
    assert_eq!(all_entries(&world), nothing);
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

/// A workspace with something of everything that a verdict depends on.
const EVERYTHING: &str = "
#- crate: a 1.0.0 (MIT) -> b 1.0
#- crate: b 1.0.0 (MIT)
#- crate: b 1.0.1 (Zlib)
#- crate: texts 1.0.0 ()
#- advisory: RUSTSEC-2026-0001 other patched >=2: Another one
#- Cargo.toml
[workspace]
members = [\"m\", \"n\"]
resolver = \"2\"
#- m/Cargo.toml
[package]
name = \"m\"
version = \"0.1.0\"
edition = \"2021\"
license = \"MIT\"
[dependencies]
a = \"1\"
b = \"1\"
texts = \"1\"
#- n/Cargo.toml
[package]
name = \"n\"
version = \"0.1.0\"
edition = \"2021\"
license-file = \"LICENSE\"
#- n/LICENSE
mine
#- deny.toml
[licenses]
allow = [\"MIT\"]
";

/// Whether a check ran the checks, by its log.
fn checks_again(world: &World) -> bool {
    let run = world.human("-vv");
    assert!(!run.stdout.is_empty());
    run.stderr.contains("built the graph")
}

#[test]
fn verdict_is_reported_again_while_nothing_has_changed() {
    let world = World::locked(EVERYTHING);
    let first = world.human("");
    assert!(first.stdout.contains("LICENSE"), "{}", first.stdout);
    let json = world.human("--format json").stdout;
    assert!(!checks_again(&world));
    assert_eq!(world.human("").stdout, first.stdout);
    assert_eq!(world.human("--format json").stdout, json);
    assert_eq!(world.human("--no-cache").stdout, first.stdout);
}

#[test]
fn verdict_is_not_reported_again_after_any_change() {
    type Change<'c> = (&'c str, &'c dyn Fn(&mut World));
    let changes: [Change<'_>; 12] = [
        ("the policy", &|world| world.edit("deny.toml", "\"MIT\"]", "\"ISC\"]")),
        ("exceptions", &|world| {
            world.write(
                "deny.exceptions.toml",
                "exceptions = [{ allow = [\"Zlib\"], crate = \"b\" }]\n",
            );
        }),
        ("a manifest", &|world| world.edit("m/Cargo.toml", "\"MIT\"", "\"ISC\"")),
        ("a layout", &|world| world.edit("m/Cargo.toml", "[package]", "# New.\n[package]")),
        ("a member", &|world| world.edit("Cargo.toml", ", \"n\"", "")),
        ("the lockfile", &|world| {
            world.edit("m/Cargo.toml", "b = \"1\"", "b = \"=1.0.0\"");
            world.lock("");
        }),
        ("a license text", &|world| world.write("n/LICENSE", include_str!("../../LICENSE-MIT"))),
        ("a new license text", &|world| {
            world.write("n/LICENSE-MIT", include_str!("../../LICENSE-MIT"));
        }),
        ("a vendored text", &|world| {
            world.write("../vendor/texts-1.0.0/LICENSE", include_str!("../../LICENSE-MIT"));
        }),
        ("an advisory", &|world| {
            let text = world.read("../db/crates/other/RUSTSEC-2026-0001.md");
            world.write("../db/crates/a/RUSTSEC-2026-0001.md", text.replace("other", "a"));
        }),
        ("the configuration of cargo", &|world| {
            let known = world.read("../cargo/config.toml");
            world.write("../cargo/config.toml", format!("{known}[net]\nretry = 1\n"));
        }),
        ("the environment", &|world| world.set("CARGO_REGISTRY_DEFAULT", "crates-io")),
    ];
    for (what, change) in changes {
        let mut world = World::locked(EVERYTHING);
        world.human("");
        assert!(!checks_again(&world), "{what}: it is cached before");
        change(&mut world);
        assert!(checks_again(&world), "{what} has changed");
        assert_eq!(world.human("").stdout, world.human("--no-cache").stdout, "{what}");
    }
}

#[test]
fn verdict_on_clarified_texts_of_the_workspace_is_not_cached() {
    let world = World::locked(EVERYTHING);
    let policy = world.read("deny.toml");
    let clarified =
        "[[licenses.clarify]]\ncrate = \"n\"\nexpression = \"MIT\"\nlicense-files = []\n";
    world.write("deny.toml", format!("{policy}{clarified}"));
    world.human("");
    assert!(checks_again(&world));
}
