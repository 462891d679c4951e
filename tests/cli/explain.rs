//! `supercargo explain`: what a word means, and what it may have been.

use expect_test::{Expect, expect};

use crate::harness::{Run, World};

const APP: &str = r#"
#- crate: time 0.3.44 (MIT OR Apache-2.0)
#- crate: cookie 0.18.1 -> time 0.3
#- crate: graph 1.0.0 (MPL-2.0)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
cookie = "0.18"
graph = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

fn explain(world: &World, arguments: &[&str]) -> Run {
    let db = world.path("../db");
    world.run(&[&["explain", "--offline", "--db", &db], arguments].concat())
}

fn check(world: &World, arguments: &[&str], expected: &Expect) {
    let run = explain(world, arguments);
    expected.assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
}

#[test]
fn codes_keys_and_licenses_are_explained_without_a_workspace() {
    let world = World::new("#- README.md\nnothing\n");
    check(
        &world,
        &["duplicate"],
        &expect![[r#"
            duplicate · bans

            The graph has several versions of the crate.
            Reported on the requirement of the nearest dependency that brings in the oldest version.

            cargo-deny's page <https://embarkstudios.github.io/cargo-deny/checks/bans/diags.html#duplicate>
            exit 0
        "#]],
    );
    check(
        &world,
        &["supercargo::past-due"],
        &expect![[r#"
            supercargo::past-due · reported by supercargo itself

            An entry has expired.
            Reported on the entry of the policy.
            It does not affect the exit code, except with check --strict.

            The reason for an entry is its reason key or, without one, a comment on its line or directly above it; one above a group without blank lines explains each of its entries. licenses.exceptions entries have no reason key; one comment above the list can explain all of them. A comment also explains a disabled check. until YYYY-MM-DD in a reason or a comment is the last day on which the entry is valid. A reason that is only a TODO counts as missing.
            exit 0
        "#]],
    );
    check(
        &world,
        &["bans.skip-tree.depth"],
        &expect![[r#"
            bans.skip-tree.depth · an integer · if absent: all levels

            How many levels of dependencies are skipped; 0 skips only the package itself.

            [bans]
            skip-tree = [{ crate = "windows-sys@0.48", depth = 1 }]
            exit 0
        "#]],
    );
    check(
        &world,
        &["ISC"],
        &expect![[r"
        ISC · ISC License
        OSI approved · FSF free
        spdx.org <https://spdx.org/licenses/ISC.html>
        exit 0
    "]],
    );
}

#[test]
fn advisories_are_found_by_id_and_alias() {
    let world = World::locked(APP);
    check(
        &world,
        &["RUSTSEC-2026-0009"],
        &expect![[r"
        RUSTSEC-2026-0009 · about time

        A crafted date
        vulnerability · published 2026-02-05
        patched: >=0.3.47

        What happens.

        RUSTSEC-2026-0009 <https://rustsec.org/advisories/RUSTSEC-2026-0009>
        exit 0
    "]],
    );
    let lower = explain(&world, &["rustsec-2026-0009"]);
    assert_eq!(lower.stdout, explain(&world, &["RUSTSEC-2026-0009"]).stdout);
    check(
        &world,
        &["RUSTSEC-1999-0001"],
        &expect![[r#"
            error: no advisory `RUSTSEC-1999-0001` in the local database (2 advisories); fetch new ones with `supercargo db update`
            exit 64
        "#]],
    );
    let nowhere = world.run(&["explain", "--offline", "RUSTSEC-2026-0009"]);
    assert_eq!(nowhere.code, 70);
    assert!(nowhere.stderr.contains("could not look up"), "{}", nowhere.stderr);
}

#[test]
fn package_is_explained_with_paths_and_findings() {
    let world = World::locked(APP);
    check(
        &world,
        &["time"],
        &expect![[r"
        time 0.3.44 · MIT OR Apache-2.0

        dependency path: app 0.1.0 -> cookie 0.18.1 -> time 0.3.44
        1 package depends on it directly

        error RUSTSEC-2026-0009 <https://rustsec.org/advisories/RUSTSEC-2026-0009>
        time 0.3.44 has a vulnerability: A crafted date
        → upgrade to >=0.3.47

        A crafted date
        vulnerability · published 2026-02-05
        patched: >=0.3.47

        What happens.

        RUSTSEC-2026-0009 <https://rustsec.org/advisories/RUSTSEC-2026-0009>
        exit 0
    "]],
    );
    let version = explain(&world, &["time@0.3.44"]);
    assert_eq!(version.stdout, explain(&world, &["time"]).stdout);
    // The package has the name of a policy section.
    let both = explain(&world, &["graph"]).stdout;
    assert!(both.contains("Which packages are checked."), "{both}");
    assert!(both.contains("graph 1.0.0 · MPL-2.0"), "{both}");
    check(
        &world,
        &["MPL-2.0"],
        &expect![[r#"
            MPL-2.0 · Mozilla Public License 2.0
            OSI approved · FSF free · copyleft
            spdx.org <https://spdx.org/licenses/MPL-2.0.html>

            In the license expression of graph 1.0.0.
            exit 0
        "#]],
    );
}

#[test]
fn unknown_names_get_similar_suggestions() {
    let world = World::locked(APP);
    check(
        &world,
        &["tiem"],
        &expect![[r#"
            error: `tiem` is not a code, a key of the policy, an advisory id, an SPDX license or a package of the workspace; similar terms: `time`
            exit 64
        "#]],
    );
    check(
        &world,
        &["time@0.2.0"],
        &expect![[r#"
            error: `time@0.2.0` is not a code, a key of the policy, an advisory id, an SPDX license or a package of the workspace; similar terms: `time`
            exit 64
        "#]],
    );
    check(
        &world,
        &["qqqq"],
        &expect![[r#"
            error: `qqqq` is not a code, a key of the policy, an advisory id, an SPDX license or a package of the workspace
            exit 64
        "#]],
    );
    let empty = World::new("#- README.md\nnothing\n");
    check(
        &empty,
        &["confidence-treshold"],
        &expect![[r#"
            error: `confidence-treshold` is not a code, a key of the policy, an advisory id or an SPDX license; packages were not searched: there is no workspace here; similar terms: `confidence-threshold`
            exit 64
        "#]],
    );
}
