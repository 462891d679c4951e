//! What cargo-deny says about a finding is in ours: reasons of the policy, explanations, names and numbers.

use crate::harness::{Report, World};

/// Packages for every check.
const PACKAGES: &str = r#"
#- crate: leaf 0.1.0
#- crate: leaf 0.2.0
#- crate: branch 1.0.0 -> leaf 0.1
#- crate: old 1.0.0 yanked
#- crate: time 0.3.44 features=std,local
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- crate: odd 1.0.0 (Odd-License)
#- crate: silent 1.0.0 ()
#- crate: built 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
leaf = "0.2"
branch = "1"
old = "1"
time = { version = "0.3", features = ["std"] }
gpl = "1"
odd = "1"
silent = "1"
built = "1"
"#;

/// The same, with a package that has a build script.
fn world() -> World {
    let world = World::new(PACKAGES);
    let built = "../vendor/built-1.0.0";
    world.write(&format!("{built}/build.rs"), "fn main() {}\n");
    world.write(&format!("{built}/run.sh"), "#!/bin/sh\ntrue\n");
    world.lock("");
    world
}

/// A policy, the code of a finding, and what its message, remedy or notes have to contain.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "[bans]\ndeny = [{ crate = \"old\", reason = \"it has no owner\", use-instead = \"new\" }]",
        "banned",
        &["`old` 1.0.0", "it has no owner", "use `new` instead"],
    ),
    (
        "[bans]\ndeny = [{ crate = \"leaf@0.1\", wrappers = [\"m\"], reason = \"only m may\", use-instead = \"twig\" }]",
        "unmatched-wrapper",
        &["branch", "leaf", "only m may", "`twig`"],
    ),
    (
        "[bans]\nallow = [{ crate = \"leaf\", reason = \"it is small\" }]",
        "allowed",
        &["`leaf`", "it is small"],
    ),
    ("[bans]\nallow = [\"leaf\"]", "not-allowed", &["`branch` 1.0.0"]),
    ("[bans]\nmultiple-versions = \"deny\"", "duplicate", &["2 versions", "0.1.0", "0.2.0"]),
    (
        "[bans]\nskip = [{ crate = \"leaf@0.1\", reason = \"branch is slow to move\" }]",
        "skipped",
        &["`leaf` 0.1.0", "branch is slow to move"],
    ),
    (
        "[bans]\nskip-tree = [{ crate = \"branch\", reason = \"its tree is old\" }]",
        "skipped-by-root",
        &["`leaf` 0.1.0", "its tree is old"],
    ),
    ("[[bans.features]]\ncrate = \"time\"\ndeny = [\"std\"]", "feature-banned", &["std", "time"]),
    (
        "[[bans.features]]\ncrate = \"time\"\nallow = [\"local\"]",
        "feature-not-explicitly-allowed",
        &["std", "`time`"],
    ),
    (
        "[[bans.features]]\ncrate = \"time\"\nallow = [\"local\"]\nexact = true",
        "exact-features-mismatch",
        &["`time`", "'std' feature was enabled but not explicitly allowed"],
    ),
    (
        "[[bans.features]]\ncrate = \"time\"\ndeny = [\"gone\"]",
        "unknown-feature",
        &["gone", "`time`"],
    ),
    (
        "[advisories]\nignore = [{ id = \"RUSTSEC-2026-0009\", reason = \"dates are our own\" }]",
        "advisory-ignored",
        &["RUSTSEC-2026-0009", "`time` 0.3.44", "dates are our own"],
    ),
    (
        "[advisories]\nignore = [{ crate = \"old\", reason = \"its fork is not ready\" }]",
        "yanked-ignored",
        &["`old` 1.0.0", "its fork is not ready"],
    ),
    ("[advisories]\nyanked = \"deny\"", "yanked", &["`old` 1.0.0", "cargo update old"]),
    (
        "[advisories]\n",
        "vulnerability",
        &["A crafted date", "`time` 0.3.44", ">=0.3.47", "RUSTSEC-2026-0009", "What happens."],
    ),
    (
        "[licenses]\nallow = [\"MIT\"]",
        "rejected",
        &["`gpl` 1.0.0", "GPL-3.0-only", "Copyleft", "OSI approved"],
    ),
    ("[licenses]\nallow = [\"MIT\"]", "parse-error", &["`odd` 1.0.0", "unknown term"]),
    ("[licenses]\nallow = [\"MIT\"]", "unlicensed", &["could not determine", "license"]),
    ("[licenses]\nallow = [\"MIT\"]", "no-license-field", &["`silent` 1.0.0"]),
    ("[licenses]\nallow = [\"MIT\", \"ISC\"]", "license-not-encountered", &["`ISC`"]),
    (
        "[sources]\nunknown-git = \"deny\"\nallow-org = { gitlab = [\"absent\"] }",
        "unmatched-organization",
        &["`absent`", "gitlab.com"],
    ),
    (
        "[sources]\nallow-registry = [\"https://example.org/index\"]",
        "source-not-allowed",
        &["registry", "https://github.com/rust-lang/crates.io-index"],
    ),
    (
        "[sources]\nallow-registry = [\"https://example.org/index\"]",
        "unmatched-source",
        &["`https://example.org/index`"],
    ),
    (
        "[bans]\nskip = [{ crate = \"gone\", reason = \"it was slow\" }]",
        "unmatched-skip",
        &["`gone`", "it was slow"],
    ),
    (
        "[bans]\nskip = [{ crate = \"old\", reason = \"it was twice\" }]",
        "unnecessary-skip",
        &["`old`", "it was twice", "only one version"],
    ),
    ("[bans]\nskip-tree = [\"gone\"]", "unmatched-skip-root", &["`gone`"]),
    (
        "[bans]\ndeny = [{ crate = \"leaf\", wrappers = [\"m\", \"branch\", \"gone\"] }]",
        "unused-wrapper",
        &["`gone`"],
    ),
    (
        "[bans]\ndeny = [{ crate = \"leaf\", wrappers = [\"m\", \"branch\"] }]",
        "allowed-by-wrapper",
        &["leaf", "branch"],
    ),
    (
        "[advisories]\nignore = [{ id = \"RUSTSEC-2000-0001\", reason = \"it was ours\" }]",
        "advisory-not-detected",
        &["`RUSTSEC-2000-0001`", "it was ours"],
    ),
    (
        "[advisories]\nignore = [{ id = \"RUSTSEC-2001-0001\", reason = \"a typo\" }]",
        "unknown-advisory",
        &["`RUSTSEC-2001-0001`", "a typo"],
    ),
    (
        "[advisories]\nignore = [{ crate = \"time\", reason = \"was yanked\" }]",
        "yanked-not-detected",
        &["`time`", "was yanked"],
    ),
    (
        "[licenses]\nallow = [\"MIT\"]\nexceptions = [{ crate = \"old\", allow = [\"ISC\"] }]",
        "license-exception-not-encountered",
        &["`old`"],
    ),
    (
        "[bans.build]\nallow-build-scripts = [\"old\"]",
        "build-script-not-allowed",
        &["`built` 1.0.0"],
    ),
    (
        "[bans.build]\nscript-extensions = [\"sh\"]\n[[bans.build.bypass]]\ncrate = \"built\"\nallow = [{ path = \"run.sh\", checksum = \"0000000000000000000000000000000000000000000000000000000000000000\" }, { path = \"gone.sh\" }]",
        "checksum-mismatch",
        &["run.sh", "calculated different checksum"],
    ),
    ("[bans.build]\n[[bans.build.bypass]]\ncrate = \"gone\"", "unmatched-bypass", &["bypass"]),
];

