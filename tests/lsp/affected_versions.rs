//! Which packages an advisory is about is cargo-deny's answer in every verdict: exact, provisional, and without
//! trust.

#![cfg(unix)]

use serde_json::json;

use crate::harness::{Client, FakeCargo, Session, World, each_editor};

const MANIFEST: &str = "Cargo.toml";

/// Pre-releases and build metadata. The advisories of `zerocopy` and `tokio-rustls` are RustSec's.
const VERSIONS: &str = r#"
#- crate: after-patch 3.0.0-beta.10
#- crate: before-patch 2.2.1-alpha.1
#- crate: build-patched 1.0.1+build.2
#- crate: build-vulnerable 1.0.0+build.2
#- crate: pre-of-patch 3.0.0-beta.8
#- crate: tokio-rustls 0.12.0-alpha.3
#- crate: unaffected 0.1.0-rc.1
#- crate: vulnerable-pre 0.6.3-alpha
#- crate: zerocopy 0.7.0-alpha.1
#- advisory: RUSTSEC-2021-0081 after-patch patched ^2.2.1, >=3.0.0-beta.9: Patched since beta 9
#- advisory: RUSTSEC-2031-0001 before-patch patched ^2.2.1: Patched by the release
#- advisory: RUSTSEC-2031-0002 build-patched patched >=1.0.1: Patched
#- advisory: RUSTSEC-2031-0003 build-vulnerable patched >=1.0.1: Not patched
#- advisory: RUSTSEC-2031-0004 pre-of-patch patched ^2.2.1, >=3.0.0-beta.9: Patched since beta 9
#- advisory: RUSTSEC-2020-0019 tokio-rustls patched >=0.12.3,<0.13.0, >=0.13.1 unaffected <0.12: Alphas are older
#- advisory: RUSTSEC-2031-0005 unaffected patched >=0.3.0 unaffected <0.2.0: Introduced later
#- advisory: RUSTSEC-2031-0006 vulnerable-pre patched >=0.6.6,<0.7.0, >=0.7.31 unaffected <0.2.2: Patched later
#- advisory: RUSTSEC-2023-0074 zerocopy patched >=0.6.6,<0.7.0, >=0.7.31 unaffected <0.2.2: Introduced by the release
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
after-patch = "=3.0.0-beta.10"
before-patch = "=2.2.1-alpha.1"
build-patched = "=1.0.1"
build-vulnerable = "=1.0.0"
pre-of-patch = "=3.0.0-beta.8"
tokio-rustls = "=0.12.0-alpha.3"
unaffected = "=0.1.0-rc.1"
vulnerable-pre = "=0.6.3-alpha"
zerocopy = "=0.7.0-alpha.1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

/// What cargo-deny reports of it.
const VULNERABLE: [&str; 4] =
    ["RUSTSEC-2031-0001", "RUSTSEC-2031-0003", "RUSTSEC-2031-0004", "RUSTSEC-2031-0006"];

each_editor! {
    fn verdict_without_trust_and_exact_verdict_agree_on_versions(editor) {
        let world = World::locked(VERSIONS);
        let mut client = Session::of(world).editor(editor).option("trusted", false.into()).start();
        client.message("trusted");
        client.open(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "findings", |shown| {
            shown.version.is_some() && !shown.is_empty()
        });
        assert_eq!(shown.codes(), VULNERABLE);
        client.status("untrusted");
        client.notify("supercargo/didChangeTrust", json!({"trusted": true}));
        client.status("exact");
        client.latest(MANIFEST, "the same findings", |shown| shown.codes() == VULNERABLE);
    }
}

/// A fork and packages of a company's registries have the names of vulnerable packages.
#[test]
fn advisory_is_about_packages_of_crates_io_only() {
    let world = World::new(
        r#"
#- advisory: RUSTSEC-2031-0001 forked patched >=2: In the registry
#- advisory: RUSTSEC-2031-0002 mirrored patched >=2: In the registry
#- advisory: RUSTSEC-2031-0003 public patched >=2: In the registry
#- advisory: RUSTSEC-2031-0004 sparse patched >=2: In the registry
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"

[dependencies]
forked = { version = "1", git = "https://example.org/forked" }
mirrored = { version = "1", registry = "corp" }
public = "1"
sparse = { version = "1", registry = "sparse" }
#- Cargo.lock
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["forked", "mirrored", "public", "sparse"]

[[package]]
name = "forked"
version = "1.0.0"
source = "git+https://example.org/forked#f2c81d10b62cb5a55ba99902f2afd2ccb0d2012f"

[[package]]
name = "mirrored"
version = "1.0.0"
source = "registry+https://crates.example.org/index"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[[package]]
name = "public"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[[package]]
name = "sparse"
version = "1.0.0"
source = "sparse+https://sparse.example.org/"
checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"#,
    );
    let mut client = Session::of(world).option("trusted", false.into()).start();
    client.message("trusted");
    client.open(MANIFEST);
    let shown = client.diagnostics_when(MANIFEST, "findings", |shown| {
        shown.version.is_some() && !shown.is_empty()
    });
    assert_eq!(shown.codes(), ["supercargo::no-policy", "RUSTSEC-2031-0003"]);
    client.status("untrusted");
}

