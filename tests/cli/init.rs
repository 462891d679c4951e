//! `supercargo init`: the written policy is clean except for findings that the user has to decide about.

use expect_test::expect;

use crate::harness::{Run, World};

const APP: &str = r#"
#- crate: syn 1.0.9
#- crate: syn 2.0.1
#- crate: old 1.0.0 -> syn 1
#- crate: isc 1.0.0 (ISC)
#- crate: unicode 1.0.0 (Unicode-3.0)
#- crate: zlib 0.3.1 (MIT AND Unicode-3.0)
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
publish = false
license = "MIT"
[dependencies]
old = "1"
syn = "2"
isc = "1"
unicode = "1"
zlib = "0.3"
local = { path = "local" }
#- local/Cargo.toml
[package]
name = "local"
version = "0.1.0"
edition = "2021"
publish = false
"#;

fn init(world: &World, words: &[&str]) -> Run {
    let db = world.path("../db");
    world.run_that_writes(&[&["init", "--offline", "--db", &db], words].concat())
}

#[test]
fn default_policy_is_clean_and_warns_about_duplicates() {
    let world = World::locked(APP);
    let run = init(&world, &[]);
    expect![[r"
        0created deny.toml for 8 packages
          1 crate has several versions (a warning; `--strict` denies new duplicates)
          gate: clean
    "]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    expect![[r##"
        # Policy of `cargo deny check` and `supercargo check`
        # All keys: https://embarkstudios.github.io/cargo-deny/checks/cfg.html

        [graph]
        # Limit the checks to the targets you build for:
        # targets = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]

        [advisories]
        yanked = "deny"
        unmaintained = "all"
        unsound = "all"
        # Advisories you accept, each with a reason:
        # { id = "RUSTSEC-2000-0001", reason = "no untrusted input; until 2030-12-31" },
        ignore = []

        [licenses]
        allow = [
            "MIT",
            "Unicode-3.0",
        ]
        # Licenses that only one crate needs
        exceptions = [
            { crate = "isc@1", allow = ["ISC"] },
        ]

        [licenses.private]
        # Unpublished workspace crates need no license
        ignore = true

        [bans]
        multiple-versions = "warn"
        wildcards = "deny"
        allow-wildcard-paths = true

        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        allow-registry = ["https://github.com/rust-lang/crates.io-index"]
        allow-git = []
    "##]]
    .assert_eq(&world.read("deny.toml"));
    let report = world.check("");
    assert_eq!(report.code, 0);
    let duplicates = report.with("duplicate");
    assert_eq!(duplicates.len(), 1);
    assert_eq!(duplicates[0].severity, "warning");
    let others = report.findings.iter().filter(|one| one.code.as_deref() != Some("duplicate"));
    let loud = others.filter(|one| one.severity == "error" || one.severity == "warning");
    assert_eq!(loud.count(), 0);
    assert!(report.findings.iter().all(|one| one.check != "supercargo"), "lints of our own policy");
}

#[test]
fn strict_policy_is_clean_and_skips_the_present_duplicates() {
    let world = World::locked(APP);
    let run = init(&world, &["--strict"]);
    expect![[r"
        0created deny.toml for 8 packages
          gate: clean
    "]]
    .assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    let policy = world.read("deny.toml");
    let (start, end) = (policy.find("[bans]"), policy.find("[sources]"));
    expect![[r#"
        [bans]
        multiple-versions = "deny"
        wildcards = "deny"
        allow-wildcard-paths = true
        skip = [
            { crate = "syn@1", reason = "present when this policy was created" },
        ]

    "#]]
    .assert_eq(&policy[start.expect("a section")..end.expect("a section")]);
    let report = world.check("--strict");
    assert_eq!(report.code, 0);
    let loud =
        report.findings.iter().filter(|one| one.severity == "error" || one.severity == "warning");
    assert_eq!(loud.count(), 0);
    assert!(report.findings.iter().all(|one| one.check != "supercargo"), "lints of our own policy");
}

#[test]
fn undecided_licenses_and_findings_are_listed() {
    let world = World::locked(
        r#"
#- crate: mpl 1.0.0 (MPL-2.0)
#- crate: time 0.3.44
#- crate: none 1.0.0 ()
#- advisory: RUSTSEC-2026-0009 time: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
mpl = "1"
time = "0.3"
none = "1"
"#,
    );
    let run = init(&world, &[]);
    expect![[r"
        0created deny.toml for 4 packages
          not allowed: copyleft or not on the SPDX list; add them to `allow` or `exceptions` to accept them:
            MPL-2.0: `mpl` 1.0.0
          other findings to resolve:
            error[RUSTSEC-2026-0009]: `time` 0.3.44 has a vulnerability: A crafted date
            warning[no-license-field]: `none` 1.0.0 has no `license` field
            error[unlicensed]: could not determine the license of `none` 1.0.0
    "]].assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    let policy = world.read("deny.toml");
    let start = policy.find("allow = ").expect("a list");
    let end = policy.find("[bans]").expect("a section");
    expect![[r#"
        allow = [
            "MIT",
        ]
        # Not allowed (copyleft, or not on the SPDX list); add to `allow` or `exceptions` to accept:
        # "MPL-2.0", # mpl 1.0.0
        # Unknown license; add a `clarify` entry: none 1.0.0

    "#]]
    .assert_eq(&policy[start..end]);
    assert_eq!(world.check("").code, 5);
}

#[test]
fn existing_policy_is_never_overwritten() {
    let world = World::locked(APP);
    for name in ["deny.toml", ".deny.toml", ".cargo/deny.toml", "../deny.toml"] {
        world.write(name, "[bans]\n");
        let run = init(&world, &[]);
        assert_eq!(run.code, 73, "{name}");
        assert!(run.stderr.contains("already has the policy"), "{}", run.stderr);
        assert_eq!(run.stdout, "");
        assert_eq!(world.read(name), "[bans]\n");
        let printed = init(&world, &["--print"]);
        assert_eq!(printed.code, 0);
        assert!(printed.stdout.starts_with("# Policy of `cargo deny check`"), "{}", printed.stdout);
        assert_eq!(world.read(name), "[bans]\n");
        world.delete(name);
    }
    assert_eq!(init(&world, &["local/Cargo.toml"]).code, 0);
    assert!(world.read("local/deny.toml").contains("[sources]"));
}

#[test]
fn init_without_a_workspace_fails() {
    let world = World::new("#- README.md\nnothing\n");
    let run = init(&world, &["nowhere"]);
    assert_eq!(run.code, 70);
    assert!(run.stderr.contains("does not exist"), "{}", run.stderr);
    let world = World::new("#- Cargo.toml\n[package]\nname = 1\n");
    let run = init(&world, &[]);
    assert_eq!(run.code, 70);
    assert!(run.stderr.contains("could not create a policy"), "{}", run.stderr);
}
