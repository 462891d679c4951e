//! Workspaces whose crates.io is replaced by a folder of vendored crates, and registries that cargo-deny misreads.

use expect_test::expect;

use crate::harness::World;

const INHERITED: &str = r#"
#- crate: time 0.3.44
#- crate: old 1.0.0 yanked
#- crate: unused 1.0.0
#- crate: win 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[workspace]
members = ["a", "b"]
resolver = "2"
[workspace.dependencies]
time = "0.3"
old = "1"
unused = "1"
win = "1"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
time.workspace = true
old.workspace = true
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
[dependencies]
time.workspace = true
[target.'cfg(windows)'.dependencies]
win.workspace = true
#- deny.toml
[graph]
targets = ["x86_64-unknown-linux-gnu"]
[advisories]
yanked = "deny"
[bans.workspace-dependencies]
unused = "deny"
"#;

#[test]
fn workspace_dependency_that_members_inherit_is_not_called_unused() {
    let report = World::locked(INHERITED).check("--only bans");
    expect![[r#"
        error unused-workspace-dependency: workspace dependency `old` is reported as unused, but `a` inherits it
          Cargo.toml:6
            old = "1"
            ^^^
          note a defect of cargo-deny: where `[source]` replaces crates.io, such as under vendoring or a mirror, it does not recognize the packages of workspace dependencies
          help set `unused = "allow"` in `[bans.workspace-dependencies]`
        error unused-workspace-dependency: workspace dependency `time` is reported as unused, but `a` and `b` inherit it
          Cargo.toml:5
            time = "0.3"
            ^^^^
          note a defect of cargo-deny: where `[source]` replaces crates.io, such as under vendoring or a mirror, it does not recognize the packages of workspace dependencies
          help set `unused = "allow"` in `[bans.workspace-dependencies]`
        error unused-workspace-dependency: unused workspace dependency `unused`: no member inherits it
          Cargo.toml:7
            unused = "1"
            ^^^^^^
          help remove it
        error unused-workspace-dependency: workspace dependency `win` is reported as unused, but `b` inherits it
          Cargo.toml:8
            win = "1"
            ^^^
          note it is inherited for targets or features only that are not checked, so the graph does not contain it
          help check the targets and features for which it is inherited, or set `unused = "allow"` in `[bans.workspace-dependencies]`
        exit 2
    "#]].assert_eq(&report.shown());
}

#[test]
fn remedies_for_vendored_crates_vendor_again() {
    let world = World::locked(INHERITED);
    std::fs::rename(world.path("../vendor"), world.path("vendor")).expect("it can be moved");
    world.write(".cargo/config.toml", "[source.vendored]\ndirectory = 'vendor'\n");
    expect![[r#"
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          Cargo.toml:5
            time = "0.3"
                    ^^^
          a/Cargo.toml:6
            time.workspace = true
                 ^^^^^^^^^
          b/Cargo.toml:6
            time.workspace = true
                 ^^^^^^^^^
          2 paths
          help upgrade to >=0.3.47, with the `[source]` replacement turned off, then run `cargo vendor` again
        error yanked: `old` 1.0.0 is yanked
          Cargo.toml:6
            old = "1"
                   ^
          a/Cargo.toml:7
            old.workspace = true
                ^^^^^^^^^
          help run `cargo update old` to select a version that is not yanked, with the `[source]` replacement turned off, then run `cargo vendor` again
        exit 1
    "#]].assert_eq(&world.check("--only advisories").shown());
    world.forget_index();
    let report = world.check("--only advisories");
    let remedies: Vec<_> =
        report.with("index-failure").iter().filter_map(|one| one.remedy.clone()).collect();
    assert!(!remedies.is_empty());
    for remedy in remedies {
        assert!(remedy.starts_with("set `disable-yank-checking = true`"), "{remedy}");
    }
    world.edit("deny.toml", "yanked = \"deny\"", "disable-yank-checking = true");
    assert!(world.check("--only advisories").with("index-failure").is_empty());
}

/// A registry at an address, replaced by the vendored folder; the policy allows it.
fn registry_at(host: &str) -> World {
    let index = format!("sparse+http://{host}:8765/index/");
    let world = World::new(&format!(
        r#"
#- crate: private 1.0.0
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
private = {{ version = "1", registry = "corp" }}
#- deny.toml
[sources]
unknown-registry = "deny"
allow-registry = ["{index}"]
"#
    ));
    let configuration = world.read("../cargo/config.toml");
    world.write(
        "../cargo/config.toml",
        format!(
            "{configuration}[registries.corp]\nindex = \"{index}\"\n\
             [source.corp]\nregistry = \"{index}\"\nreplace-with = \"vendored\"\n"
        ),
    );
    world.lock("");
    world
}

#[test]
fn allowed_registry_at_an_address_is_a_defect_of_cargo_deny() {
    expect![[r#"
        error source-not-allowed: source not allowed: `private` 1.0.0 comes from registry http://127.0.0.1:8765/index/
          Cargo.toml:6
            private = { version = "1", registry = "corp" }
                                   ^
          note a defect of cargo-deny: it does not match an entry of `allow-registry` with a sparse registry whose host is an IPv4 address or has capital letters
          help name the registry by a host name in lower case in `[registries]` of cargo's configuration
        warning unmatched-source: unused source `sparse+http://127.0.0.1:8765/index/`: no crate in the graph comes from it
          deny.toml:3
            allow-registry = ["sparse+http://127.0.0.1:8765/index/"]
                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          note a defect of cargo-deny: it does not match an entry of `allow-registry` with a sparse registry whose host is an IPv4 address or has capital letters
          help name the registry by a host name in lower case in `[registries]` of cargo's configuration
        exit 8
    "#]].assert_eq(&registry_at("127.0.0.1").check("--only sources").shown());
    let named = registry_at("registry.example.org").check("--only sources");
    assert_eq!((named.code, named.with("allowed-source").len(), named.findings.len()), (0, 1, 1));
}
