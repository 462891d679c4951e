//! `supercargo gates`: the commands that run cargo-deny, as the user sees them.

use expect_test::expect;

use crate::harness::World;

const REPOSITORY: &str = r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
#- fuzz/Cargo.toml
[package]
name = "f"
version = "0.1.0"
edition = "2021"
[workspace]
#- .github/workflows/ci.yml
on: push
jobs:
  deny:
    strategy:
      matrix:
        checks: [advisories, bans licenses sources]
    continue-on-error: ${{ matrix.checks == 'advisories' }}
    steps:
      - uses: EmbarkStudios/cargo-deny-action@v2.0.17
        with:
          command: check ${{ matrix.checks }}
  fuzz:
    steps:
      - run: make deny
      - run: cargo deny check -D ${{ vars.LEVEL }}
      - run: cargo deny check
        working-directory: gone
#- Makefile
deny:
	cd fuzz && cargo deny --features "a b" check
"#;

#[test]
fn gates_are_listed_with_version_folder_options_and_workspace() {
    let world = World::new(REPOSITORY);
    let run = world.run(&["gates"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    expect![[r#"
        .github/workflows/ci.yml:9: cargo deny --log-level warn --manifest-path ./Cargo.toml --all-features check advisories
          workspace `Cargo.toml`, in `.`, cargo-deny 0.19.2 (.github/workflows/ci.yml:9), reports without failing
        .github/workflows/ci.yml:9: cargo deny --log-level warn --manifest-path ./Cargo.toml --all-features check bans licenses sources
          workspace `Cargo.toml`, in `.`, cargo-deny 0.19.2 (.github/workflows/ci.yml:9)
        Makefile:2: cargo deny --features 'a b' check
          workspace `fuzz/Cargo.toml`, in `fuzz`, cargo-deny of an unknown version, called by .github/workflows/ci.yml:14
        .github/workflows/ci.yml:15: cargo deny check -D '${{ vars.LEVEL }}'
          not resolved: the value of `${{ vars.LEVEL }}` is not known
        .github/workflows/ci.yml:16: cargo deny check
          not resolved: the folder `gone` does not exist
        3 gates, 2 not resolved
    "#]].assert_eq(&run.stdout);
    // From a folder in the repository.
    let below = world.run(&["gates", "fuzz/Cargo.toml"]);
    assert_eq!((below.code, below.stdout), (0, run.stdout));
}

#[test]
fn gates_are_records_of_json() {
    let world = World::new(REPOSITORY);
    let run = world.run(&["gates", "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    expect![[r#"
        {"type":"gate","file":"[work]/.github/workflows/ci.yml","line":9,"source":"action","called_from":null,"version":{"number":"0.19.2","file":"[work]/.github/workflows/ci.yml","line":9},"folder":"[work]","words":["--log-level","warn","--manifest-path","./Cargo.toml","--all-features","check","advisories"],"workspace":"[work]","manifest":"[work]/Cargo.toml","reports_only":true,"options":{"checks":["advisories"],"all_features":true,"no_default_features":false,"features":[],"targets":[],"exclude":[],"exclude_dev":false,"exclude_unpublished":false,"workspace":false,"config":null,"levels":[],"locked":false,"offline":false}}
        {"type":"gate","file":"[work]/.github/workflows/ci.yml","line":9,"source":"action","called_from":null,"version":{"number":"0.19.2","file":"[work]/.github/workflows/ci.yml","line":9},"folder":"[work]","words":["--log-level","warn","--manifest-path","./Cargo.toml","--all-features","check","bans","licenses","sources"],"workspace":"[work]","manifest":"[work]/Cargo.toml","reports_only":false,"options":{"checks":["bans","licenses","sources"],"all_features":true,"no_default_features":false,"features":[],"targets":[],"exclude":[],"exclude_dev":false,"exclude_unpublished":false,"workspace":false,"config":null,"levels":[],"locked":false,"offline":false}}
        {"type":"gate","file":"[work]/Makefile","line":2,"source":"make","called_from":{"file":"[work]/.github/workflows/ci.yml","line":14},"version":null,"folder":"[work]/fuzz","words":["--features","a b","check"],"workspace":"[work]/fuzz","manifest":"[work]/fuzz/Cargo.toml","reports_only":false,"options":{"checks":["advisories","bans","licenses","sources"],"all_features":false,"no_default_features":false,"features":["a b"],"targets":[],"exclude":[],"exclude_dev":false,"exclude_unpublished":false,"workspace":false,"config":null,"levels":[],"locked":false,"offline":false}}
        {"type":"unresolved-gate","file":"[work]/.github/workflows/ci.yml","line":15,"source":"workflow","called_from":null,"version":null,"command":"cargo deny check -D '${{ vars.LEVEL }}'","reason":"the value of `${{ vars.LEVEL }}` is not known"}
        {"type":"unresolved-gate","file":"[work]/.github/workflows/ci.yml","line":16,"source":"workflow","called_from":null,"version":null,"command":"cargo deny check","reason":"the folder `gone` does not exist"}
    "#]].assert_eq(&run.stdout);
}

#[test]
fn repository_without_gates_says_so() {
    let world = World::new("#- README.md\nnothing\n");
    let run = world.run(&["gates"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "no command in `.` runs cargo-deny\n");
    let absent = world.run(&["gates", "absent"]);
    assert_eq!((absent.code, absent.stdout.as_str()), (70, ""));
    assert!(absent.stderr.contains("`absent` does not exist"), "{}", absent.stderr);
}

#[test]
fn key_that_the_cargo_deny_of_a_gate_refuses_is_a_warning_on_its_line() {
    let workflow = |version: &str| {
        format!(
            "jobs:\n  a:\n    steps:\n      - run: cargo install cargo-deny@{version}\n      - run: cargo deny check\n"
        )
    };
    let world = World::locked(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n#- src/lib.rs\n#- deny.toml\n[licenses]\nallow = [\"MIT\"]\ninclude-build = true\n",
    );
    world.write(".github/workflows/ci.yml", workflow("0.18.6"));
    let db = world.path("../db");
    let check = || world.run(&["check", "--offline", "--db", &db]);
    let run = check();
    let expected = "`licenses.include-build` needs cargo-deny 0.19.0, but .github/workflows/ci.yml:5 runs 0.18.6";
    assert!(run.stdout.contains(expected), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("deny.toml:3:1"), "{}", run.stdout);
    assert_eq!(run.code, 0);
    world.write(".github/workflows/ci.yml", workflow("0.19.0"));
    assert!(!check().stdout.contains("needs cargo-deny"));
}
