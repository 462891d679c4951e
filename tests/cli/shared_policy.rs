//! A policy that rules several workspaces: an entry that any of them needs is not reported.

use crate::harness::{Report, World};

/// `core` and `bindings` each need entries that the other one does not. Nothing needs `RUSTSEC-2024-0388`, `Zlib`
/// and `unused`.
fn world() -> World {
    let world = World::new(
        r#"
#- crate: itoa 0.4.8
#- crate: itoa 1.0.0
#- crate: memchr 2.0.0 (ISC)
#- crate: paste 1.0.15
#- advisory: RUSTSEC-2024-0436 paste unmaintained: paste is unmaintained
#- advisory: RUSTSEC-2024-0388 derivative unmaintained: derivative is unmaintained
#- deny.toml
[advisories]
ignore = [
    { id = "RUSTSEC-2024-0436", reason = "only a macro" },
    { id = "RUSTSEC-2024-0388", reason = "from before" },
]
[licenses]
allow = ["MIT", "ISC", "Zlib"]
[bans]
multiple-versions = "deny"
skip = [
    { crate = "itoa@0.4", reason = "the old API" },
    { crate = "unused", reason = "from before" },
]
#- core/Cargo.toml
[package]
name = "core-part"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
itoa = "1"
memchr = "2"
[workspace]
#- bindings/python/Cargo.toml
[package]
name = "bindings"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
paste = "1"
itoa = "1"
itoa-old = { package = "itoa", version = "0.4" }
[workspace]
"#,
    );
    for folder in ["core", "bindings/python"] {
        world.lock(folder);
    }
    world
}

/// The entries that are reported as without effect, by what their messages name.
fn unneeded(report: &Report) -> Vec<String> {
    let codes =
        ["advisory-not-detected", "unmatched-skip", "unnecessary-skip", "license-not-encountered"];
    let found = codes.iter().flat_map(|code| report.with(code));
    let names = found.map(|finding| finding.message.replace("`skip` entry ", ""));
    let mut entries: Vec<_> =
        names.map(|text| text.split('`').nth(1).unwrap_or_default().to_owned()).collect();
    entries.sort();
    entries
}

const NEEDED_BY_NONE: [&str; 3] = ["RUSTSEC-2024-0388", "Zlib", "unused"];

#[test]
fn entry_that_another_workspace_needs_is_not_reported() {
    let world = world();
    for folder in ["core", "bindings/python", "core/Cargo.toml"] {
        assert_eq!(unneeded(&world.check(folder)), NEEDED_BY_NONE, "{folder}");
    }
    let both = world.check(".");
    let twice: Vec<_> = NEEDED_BY_NONE.iter().flat_map(|one| [one, one]).collect();
    assert_eq!(unneeded(&both).iter().collect::<Vec<_>>(), twice, "once in each workspace");
}

#[test]
fn manifest_path_checks_one_workspace_as_cargo_deny_does() {
    let world = world();
    let alone = world.check("--manifest-path core/Cargo.toml");
    assert_eq!(
        unneeded(&alone),
        ["RUSTSEC-2024-0388", "RUSTSEC-2024-0436", "Zlib", "itoa@0.4", "unused"]
    );
}

#[test]
fn workspace_that_cannot_be_checked_may_need_every_entry() {
    let world = world();
    world.write("bindings/python/Cargo.toml", "[package]\nname = 1\n[workspace]\n");
    assert_eq!(unneeded(&world.check("core")), [""; 0]);
}

#[test]
fn denied_entry_without_effect_stays_an_error() {
    let world = world();
    world.edit("deny.toml", "[bans]", "unused-allowed-license = \"deny\"\n[bans]");
    let report = world.check("bindings/python");
    let denied = report.with("license-not-encountered");
    assert!(denied.iter().all(|finding| finding.severity == "error"));
    assert_eq!(denied.len(), 2, "`ISC` is needed by `core`, but the gate fails because of it");
    assert_eq!(report.code, 4);
}

#[test]
fn finding_about_the_policy_is_printed_once_for_several_workspaces() {
    let run = world().human("core bindings/python");
    assert_eq!(run.stdout.matches("`RUSTSEC-2024-0388`").count(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("3 findings about `deny.toml` are listed above"), "{}", run.stdout);
}

#[test]
fn policy_of_too_many_workspaces_is_settled_only_if_all_are_checked() {
    let world = World::new("#- deny.toml\n[licenses]\nallow = [\"MIT\", \"Zlib\"]\n");
    for number in 0..26 {
        let package = format!(
            "[package]\nname = \"w{number}\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n[workspace]\n"
        );
        world.write(&format!("w{number}/Cargo.toml"), package);
        world.write(&format!("w{number}/src/lib.rs"), "");
        world.lock(&format!("w{number}"));
    }
    let one = world.human("w1");
    assert!(!one.stdout.contains("license-not-encountered"), "{}", one.stdout);
    assert!(one.stderr.contains("deny.toml` rules 26 workspaces"), "{}", one.stderr);
    let all = world.human(".");
    assert_eq!(all.stdout.matches("warning[license-not-encountered]").count(), 1, "{}", all.stdout);
    assert_eq!(all.stderr, "");
}