/// A client with the exact verdict of a dependency on `zerocopy`, and a cargo that does not answer any more.
fn with_blocked_cargo() -> Client {
    let mut world = World::locked(
        r#"
#- crate: zerocopy 0.6.3-alpha
#- crate: zerocopy 0.6.5
#- crate: zerocopy 0.6.6+build.1
#- crate: zerocopy 0.7.0-alpha.1
#- crate: zerocopy 0.7.0+build.1
#- advisory: RUSTSEC-2023-0074 zerocopy patched >=0.6.6,<0.7.0, >=0.7.31 unaffected <0.2.2: Alignment
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
zerocopy = "=0.6.5"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.status("exact");
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "the finding", |shown| {
        shown.version.is_some() && shown.has(ALIGNMENT)
    });
    client.world.use_fake_cargo(FakeCargo::Held);
    client
}

const ALIGNMENT: &str = "RUSTSEC-2023-0074";

#[test]
fn provisional_verdict_agrees_with_the_exact_one_on_pre_releases_and_build_metadata() {
    for (requirement, locked, vulnerable) in [
        ("=0.7.0-alpha.1", "0.7.0-alpha.1", false),
        ("=0.6.6", "0.6.6+build.1", false),
        ("=0.6.3-alpha", "0.6.3-alpha", true),
        ("=0.7.0", "0.7.0+build.1", true),
    ] {
        let mut client = with_blocked_cargo();
        client.replace(MANIFEST, "=0.6.5", requirement);
        let codes: &[&str] = if vulnerable { &[ALIGNMENT] } else { &[] };
        client.status("provisional");
        client.latest(MANIFEST, requirement, |shown| shown.codes() == codes);
        client.world.release_cargo();
        client.status("exact");
        client.ends_with(MANIFEST, requirement, move |shown| {
            shown.codes() == codes
                && shown.diagnostics.iter().all(|one| one.message.contains(locked))
        });
    }
}

/// Versions of which some are affected and some are not stay what they were until cargo has resolved.
#[test]
fn provisional_verdict_of_a_range_with_an_unaffected_pre_release_stays() {
    let mut client = with_blocked_cargo();
    client.replace(MANIFEST, "=0.6.5", "0.7.0-alpha.1, <0.7.5");
    client.status("provisional");
    let shown = client.history(MANIFEST);
    assert_eq!(shown.last().expect("shown").codes(), [ALIGNMENT]);
    assert_eq!(shown.last().expect("shown").only(ALIGNMENT).message.matches("0.6.5").count(), 1);
    client.world.release_cargo();
    client.status("exact");
    client.latest(MANIFEST, "0.7.0", |shown| shown.only(ALIGNMENT).message.contains("0.7.0"));
}

/// A local copy is no version of the package of crates.io.
#[test]
fn provisional_verdict_takes_no_version_from_another_source() {
    let mut world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.46: Stack exhaustion
#- time/Cargo.toml
[package]
name = "time"
version = "0.3.46"
edition = "2021"
license = "MIT"
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "=0.3.44"
fork = { package = "time", path = "time" }
#- deny.toml
[licenses]
allow = ["MIT"]
[bans]
multiple-versions = "allow" # one is a local copy
"#,
    );
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.status("exact");
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "the finding", |shown| {
        shown.version.is_some() && shown.codes() == [STACK]
    });
    client.world.use_fake_cargo(FakeCargo::Held);
    // Both patched and vulnerable versions of crates.io satisfy it.
    client.replace(MANIFEST, "=0.3.44", ">=0.3.45");
    client.status("provisional");
    client.latest(MANIFEST, "the finding", |shown| shown.codes() == [STACK]);
    client.world.release_cargo();
    client.diagnostics_without(MANIFEST, STACK);
    client.status("exact");
}

const STACK: &str = "RUSTSEC-2026-0009";
