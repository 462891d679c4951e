//! Wrong usage, and machines that lack what the program needs.

use expect_test::expect;

use crate::harness::World;

const PACKAGE: &str =
    "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

#[test]
fn missing_cargo_in_path_is_reported_with_a_remedy() {
    let mut world = World::locked(PACKAGE);
    world.only_on_path(&["git"]);
    expect![[r#"
        error supercargo::resolution-failed: could not start `cargo`: not found in any absolute folder of `PATH` (install Rust from https://rustup.rs or set the environment variable `CARGO`)
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&world.check("").shown());
}

#[test]
fn missing_cargo_program_is_reported() {
    let mut world = World::locked(PACKAGE);
    world.set("CARGO", "/nowhere/cargo");
    expect![[r#"
        error supercargo::resolution-failed: could not start `/nowhere/cargo`: No such file or directory (os error 2) (install Rust from https://rustup.rs or set the environment variable `CARGO`)
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&world.check("").shown());
}

#[test]
fn invalid_output_of_cargo_prevents_a_verdict() {
    let mut world = World::locked(PACKAGE);
    world.write("../fake/cargo", "#!/bin/sh\necho '{\"packages\": 1}'\n");
    world.make_executable("../fake/cargo");
    world.set("CARGO", &world.path("../fake/cargo"));
    let report = world.check("");
    assert_eq!(report.code, 70);
    expect![[r#"
        error supercargo::resolution-failed: could not parse the output of `cargo metadata` for `[work]/Cargo.toml`: invalid type: integer `1`, expected a sequence at line 1 column 14
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&report.shown());
}

#[test]
fn help_and_version_succeed() {
    let world = World::new("");
    for words in [&["--help"][..], &["check", "--help"], &["db", "--help"], &["--version"]] {
        let run = world.run(words);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
        assert!(!run.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn wrong_usage_exits_with_64() {
    let world = World::new(PACKAGE);
    for words in [
        &[][..],
        &["verify"],
        &["check", "--no-such-flag"],
        &["check", "--only", "advisory"],
        &["check", "--format", "xml"],
        &["check", "--manifest-path", "Cargo.toml", "sub"],
        &["check", "--config"],
        &["db"],
    ] {
        let run = world.run(words);
        assert_eq!((run.code, run.stdout.as_str()), (64, ""), "{words:?}");
        assert!(!run.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn own_findings_count_only_with_strict() {
    let world = World::new("");
    world.write("Cargo.toml", PACKAGE.split_once('\n').expect("a manifest").1);
    world.write("src/lib.rs", "");
    assert_eq!(world.check("--only bans").code, 0);
    assert_eq!(world.check("--only bans --strict").code, 0, "a note does not fail the gate");
}

#[test]
fn package_that_depends_on_itself_for_tests_is_checked() {
    let world = World::locked(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dev-dependencies]\nm = { path = \".\", features = [\"x\"] }\n[features]\nx = []\n",
    );
    assert_eq!(world.check("--only bans").code, 0);
}

#[test]
fn graph_without_roots_prevents_a_verdict() {
    let world = World::locked(PACKAGE);
    world.write("deny.toml", "[graph]\nexclude = [\"m\"]\n");
    expect![[r#"
        error supercargo::check-failed: could not build the package graph of `[work]/Cargo.toml`: no root crates available
          Cargo.toml:2
            name = "m"
                    ^
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn server_ends_when_the_client_disconnects() {
    // Standard input is closed at once: no `shutdown` was asked for.
    assert_eq!(World::new("").run(&["lsp"]).code, 1);
}

#[test]
fn broken_cargo_configuration_is_reported_with_cargos_message() {
    let world = World::new(PACKAGE);
    world.write(".cargo/config.toml", "[net]\noffline = maybe\n");
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: could not parse TOML configuration in `[work]/.cargo/config.toml`: string values must be quoted, expected literal string
          .cargo/config.toml:2
            offline = maybe
                      ^^^^^
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn unreachable_registry_is_reported_with_cargos_message() {
    let world = World::new(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n",
    );
    world.write("../cargo/config.toml", "");
    expect![[r#"
        error supercargo::resolution-failed: cargo failed: no matching package named `time` found
          Cargo.toml:6
            time = "0.3"
                    ^^^
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}
