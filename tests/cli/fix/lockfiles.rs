//! The lockfiles of other workspaces in which a changed manifest takes part.

use expect_test::{Expect, expect};

use super::{LATER, TIME, fix, package};
use crate::harness::World;

/// A workspace of fuzz targets, with more dependencies.
fn fuzz(dependencies: &str) -> String {
    format!(
        "#- fuzz/Cargo.toml\n[package]\nname = \"m-fuzz\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nm = {{ path = \"..\" }}\n{dependencies}\n[workspace]\n"
    )
}

/// A package with a workspace of fuzz targets, both locked before `later`.
fn locked(dependencies: &str, of_fuzz: &str, later: &str) -> World {
    let crates = format!("{TIME}#- crate: log 0.4.0\n");
    let world = World::locked(&format!("{crates}{}{}", package(dependencies), fuzz(of_fuzz)));
    world.lock("fuzz");
    world.with(later)
}

/// Compares the output, and asserts that a second run changes nothing.
fn check(world: &World, words: &str, expected: &Expect) {
    let run = fix(world, words);
    expected.assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    let locks = || ["Cargo.lock", "fuzz/Cargo.lock"].map(|lock| world.read(lock));
    let before = locks();
    let again = fix(world, words);
    assert!(again.stdout.contains("nothing to change"), "{}", again.stdout);
    assert_eq!(locks(), before);
}

/// Whether cargo accepts the lockfile of a folder as it is.
fn is_accepted(world: &World, folder: &str) -> bool {
    let folder = world.path(folder);
    let words = ["metadata", "--format-version=1", "--locked", "--offline"];
    world.run_program("cargo", &folder, &words).code == 0
}

/// More versions, with other dependencies.
const MORE: &str = "#- crate: num 1.0.0\n#- crate: log 0.4.9\n#- crate: time 0.3.46\n\
                    #- crate: time 0.3.47 -> num 1\n#- crate: time 0.3.48 -> num 1, log 0.4.9\n\
                    #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date\n";

#[test]
fn lockfile_of_a_nested_workspace_changes_only_where_the_requirement_forces_it() {
    let world = locked("time = \"0.3.44\"", "log = \"0.4\"", MORE);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                also changes num 1.0.0 (new)
              updated fuzz/Cargo.lock: num 1.0.0 (new), time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              3 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(is_accepted(&world, "") && is_accepted(&world, "fuzz"));
    let lock = world.read("fuzz/Cargo.lock");
    assert!(lock.contains("\"0.3.47\"") && lock.contains("\"0.4.0\""), "{lock}");
}

#[test]
fn several_workspaces_end_with_lockfiles_that_cargo_accepts() {
    for words in [". fuzz", "fuzz .", "fuzz", "--all ."] {
        let world = locked("time = \"0.3.44\"", "log = \"0.4.0\"", MORE);
        let world =
            world.with("#- advisory: RUSTSEC-2026-0010 log patched >=0.4.9: A crafted log\n");
        // A lockfile may change for the one workspace and then for the other.
        let db = world.path("../db");
        let options = ["fix", "--offline", "--only", "advisories", "--db", &db];
        let words: Vec<_> = options.into_iter().chain(words.split(' ')).collect();
        let run = world.run_that_writes_anywhere(&words);
        let words = words.join(" ");
        let accepted = ["", "fuzz"].map(|folder| is_accepted(&world, folder));
        assert_eq!(accepted, [true; 2], "{words}: {}", run.stdout);
        if !words.ends_with(" fuzz") || words.ends_with(". fuzz") {
            assert_eq!(run.code, 0, "{words}: {}", run.stdout);
            assert!(world.read("Cargo.toml").contains("0.3.47"));
        }
        assert!(world.read("fuzz/Cargo.lock").contains("\"0.4.9\""));
    }
}