fn words(report: &Report, code: &str) -> String {
    let all = report.with(code).into_iter().map(|finding| {
        let remedy = finding.remedy.clone().unwrap_or_default();
        format!("{}\n{remedy}\n{}\n", finding.message, finding.notes.join("\n"))
    });
    all.collect()
}

#[test]
fn nothing_that_cargo_deny_says_is_missing() {
    let world = world();
    let mut missing = String::new();
    for (policy, code, expected) in CASES {
        world.write("deny.toml", policy);
        let text = words(&World::read_again(world.human("--format json --log-level debug")), code);
        for part in expected.iter().filter(|part| !text.contains(**part)) {
            missing.push_str(&format!("{code} lacks `{part}`:\n{text}\n"));
        }
    }
    assert!(missing.is_empty(), "{missing}");
}

#[test]
fn contradiction_in_the_policy_names_both_entries() {
    let world = world();
    world.write("deny.toml", "[bans]\ndeny = [\"old\"]\nskip = [\"old\"]\n");
    let report = world.check("");
    let texts: Vec<_> = report.findings.iter().map(|finding| &finding.notes).collect();
    let both = ["`old`: marked as `deny`", "`old`: marked as `skip`"].map(str::to_owned);
    assert!(texts.iter().any(|notes| both.iter().all(|one| notes.contains(one))), "{texts:?}");
}
