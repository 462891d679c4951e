//! The advisory databases of cargo-deny: found, fetched, shared, and their status.

use std::time::Duration;

use expect_test::expect;

use crate::harness::{DATABASE, DATABASE_URL, World};

const FIXTURE: &str = r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#;

const MINUTE: Duration = Duration::from_secs(60);

/// Adds an advisory to the database that is fetched.
fn publish_one_more(world: World) -> World {
    let world = world.with("#- advisory: RUSTSEC-2026-0080 time patched >=0.3.48: Another\n");
    world.git("../db", &["add", "."]);
    world.git("../db", &["commit", "--quiet", "--message=more"]);
    world
}

fn check_with(world: &World, words: &[&str]) -> (usize, usize, i32) {
    let report = world.report(&[&["--only", "advisories"], words].concat());
    let count = |id| report.with(id).len();
    (count("RUSTSEC-2026-0009"), count("RUSTSEC-2026-0080"), report.code)
}

#[test]
fn clone_of_cargo_deny_is_used_unchanged_offline() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(90 * MINUTE);
    let world = publish_one_more(world);
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
}

#[test]
fn missing_database_is_fetched() {
    let world = World::locked(FIXTURE);
    world.serve_git("../db", DATABASE_URL);
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1), "it stays for the next run");
    assert_eq!(world.git(DATABASE, &["branch", "--show-current"]), "main");
}

#[test]
fn database_older_than_an_hour_is_fetched() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(90 * MINUTE);
    let world = publish_one_more(world);
    assert_eq!(check_with(&world, &[]), (1, 1, 1));
}

#[test]
fn fresh_database_is_not_fetched_again() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(30 * MINUTE);
    let world = publish_one_more(world);
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
}

#[test]
fn damaged_worktree_is_repaired_by_the_next_fetch() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(90 * MINUTE);
    world.write(&format!("{DATABASE}/crates/time/RUSTSEC-2026-0009.md"), "damaged");
    assert_eq!(check_with(&world, &["--offline"]), (0, 0, 70));
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
}

