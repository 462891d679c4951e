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
    expect![[""]].assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    expect![[""]].assert_eq(&world.read("deny.toml"));
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
    expect![[""]].assert_eq(&format!("{}{}{}", run.code, run.stdout, run.stderr));
    let policy = world.read("deny.toml");
    let (start, end) = (policy.find("[bans]"), policy.find("[sources]"));
    expect![[""]].assert_eq(&policy[start.expect("a section")..end.expect("a section")]);
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
        0deny.toml was written
          it permits what 4 packages need and no more
          left out, because they are copyleft or no license of SPDX's list (their packages are rejected until you decide):
            MPL-2.0: `mpl` 1.0.0
          what else deserves a decision:
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
        # Copyleft, or no license of SPDX's list: for you to decide. Until one stands in `allow`, or in an
        # exception for one package, the packages behind it are rejected.
        #     "MPL-2.0", # mpl 1.0.0
        # What the license of these is cannot be told, `clarify` states it: none 1.0.0.
        # How like its original a license text has to be.
    "#]].assert_eq(&policy[start..end]);
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
