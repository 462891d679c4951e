//! `check --engine`: an installed cargo-deny runs on the same workspaces, and the differences are shown.

#![cfg(unix)]

use std::time::Duration;

use expect_test::expect;

use crate::harness::{World, real_cargo_deny};

/// An error of licenses and one of bans, a warning, an advisory, and notes.
const APP: &str = r#"
#- crate: deep 1.0.0
#- crate: near 1.0.0 -> deep 1
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- advisory: RUSTSEC-2026-0009 near patched >=2: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
near = "1"
gnu = "1"
#- deny.toml
[bans]
deny = ["deep"]
skip = ["absent@1.0.0"]

[licenses]
allow = ["MIT", "ISC"]
"#;

/// Nothing but accepted licenses.
const CLEAN: &str = r#"
#- crate: plain 1.0.0
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
plain = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

/// A program that prints this instead of checking anything, and ends with this code.
fn fake_engine(world: &World, version: &str, output: &str, code: u8) -> String {
    world.write("../fake/output", output);
    let output = world.path("../fake/output");
    world.write(
        "../fake/cargo-deny",
        format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; exit; fi\n\
             cat '{output}' >&2\nexit {code}\n"
        ),
    );
    world.make_executable("../fake/cargo-deny");
    world.path("../fake/cargo-deny")
}

fn summary() -> &'static str {
    r#"{"type":"summary","fields":{"licenses":{"errors":0,"warnings":0,"notes":0,"helps":0}}}"#
}

#[test]
fn cargo_deny_itself_has_no_difference() {
    let Some(program) = real_cargo_deny() else { return };
    let world = World::locked(APP);
    world.fetched_advisories(Duration::from_secs(60));
    for options in [&[][..], &["bans", "-D", "warnings"], &["--manifest-path", "Cargo.toml"]] {
        let alone = world.run(&[&["check", "--offline"], options].concat());
        let both = world.run(&[&["check", "--offline", "--engine", &program], options].concat());
        assert_eq!(both.code, alone.code, "{}{}", both.stdout, both.stderr);
        let expected = "cargo-deny 0.20.2 has the same findings and the same exit code\n";
        assert_eq!(both.stdout, alone.stdout + expected, "{}", both.stderr);
    }
}

#[test]
fn differences_of_another_engine_have_a_line_each() {
    let world = World::locked(CLEAN);
    world.fetched_advisories(Duration::from_secs(60));
    let vulnerability = r#"{"type":"diagnostic","fields":{"severity":"error","message":"bad","code":"vulnerability","graphs":[{"Krate":{"name":"plain","version":"1.0.0"}}],"advisory":{"id":"RUSTSEC-2099-0001"}}}"#;
    let accepted = r#"{"type":"diagnostic","fields":{"severity":"help","message":"license requirements satisfied","code":"accepted","graphs":[{"Krate":{"name":"plain","version":"1.0.0"}}]}}"#;
    let unknown = r#"{"type":"diagnostic","fields":{"severity":"warning","message":"old","code":"gone","graphs":[]}}"#;
    let output = [vulnerability, accepted, unknown, unknown, summary()].join("\n");
    let program = fake_engine(&world, "cargo-deny 0.14.0", &output, 1);
    let run = world.run(&["check", "--offline", "--engine", &program]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    expect![[r#"
        . (policy deny.toml, 2 packages)
          advisories  clean
          bans        clean
          licenses    clean
          sources     clean
          gate: clean
        only cargo-deny 0.14.0 (2 times): warning[gone]: old
        only cargo-deny 0.14.0: error[vulnerability] RUSTSEC-2099-0001 for `plain` 1.0.0: bad
        cargo-deny 0.14.0 ends with exit code 1, supercargo with 0
        cargo-deny 0.14.0 differs in 1 more finding; show all with `--log-level debug`
    "#]]
    .assert_eq(&run.stdout);
    let run = world.run(&["check", "--offline", "--log-level", "debug", "--engine", &program]);
    assert!(
        run.stdout.contains("only supercargo: help[accepted] for `app` 0.1.0"),
        "{}",
        run.stdout
    );
    let run = world.run(&["check", "--offline", "--format", "json", "--engine", &program]);
    let records: Vec<_> =
        run.stdout.lines().filter(|it| it.contains("{\"type\":\"engine")).collect();
    expect![[r#"
        {"type":"engine-difference","workspace":"[work]","check":null,"code":"gone","severity":"warning","message":"old","packages":[],"advisory":null,"in_engine":2,"in_supercargo":0}
        {"type":"engine-difference","workspace":"[work]","check":"advisories","code":"vulnerability","severity":"error","message":"bad","packages":[{"name":"plain","version":"1.0.0"}],"advisory":"RUSTSEC-2099-0001","in_engine":1,"in_supercargo":0}
        {"type":"engine-difference","workspace":"[work]","check":"licenses","code":"accepted","severity":"help","message":"`app` 0.1.0: license requirements satisfied","packages":[{"name":"app","version":"0.1.0"}],"advisory":null,"in_engine":0,"in_supercargo":1}
        {"type":"engine","workspace":"[work]","program":"[world]/fake/cargo-deny","version":"0.14.0","differences":3,"exit_code":1,"failure":null}"#]].assert_eq(&records.join("\n"));
}

#[test]
fn engine_without_a_verdict_is_an_error() {
    let world = World::locked(CLEAN);
    world.fetched_advisories(Duration::from_secs(60));
    let refused = "error: unexpected argument '--exclude-unpublished' found\n\nUsage: cargo-deny\n";
    let program = fake_engine(&world, "cargo-deny 0.14.0", refused, 2);
    let check = |program: &str| world.run(&["check", "--offline", "--engine", program]);
    let run = check(&program);
    assert_eq!(run.code, 70, "{}", run.stdout);
    let expected = "cargo-deny 0.14.0 has no verdict (exit code 2): error: unexpected argument '--exclude-unpublished' found\n";
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
    // Refused for its policy: the mistake is a difference.
    let mistake = r#"{"type":"diagnostic","fields":{"severity":"error","message":"unexpected key","labels":[]}}"#;
    let log = r#"{"type":"log","fields":{"level":"ERROR","message":"failed to validate configuration file"}}"#;
    let program = fake_engine(&world, "cargo-deny 0.14.0", &format!("{mistake}\n{log}\n"), 1);
    let run = check(&program);
    assert_eq!(run.code, 70, "{}", run.stdout);
    let expected = "only cargo-deny 0.14.0: error: unexpected key\n\
                cargo-deny 0.14.0 has no verdict (exit code 1): failed to validate configuration file\n";
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
    for (program, why) in [
        ("./cargo-deny", "relative paths are not allowed"),
        ("cargo-deny-0.1", "not found in any absolute folder of `PATH`"),
        (&*fake_engine(&world, "other 1.0", "", 0), "is not cargo-deny"),
    ] {
        let run = check(program);
        assert_eq!((run.code, run.stdout.as_str()), (70, ""), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}
