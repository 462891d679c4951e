//! What is written, and how: the text for people, the records for programs.

use expect_test::{Expect, expect};

use crate::harness::World;

const WORKSPACE: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: session 2.0.0 -> cookie 0.18
#- crate: syn 1.0.0
#- crate: syn 2.0.0
#- crate: derive 1.0.0 -> syn 1
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, ^0.2.99: A crafted date can exhaust the stack
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is no longer maintained
#- Cargo.toml
[workspace]
members = ["core", "app"]
resolver = "2"

[workspace.dependencies]
paste = "1.0"
#- core/Cargo.toml
[package]
name = "core-lib"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
paste.workspace = true
session = "2"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
core-lib = { path = "../core", version = "0.1" }
cookie = "0.18"
derive = "1"
gnu = { version = "1" }
syn = "2"
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2024-0436", "RUSTSEC-2000-0001"]

[licenses]
allow = ["MIT", "Zlib"]

[bans]
multiple-versions = "deny"
"#;

const CLEAN: &str = r#"
#- clean/Cargo.toml
[package]
name = "clean"
version = "0.1.0"
edition = "2021"
license = "MIT"
#- clean/deny.toml
[licenses]
allow = ["MIT"]
"#;

const REJECTED: &str = r#"
#- rejected/Cargo.toml
[package]
name = "rejected"
version = "0.1.0"
edition = "2021"
[dependencies]
time = 3
"#;

fn check_human(world: &World, arguments: &str, expected: &Expect) {
    let run = world.human(arguments);
    expected.assert_eq(&format!("{}exit {}\n", run.stdout, run.code));
}