#[test]
fn local_clone_is_used_with_a_warning_when_a_fetch_fails() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(90 * MINUTE);
    world.git("../db", &["branch", "--move", "trunk"]);
    let report = world.report(&["--only", "advisories"]);
    assert_eq!((report.with("RUSTSEC-2026-0009").len(), report.code), (1, 1));
    expect![[r#"
        ERROR could not fetch `https://github.com/RustSec/advisory-db`: Remote branch main not found in upstream origin; using the local copy
    "#]]
    .assert_eq(&report.stderr);
}

#[test]
fn policy_sets_urls_and_folder_of_databases() {
    let mut world = World::locked(FIXTURE);
    world.let_write("../home/databases");
    world.write(
        "deny.toml",
        "[advisories]\ndb-path = \"~/databases\"\ndb-urls = [\"https://example.org/Ours/Advisories\"]\n",
    );
    world.serve_git("../db", "https://example.org/Ours/Advisories");
    assert_eq!(check_with(&world, &[]), (1, 0, 1));
    let run = world.run(&["db", "status"]);
    assert!(run.stdout.contains("[world]/home/databases/advisories-"), "{}", run.stdout);
    assert_eq!(run.code, 0);
}

#[test]
fn several_databases_are_checked_together() {
    let world = World::locked(FIXTURE);
    world.write(
        "../more/crates/time/CORP-1.md",
        "```toml\n[advisory]\nid = \"CORP-1\"\npackage = \"time\"\ndate = \"2026-01-01\"\n[versions]\npatched = []\n```\n# Our own\n\nText.\n",
    );
    world.serve_git("../db", DATABASE_URL);
    world.serve_git("../more", "https://example.org/corp");
    world.write(
        "deny.toml",
        format!("[advisories]\ndb-urls = [\"{DATABASE_URL}\", \"https://example.org/corp\"]\n"),
    );
    let report = world.report(&["--only", "advisories"]);
    expect![[r#"
        error CORP-1: `time` 0.3.44 has a vulnerability: Our own
          Cargo.toml:6
            time = "0.3"
                    ^^^
          help no patched version exists
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          Cargo.toml:6
            time = "0.3"
                    ^^^
          help upgrade to >=0.3.47
        exit 1
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn status_shows_a_missing_database() {
    let run = World::new("").run(&["db", "status"]);
    expect![[r#"
        https://github.com/RustSec/advisory-db
          [world]/cargo/advisory-dbs/advisory-db-3157b0e258782691
          not on this machine; fetch it with `supercargo db update`
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 70);
}

#[test]
fn status_shows_age_and_size_of_a_database() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(MINUTE);
    let run = world.run(&["db", "status"]);
    let (before, after) = run.stdout.split_once("fetched ").expect("the time of the fetch");
    let text = format!("{before}fetched TIME{}", &after["YYYY-MM-DD HH:MM".len()..]);
    expect![[r#"
        https://github.com/RustSec/advisory-db
          [world]/cargo/advisory-dbs/advisory-db-3157b0e258782691
          fetched TIME UTC
          2 advisories
    "#]]
    .assert_eq(&text);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn pack_writes_local_advisories_to_one_file() {
    let mut world = World::locked(FIXTURE);
    world.let_write("../snapshot");
    let run = world.run(&["db", "pack", &world.path("../snapshot")]);
    expect![[r#"
        error: the advisory database is not on this machine; fetch it with `supercargo db update`
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, 70);
    world.fetched_advisories(MINUTE);
    let run = world.run(&["db", "pack", &world.path("../snapshot")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let packed = std::fs::read(world.path("../snapshot")).expect("a file");
    let packed = String::from_utf8_lossy(&packed);
    assert!(packed.contains("RUSTSEC-2026-0009") && packed.contains("A crafted date"));
}

#[test]
fn update_always_fetches_and_shows_the_status() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(MINUTE);
    let world = publish_one_more(world);
    let run = world.run(&["db", "update"]);
    assert!(run.stdout.ends_with("  3 advisories\n"), "{}", run.stdout);
    assert_eq!(run.code, 0);
    assert_eq!(check_with(&world, &["--offline"]), (1, 1, 1));
}

#[test]
fn failed_update_is_an_error() {
    let world = World::new("");
    world.serve_git("../db", DATABASE_URL);
    world.git("../db", &["branch", "--move", "trunk"]);
    let run = world.run(&["db", "update"]);
    expect![[r#"
        error: could not fetch `https://github.com/RustSec/advisory-db`: Remote branch main not found in upstream origin
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, 70);
}

#[test]
fn status_fails_with_a_broken_policy() {
    let world = World::new("#- deny.toml\n[advisories]\ndb-urls = \"one\"\n");
    let run = world.run(&["db", "status"]);
    expect![[r#"
        error: could not use `[work]/deny.toml`: expected an array
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, 70);
}

/// How many databases `cache status` lists.
fn packed(world: &World) -> String {
    let output = world.run(&["cache", "status"]).stdout;
    let line = output.lines().find(|line| line.contains("advisories"));
    line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
}

#[test]
fn database_is_cached_until_it_changes() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(30 * MINUTE);
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
    assert_eq!(packed(&world), "1");
    // It is read from there: the clone's own files could be anything.
    world.write(&format!("{DATABASE}/crates/time/RUSTSEC-2026-0009.md"), "no advisory");
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
    let report = world.report(&["--only", "advisories", "--offline", "--no-cache"]);
    assert_eq!(report.code, 70);
    // Another commit is another database.
    let world = publish_one_more(world);
    assert_eq!(world.run(&["db", "update"]).code, 0);
    assert_eq!(check_with(&world, &["--offline"]), (1, 1, 1));
    assert_eq!(packed(&world), "2");
}

#[test]
fn database_of_unknown_commit_is_not_cached() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(30 * MINUTE);
    world.write(&format!("{DATABASE}/.git/HEAD"), "ref: refs/heads/gone\n");
    assert_eq!(check_with(&world, &["--offline"]), (1, 0, 1));
    assert_eq!(packed(&world), "0", "changes could not be detected");
    world.write(&format!("{DATABASE}/crates/time/RUSTSEC-2026-0009.md"), "no advisory");
    assert_eq!(check_with(&world, &["--offline"]), (0, 0, 70));
}
