//! `supercargo fix`: what it changes, what it says, and that the verdict is then what it said.

use expect_test::{Expect, expect};

use crate::harness::{Run, World};

fn package(dependencies: &str) -> String {
    format!(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         [dependencies]\n{dependencies}\n"
    )
}

const TIME: &str = "#- crate: time 0.3.44\n";

/// Published after the lock file was written.
const LATER: &str = "#- crate: time 0.3.46
#- crate: time 0.3.47
#- crate: time 0.3.48
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
";

fn fix(world: &World, words: &str) -> Run {
    let db = world.path("../db");
    let mut all = vec!["fix", "--offline", "--only", "advisories", "--db", &db];
    all.extend(words.split_whitespace());
    world.run_that_writes(&all)
}

/// The verdict on what is on disk now is the one that `fix` has promised.
fn check(world: &World, words: &str, expected: &Expect) {
    let run = fix(world, words);
    expected.assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    let report = world.check("--only advisories");
    assert_eq!(report.code, run.code, "what was promised is so");
    let before = (world.read("Cargo.toml"), world.read("Cargo.lock"));
    assert_eq!(fix(world, words).code, run.code);
    assert_eq!(
        before,
        (world.read("Cargo.toml"), world.read("Cargo.lock")),
        "again changes nothing"
    );
}

fn locked_before(dependencies: &str, before: &str, later: &str) -> World {
    World::locked(&format!("{before}{}", package(dependencies))).with(later)
}

