//! What cargo refuses: on the line that causes it, with cargo's whole reason.

use expect_test::{Expect, expect};

use crate::harness::World;

/// The packages of the fixtures' registry.
const PACKAGES: &str = r#"
#- crate: one 1.0.0
#- crate: one 1.0.1
#- crate: user 1.0.0 -> one =1.0.0
"#;

/// Checks a package with this manifest after its `[package]` and `name`.
fn refused(manifest: &str, expected: &Expect) {
    let head = "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n";
    let edition = if manifest.starts_with("edition") { "" } else { "edition = \"2021\"\n" };
    let world = World::new(&format!("{PACKAGES}{head}{edition}{manifest}"));
    let report = world.check("--only bans");
    let findings = report.with("supercargo::resolution-failed");
    let [finding] = findings.as_slice() else {
        panic!("one refusal and not {findings:?}");
    };
    assert_eq!(report.code, 70);
    let mut shown = report.drawn(&findings);
    // The manifest is shown already, and cargo's advice depends on the network.
    let is_general = |note: &&String| {
        note.starts_with("failed to parse manifest at") || note.starts_with("As a reminder,")
    };
    let own = finding.notes.iter().filter(|note| !is_general(note));
    own.for_each(|note| shown.push_str(&format!("  note {note}\n")));
    expected.assert_eq(&shown);
}

#[test]
fn keys_of_the_package_are_reported_on_their_values() {
    refused(
        "edition = \"2042\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: failed to parse the `edition` key: this version of Cargo is older than the `2042` edition, and only supports `2015`, `2018`, `2021`, and `2024` editions
          Cargo.toml:4
            edition = "2042"
                       ^^^^
    "#]],
    );
    refused(
        "resolver = \"9\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: `resolver` setting `9` is not valid, valid options are "1", "2" or "3"
          Cargo.toml:5
            resolver = "9"
                        ^
    "#]],
    );
    refused(
        "links = \"z\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: package specifies that it links to `z` but does not have a custom build script
          Cargo.toml:5
            links = "z"
                     ^
    "#]],
    );
    refused(
        "[profile.dev.package.one]\npanic = \"abort\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: `panic` may not be specified in a `package` profile
          Cargo.toml:6
            panic = "abort"
                     ^^^^^
    "#]],
    );
}