#[test]
fn human_format_shows_each_finding_under_its_line_and_a_summary() {
    check_human(
        &World::locked(WORKSPACE),
        "",
        &expect![[r#"
            error[RUSTSEC-2026-0009]: `time` 0.3.44 has a vulnerability: A crafted date can exhaust the stack
             --> app/Cargo.toml:9:11
              |
            9 | cookie = "0.18"
              |           ^^^^
              |
             ::: core/Cargo.toml:9:12
              |
            9 | session = "2"
              |            ^
              |
              = via: app 0.1.0 -> cookie 0.18.1 -> time 0.3.44 (and 1 other path)
              = help: upgrade to >=0.3.47 or ^0.2.99
              = see: https://rustsec.org/advisories/RUSTSEC-2026-0009

            error[duplicate]: found 2 versions of `syn`: 1.0.0 and 2.0.0
              --> app/Cargo.toml:10:11
               |
            10 | derive = "1"
               |           ^
            11 | gnu = { version = "1" }
            12 | syn = "2"
               |        ^
               |
               = via: app 0.1.0 -> derive 1.0.0 -> syn 1.0.0
               = help: upgrade the dependencies that require the older one

            error[rejected]: `gnu` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow
              --> app/Cargo.toml:11:20
               |
            11 | gnu = { version = "1" }
               |                    ^
               |
               = note: GPL-3.0-only - GNU General Public License v3.0 only: OSI approved, FSF Free/Libre, Copyleft
               = help: replace this dependency, or add an exception for it

            warning[advisory-not-detected]: `RUSTSEC-2000-0001` matches no crate in the graph
             --> deny.toml:2:33
              |
            2 | ignore = ["RUSTSEC-2024-0436", "RUSTSEC-2000-0001"]
              |                                 ^^^^^^^^^^^^^^^^^
              |
              = help: remove this `ignore` entry

            warning[license-not-encountered]: unused license `Zlib`: no crate in the graph uses it
             --> deny.toml:5:18
              |
            5 | allow = ["MIT", "Zlib"]
              |                  ^^^^
              |
              = help: remove it from `allow`

            . (policy deny.toml, 10 packages)
              advisories  1 error, 1 warning
              bans        1 error
              licenses    1 error, 1 warning
              sources     clean
              gate: fails
            exit 7
        "#]],
    );
}

#[test]
fn human_format_shows_a_clean_gate() {
    let world = World::new(CLEAN);
    world.lock("clean");
    check_human(
        &world,
        "",
        &expect![[r#"
            clean (policy clean/deny.toml, 1 package)
              advisories  clean
              bans        clean
              licenses    clean
              sources     clean
              gate: clean
            exit 0
        "#]],
    );
    check_human(
        &world,
        "clean --only bans",
        &expect![[r#"
            clean (policy clean/deny.toml, 1 package)
              bans        clean
              gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn rejected_licenses_without_a_policy_are_one_note() {
    let world = World::locked(
        r#"
#- crate: one 1.0.0
#- crate: two 1.0.0
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
one = "1"
two = "1"
"#,
    );
    check_human(
        &world,
        "",
        &expect![[r#"
            . (no policy found: cargo-deny's defaults, 3 packages)
              note: no license is allowed without a policy, so 3 packages are rejected; create one with `supercargo init`
              advisories  clean
              bans        clean
              licenses    3 errors
              sources     clean
              gate: fails
            exit 4
        "#]],
    );
}

#[test]
fn human_format_shows_several_workspaces_in_order() {
    let world = World::new(&format!("{CLEAN}{REJECTED}"));
    world.lock("clean");
    check_human(
        &world,
        "",
        &expect![[r#"
            clean (policy clean/deny.toml, 1 package)
              advisories  clean
              bans        clean
              licenses    clean
              sources     clean
              gate: clean

            error[supercargo::resolution-failed]: cargo failed: invalid type: integer `3`, expected a version string like "0.9.8" or a detailed dependency like { version = "0.9.8" }
             --> rejected/Cargo.toml:6:8
              |
            6 | time = 3
              |        ^

            rejected (no policy found: cargo-deny's defaults)
              advisories  not checked
              bans        not checked
              licenses    not checked
              sources     not checked
              supercargo  1 error, not counted by cargo-deny
              gate: no verdict
            exit 70
        "#]],
    );
}

#[test]
fn human_format_notes_a_fresh_resolution() {
    check_human(
        &World::new(CLEAN),
        "",
        &expect![[r#"
            clean (policy clean/deny.toml, 1 package)
              note: no `Cargo.lock`: checked a fresh resolution, results may change
              advisories  clean
              bans        clean
              licenses    clean
              sources     clean
              gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn human_format_explains_a_missing_verdict() {
    let world = World::new(CLEAN);
    world.lock("clean");
    let run = world.run(&["check", "--offline"]);
    expect![[r#"
        error[supercargo::no-advisory-database]: could not check advisories: no advisory database at `[world]/cargo/advisory-dbs/advisory-db-3157b0e258782691`: run `supercargo db update` while online, or set the option `db` to a folder of advisories
         --> clean/Cargo.toml:2:9
          |
        2 | name = "clean"
          |         ^^^^^

        clean (policy clean/deny.toml, 1 package)
          advisories  not checked
          bans        clean
          licenses    clean
          sources     clean
          supercargo  1 error, not counted by cargo-deny
          gate: no verdict
    "#]]
    .assert_eq(&run.stdout);
    world.write("clean/deny.toml", "[licenses]\nallow = [\"Mit\"]\nallowed = []\n");
    check_human(
        &world,
        "",
        &expect![[r#"
            error[custom]: `Mit` is not a license or exception in the SPDX list
             --> clean/deny.toml:2:11
              |
            2 | allow = ["Mit"]
              |           ^^^

            error[unexpected-keys]: unknown key `allowed`; expected one of `version`, `private`, `unlicensed`, `allow-osi-fsf-free`, `copyleft`, `default`, `confidence-threshold`, `deny`, `allow`, `unused-allowed-license`, `clarify`, `exceptions`, `unused-license-exception`, `include-dev`, `include-build`
             --> clean/deny.toml:3:1
              |
            3 | allowed = []
              | ^^^^^^^
              |
              = help: use `allow` instead

            clean (policy clean/deny.toml)
              advisories  not checked
              bans        not checked
              licenses    not checked
              sources     not checked
              supercargo  2 errors, not counted by cargo-deny
              gate: no verdict
            exit 70
        "#]],
    );
    world.write("clean/deny.toml", b"\xff");
    check_human(
        &world,
        "",
        &expect![[r#"
            error[supercargo::unreadable-file]: could not read `[work]/clean/deny.toml`: stream did not contain valid UTF-8
            --> clean/deny.toml
             = help: the check cannot run without it

            clean (policy clean/deny.toml)
              advisories  not checked
              bans        not checked
              licenses    not checked
              sources     not checked
              supercargo  1 error, not counted by cargo-deny
              gate: no verdict
            exit 70
        "#]],
    );
}

#[test]
fn human_format_shortens_a_duplicate_with_many_dependencies() {
    let world = World::locked(
        r#"
#- crate: syn 1.0.0
#- crate: syn 2.0.0
#- crate: a 1.0.0 -> syn 1
#- crate: b 1.0.0 -> syn 1
#- crate: c 1.0.0 -> syn 2
#- crate: d 1.0.0 -> syn 2
#- crate: e 1.0.0 -> syn 2
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
a = "1"
b = "1"
c = "1"
d = "1"
e = "1"
"#,
    );
    check_human(
        &world,
        "--only bans",
        &expect![[r#"
            warning[duplicate]: found 2 versions of `syn`: 1.0.0 and 2.0.0
             --> Cargo.toml:6:6
              |
            6 | a = "1"
              |      ^
            7 | b = "1"
              |      ^
            8 | c = "1"
              |      ^
              |
              = note: and 2 more dependencies
              = via: m 0.1.0 -> a 1.0.0 -> syn 1.0.0
              = via: m 0.1.0 -> c 1.0.0 -> syn 2.0.0 (and 3 other paths)
              = help: upgrade the dependencies that require the older one

            . (no policy found: cargo-deny's defaults, 8 packages)
              bans        1 warning
              gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn untrusted_text_is_sanitized_for_the_terminal() {
    let world = World::locked(
        "#- crate: time 0.3.44\n#- advisory: RUSTSEC-2026-0009 time: Red \u{1b}[31malert\u{202e}\u{7}\n#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n",
    );
    for run in [world.human("--only advisories"), world.human("--only advisories --format json")] {
        assert!(run.stdout.contains("Red [31malert"), "{}", run.stdout);
        assert!(!run.stdout.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{}", run.stdout);
    }
}

#[test]
fn colors_are_used_in_terminals_and_on_request() {
    let mut world = World::locked(WORKSPACE);
    assert!(!world.human("").stdout.contains('\u{1b}'));
    world.set("CLICOLOR_FORCE", "1");
    assert!(world.human("").stdout.contains("\u{1b}["));
    assert!(!world.human("--format json").stdout.contains('\u{1b}'));
}

#[test]
fn json_format_has_one_record_per_line() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
cookie = "0.18"
#- deny.toml
[licenses]
allow = ["MIT"]
[bans]
wildcards = "deny"
"#,
    );
    let run = world.human("--format json");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    expect![[r#"
        {"type":"finding","workspace":"[work]","check":"advisories","code":"vulnerability","severity":"error","message":"`time` 0.3.44 has a vulnerability: A crafted date","remedy":"upgrade to >=0.3.47","package":{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"},"packages":[{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":"RUSTSEC-2026-0009","location":{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}},"places":[{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}}],"paths":[["m 0.1.0","cookie 0.18.1","time 0.3.44"]],"path_count":1,"notes":["ID: RUSTSEC-2026-0009","Advisory: https://rustsec.org/advisories/RUSTSEC-2026-0009","What happens.","Solution: Upgrade to >=0.3.47 (try `cargo update -p time`)"],"link":"https://rustsec.org/advisories/RUSTSEC-2026-0009"}
        {"type":"finding","workspace":"[work]","check":"licenses","code":"accepted","severity":"help","message":"`cookie` 0.18.1: license requirements satisfied","remedy":null,"package":{"name":"cookie","version":"0.18.1","source":"registry+https://github.com/rust-lang/crates.io-index"},"packages":[{"name":"cookie","version":"0.18.1","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":null,"location":{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}},"places":[{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}}],"paths":[["m 0.1.0","cookie 0.18.1"]],"path_count":1,"notes":[],"link":"https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#accepted"}
        {"type":"finding","workspace":"[work]","check":"licenses","code":"accepted","severity":"help","message":"`m` 0.1.0: license requirements satisfied","remedy":null,"package":{"name":"m","version":"0.1.0","source":null},"packages":[{"name":"m","version":"0.1.0","source":null}],"advisory":null,"location":{"file":"[work]/Cargo.toml","start":{"line":5,"column":12},"end":{"line":5,"column":15}},"places":[{"file":"[work]/Cargo.toml","start":{"line":5,"column":12},"end":{"line":5,"column":15}}],"paths":[],"path_count":0,"notes":[],"link":"https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#accepted"}
        {"type":"finding","workspace":"[work]","check":"licenses","code":"accepted","severity":"help","message":"`time` 0.3.44: license requirements satisfied","remedy":null,"package":{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"},"packages":[{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":null,"location":{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}},"places":[{"file":"[work]/Cargo.toml","start":{"line":7,"column":11},"end":{"line":7,"column":15}}],"paths":[["m 0.1.0","cookie 0.18.1","time 0.3.44"]],"path_count":1,"notes":[],"link":"https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#accepted"}
        {"type":"summary","workspace":"[work]","checks":{"advisories":{"errors":1,"warnings":0,"notes":0,"helps":0},"bans":{"errors":0,"warnings":0,"notes":0,"helps":0},"licenses":{"errors":0,"warnings":0,"notes":0,"helps":3},"sources":{"errors":0,"warnings":0,"notes":0,"helps":0}},"exit_code":1}
    "#]]
    .assert_eq(&run.stdout);
}

#[test]
fn json_format_without_a_verdict_has_only_findings() {
    let world = World::new(REJECTED);
    let run = world.human("--format json");
    expect![[r#"
        {"type":"finding","workspace":"[work]/rejected","check":"supercargo","code":"supercargo::resolution-failed","severity":"error","message":"cargo failed: invalid type: integer `3`, expected a version string like \"0.9.8\" or a detailed dependency like { version = \"0.9.8\" }","remedy":null,"package":null,"packages":[],"advisory":null,"location":{"file":"[work]/rejected/Cargo.toml","start":{"line":6,"column":8},"end":{"line":6,"column":9}},"places":[{"file":"[work]/rejected/Cargo.toml","start":{"line":6,"column":8},"end":{"line":6,"column":9}}],"paths":[],"path_count":0,"notes":[],"link":null}
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (70, ""));
}

#[test]
fn json_summary_lists_the_requested_checks() {
    let world = World::locked(WORKSPACE);
    let run = world.human("--format json --only sources,bans");
    let summary = run.stdout.lines().last().unwrap_or_default();
    expect![[r#"{"type":"summary","workspace":"[work]","checks":{"bans":{"errors":1,"warnings":0,"notes":0,"helps":0},"sources":{"errors":0,"warnings":0,"notes":0,"helps":0}},"exit_code":2}"#]].assert_eq(summary);
}

#[test]
fn findings_have_a_stable_order() {
    let world = World::locked(WORKSPACE);
    let first = world.human("--format json").stdout;
    for _ in 0..5 {
        assert_eq!(first, world.human("--format json").stdout);
    }
}

const LINE: &str = "#- crate: time 0.3.44\n#- advisory: RUSTSEC-2026-0009 time: A crafted date\n";

fn positions(manifest: &str) -> Vec<(usize, usize, usize, usize)> {
    let world = World::new(LINE);
    world.write("Cargo.toml", manifest);
    world.write("src/lib.rs", "");
    let report = world.check("--only advisories");
    let locations =
        report.with("RUSTSEC-2026-0009").into_iter().flat_map(|finding| &finding.locations);
    locations
        .map(|location| {
            (location.start.line, location.start.column, location.end.line, location.end.column)
        })
        .collect()
}

const PACKAGE: &str = "[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

#[test]
fn columns_count_characters_from_one() {
    let manifest = format!("{PACKAGE}[target.'cfg(any())'.dependencies]\n");
    assert!(positions(&manifest).is_empty());
    let manifest = format!("dependencies.time = \"0.3\"\n{PACKAGE}");
    assert_eq!(positions(&manifest), [(1, 22, 1, 25)]);
}

#[test]
fn multibyte_characters_count_as_one_column() {
    let manifest = format!(
        "# Zoë 𝄞\n{PACKAGE}[dependencies]\ntime = {{ \"é𝄞漢\" = \"ünïx\", version = \"0.3\" }} # ä\n"
    );
    assert_eq!(positions(&manifest), [(7, 37, 7, 40)]);
}

#[test]
fn crlf_and_byte_order_mark_do_not_change_positions() {
    let manifest = format!("{PACKAGE}[dependencies]\ntime = \"0.3\"\n");
    let location = [(6, 9, 6, 12)];
    assert_eq!(positions(&manifest), location);
    assert_eq!(positions(&manifest.replace('\n', "\r\n")), location);
    assert_eq!(positions(&format!("\u{feff}{manifest}")), location);
    assert_eq!(positions(&format!("\u{feff}{}", manifest.replace('\n', "\r\n"))), location);
    let first_line = format!("\u{feff}dependencies.time = \"0.3\"\n{PACKAGE}");
    assert_eq!(positions(&first_line), [(1, 22, 1, 25)]);
}

#[test]
fn positions_in_a_policy_with_byte_order_mark_and_crlf_are_correct() {
    let world = World::locked(CLEAN.replace("clean/", "").as_str());
    world.write(
        "deny.toml",
        "\u{feff}bans.skip = [\"ünknown\"]\r\n[licenses]\r\nallow = [\"MIT\", \"Zlib\"]\r\n",
    );
    expect![[r#"
        warning unmatched-skip: `skip` entry `ünknown` matches no crate in the graph
          deny.toml:1
            bans.skip = ["ünknown"]
                          ^^^^^^^
          help remove this entry
        warning license-not-encountered: unused license `Zlib`: no crate in the graph uses it
          deny.toml:3
            allow = ["MIT", "Zlib"]
                             ^^^^
          help remove it from `allow`
        exit 0
    "#]]
    .assert_eq(&world.check("").shown());
}

#[test]
fn cargo_denys_positions_in_a_manifest_with_byte_order_mark_are_correct() {
    let world = World::new("#- crate: any 1.0.0\n#- deny.toml\n[bans]\nwildcards = \"deny\"\n");
    world.write("Cargo.toml", format!("\u{feff}dependencies.any = \"*\"\n{PACKAGE}"));
    world.write("src/lib.rs", "");
    world.lock("");
    expect![[r#"
        error wildcard: `m` 0.1.0 has a wildcard dependency: `any`
          Cargo.toml:1
            dependencies.any = "*"
                                ^
          help require the locked version
        exit 2
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}