#[test]
fn the_smallest_patched_version_is_taken_and_a_requirement_that_names_the_old_one_raised() {
    let world = locked_before("time = \"0.3.44\" # clocks", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
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
        time = "0.3.47" # clocks
    "#]]
    .assert_eq(&world.read("Cargo.toml"));
    assert!(world.read("Cargo.lock").contains("version = \"0.3.47\""));
}

#[test]
fn a_requirement_that_admits_it_stays_as_it_is() {
    let world = locked_before("time = \"0.3\"", TIME, LATER);
    let manifest = world.read("Cargo.toml");
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert_eq!(world.read("Cargo.toml"), manifest);
}

#[test]
fn a_pinned_requirement_stays_pinned() {
    let world = locked_before("time = { version = '=0.3.44' }", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = { version = '=0.3.47' }"));
}

#[test]
fn an_inherited_requirement_is_raised_where_it_stands() {
    let world = World::locked(
        "#- crate: time 0.3.44
#- Cargo.toml
[workspace]
members = [\"a\", \"b\"]
resolver = \"2\"
[workspace.dependencies]
time = \"0.3.44\"
#- a/Cargo.toml
[package]
name = \"a\"
version = \"0.1.0\"
edition = \"2021\"
[dependencies]
time.workspace = true
#- b/Cargo.toml
[package]
name = \"b\"
version = \"0.1.0\"
edition = \"2021\"
[dependencies]
time = { workspace = true }
[dev-dependencies]
time = \"=0.3.44\"
",
    )
    .with(LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              3 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = \"0.3.47\""));
    assert!(world.read("b/Cargo.toml").contains("time = \"=0.3.47\""));
    assert!(world.read("b/Cargo.toml").contains("time = { workspace = true }"));
}

#[test]
fn a_package_deeper_in_is_moved_in_the_lock_file_alone() {
    let before = format!("{TIME}#- crate: log 0.4.0\n#- crate: clock 1.0.0 -> time 0.3, log 0.4\n");
    let later = format!("{LATER}#- crate: log 0.4.9\n");
    let world = locked_before("clock = \"1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.lock").contains("version = \"0.4.0\""), "`log` stays");
}

#[test]
fn who_stands_in_the_way_is_named() {
    let before = format!("{TIME}#- crate: clock 1.0.0 -> time =0.3.44\n");
    let world = locked_before("clock = \"1\"", &before, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                clock 1.0.0 (newest) requires time =0.3.44
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn without_a_patched_version_nothing_is_done() {
    let world = locked_before(
        "time = \"0.3\"",
        TIME,
        "#- crate: time 0.3.45\n#- advisory: RUSTSEC-2026-0009 time: A crafted date\n",
    );
    check(
        &world,
        "",
        &expect![[r#"
        .
          error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            no version of `time` is patched
          nothing to change; gate: fails
        exit 1
    "#]],
    );
}

#[test]
fn a_withdrawn_patched_version_is_no_way_out() {
    let later = LATER.replace("time 0.3.47\n", "time 0.3.47 yanked\n");
    let world = locked_before("time = \"0.3\"", TIME, &later);
    check(
        &world,
        "",
        &expect![[r#"
        .
          upgraded time 0.3.44 -> 0.3.48
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          1 file changed; gate: clean
        exit 0
    "#]],
    );
    assert!(world.read("Cargo.lock").contains("version = \"0.3.48\""));
}

#[test]
fn a_breaking_upgrade_is_made_only_when_it_is_asked_for() {
    let later = "#- crate: time 0.4.0\n#- crate: time 0.4.1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.4.1: A crafted date\n";
    let world = locked_before("time = \"0.3\"", TIME, later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                only a breaking upgrade clears it: time 0.3.44 -> 0.4.1 or later (`--breaking` tries that)
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
        .
          upgraded time 0.3.44 -> 0.4.1, a breaking upgrade: it resolves, whether it compiles is not known
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          2 files changed; gate: clean
        exit 0
    "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = \"0.4\""));
}

#[test]
fn an_upper_bound_that_somebody_has_set_stays() {
    let world = locked_before("time = \">=0.3.40, <0.3.45\"", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                the requirement `>=0.3.40, <0.3.45` (Cargo.toml:6) does not admit 0.3.47
              nothing to change; gate: fails
            exit 1
        "#]],
    );
}

#[test]
fn a_dry_run_shows_the_changes_and_writes_nothing() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    let db = world.path("../db");
    let run = world.run(&["fix", "--dry-run", "--offline", "--only", "advisories", "--db", &db]);
    expect![[r#"
        --- a/Cargo.lock
        +++ b/Cargo.lock
        @@ -11,6 +11,6 @@
 
         [[package]]
         name = "time"
        -version = "0.3.44"
        +version = "0.3.47"
         source = "registry+https://github.com/rust-lang/crates.io-index"
        -checksum = "74696d6520302e332e343474696d6520302e332e343474696d6520302e332e34"
        +checksum = "74696d6520302e332e343774696d6520302e332e343774696d6520302e332e34"

        --- a/Cargo.toml
        +++ b/Cargo.toml
        @@ -3,4 +3,4 @@
         version = "0.1.0"
         edition = "2021"
         [dependencies]
        -time = "0.3.44"
        +time = "0.3.47"

        .
          would upgrade time 0.3.44 -> 0.3.47
            clears RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          2 files would change; gate then: clean
    "#]]
    .assert_eq(&run.stdout.replace("\n \n", "\n\n"));
    assert_eq!(run.code, 0, "the gate would be clean");
}

#[test]
fn without_a_lock_file_there_is_nothing_to_upgrade() {
    let world = World::new(&format!("{TIME}{LATER}{}", package("time = \"=0.3.44\"")));
    let run = fix(&world, "");
    expect![[r#"
        .
          error stays: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
            there is no `Cargo.lock` to upgrade: write one with `cargo generate-lockfile`
          nothing to change; gate: fails
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 1);
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    for file in ["Cargo.toml", "Cargo.lock"] {
        let text = world.read(file).replace('\n', "\r\n");
        world.write(file, if file == "Cargo.toml" { format!("\u{feff}{text}") } else { text });
    }
    let manifest = world.read("Cargo.toml");
    assert_eq!(fix(&world, "").code, 0);
    assert_eq!(world.read("Cargo.toml"), manifest.replace("0.3.44", "0.3.47"));
    let lock = world.read("Cargo.lock");
    assert_eq!(lock.matches('\n').count(), lock.matches("\r\n").count());
}

#[test]
fn a_broken_manifest_is_said_with_its_line_and_left_alone() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    world.edit("Cargo.toml", "[dependencies]", "[dependencies");
    let (manifest, lock) = (world.read("Cargo.toml"), world.read("Cargo.lock"));
    let run = fix(&world, "");
    expect![[r#"
        .
          error: supercargo::resolution-failed: cargo rejects the workspace: unclosed table, expected `]`
            Cargo.toml:5
          nothing to change; gate: no verdict
    "#]].assert_eq(&run.stdout);
    assert_eq!(run.code, 70);
    assert_eq!((manifest, lock), (world.read("Cargo.toml"), world.read("Cargo.lock")));
}