#[test]
fn unstable_features_are_reported_on_their_names() {
    let world = World::new(
        "#- Cargo.toml\ncargo-features = [\"edition2021\", \"no-such\"]\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n",
    );
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: unknown Cargo.toml feature `no-such`
          Cargo.toml:1
            cargo-features = ["edition2021", "no-such"]
                                              ^^^^^^^
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn keys_of_dependencies_are_reported_where_they_are() {
    refused(
        "[dependencies]\none = { version = \"1\", artifact = \"bin\" }\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: `artifact = …` requires `-Z bindeps` (one)
          Cargo.toml:6
            one = { version = "1", artifact = "bin" }
                                   ^^^^^^^^
    "#]],
    );
    refused(
        "[dependencies]\nother = \"1\"\n[dependencies.one]\nversion = \"1\"\nregistry = \"corp\"\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: registry index was not found in any configuration: `corp`
              Cargo.toml:9
                registry = "corp"
                            ^^^^
        "#]],
    );
    refused(
        "[dependencies]\none = { git = \"https://example.org/one\", branch = \"a\", rev = \"b\" }\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: dependency (one) specification is ambiguous. Only one of `branch`, `tag` or `rev` is allowed
              Cargo.toml:6
                one = { git = "https://example.org/one", branch = "a", rev = "b" }
                                                         ^^^^^^
        "#]],
    );
    refused(
        "[dependencies]\none = \"1\"\n[dev-dependencies]\none = { version = \"1\", optional = true }\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: dev-dependencies are not allowed to be optional: `one`
              Cargo.toml:8
                one = { version = "1", optional = true }
                                       ^^^^^^^^
        "#]],
    );
}

#[test]
fn features_are_reported_in_the_list_that_names_them() {
    refused(
        "[dependencies]\none = \"1\"\n[features]\nx = [\"dep:one\"]\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: feature `x` includes `dep:one`, but `one` is not an optional dependency
          Cargo.toml:8
            x = ["dep:one"]
                  ^^^^^^^
          note A non-optional dependency of the same name is defined; consider adding `optional = true` to its definition.
    "#]],
    );
    refused(
        "[dependencies]\none = { version = \"1\", features = [\"dep:x\"] }\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: feature `dep:x` in dependency `one` is not allowed to use explicit `dep:` syntax
          Cargo.toml:6
            one = { version = "1", features = ["dep:x"] }
                                                ^^^^^
          note If you want to enable an optional dependency, specify the name of the optional dependency without the `dep:` prefix, or specify a feature from the dependency's `[features]` table that enables the optional dependency.
    "#]],
    );
    refused(
        "[dependencies]\none = \"1\"\n[features]\nx = [\n  \"one/gone\",\n]\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: package `m` depends on `one` with feature `gone` but `one` does not have that feature
          Cargo.toml:9
              "one/gone",
               ^^^^^^^^
          note ... required by package `m v0.1.0 ([work])`
          note versions that meet the requirements `^1` are: 1.0.1, 1.0.0
          note failed to select a version for `one`.
          note failed to select a version for `one` which could resolve this conflict
    "#]],
    );
}

#[test]
fn platforms_are_reported_on_the_header_of_their_table() {
    refused(
        "[target.'cfg(unix'.dependencies]\none = \"1\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: failed to parse `cfg(unix` as a cfg expression: invalid target specifier: unexpected `(` character, cfg expressions must start with `cfg(`
          Cargo.toml:5
            [target.'cfg(unix'.dependencies]
                    ^^^^^^^^^^
    "#]],
    );
    refused(
        "[target.'cfg(unix, windows)'.dev-dependencies.one]\nversion = \"1\"\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to parse `unix, windows` as a cfg expression: unexpected content `, windows` found after cfg expression
              Cargo.toml:5
                [target.'cfg(unix, windows)'.dev-dependencies.one]
                        ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn inherited_tables_are_reported_in_the_package() {
    refused(
        "[lints]\nworkspace = true\n[workspace]\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: error inheriting `lints` from workspace root manifest's `workspace.lints`: `workspace.lints` was not defined
          Cargo.toml:6
            workspace = true
            ^^^^^^^^^
    "#]],
    );
    refused(
        "rust-version.workspace = true\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: error inheriting `rust-version` from workspace root manifest's `workspace.package.rust-version`: failed to find a workspace root
          Cargo.toml:5
            rust-version.workspace = true
                         ^^^^^^^^^
    "#]],
    );
}

#[test]
fn conflict_names_both_requirements() {
    refused(
        "[dependencies]\none = \"=1.0.0\"\n[build-dependencies]\none = \"=1.0.1\"\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to select a version for `one`: `one = "=1.0.1"` of `m` conflicts with `one = "=1.0.0"` of `m`
              Cargo.toml:8
                one = "=1.0.1"
                       ^^^^^^
              note ... required by package `m v0.1.0 ([work])`
              note versions that meet the requirements `=1.0.1` are: 1.0.1
              note all possible versions conflict with previously selected packages.
              note previously selected package `one v1.0.0`
              note ... which satisfies dependency `one = "=1.0.0"` of package `m v0.1.0 ([work])`
              note failed to select a version for `one` which could resolve this conflict
        "#]],
    );
    refused(
        "[dependencies]\nuser = \"1\"\none = \"=1.0.1\"\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: failed to select a version for `one`: `one = "=1.0.0"` of `user` conflicts with `one = "=1.0.1"` of `m`
          Cargo.toml:6
            user = "1"
                    ^
          note ... required by package `user v1.0.0`
          note ... which satisfies dependency `user = "^1"` of package `m v0.1.0 ([work])`
          note versions that meet the requirements `=1.0.0` are: 1.0.0
          note all possible versions conflict with previously selected packages.
          note previously selected package `one v1.0.1`
          note ... which satisfies dependency `one = "=1.0.1"` of package `m v0.1.0 ([work])`
          note failed to select a version for `one` which could resolve this conflict
    "#]],
    );
    let native = |name: &str| {
        format!(
            "#- {name}/Cargo.toml\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nlinks = \"z\"\nbuild = \"build.rs\"\n"
        )
    };
    let both = "[dependencies]\na = { path = \"a\" }\nb = { path = \"b\" }\n";
    refused(
        &format!("{both}{}{}", native("a"), native("b")),
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: failed to select a version for `b`: package `b` links to the native library `z`, but it conflicts with a previous package which links to `z` as well
          Cargo.toml:7
            b = { path = "b" }
                          ^
          note ... required by package `m v0.1.0 ([work])`
          note versions that meet the requirements `*` are: 0.1.0
          note package `b` links to the native library `z`, but it conflicts with a previous package which links to `z` as well:
          note package `a v0.1.0 ([work]/a)`
          note ... which satisfies path dependency `a` of package `m v0.1.0 ([work])`
          note Only one package in the dependency graph may specify the same links value. This helps ensure that only one copy of a native library is linked in the final binary. Try to adjust your dependencies so that only one package uses the `links = "z"` value. For more information, see https://doc.rust-lang.org/cargo/reference/resolver.html#links.
          note failed to select a version for `b` which could resolve this conflict
    "#]],
    );
}

#[test]
fn path_dependencies_are_reported_where_they_are_wrong() {
    let near = "#- near/Cargo.toml\n[package]\nname = \"near\"\nversion = \"0.1.0\"\n";
    refused(
        &format!("[dependencies]\nnear = {{ path = \"near\", version = \"0.5\" }}\n{near}"),
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to select a version for the requirement `near = "^0.5"`
              Cargo.toml:6
                near = { path = "near", version = "0.5" }
                                                   ^^^
              note candidate versions found which didn't match: 0.1.0
              note location searched: [work]/near
              note required by package `m v0.1.0 ([work])`
        "#]],
    );
    refused(
        "[dependencies]\nnear = { path = \"near\", version = \"0.1\" }\n",
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: failed to read `[work]/near/Cargo.toml`: No such file or directory (os error 2)
          Cargo.toml:6
            near = { path = "near", version = "0.1" }
                             ^^^^
          note failed to get `near` as a dependency of package `m v0.1.0 ([work])`
          note failed to load source for dependency `near`
          note unable to update [work]/near
    "#]],
    );
    refused(
        &format!("[dependencies]\nnaer = {{ path = \"near\" }}\n{near}"),
        &expect![[r#"
        error supercargo::resolution-failed: cargo failed: no matching package found: searched package name: `naer`
          Cargo.toml:6
            naer = { path = "near" }
                             ^^^^
          note perhaps you meant:      near
          note location searched: [work]/near
          note required by package `m v0.1.0 ([work])`
    "#]],
    );
}

#[test]
fn missing_package_of_a_path_dependency_is_reported_in_that_ones_manifest() {
    refused(
        r#"
[dependencies]
a = { path = "a" }
[workspace]
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
[dependencies]
b = { path = "../b" }
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
[dependencies]
gone = { path = "../gone" }
"#,
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: failed to read `[work]/gone/Cargo.toml`: No such file or directory (os error 2)
              b/Cargo.toml:5
                gone = { path = "../gone" }
                                 ^^^^^^^
              note failed to load manifest for dependency `a`
              note failed to load manifest for dependency `b`
              note failed to load manifest for dependency `gone`
        "#]],
    );
}

#[test]
fn package_that_no_workspace_lists_is_refused_on_its_name() {
    let world = World::new(
        r#"
#- Cargo.toml
[workspace]
members = ["app"]
resolver = "2"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
#- tools/gen/Cargo.toml
[package]
name = "gen"
version = "0.1.0"
edition = "2021"
"#,
    );
    let expected = expect![[r#"
        error supercargo::resolution-failed: cargo failed: current package believes it's in a workspace when it's not
          tools/gen/Cargo.toml:2
            name = "gen"
                    ^^^
        exit 70
    "#]];
    for path in
        ["tools", "tools/gen", "tools/gen/Cargo.toml", "--manifest-path tools/gen/Cargo.toml"]
    {
        expected.assert_eq(&world.check(&format!("--only bans {path}")).shown());
    }
    let all = world.check("--only bans --all");
    assert_eq!(all.with("supercargo::resolution-failed").len(), 1);
    assert_eq!((all.code, world.check("--only bans").code), (70, 0));
    let alone = "[package]\nname = \"gen\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    world.write("tools/gen/Cargo.toml", alone);
    assert_eq!(world.check("--only bans tools").code, 0);
}

#[cfg(unix)]
#[test]
fn toolchain_that_is_not_installed_is_reported_in_its_file_with_the_remedy() {
    let mut world = World::new("#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n");
    world.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.2.3\"\n");
    // As rustup's proxy does.
    let script = "#!/bin/sh\necho \"error: toolchain '1.2.3-x86_64-unknown-linux-gnu' is not installed\" >&2\necho 'help: run `rustup toolchain install` to install it' >&2\nexit 1\n";
    world.write("../bin/cargo", script);
    world.make_executable("../bin/cargo");
    world.set("CARGO", &world.path("../bin/cargo"));
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: toolchain '1.2.3-x86_64-unknown-linux-gnu' is not installed
          rust-toolchain.toml:2
            channel = "1.2.3"
                       ^^^^^
          help run `rustup toolchain install` to install it
        exit 70
    "#]].assert_eq(&world.check("--only bans").shown());
}
