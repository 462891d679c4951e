//! `supercargo fix`: its changes, its output, and that a check then finds what it reported.

mod licenses;
mod lockfiles;
mod outside;
mod parents;
mod shared;
mod stale;
mod successors;
mod unfixed;

use expect_test::{Expect, expect};

use crate::harness::{Run, World};

fn package(dependencies: &str) -> String {
    format!(
        "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         [dependencies]\n{dependencies}\n"
    )
}

const TIME: &str = "#- crate: time 0.3.44\n";

/// Published after the lockfile was written.
const LATER: &str = "#- crate: time 0.3.46
#- crate: time 0.3.47
#- crate: time 0.3.48
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
";

fn fix(world: &World, words: &str) -> Run {
    let db = world.path("../db");
    let mut all = vec!["fix", "--offline", "--only", "advisories", "--db", &db];
    all.extend(words.split_whitespace());
    world.run_that_writes(&all)
}

/// Compares the output, and asserts that a check now finds what `fix` reported.
fn check(world: &World, words: &str, expected: &Expect) {
    let run = fix(world, words);
    expected.assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    let report = world.check("--only advisories");
    assert_eq!(report.code, run.code, "check agrees with fix");
    let before = (world.read("Cargo.toml"), world.read("Cargo.lock"));
    assert_eq!(fix(world, words).code, run.code);
    assert_eq!(
        before,
        (world.read("Cargo.toml"), world.read("Cargo.lock")),
        "a second run changes nothing"
    );
}

fn locked_before(dependencies: &str, before: &str, later: &str) -> World {
    World::locked(&format!("{before}{}", package(dependencies))).with(later)
}

