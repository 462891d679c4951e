//! Lints of a policy, and when they affect the exit code.

use expect_test::expect;

use crate::harness::World;

const APP: &str = r#"
#- crate: syn 1.0.9
#- crate: syn 2.0.1
#- crate: old 1.0.0 -> syn 1
#- crate: time 0.3.44
#- crate: stuck 1.0.0 (ISC)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
old = "1"
syn = "2"
time = "0.3"
stuck = "1"
"#;

const POLICY: &str = r#"[advisories]
yanked = "allow"
unsound = "none" # our own code has no `unsafe`
ignore = [
    { id = "RUSTSEC-2026-0009", reason = "until 2020-01-31" },
]

[licenses]
allow = ["MIT"]
confidence-threshold = 0.5
exceptions = [{ crate = "stuck", allow = ["ISC"] }]

[bans]
multiple-versions = "deny"
wildcards = "allow"
skip = [
    "syn@1",
    { crate = "syn@=1.0.9", reason = "until 31.12.2999" },
]
"#;

#[test]
fn lints_are_reported_on_their_entries_and_count_only_with_strict() {
    let world = World::locked(APP);
    world.write("deny.toml", POLICY);
    let report = world.check("");
    let ours: Vec<_> = report
        .findings
        .iter()
        .filter(|one| one.check == "supercargo")
        .map(|one| {
            format!("{} {}: {}\n", one.severity, one.code.as_deref().unwrap_or(""), one.message)
        })
        .collect();
    expect![[r#"
        help supercargo::missing-reason: this `exceptions` entry for `stuck` has no comment that explains it
        help supercargo::missing-reason: this `skip` entry for `syn@1` has no `reason`
        warning supercargo::past-due: this entry expired on 2020-01-31
        warning supercargo::unreadable-date: invalid date `31.12.2999`
        help supercargo::broad-entry: this entry matches every version of `stuck`, but the graph has only 1.0.0
        warning supercargo::check-turned-off: yanked crates are not reported: this check is disabled
        help supercargo::check-turned-off: wildcard requirements are not reported: this check is disabled
        warning supercargo::low-confidence: `confidence-threshold` 0.5 is below cargo-deny's default of 0.8: a text may be mistaken for another license
    "#]].assert_eq(&ours.concat());
    assert_eq!(report.code, 0);
    assert_eq!(world.check("--strict").code, 16);
    let run = world.human("--strict");
    assert_eq!(run.code, 16);
    assert!(run.stdout.contains("note[supercargo::broad-entry]"), "{}", run.stdout);
    assert!(!world.human("").stdout.contains("broad-entry"), "hints are only for editors");
}

#[test]
fn ignored_advisory_with_a_reachable_fix_is_reported() {
    let world = World::locked(APP);
    world.write(
        "deny.toml",
        "[advisories]\nignore = [{ id = \"RUSTSEC-2026-0009\", reason = \"no fix yet\" }]\n",
    );
    let count = |world: &World| {
        let report = world.check("--only advisories");
        report.with("supercargo::ignore-has-fix").len()
    };
    assert_eq!(count(&world), 0, "there is no fixed version yet");
    let world = world.with("#- crate: time 0.3.47\n");
    assert_eq!(count(&world), 1);
    let manifest = world.read("Cargo.toml").replace("time = \"0.3\"", "time = \"=0.3.44\"");
    world.write("Cargo.toml", manifest);
    assert_eq!(count(&world), 0, "the requirement does not accept it");
}

#[test]
fn exceptions_file_is_linted_too() {
    let world = World::locked(APP);
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\"]\n");
    world
        .write("deny.exceptions.toml", "exceptions = [{ crate = \"stuck\", allow = [\"ISC\"] }]\n");
    expect![[r#"
        help supercargo::missing-reason: this `exceptions` entry for `stuck` has no comment that explains it
          deny.exceptions.toml:1
            exceptions = [{ crate = "stuck", allow = ["ISC"] }]
                                     ^^^^^
          help explain in a comment why it is acceptable
        help supercargo::broad-entry: this entry matches every version of `stuck`, but the graph has only 1.0.0
          deny.exceptions.toml:1
            exceptions = [{ crate = "stuck", allow = ["ISC"] }]
                                     ^^^^^
          help narrow it to `stuck@1.0.0`
        exit 0
    "#]]
    .assert_eq(&world.check("--only licenses").shown());
    assert_eq!(world.check("--only licenses --strict").code, 16);
}

#[test]
fn unused_policies_are_reported_in_their_own_files() {
    let world = World::locked(
        "#- Cargo.toml\n[workspace]\nmembers = [\"a\"]\nresolver = \"2\"\n\
         #- a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         #- deny.toml\n[bans]\n#- .deny.toml\n# older\n[bans]\n#- a/deny.toml\n[bans]\n",
    );
    expect![[r#"
        warning supercargo::shadowed-policy: `.deny.toml` is not used: `deny.toml` in the same folder takes precedence
          .deny.toml:1
            # older
            ^^^^^^^
          help merge the two files and delete this one
        help supercargo::unread-policy: `a/deny.toml` is not used: `deny.toml` applies to the whole workspace
          a/deny.toml:1
            [bans]
            ^^^^^^
          help merge the two files and delete this one
        exit 0
    "#]].assert_eq(&world.check("--only bans").shown());
    // `--config` names the policy to use.
    assert!(world.check("--only bans --config a/deny.toml").findings.is_empty());
}
