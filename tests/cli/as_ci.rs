//! `--as-ci`: a workspace is checked with every command line of the repository's CI, and the findings are united.

use expect_test::expect;

use crate::harness::{Report, World};

/// `time` is in the graph only with the feature `clock`; `win` only on Windows.
fn world(ci: &str) -> World {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: win 1.0.0 (Zlib)
#- crate: base 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[features]
clock = ["dep:time"]
[dependencies]
base = "1"
time = { version = "0.3", optional = true }
[target.'cfg(windows)'.dependencies]
win = "1"
#- deny.toml
[advisories]
ignore = [{ id = "RUSTSEC-2026-0009", reason = "the date comes from our own server" }]
[licenses]
allow = ["MIT"]
"#,
    );
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    world.write(".github/workflows/ci.yml", ci);
    world
}

const ACTION: &str = "\
on: push
jobs:
  deny:
    runs-on: ubuntu-latest
    steps:
      - uses: EmbarkStudios/cargo-deny-action@v2
";

const TARGETS: &str = "\
on: push
jobs:
  deny:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        target: [x86_64-unknown-linux-gnu, x86_64-pc-windows-msvc, aarch64-apple-darwin]
    steps:
      - run: cargo deny --target ${{ matrix.target }} check licenses
";

fn codes(report: &Report) -> Vec<String> {
    let problems =
        report.findings.iter().filter(|one| ["error", "warning"].contains(&&*one.severity));
    let mut codes: Vec<_> = problems.map(|one| one.code.clone().unwrap_or_default()).collect();
    codes.sort();
    codes
}

#[test]
fn default_of_the_action_activates_all_features() {
    let world = world(ACTION);
    assert_eq!(codes(&world.check("")), ["advisory-not-detected", "rejected"]);
    assert_eq!(codes(&world.check("--as-ci")), ["rejected"]);
}

#[test]
fn finding_names_the_gates_that_report_it() {
    let world = world(TARGETS);
    let run = world.human("--as-ci");
    expect![[r#"
        error[rejected]: `win` 1.0.0 is licensed under `Zlib`, which the policy does not allow
          --> Cargo.toml:12:8
           |
        12 | win = "1"
           |        ^
           |
           = note: only in ci.yml:9 (x86_64-pc-windows-msvc)
           = note: Zlib - zlib License: OSI approved, FSF Free/Libre
           = help: replace this dependency, or add an exception for it

        . (policy deny.toml, 3 packages)
          ci.yml:9 x86_64-unknown-linux-gnu: `cargo deny --target x86_64-unknown-linux-gnu check licenses` passes
          ci.yml:9 x86_64-pc-windows-msvc: `cargo deny --target x86_64-pc-windows-msvc check licenses` fails
          ci.yml:9 aarch64-apple-darwin: `cargo deny --target aarch64-apple-darwin check licenses` passes
          licenses    1 error
          gate: fails
    "#]].assert_eq(&run.stdout);
    let report = world.check("--as-ci");
    assert_eq!(codes(&report), ["rejected"]);
    assert_eq!(report.code, 4);
}

#[test]
fn entry_that_one_gate_needs_is_not_reported() {
    let both = format!("{ACTION}      - run: cargo deny check\n");
    let world = world(&both);
    assert_eq!(codes(&world.check("--as-ci")), ["rejected"], "`--all-features` needs the entry");
    let plain = ACTION.replace("uses: EmbarkStudios/cargo-deny-action@v2", "run: cargo deny check");
    world.write(".github/workflows/ci.yml", plain);
    assert_eq!(codes(&world.check("--as-ci")), ["advisory-not-detected", "rejected"]);
}

#[test]
fn gate_that_only_reports_does_not_fail_the_run() {
    let world =
        world(&ACTION.replace("      - uses", "      - continue-on-error: true\n        uses"));
    let report = world.check("--as-ci");
    assert_eq!(codes(&report), ["rejected"]);
    assert_eq!(report.code, 0);
}

#[test]
fn repository_without_gates_is_checked_with_the_defaults() {
    let world = world("on: push\n");
    let report = world.report(&["--offline", "--db", "../db", "--as-ci"]);
    assert_eq!(codes(&report), ["advisory-not-detected", "rejected"]);
    assert!(
        report.stderr.contains("found no command in `[work]` that runs cargo-deny"),
        "{}",
        report.stderr
    );
}

#[test]
fn unresolved_gate_is_reported_and_the_others_are_used() {
    let unknown = format!("{ACTION}      - run: cargo deny check $CHECKS\n");
    let report = world(&unknown).report(&["--offline", "--db", "../db", "--as-ci"]);
    assert_eq!(codes(&report), ["rejected"]);
    assert!(
        report.stderr.contains("the gate in .github/workflows/ci.yml:7 is not used"),
        "{}",
        report.stderr
    );
}

/// A feature that names a dependency of another target brings in nothing: cargo leaves the package out for each
/// target by itself.
#[test]
fn dependency_of_another_target_stays_out_although_a_feature_names_it() {
    let world = world(TARGETS);
    world.edit("Cargo.toml", "clock = [", "default = [\"gl\"]\ngl = [\"dep:win\"]\nclock = [");
    world.edit("Cargo.toml", "win = \"1\"", "win = { version = \"1\", optional = true }");
    world.lock("");
    let united = world.check("--as-ci");
    let of_linux = world.check("--target x86_64-unknown-linux-gnu licenses");
    assert!(of_linux.with("rejected").is_empty());
    let rejected = united.with("rejected");
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].gates, ["ci.yml:9 x86_64-pc-windows-msvc"]);
}

/// Cargo takes as long for each target as for all: it runs once, where it is known what the compiler says.
#[cfg(unix)]
#[test]
fn cargo_runs_once_for_all_targets_although_tables_name_options_of_the_compiler() {
    let mut world = world(TARGETS);
    let table = "cfg(any(windows, all(target_os = \"linux\", not(tokio_unstable))))";
    world.edit("Cargo.toml", "'cfg(windows)'", &format!("'{table}'"));
    world.before_cargo("echo run >> \"$CARGO_HOME/runs\"");
    world.let_write("../cargo/runs");
    let rejecting = |world: &World| {
        world.write("../cargo/runs", "");
        let report = world.check("--as-ci");
        let rejected = report.with("rejected");
        assert_eq!(rejected.len(), 1, "{}", report.shown());
        (rejected[0].gates.join(", "), world.read("../cargo/runs").lines().count())
    };
    let windows = "ci.yml:9 x86_64-pc-windows-msvc";
    let linux_and_windows = format!("ci.yml:9 x86_64-unknown-linux-gnu, {windows}");
    assert_eq!(rejecting(&world), (linux_and_windows.clone(), 1));
    // Only cargo knows to which targets these flags apply: it runs once more, for the target that has to do with them.
    let flags = "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"--cfg=tokio_unstable\"]\n";
    world.write(".cargo/config.toml", flags);
    assert_eq!(rejecting(&world), (windows.to_owned(), 2));
    world.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg=loom\"]\n");
    assert_eq!(rejecting(&world), (linux_and_windows, 1));
    world.set("RUSTFLAGS", "--cfg tokio_unstable");
    assert_eq!(rejecting(&world), (windows.to_owned(), 2));
}
