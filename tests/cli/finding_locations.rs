//! Where findings about packages are reported: on the lines to change.

use expect_test::{Expect, expect};

use crate::harness::World;

fn check_advisories(fixture: &str, expected: &Expect) {
    let report = World::locked(fixture).check("--only advisories");
    expected.assert_eq(&report.shown());
}

fn check_bans(fixture: &str, expected: &Expect) {
    expected.assert_eq(&World::locked(fixture).check("--only bans").shown());
}

#[test]
fn requirement_is_reported_for_every_dependency_syntax() {
    check_advisories(
        r#"
#- crate: plain 1.0.0
#- crate: inline 1.0.0
#- crate: single 1.0.0
#- crate: dotted 1.0.0
#- crate: full 1.0.0
#- crate: real 1.0.0
#- crate: for-tests 1.0.0
#- crate: for-builds 1.0.0
#- crate: on-windows 1.0.0
#- crate: extra 1.0.0
#- advisory: RUSTSEC-2026-0001 plain: Plain
#- advisory: RUSTSEC-2026-0002 inline: Inline
#- advisory: RUSTSEC-2026-0003 single: Single quotes
#- advisory: RUSTSEC-2026-0004 dotted: Dotted
#- advisory: RUSTSEC-2026-0005 full: A table of its own
#- advisory: RUSTSEC-2026-0006 real: Renamed
#- advisory: RUSTSEC-2026-0007 for-tests: Dev
#- advisory: RUSTSEC-2026-0008 for-builds: Build
#- advisory: RUSTSEC-2026-0009 on-windows: Target
#- advisory: RUSTSEC-2026-0010 extra: Optional and enabled
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"

[features]
default = ["dep:extra"]

[dependencies]
plain = "1"
inline = { default-features = true, version = "1.0" }
single = '1.0.0'
dotted.default-features = true
dotted.version = "^1"
renamed = { version = "1", package = "real" }
extra = { version = ">=1, <2", optional = true }

[dependencies.full]
features = []
version = """1"""

[dev-dependencies]
for-tests = "1"

[build-dependencies]
for-builds = "1"

[target.'cfg(target_os = "windows")'.dependencies]
on-windows = "1"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0004: `dotted` 1.0.0 has a vulnerability: Dotted
              Cargo.toml:14
                dotted.version = "^1"
                                  ^^
              help no patched version exists
            error RUSTSEC-2026-0010: `extra` 1.0.0 has a vulnerability: Optional and enabled
              Cargo.toml:16
                extra = { version = ">=1, <2", optional = true }
                                     ^^^^^^^
              help no patched version exists
            error RUSTSEC-2026-0008: `for-builds` 1.0.0 has a vulnerability: Build
              Cargo.toml:26
                for-builds = "1"
                              ^
              help no patched version exists
            error RUSTSEC-2026-0007: `for-tests` 1.0.0 has a vulnerability: Dev
              Cargo.toml:23
                for-tests = "1"
                             ^
              help no patched version exists
            error RUSTSEC-2026-0005: `full` 1.0.0 has a vulnerability: A table of its own
              Cargo.toml:20
                version = """1"""
                             ^
              help no patched version exists
            error RUSTSEC-2026-0002: `inline` 1.0.0 has a vulnerability: Inline
              Cargo.toml:11
                inline = { default-features = true, version = "1.0" }
                                                               ^^^
              help no patched version exists
            error RUSTSEC-2026-0009: `on-windows` 1.0.0 has a vulnerability: Target
              Cargo.toml:29
                on-windows = "1"
                              ^
              help no patched version exists
            error RUSTSEC-2026-0001: `plain` 1.0.0 has a vulnerability: Plain
              Cargo.toml:10
                plain = "1"
                         ^
              help no patched version exists
            error RUSTSEC-2026-0006: `real` 1.0.0 has a vulnerability: Renamed
              Cargo.toml:15
                renamed = { version = "1", package = "real" }
                                       ^
              help no patched version exists
            error RUSTSEC-2026-0003: `single` 1.0.0 has a vulnerability: Single quotes
              Cargo.toml:12
                single = '1.0.0'
                          ^^^^^
              help no patched version exists
            exit 1
        "#]],
    );
}

