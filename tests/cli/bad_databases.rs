//! Advisory databases that are missing, empty, corrupt or too old: said once with the remedy, the
//! other checks run, and no verdict.

use std::time::Duration;

use expect_test::{Expect, expect};

use crate::harness::{DATABASE, Report, World};

const FIXTURE: &str = r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "0.3"
#- deny.toml
[licenses]
allow = ["Apache-2.0"]
"#;

/// One finding of our own, and the licenses are still checked.
fn check(report: &Report, expected: &Expect) {
    let own: Vec<_> =
        report.findings.iter().filter(|finding| finding.check == "supercargo").collect();
    let text: String = own.iter().map(|finding| report.drawn(&[*finding])).collect();
    expected.assert_eq(&without_date(&text));
    assert_eq!(own.len(), 1);
    assert_eq!(report.with("rejected").len(), 2, "licenses are checked");
    assert_eq!(report.with("license-not-encountered").len(), 1, "licenses are checked");
    assert_eq!(report.code, 70);
    assert!(report.summaries.is_empty(), "there is no verdict to sum up");
}

fn without_date(text: &str) -> String {
    let Some((before, after)) = text.split_once("was last fetched on ") else {
        return text.to_owned();
    };
    format!("{before}was last fetched on DATE{}", &after["YYYY-MM-DD".len()..])
}

#[test]
fn missing_database_offline_is_reported_with_a_remedy() {
    let world = World::locked(FIXTURE);
    check(
        &world.report(&["--offline"]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: no advisory database at `[world]/cargo/advisory-dbs/advisory-db-3157b0e258782691`: run `supercargo db update` while online, or set the option `db` to a folder of advisories
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn missing_database_is_ignored_without_the_advisories_check() {
    let report = World::locked(FIXTURE).report(&["--offline", "--only", "bans"]);
    assert_eq!((report.shown().as_str(), report.code), ("exit 0\n", 0));
}

#[test]
fn missing_db_folder_is_reported() {
    check(
        &World::locked(FIXTURE).report(&["--offline", "--db", "../nowhere"]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/nowhere`: failed to find expected `crates` directory; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn db_folder_without_advisories_is_reported() {
    let world = World::locked(FIXTURE);
    world.folder("../empty/crates");
    check(
        &world.report(&["--offline", "--db", "../empty"]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/empty`: failed to load any advisories in the database; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn invalid_advisory_is_reported() {
    let world = World::locked(FIXTURE);
    world.write("../db/crates/log/RUSTSEC-2026-0077.md", "# No front matter\n");
    check(
        &world.check(""),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/db`: failed to parse advisory from `[world]/db/crates/log/RUSTSEC-2026-0077.md`: failed to find toml block; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn advisory_that_makes_the_parser_panic_is_reported() {
    let world = World::locked(FIXTURE);
    world.write(
        "../db/crates/log/RUSTSEC-2026-0077.md",
        "```toml\n[advisory]\nid = RUSTSEC-2026-0077\npackage = \"log\"\ndate = \"2026-01-01\"\n[versions]\npatched = []\n```\n# T\n",
    );
    check(
        &world.check(""),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/db`: failed to parse advisory from `[world]/db/crates/log/RUSTSEC-2026-0077.md`: expected opening '"' in `RUSTSEC-2026-0077`; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn advisory_with_unclosed_array_is_reported() {
    let world = World::locked(FIXTURE);
    world.write(
        "../db/crates/log/RUSTSEC-2026-0077.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0077\"\npackage = \"log\"\ndate = \"2026-01-01\"\n[versions]\npatched = [\">= 1\"\n```\n# T\n",
    );
    check(
        &world.check(""),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/db`: failed to parse advisory from `[world]/db/crates/log/RUSTSEC-2026-0077.md`: unclosed '['; the option `db` requires a folder in RustSec's layout, with valid advisories in `crates/`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn folder_that_is_no_clone_is_not_used_as_a_database() {
    let world = World::locked(FIXTURE);
    world.folder(&format!("{DATABASE}/crates"));
    check(
        &world.report(&["--offline"]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: could not read the advisory database `[world]/cargo/advisory-dbs/advisory-db-3157b0e258782691`: not a git clone; delete the folder and run `supercargo db update`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn too_old_database_is_refused_offline() {
    let world = World::locked(FIXTURE);
    world.edit("deny.toml", "[lic", "[advisories]\nmaximum-db-staleness = \"P7D\"\n[lic");
    world.fetched_advisories(Duration::from_secs(8 * 24 * 60 * 60));
    let report = world.report(&["--offline"]);
    check(
        &report,
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: the advisory database was last fetched on DATE, which exceeds `maximum-db-staleness`: run `supercargo db update`
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
    world.edit("deny.toml", "P7D", "P9D");
    let report = world.report(&["--offline"]);
    assert_eq!(report.with("RUSTSEC-2026-0009").len(), 1);
    assert_eq!(report.code, 5);
}

#[test]
fn missing_git_is_reported_for_a_missing_database() {
    let mut world = World::locked(FIXTURE);
    world.only_on_path(&["cargo", "rustc"]);
    check(
        &world.report(&[]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: no advisory database: could not start `git`: not found in any absolute folder of `PATH` (install it to fetch advisory databases); try again, or set the option `db` to a folder of advisories
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn failed_fetch_is_reported() {
    let world = World::locked(FIXTURE);
    world.serve_git("../db", "https://github.com/RustSec/advisory-db");
    world.git("../db", &["branch", "--move", "trunk"]);
    check(
        &world.report(&[]),
        &expect![[r#"
            error supercargo::no-advisory-database: could not check advisories: no advisory database: could not fetch `https://github.com/RustSec/advisory-db`: Remote branch main not found in upstream origin; try again, or set the option `db` to a folder of advisories
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
}

#[test]
fn unknown_kind_of_advisory_fails_only_its_own_check() {
    let world = World::locked(FIXTURE).with(
        "#- crate: log 0.4.0\n\
         #- advisory: RUSTSEC-2026-0070 time strange: A kind from the future\n\
         #- advisory: RUSTSEC-2026-0071 log strange: Concerns nothing here\n",
    );
    check(
        &world.check(""),
        &expect![[r#"
            error supercargo::check-failed: the advisories check failed: internal error: entered unreachable code: rustsec only returns Informational::Other(strange) advisories if we ask, and there are none at the moment to ask for; not checked: RUSTSEC-2026-0070
              Cargo.toml:2
                name = "m"
                        ^
        "#]],
    );
    assert_eq!(world.check("").with("RUSTSEC-2026-0009").len(), 1, "the others are reported");
}
