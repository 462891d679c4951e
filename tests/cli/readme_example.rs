//! The example of the README: a nested manifest, three advisories and an unknown license.

use expect_test::expect;

use crate::harness::{World, repository};

#[test]
fn four_errors_are_on_the_lines_that_fix_them() {
    let fixtures = format!("{}/tests/fixtures", repository());
    let handshake = format!("{fixtures}/handshake");
    let db = format!("{fixtures}/advisory-db");
    let mut report = World::new("")
        .run_on_crates_io(&handshake, &["check", &handshake, "--db", &db, "--format", "json"]);
    // A version that gets yanked later is not part of the example.
    report.findings.retain(|finding| finding.code.as_deref() != Some("yanked"));
    expect![[r#"
        error RUSTSEC-2025-0009: `ring` 0.17.9 has a vulnerability: AES code can panic in builds that check for overflow
          [repository]/tests/fixtures/handshake/src/backend/handshake_core/Cargo.toml:14
            ring = "0.17.9"
                    ^^^^^^
          help upgrade to >=0.17.12
        error RUSTSEC-2024-0363: `sqlx` 0.8.0 has a vulnerability: Length prefixes of very large values wrap around on the wire
          [repository]/tests/fixtures/handshake/src/backend/handshake_core/Cargo.toml:17
            sqlx = { version = "0.8.0", default-features = false, features = ["mysql", "runtime-tokio"] }
                                ^^^^^
          help upgrade to >=0.8.1
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted RFC 2822 date can exhaust the stack
          [repository]/tests/fixtures/handshake/src/backend/handshake_core/Cargo.toml:18
            time = { version = "0.3.44", features = ["formatting", "parsing", "serde"] }
                                ^^^^^^
          help upgrade to >=0.3.47
        error unlicensed: could not determine the license of `ring` 0.17.9
          [repository]/tests/fixtures/handshake/src/backend/handshake_core/Cargo.toml:14
            ring = "0.17.9"
                    ^^^^^^
          help upgrade to a version that declares one, or add a `clarify` entry to the policy
        exit 5
    "#]]
    .assert_eq(&report.of_severity("error"));
}

#[test]
fn verified_upgrades_pass_the_gate_without_policy_changes() {
    let handshake = format!("{}/tests/fixtures/handshake", repository());
    let db = format!("{}/tests/fixtures/advisory-db", repository());
    let mut world = World::new("");
    let core = "src/backend/handshake_core";
    let policy = read(&format!("{handshake}/{core}/deny.toml"));
    for file in ["Cargo.toml", "Cargo.lock", "deny.toml", "src/main.rs", "src/session.rs"] {
        let path = format!("{core}/{file}");
        world.write(&path, read(&format!("{handshake}/{path}")));
    }
    let errors = ["--only", "advisories,licenses", "--db", &db];
    let work = world.path("");
    let fix = [&["fix", &work][..], &errors].concat();
    world.use_crates_io();
    assert_eq!(world.run_that_writes(&fix).code, 0);
    let check = [&["check", &work, "--format", "json"][..], &errors].concat();
    let report = world.run_on_crates_io(&handshake, &check);
    assert_eq!(report.of_severity("error"), "exit 0\n");
    assert_eq!(world.read(&format!("{core}/deny.toml")), policy);
    for line in ["ring = \"0.17.12\"", "version = \"0.8.1\"", "version = \"0.3.47\""] {
        let manifest = world.read(&format!("{core}/Cargo.toml"));
        assert!(manifest.contains(line), "{line}:\n{manifest}");
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("a file of the fixture")
}