#[test]
fn disabled_optional_dependency_is_not_reported() {
    check_advisories(
        r#"
#- crate: extra 1.0.0
#- advisory: RUSTSEC-2026-0010 extra: Optional
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
extra = { version = "1", optional = true }
"#,
        &expect![[r#"
            exit 0
        "#]],
    );
}

#[test]
fn package_with_three_direct_dependencies_is_reported_on_the_first_and_lists_all() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
[dev-dependencies]
time = { version = "0.3", features = [] }
[target.'cfg(unix)'.build-dependencies]
time = { version = "0.3.4" }
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:6
                time = "0.3"
                        ^^^
              Cargo.toml:8
                time = { version = "0.3", features = [] }
                                    ^^^
              Cargo.toml:10
                time = { version = "0.3.4" }
                                    ^^^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn inherited_requirement_is_reported_in_the_root_and_lists_members() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[workspace]
members = ["a", "b", "c"]
resolver = "2"
[workspace.dependencies]
time = { version = "0.3.44" }
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
time.workspace = true
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
[dev-dependencies]
time = { workspace = true, features = [] }
#- c/Cargo.toml
[package]
name = "c"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:5
                time = { version = "0.3.44" }
                                    ^^^^^^
              c/Cargo.toml:6
                time = "0.3"
                        ^^^
              a/Cargo.toml:6
                time.workspace = true
                     ^^^^^^^^^
              b/Cargo.toml:6
                time = { workspace = true, features = [] }
                         ^^^^^^^^^
              3 paths
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn transitive_package_is_reported_on_direct_dependencies_with_shortest_path() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: session 2.0.0 -> cookie 0.18
#- crate: web 1.0.0 -> session 2, cookie 0.18
#- crate: unrelated 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
unrelated = "1"
web = "1"
[build-dependencies]
session = "2"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:9
                session = "2"
                           ^
              Cargo.toml:7
                web = "1"
                       ^
              via m 0.1.0 -> session 2.0.0 -> cookie 0.18.1 -> time 0.3.44
              via m 0.1.0 -> web 1.0.0 -> cookie 0.18.1 -> time 0.3.44
              3 paths
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn direct_dependency_is_reported_only_on_its_own_requirement() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
cookie = "0.18"
time = "0.3"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:7
                time = "0.3"
                        ^^^
              2 paths
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn package_behind_a_member_is_reported_in_that_members_manifest() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[workspace]
members = ["core"]
[dependencies]
core-lib = { path = "core" }
#- core/Cargo.toml
[package]
name = "core-lib"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              core/Cargo.toml:6
                time = "0.3"
                        ^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn package_behind_an_outside_path_dependency_is_reported_in_that_manifest() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
outside = { path = "../outside" }
#- outside/Cargo.toml
[package]
name = "outside"
version = "0.2.0"
edition = "2021"
[dependencies]
time = "0.3"
"#,
    );
    world.lock("app");
    let report = world.check("--only advisories app");
    expect![[r#"
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          outside/Cargo.toml:6
            time = "0.3"
                    ^^^
          via app 0.1.0 -> outside 0.2.0 -> time 0.3.44
          help upgrade to >=0.3.47
        exit 1
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn two_versions_of_a_crate_are_reported_on_their_own_dependencies() {
    check_advisories(
        r#"
#- crate: time 0.1.0
#- crate: time 0.3.44
#- crate: old 1.0.0 -> time 0.1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
tempus = { package = "time", version = "0.1" }
old = "1"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.1.0 has a vulnerability: A crafted date
              Cargo.toml:7
                tempus = { package = "time", version = "0.1" }
                                                        ^^^
              2 paths
              help upgrade to >=0.3.47
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:6
                time = "0.3"
                        ^^^
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn duplicate_is_reported_on_the_dependency_that_brings_in_the_oldest_version() {
    check_bans(
        r#"
#- crate: time 0.1.0
#- crate: time 0.3.44
#- crate: old 1.0.0 -> time 0.1
#- crate: new 1.0.0 -> time 0.3
#- crate: newer 1.0.0 -> new 1
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
new = "1"
newer = "1"
old = "1"
"#,
        &expect![[r#"
            warning duplicate: found 2 versions of `time`: 0.1.0 and 0.3.44
              Cargo.toml:8
                old = "1"
                       ^
              Cargo.toml:6
                new = "1"
                       ^
              Cargo.toml:7
                newer = "1"
                         ^
              via m 0.1.0 -> old 1.0.0 -> time 0.1.0
              via m 0.1.0 -> new 1.0.0 -> time 0.3.44
              via m 0.1.0 -> newer 1.0.0 -> new 1.0.0 -> time 0.3.44
              3 paths
              help upgrade the dependencies that require the older one
            exit 0
        "#]],
    );
}

#[test]
fn banned_package_has_its_reason_and_replacement() {
    check_bans(
        r#"
#- crate: openssl 0.10.0
#- crate: tls 1.0.0 -> openssl 0.10
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
tls = "1"
#- deny.toml
[bans]
deny = [{ crate = "openssl", use-instead = "rustls", reason = "one TLS library is enough" }]
"#,
        &expect![[r#"
            error banned: `openssl` 0.10.0 is banned by the policy: one TLS library is enough
              Cargo.toml:6
                tls = "1"
                       ^
              via m 0.1.0 -> tls 1.0.0 -> openssl 0.10.0
              help use `rustls` instead
            exit 2
        "#]],
    );
}

#[test]
fn wildcard_that_is_inherited_with_a_dotted_key_names_its_dependency() {
    check_bans(
        r#"
#- Cargo.toml
[workspace]
members = ["near", "m"]
[workspace.dependencies]
near = { path = "near" }
#- m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
near.workspace = true
[target.'cfg(unix)'.dependencies]
near = { workspace = true, features = ["f"] }
#- near/Cargo.toml
[package]
name = "near"
version = "0.1.0"
edition = "2021"
[features]
f = []
#- deny.toml
[bans]
wildcards = "deny"
"#,
        &expect![[r#"
            warning unresolved-workspace-dependency: could not resolve the workspace dependency `near` of `m` 0.1.0
              m/Cargo.toml:6
                near.workspace = true
                                 ^^^^
              note a defect of cargo-deny: cargo has resolved it
            warning unresolved-workspace-dependency: could not resolve the workspace dependency `near` of `m` 0.1.0
              m/Cargo.toml:8
                near = { workspace = true, features = ["f"] }
                                     ^^^^
              note a defect of cargo-deny: cargo has resolved it
            error wildcard: `m` 0.1.0 has a wildcard dependency: `near`
              Cargo.toml:4
                near = { path = "near" }
                                 ^^^^
              m/Cargo.toml:6
                near.workspace = true
                     ^^^^^^^^^
              m/Cargo.toml:8
                near = { workspace = true, features = ["f"] }
                         ^^^^^^^^^
              help add a `version` next to the `path` or `git`, or set `publish = false` and `allow-wildcard-paths`
            exit 2
        "#]],
    );
}

#[test]
fn wildcards_are_reported_on_the_requirement_or_path() {
    check_bans(
        r#"
#- crate: any 1.0.0
#- crate: shared 1.0.0
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[workspace]
members = ["near"]
[workspace.dependencies]
shared = "*"
[dependencies]
any = "*"
near = { path = "near" }
shared = { workspace = true }
#- near/Cargo.toml
[package]
name = "near"
version = "0.1.0"
edition = "2021"
#- deny.toml
[bans]
wildcards = "deny"
"#,
        &expect![[r#"
            warning unresolved-workspace-dependency: could not resolve the workspace dependency `shared` of `m` 0.1.0
              Cargo.toml:12
                shared = { workspace = true }
                                       ^^^^
              note a defect of cargo-deny: where `[source]` replaces crates.io, such as under vendoring or a mirror, it does not recognize the packages of workspace dependencies
            error wildcard: `m` 0.1.0 has 3 wildcard dependencies: `any`, `near` and `shared`
              Cargo.toml:10
                any = "*"
                       ^
              Cargo.toml:11
                near = { path = "near" }
                                 ^^^^
              Cargo.toml:8
                shared = "*"
                          ^
              Cargo.toml:12
                shared = { workspace = true }
                           ^^^^^^^^^
              help add a `version` next to the `path` or `git`, or set `publish = false` and `allow-wildcard-paths`
            exit 2
        "#]],
    );
}

#[test]
fn workspace_dependencies_are_reported_on_their_keys() {
    check_bans(
        r#"
#- Cargo.toml
[workspace]
members = ["a", "b"]
exclude = ["shared", "unused"]
resolver = "2"
[workspace.dependencies]
shared = { path = "shared" }
unused = { path = "unused" }
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
shared = { path = "../shared" }
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
[dependencies]
shared.workspace = true
#- shared/Cargo.toml
[package]
name = "shared"
version = "0.1.0"
edition = "2021"
#- unused/Cargo.toml
[package]
name = "unused"
version = "0.1.0"
edition = "2021"
#- deny.toml
[bans.workspace-dependencies]
"#,
        &expect![[r#"
            error workspace-duplicate: crate `shared` 0.1.0 is used 2 times in the workspace, but not all declarations use the shared workspace dependency
              a/Cargo.toml:6
                shared = { path = "../shared" }
                ^^^^^^
            error unused-workspace-dependency: unused workspace dependency `unused`: no member inherits it
              Cargo.toml:7
                unused = { path = "unused" }
                ^^^^^^
              help remove it
            exit 2
        "#]],
    );
}

#[test]
fn features_and_build_scripts_are_reported_on_direct_dependencies() {
    check_bans(
        r#"
#- crate: inner 1.0.0
#- crate: outer 1.0.0 -> inner 1
#- ../vendor/inner-1.0.0/Cargo.toml
[package]
name = "inner"
version = "1.0.0"
edition = "2021"
[features]
default = ["std"]
std = []
#- ../vendor/inner-1.0.0/build.rs
fn main() {}
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
outer = "1"
#- deny.toml
[bans]
external-default-features = "warn"
features = [{ crate = "inner", deny = ["std"] }]
[bans.build]
allow-build-scripts = []
"#,
        &expect![[r#"
            warning default-feature-enabled: `default` feature enabled for crate `inner` 1.0.0
              Cargo.toml:6
                outer = "1"
                         ^
              via m 0.1.0 -> outer 1.0.0 -> inner 1.0.0
            error feature-banned: feature `std` for crate `inner` 1.0.0 is explicitly denied
              Cargo.toml:6
                outer = "1"
                         ^
              via m 0.1.0 -> outer 1.0.0 -> inner 1.0.0
            error build-script-not-allowed: crate `inner` 1.0.0 has a build script but is not allowed to have one
              Cargo.toml:6
                outer = "1"
                         ^
              via m 0.1.0 -> outer 1.0.0 -> inner 1.0.0
              note path = '$crate/build.rs'
              note checksum = '536e506bb90914c243a12b397b9a998f85ae2cbd9ba02dfd03a9e155ca5ca0f4'
            exit 2
        "#]],
    );
}

#[test]
fn banned_package_is_reported_on_the_parent_that_is_no_wrapper() {
    check_bans(
        r#"
#- crate: openssl 0.10.0
#- crate: good-tls 1.0.0 -> openssl 0.10
#- crate: other-tls 1.0.0 -> openssl 0.10
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
good-tls = "1"
other-tls = "1"
#- deny.toml
[bans]
deny = [{ crate = "openssl", wrappers = ["good-tls"] }]
"#,
        &expect![[r#"
            warning unmatched-wrapper: direct parent `other-tls` 1.0.0 of banned crate `openssl` 0.10.0 was not marked as a wrapper
              Cargo.toml:7
                other-tls = "1"
                             ^
              via m 0.1.0 -> other-tls 1.0.0 -> openssl 0.10.0
            note allowed-by-wrapper: banned crate `openssl` 0.10.0 allowed by wrapper `good-tls` 1.0.0
              deny.toml:2
                deny = [{ crate = "openssl", wrappers = ["good-tls"] }]
                                   ^^^^^^^
              deny.toml:2
                deny = [{ crate = "openssl", wrappers = ["good-tls"] }]
                                                          ^^^^^^^^
            error banned: `openssl` 0.10.0 is banned by the policy
              Cargo.toml:7
                other-tls = "1"
                             ^
              via m 0.1.0 -> other-tls 1.0.0 -> openssl 0.10.0
            exit 2
        "#]],
    );
}

#[test]
fn package_that_is_not_allowed_is_reported_on_its_dependency() {
    check_bans(
        r#"
#- crate: known 1.0.0
#- crate: unknown 1.0.0
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
known = "1"
unknown = "1"
#- deny.toml
[bans]
allow = ["known"]
allow-workspace = true
"#,
        &expect![[r#"
            note allowed: crate `known` 1.0.0 is explicitly allowed
              deny.toml:2
                allow = ["known"]
                          ^^^^^
            error not-allowed: `unknown` 1.0.0 is not allowed: it is not listed in `bans.allow`
              Cargo.toml:7
                unknown = "1"
                           ^
            exit 2
        "#]],
    );
}

#[test]
fn licenses_of_local_packages_are_reported_on_the_license_field() {
    let report = World::locked(
        r#"
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- crate: silent 1.0.0 ()
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT AND Zlib"
[workspace]
members = ["bare"]
[dependencies]
bare = { path = "bare", version = "0.1" }
gnu = "1"
silent = "1"
#- bare/Cargo.toml
[package]
name = "bare"
version = "0.1.0"
edition = "2021"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    )
    .check("--only licenses");
    expect![[r#"
        warning no-license-field: `bare` 0.1.0 has no `license` field
          bare/Cargo.toml:2
            name = "bare"
                    ^^^^
        warning unlicensed: could not determine the license of `bare` 0.1.0
          bare/Cargo.toml:2
            name = "bare"
                    ^^^^
          help set `license` in its manifest
        error unlicensed: could not determine the license of `bare` 0.1.0
          bare/Cargo.toml:2
            name = "bare"
                    ^^^^
          help set `license` in its manifest
        error rejected: `gnu` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow
          Cargo.toml:10
            gnu = "1"
                   ^
          note GPL-3.0-only - GNU General Public License v3.0 only:
          note   - OSI approved
          note   - FSF Free/Libre
          note   - Copyleft
          help replace this dependency, or add an exception for it
        error rejected: `m` 0.1.0 is licensed under `MIT AND Zlib`, but the policy does not allow `Zlib`
          Cargo.toml:5
            license = "MIT AND Zlib"
                       ^^^^^^^^^^^^
          note Zlib - zlib License:
          note   - OSI approved
          note   - FSF Free/Libre
          help use a license that the policy allows, or add an exception for this package
        warning no-license-field: `silent` 1.0.0 has no `license` field
          Cargo.toml:11
            silent = "1"
                      ^
        warning unlicensed: could not determine the license of `silent` 1.0.0
          Cargo.toml:11
            silent = "1"
                      ^
          help upgrade to a version that declares one, or add a `clarify` entry to the policy
        error unlicensed: could not determine the license of `silent` 1.0.0
          Cargo.toml:11
            silent = "1"
                      ^
          help upgrade to a version that declares one, or add a `clarify` entry to the policy
        exit 4
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn shortest_dependency_path_is_reported_and_of_equal_ones_the_root_manifest_first() {
    check_advisories(
        r#"
#- crate: time 0.3.44
#- crate: near 1.0.0 -> time 0.3
#- crate: web 1.0.0 -> near 1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "z-root"
version = "0.1.0"
edition = "2021"
[workspace]
members = ["b", "a"]
[dependencies]
a = { path = "a" }
b = { path = "b" }
near = "1"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
near = "1"
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
[dependencies]
near = "1"
web = "1"
"#,
        &expect![[r#"
            error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              Cargo.toml:10
                near = "1"
                        ^
              a/Cargo.toml:6
                near = "1"
                        ^
              b/Cargo.toml:6
                near = "1"
                        ^
              b/Cargo.toml:7
                web = "1"
                       ^
              via z-root 0.1.0 -> near 1.0.0 -> time 0.3.44
              via a 0.1.0 -> near 1.0.0 -> time 0.3.44
              via b 0.1.0 -> near 1.0.0 -> time 0.3.44
              via b 0.1.0 -> web 1.0.0 -> near 1.0.0 -> time 0.3.44
              4 paths
              help upgrade to >=0.3.47
            exit 1
        "#]],
    );
}

#[test]
fn member_declares_before_another_by_path_and_a_package_outside_is_last() {
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- w/Cargo.toml
[workspace]
members = ["z", "crates/m"]
resolver = "2"
#- w/z/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
outside = { path = "../../outside" }
time = "0.3"
#- w/crates/m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3.40"
#- outside/Cargo.toml
[package]
name = "outside"
version = "0.2.0"
edition = "2021"
[dependencies]
time = "0.3.4"
"#,
    );
    world.lock("w");
    expect![[r#"
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          w/crates/m/Cargo.toml:6
            time = "0.3.40"
                    ^^^^^^
          w/z/Cargo.toml:7
            time = "0.3"
                    ^^^
          outside/Cargo.toml:6
            time = "0.3.4"
                    ^^^^^
          via a 0.1.0 -> outside 0.2.0 -> time 0.3.44
          3 paths
          help upgrade to >=0.3.47
        exit 1
    "#]]
    .assert_eq(&world.check("--only advisories w").shown());
}

#[test]
fn oldest_of_several_versions_is_reported_through_its_shortest_path() {
    check_bans(
        r#"
#- crate: syn 0.15.0
#- crate: syn 1.0.0
#- crate: syn 2.0.0
#- crate: old 1.0.0 -> syn 0.15
#- crate: older 1.0.0 -> old 1
#- crate: middle 1.0.0 -> syn 1
#- Cargo.toml
[workspace]
members = ["a", "b"]
resolver = "2"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
[dependencies]
middle = "1"
older = "1"
syn = "2"
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
[dependencies]
old = "1"
"#,
        &expect![[r#"
            warning duplicate: found 3 versions of `syn`: 0.15.0, 1.0.0 and 2.0.0
              b/Cargo.toml:6
                old = "1"
                       ^
              a/Cargo.toml:7
                older = "1"
                         ^
              a/Cargo.toml:6
                middle = "1"
                          ^
              a/Cargo.toml:8
                syn = "2"
                       ^
              via b 0.1.0 -> old 1.0.0 -> syn 0.15.0
              via a 0.1.0 -> older 1.0.0 -> old 1.0.0 -> syn 0.15.0
              via a 0.1.0 -> middle 1.0.0 -> syn 1.0.0
              4 paths
              help upgrade the dependencies that require the older ones
            exit 0
        "#]],
    );
}

#[test]
fn banned_member_is_reported_on_its_dependents() {
    check_bans(
        r#"
#- crate: memchr 2.0.0
#- crate: text 1.0.0 -> memchr 2
#- Cargo.toml
[workspace]
members = ["domain", "server", "client"]
resolver = "2"
[workspace.dependencies]
server = { path = "server" }
#- domain/Cargo.toml
[package]
name = "domain"
version = "0.1.0"
edition = "2021"
[dependencies]
text = "1"
#- server/Cargo.toml
[package]
name = "server"
version = "0.1.0"
edition = "2021"
[dependencies]
domain = { path = "../domain" }
memchr = "2"
[dev-dependencies]
server = { path = "." }
#- client/Cargo.toml
[package]
name = "client"
version = "0.1.0"
edition = "2021"
[dependencies]
server.workspace = true
#- deny.toml
[bans]
deny = [
    { crate = "memchr", wrappers = ["server"] },
    { crate = "server", wrappers = [] },
    { crate = "client" },
]
"#,
        &expect![[r#"
            error banned: `client` 0.1.0 is banned by the policy
              client/Cargo.toml:2
                name = "client"
                        ^^^^^^
            warning unmatched-wrapper: direct parent `text` 1.0.0 of banned crate `memchr` 2.0.0 was not marked as a wrapper
              domain/Cargo.toml:6
                text = "1"
                        ^
              via domain 0.1.0 -> text 1.0.0 -> memchr 2.0.0
            note allowed-by-wrapper: banned crate `memchr` 2.0.0 allowed by wrapper `server` 0.1.0
              deny.toml:3
                    { crate = "memchr", wrappers = ["server"] },
                               ^^^^^^
              deny.toml:3
                    { crate = "memchr", wrappers = ["server"] },
                                                     ^^^^^^
            error banned: `memchr` 2.0.0 is banned by the policy
              domain/Cargo.toml:6
                text = "1"
                        ^
              via domain 0.1.0 -> text 1.0.0 -> memchr 2.0.0
            error banned: `server` 0.1.0 is banned by the policy
              client/Cargo.toml:6
                server.workspace = true
                       ^^^^^^^^^
            exit 2
        "#]],
    );
}