#[test]
fn lockfile_that_cargo_cannot_update_is_named_with_the_reason() {
    let world = locked("time = \"0.3.44\"", "time = \"=0.3.44\"", LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              warning: `fuzz/Cargo.lock` no longer fits the manifests
                cargo: failed to select a version for `time`; required by package `m v0.1.0 ([work])`; which satisfies path dependency `m` (locked to 0.1.0) of package `m-fuzz v0.0.0 ([work]/fuzz)`; versions that meet the requirements `^0.3.47` are: 0.3.48, 0.3.47; all possible versions conflict with previously selected packages; previously selected package `time v0.3.44`; which satisfies dependency `time = "=0.3.44"` of package `m-fuzz v0.0.0 ([work]/fuzz)`; failed to select a version for `time` which could resolve this conflict
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(is_accepted(&world, "") && !is_accepted(&world, "fuzz"));
}

#[test]
fn lockfile_whose_gate_would_get_worse_is_named() {
    let world =
        locked("time = \"0.3.44\"", "", MORE).with("#- fuzz/deny.toml\n[bans]\ndeny = [\"num\"]\n");
    let db = world.path("../db");
    let words = ["fix", "--offline", "--only", "advisories,bans", "--db", &db];
    let run = world.run_that_writes(&words);
    expect![[r#"
        .
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            also changes num 1.0.0 (new)
          warning: `fuzz/Cargo.lock` no longer fits the manifests
            its update would introduce an error: `num` 1.0.0 is banned by the policy
          2 files changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    assert!(world.read("fuzz/Cargo.lock").contains("0.3.44"));
}

/// A repository with a workspace in `app`, and one in `tools` that depends on it.
fn app_and_tools() -> World {
    let files = package("time = \"0.3.44\"").replace("#- Cargo.toml", "#- app/Cargo.toml")
        + &fuzz("").replace("#- fuzz/", "#- tools/").replace("\"..\"", "\"../app\"");
    let world = World::new(&format!("{TIME}{files}"));
    for folder in ["app", "tools"] {
        world.lock(folder);
    }
    let world = world.with(LATER);
    world.folder(".git");
    world
}

#[test]
fn lockfile_of_a_workspace_outside_of_the_named_folder_is_only_named() {
    let world = app_and_tools();
    let run = fix(&world, "app");
    expect![[r#"
        app
          upgraded time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          warning: `tools/Cargo.lock` no longer fits the manifests
            `../tools/Cargo.lock` is outside `[work]/app`; pass `--allow outside` to change it
          2 files changed; gate: clean
        exit 0
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    assert!(!is_accepted(&world, "tools"));
    let world = app_and_tools();
    let run = fix(&world, "--allow outside app");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(is_accepted(&world, "app") && is_accepted(&world, "tools"));
}

#[test]
fn change_of_the_lockfile_alone_concerns_no_other_workspace() {
    let world = locked("time = \"0.3\"", "", LATER);
    let before = world.read("fuzz/Cargo.lock");
    let run = fix(&world, "");
    assert!(!run.stdout.contains("fuzz"), "{}", run.stdout);
    assert_eq!(world.read("fuzz/Cargo.lock"), before);
}

#[test]
fn json_has_a_record_for_each_other_lockfile() {
    let world = locked("time = \"0.3.44\"", "", LATER);
    let run = fix(&world, "--format json");
    let line = run.stdout.lines().find(|line| line.contains("\"lockfile\"")).unwrap_or_default();
    expect![[r#"{"type":"lockfile","workspace":"[work]","file":"[work]/fuzz/Cargo.lock","updated":true,"reason":null,"cleared":[{"check":"advisories","code":"vulnerability","severity":"error","message":"`time` 0.3.44 has a vulnerability: A crafted date","packages":[{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":"RUSTSEC-2026-0009"}],"introduced":[],"moved":[{"name":"time","before":"0.3.44","after":"0.3.47"}]}"#]].assert_eq(line);
}

#[test]
fn line_endings_of_another_lockfile_are_kept() {
    let world = locked("time = \"0.3.44\"", "", LATER);
    world.write("fuzz/Cargo.lock", world.read("fuzz/Cargo.lock").replace('\n', "\r\n"));
    fix(&world, "");
    let lock = world.read("fuzz/Cargo.lock");
    assert!(lock.contains("0.3.47"));
    assert_eq!(lock.matches('\n').count(), lock.matches("\r\n").count());
}

#[cfg(unix)]
#[test]
fn linked_lockfile_of_another_workspace_does_not_prevent_the_fix() {
    let world = locked("time = \"0.3.44\"", "", LATER);
    world.write("locks/fuzz.lock", world.read("fuzz/Cargo.lock"));
    world.delete("fuzz/Cargo.lock");
    std::os::unix::fs::symlink("../locks/fuzz.lock", world.path("fuzz/Cargo.lock"))
        .expect("a link");
    let run = fix(&world, "");
    assert!(run.stdout.contains("it is a symbolic link; pass `--allow links`"), "{}", run.stdout);
    assert!(world.read("Cargo.lock").contains("0.3.47"));
    assert!(world.read("fuzz/Cargo.lock").contains("0.3.44"));
}