#[test]
fn requirement_is_raised_to_the_smallest_patched_version() {
    let world = locked_before("time = \"0.3.44\" # clocks", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    expect![[r#"
        [package]
        name = "m"
        version = "0.1.0"
        edition = "2021"
        [dependencies]
        time = "0.3.47" # clocks
    "#]]
    .assert_eq(&world.read("Cargo.toml"));
    assert!(world.read("Cargo.lock").contains("version = \"0.3.47\""));
}

#[test]
fn requirement_that_accepts_the_version_is_kept() {
    let world = locked_before("time = \"0.3\"", TIME, LATER);
    let manifest = world.read("Cargo.toml");
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert_eq!(world.read("Cargo.toml"), manifest);
}

#[test]
fn pinned_requirement_stays_pinned() {
    let world = locked_before("time = { version = '=0.3.44' }", TIME, LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = { version = '=0.3.47' }"));
}

#[test]
fn inherited_requirement_is_raised_in_the_workspace_manifest() {
    let world = World::locked(
        "#- crate: time 0.3.44
#- Cargo.toml
[workspace]
members = [\"a\", \"b\"]
resolver = \"2\"
[workspace.dependencies]
time = \"0.3.44\"
#- a/Cargo.toml
[package]
name = \"a\"
version = \"0.1.0\"
edition = \"2021\"
[dependencies]
time.workspace = true
#- b/Cargo.toml
[package]
name = \"b\"
version = \"0.1.0\"
edition = \"2021\"
[dependencies]
time = { workspace = true }
[dev-dependencies]
time = \"=0.3.44\"
",
    )
    .with(LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              3 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = \"0.3.47\""));
    assert!(world.read("b/Cargo.toml").contains("time = \"=0.3.47\""));
    assert!(world.read("b/Cargo.toml").contains("time = { workspace = true }"));
}

#[test]
fn transitive_package_is_upgraded_in_the_lockfile_only() {
    let before = format!("{TIME}#- crate: log 0.4.0\n#- crate: clock 1.0.0 -> time 0.3, log 0.4\n");
    let later = format!("{LATER}#- crate: log 0.4.9\n");
    let world = locked_before("clock = \"1\"", &before, &later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.lock").contains("version = \"0.4.0\""), "`log` stays");
}

#[test]
fn breaking_upgrade_needs_the_flag() {
    let later = "#- crate: time 0.4.0\n#- crate: time 0.4.1\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.4.1: A crafted date\n";
    let world = locked_before("time = \"0.3\"", TIME, later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                only a breaking upgrade fixes it: `time` 0.3.44 -> 0.4.1; pass `--breaking` to try it
              nothing to change; gate: fails
            exit 1
        "#]],
    );
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.4.1 (semver-incompatible: it resolves, but may not compile)
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("Cargo.toml").contains("time = \"0.4\""));
}

#[test]
fn breaking_upgrade_drops_removed_features() {
    let before = "#- crate: time 0.3.44 features=clock,large\n";
    let later = "#- crate: time 0.4.1 features=clock\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.4.1: A crafted date\n";
    let declared = "time = { version = \"0.3\", features = [\"clock\", \"large\"] } # both\n\
                    [features]\ndefault = [\"big\"]\nbig = [\"time/large\"]";
    let world = locked_before(declared, before, later);
    check(
        &world,
        "--breaking",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.4.1 (semver-incompatible: it resolves, but may not compile)
                removes large: time no longer has these features
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    expect![[r#"
        [package]
        name = "m"
        version = "0.1.0"
        edition = "2021"
        [dependencies]
        time = { version = "0.4", features = ["clock"] } # both
        [features]
        default = ["big"]
        big = []
    "#]]
    .assert_eq(&world.read("Cargo.toml"));
}

#[test]
fn package_flag_limits_the_fixes() {
    let dependencies = "time = \"0.3\"\nclock = \"1\"";
    let before = "#- crate: time 0.3.44\n#- crate: clock 1.0.0\n";
    let later =
        "#- crate: clock 1.0.1\n#- advisory: RUSTSEC-2026-0100 clock patched >=1.0.1: It stops\n";
    let world = locked_before(dependencies, before, &format!("{LATER}{later}"));
    check(
        &world,
        "--package clock@1.0.0",
        &expect![[r#"
            .
              upgraded clock 1.0.0 -> 1.0.1
                fixes RUSTSEC-2026-0100: `clock` 1.0.0 has a vulnerability: It stops
              error remains: RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
                not selected by `--package`
              1 file changed; gate: fails
            exit 1
        "#]],
    );
    assert!(world.read("Cargo.lock").contains("version = \"0.3.44\""));
    let run = fix(&world, "-p tiem");
    expect![[r#"
        error: package `tiem` is not a dependency of `[work]`; list its packages with `cargo tree`
        exit 70
    "#]]
    .assert_eq(&format!("{}exit {}\n", run.stderr, run.code));
    let run = fix(&world, "-p time@zero");
    assert_eq!(run.code, 64, "{}", run.stderr);
    check(
        &world,
        "-p time",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              1 file changed; gate: clean
            exit 0
        "#]],
    );
}

#[test]
fn dry_run_shows_changes_and_writes_nothing() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    let db = world.path("../db");
    let run = world.run(&["fix", "--dry-run", "--offline", "--only", "advisories", "--db", &db]);
    expect![[r#"
        --- a/Cargo.lock
        +++ b/Cargo.lock
        @@ -11,6 +11,6 @@

         [[package]]
         name = "time"
        -version = "0.3.44"
        +version = "0.3.47"
         source = "registry+https://github.com/rust-lang/crates.io-index"
        -checksum = "74696d6520302e332e343474696d6520302e332e343474696d6520302e332e34"
        +checksum = "74696d6520302e332e343774696d6520302e332e343774696d6520302e332e34"

        --- a/Cargo.toml
        +++ b/Cargo.toml
        @@ -3,4 +3,4 @@
         version = "0.1.0"
         edition = "2021"
         [dependencies]
        -time = "0.3.44"
        +time = "0.3.47"

        .
          would upgrade time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          2 files would change; gate then: clean
    "#]]
    .assert_eq(&run.stdout.replace("\n \n", "\n\n"));
    assert_eq!(run.code, 0, "the gate would be clean");
}

#[test]
fn line_endings_and_byte_order_mark_are_kept() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    for file in ["Cargo.toml", "Cargo.lock"] {
        let text = world.read(file).replace('\n', "\r\n");
        world.write(file, if file == "Cargo.toml" { format!("\u{feff}{text}") } else { text });
    }
    let manifest = world.read("Cargo.toml");
    assert_eq!(fix(&world, "").code, 0);
    assert_eq!(world.read("Cargo.toml"), manifest.replace("0.3.44", "0.3.47"));
    let lock = world.read("Cargo.lock");
    assert_eq!(lock.matches('\n').count(), lock.matches("\r\n").count());
}

/// Runs all checks, and asserts that a check then finds what `fix` reported as remaining.
fn check_all(world: &World, words: &str, expected: &Expect) {
    if !world.read("Cargo.toml").contains("license") {
        world.edit("Cargo.toml", "edition", "license = \"MIT\"\nedition");
    }
    let db = world.path("../db");
    let mut all = vec!["fix", "--offline", "--db", &db];
    all.extend(words.split_whitespace());
    let run = world.run_that_writes(&all);
    expected.assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    assert_eq!(world.check("").code, run.code, "check agrees with fix");
}

#[test]
fn requirement_of_a_path_dependency_is_raised_there() {
    let world = World::locked(&format!(
        "{TIME}{}#- clock/Cargo.toml\n[package]\nname = \"clock\"\nversion = \"1.0.0\"\n\
         edition = \"2021\"\n[dependencies]\ntime = \"=0.3.44\"\n",
        package("clock = { path = \"clock\" }")
    ))
    .with(LATER);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert!(world.read("clock/Cargo.toml").contains("time = \"=0.3.47\""));
}

const MIT: &str = "MIT License\n\nCopyright (c) 2026 The Authors\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

#[test]
fn json_has_the_same_content() {
    let world = locked_before(
        "time = \"0.3.44\"\nold = \"1\"",
        &format!("{TIME}#- crate: old 1.0.0\n"),
        LATER,
    )
    .with("#- advisory: RUSTSEC-2026-0011 old unmaintained: No maintainer\n");
    let run = fix(&world, "--format json");
    assert_eq!(run.stderr, "");
    expect![[r#"
        {"type":"fix","workspace":"[work]","remedy":"upgrade","title":"upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)","package":{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"},"to":"0.3.47","breaking":false,"rust":null,"through":[],"without":[],"cleared":[{"check":"advisories","code":"vulnerability","severity":"error","message":"`time` 0.3.44 has a vulnerability: A crafted date","packages":[{"name":"time","version":"0.3.44","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":"RUSTSEC-2026-0009"}],"introduced":[],"moved":[{"name":"time","before":"0.3.44","after":"0.3.47"}]}
        {"type":"remaining","workspace":"[work]","check":"advisories","code":"unmaintained","severity":"error","message":"`old` 1.0.0 is unmaintained: No maintainer","packages":[{"name":"old","version":"1.0.0","source":"registry+https://github.com/rust-lang/crates.io-index"}],"advisory":"RUSTSEC-2026-0011","reason":"no version of `old` is patched"}
        {"type":"summary","workspace":"[work]","files":["[work]/Cargo.lock","[work]/Cargo.toml"],"written":true,"reached":true,"builds":null,"build_error":null,"old_index":null,"exit_code":1}
    "#]].assert_eq(&run.stdout);
}

#[test]
fn failing_build_shows_the_error_and_writes_nothing() {
    let world = locked_before("time = \"0.3.44\"", TIME, LATER);
    world.write("src/lib.rs", "pub fn m() { time::now() }\n");
    world.write("../vendor/time-0.3.44/src/lib.rs", "pub fn now() {}\n");
    let manifest = world.read("Cargo.toml");
    let run = fix(&world, "--build");
    expect![[r#"
        .
          would upgrade time 0.3.44 -> 0.3.47
            fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          does not compile, nothing was changed:
            error[E0425]: cannot find function `now` in crate `time`
             --> src/lib.rs:1:20
              |
            1 | pub fn m() { time::now() }
              |                    ^^^ not found in `time`
          nothing changed; gate: fails
        exit 1
    "#]]
    .assert_eq(&format!("{}{}exit {}\n", run.stdout, run.stderr, run.code));
    assert_eq!(world.read("Cargo.toml"), manifest);
    world.write("../vendor/time-0.3.47/src/lib.rs", "pub fn now() {}\n");
    check(
        &world,
        "--build",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.47
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              `cargo check` passes
              2 files changed; gate: clean
            exit 0
        "#]],
    );
    assert_ne!(world.read("Cargo.toml"), manifest);
}

/// A random number generator with a fixed seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        let sides = u64::try_from(of.len()).expect("few");
        of[usize::try_from(self.below(sides)).expect("few")]
    }
}

#[test]
fn fix_of_generated_manifests_changes_only_requirements() {
    // More with `SUPERCARGO_MANIFESTS=500`.
    let worlds = std::env::var("SUPERCARGO_MANIFESTS").ok().and_then(|many| many.parse().ok());
    for seed in 0..worlds.unwrap_or(12) {
        let mut rng = Rng(seed);
        let time =
            rng.one(&["0.3.44", "=0.3.44", "~0.3.44", "0.3", "0.3.*", ">=0.3.40", "^0.3.44"]);
        let written = match rng.below(5) {
            0 => format!("time = \"{time}\" # {seed}"),
            1 => format!("time = {{ version = '{time}', default-features = true }}"),
            2 => format!("\"time\"   =   \"{time}\"\t"),
            3 => format!("zeit = {{ package = \"time\", version = \"{time}\" }} # time"),
            _ => format!("time.version = \"{time}\""),
        };
        let (head, tail) = match rng.below(3) {
            0 => ("", ""),
            1 => ("# ä 0.3.44 = time\n", "\n[features]\ndefault = [] # time = \"0.3.44\"\n"),
            _ => {
                ("", "\n[dev-dependencies]\nclock = \"1\"\n[package.metadata]\ntime = \"0.3.44\"\n")
            }
        };
        let clock = rng.one(&["time 0.3", "time =0.3.44"]);
        let before = format!("{TIME}#- crate: clock 1.0.0 -> {clock}\n");
        let manifest = package(&format!("{written}\nclock = \"1.0.0\"{tail}")).replacen(
            "[package]",
            &format!("{head}[package]"),
            1,
        );
        let world = World::locked(&format!("{before}{manifest}"))
            .with(&format!("{LATER}#- crate: clock 1.0.1 -> time 0.3.46\n"));
        if rng.below(3) == 0 {
            let text = world.read("Cargo.toml").replace('\n', "\r\n");
            world.write("Cargo.toml", text);
        }
        let text = world.read("Cargo.toml");
        let run = fix(&world, "");
        let details = format!("seed {seed}\n{text}\n{}", run.stdout);
        assert_eq!(run.code, 0, "{details}");
        let after = world.read("Cargo.toml");
        assert!(
            world.check("--only advisories").of_severity("error").starts_with("exit 0"),
            "{details}"
        );
        // Only versions in requirements have changed.
        let lines = text.lines().zip(after.lines());
        for (one, other) in lines.filter(|(one, other)| one != other) {
            let raised = one.replace("0.3.44", "0.3.47").replace("1.0.0", "1.0.1");
            assert_eq!(other, raised, "{details}");
            let is_requirement =
                ["time", "zeit", "clock", "\"time\""].iter().any(|key| one.starts_with(key));
            assert!(is_requirement && !one.starts_with("time = \"0.3.44\"\n"), "{details}");
        }
        assert_eq!(text.lines().count(), after.lines().count(), "{details}");
        assert_eq!(text.matches('\r').count(), after.matches('\r').count(), "{details}");
        let lock = world.read("Cargo.lock");
        assert_eq!(fix(&world, "").code, 0);
        assert_eq!(
            (after, lock),
            (world.read("Cargo.toml"), world.read("Cargo.lock")),
            "{details}"
        );
    }
}

#[test]
fn compatible_version_that_clears_the_most_is_taken() {
    let later = "#- crate: time 0.3.45\n#- crate: time 0.4.0\n\
                 #- advisory: RUSTSEC-2026-0009 time patched >=0.3.45: A crafted date\n\
                 #- advisory: RUSTSEC-2026-0010 time patched >=0.4.0: Another one\n";
    let world = locked_before("time = \"0.3\"", TIME, later);
    check(
        &world,
        "",
        &expect![[r#"
            .
              upgraded time 0.3.44 -> 0.3.45
                fixes RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
              error remains: RUSTSEC-2026-0010: `time` 0.3.45 has a vulnerability: Another one
                only a breaking upgrade fixes it: `time` 0.3.45 -> 0.4.0; pass `--breaking` to try it
              1 file changed; gate: fails
            exit 1
        "#]],
    );
}
