//! Which policy applies to a workspace, and the findings on its entries.

use expect_test::expect;

use crate::harness::World;

const PACKAGE: &str = "#- sub/app/Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n";

const BANS_APP: &str = "[bans]\ndeny = [\"app\"]\n";
const BANS_NOTHING: &str = "[bans]\n";

fn bans_app(world: &World, words: &str) -> bool {
    let report = world.check(&format!("--only bans {words}"));
    assert_eq!(report.code == 2, report.with("banned").len() == 1);
    report.code == 2
}

#[test]
fn nearest_policy_and_first_name_in_a_folder_apply() {
    let world = World::new(PACKAGE);
    assert!(!bans_app(&world, "sub/app"));
    let mut bans = false;
    for name in ["deny.toml", "sub/.cargo/deny.toml", "sub/.deny.toml", "sub/app/.cargo/deny.toml"]
    {
        bans = !bans;
        world.write(name, if bans { BANS_APP } else { BANS_NOTHING });
        assert_eq!(bans_app(&world, "sub/app"), bans, "{name}");
    }
}

#[test]
fn config_option_applies_to_every_workspace() {
    let world = World::new(PACKAGE);
    world.write("sub/app/deny.toml", BANS_NOTHING);
    world.write("policies/strict.toml", BANS_APP);
    assert!(bans_app(&world, "--config policies/strict.toml sub"));
}

#[test]
fn missing_config_is_reported_and_treated_as_empty() {
    let world = World::new(PACKAGE);
    world.write("sub/app/deny.toml", BANS_APP);
    let report =
        world.report(&["--offline", "--only", "bans", "--config", "nowhere.toml", "sub/app"]);
    assert_eq!(report.code, 0);
    expect![[r#"
        ERROR the policy `[work]/nowhere.toml` does not exist; using cargo-deny's defaults
    "#]]
    .assert_eq(&report.stderr);
}

#[test]
fn exceptions_file_is_added_to_the_policy() {
    let world = World::new(PACKAGE);
    world.write("deny.toml", "[licenses]\nallow = []\n");
    assert_eq!(world.check("--only licenses sub/app").code, 4);
    world.write(
        "sub/.deny.exceptions.toml",
        "exceptions = [{ crate = \"app\", allow = [\"MIT\"] }]\n",
    );
    assert_eq!(world.check("--only licenses sub/app").code, 0);
}

#[test]
fn cargo_deny_defaults_apply_without_a_policy() {
    let run = World::new(PACKAGE).human("sub");
    assert_eq!(run.code, 4, "no license is allowed by default");
    assert!(run.stdout.contains("no policy found: cargo-deny's defaults"), "{}", run.stdout);
}

#[test]
fn entries_without_effect_are_reported_on_their_lines() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "0.3"
#- deny.toml
[advisories]
ignore = [
    "RUSTSEC-2000-0001",
    { id = "RUSTSEC-1999-0001", reason = "unknown" },
    { crate = "time@0.3", reason = "not yanked" },
]
[licenses]
allow = ["MIT", "Zlib"]
exceptions = [{ crate = "ring", allow = ["OpenSSL"] }]
[bans]
skip = ["time@0.3.44"]
skip-tree = ["gone"]
deny = [{ crate = "openssl", wrappers = ["native-tls"] }]
[sources]
allow-git = ["https://example.org/unused"]
"#,
    );
    expect![[r#"
        error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          Cargo.toml:7
            time = "0.3"
                    ^^^
          help no patched version exists
        warning unknown-advisory: `RUSTSEC-1999-0001` is not in any advisory database
          deny.toml:4
                { id = "RUSTSEC-1999-0001", reason = "unknown" },
                        ^^^^^^^^^^^^^^^^^
          note reason: unknown
          help correct the id or remove this `ignore` entry
        warning advisory-not-detected: `RUSTSEC-1999-0001` matches no crate in the graph
          deny.toml:4
                { id = "RUSTSEC-1999-0001", reason = "unknown" },
                        ^^^^^^^^^^^^^^^^^
          note reason: unknown
          help remove this `ignore` entry
        warning advisory-not-detected: `RUSTSEC-2000-0001` matches no crate in the graph
          deny.toml:3
                "RUSTSEC-2000-0001",
                 ^^^^^^^^^^^^^^^^^
          help remove this `ignore` entry
        warning yanked-not-detected: ignored crate `time@0.3` is not yanked or not in the graph
          deny.toml:5
                { crate = "time@0.3", reason = "not yanked" },
                           ^^^^^^^^
          note reason: not yanked
          help remove this `ignore` entry
        warning unmatched-skip-root: `skip-tree` entry `gone` matches no crate in the graph
          deny.toml:12
            skip-tree = ["gone"]
                          ^^^^
          help remove this entry
        note skipped: crate `time` 0.3.44 skipped when checking for duplicates
          deny.toml:11
            skip = ["time@0.3.44"]
                     ^^^^^^^^^^^
        warning unnecessary-skip: unnecessary `skip` entry `time@0.3.44`: the graph has only one version
          deny.toml:11
            skip = ["time@0.3.44"]
                     ^^^^^^^^^^^
          help remove this entry
        warning unused-wrapper: wrapper `native-tls` does not depend on the banned crate
          deny.toml:13
            deny = [{ crate = "openssl", wrappers = ["native-tls"] }]
                                                      ^^^^^^^^^^
          help remove it from `wrappers`
        warning license-exception-not-encountered: unused license exception for `ring`: no crate in the graph needs it
          deny.toml:9
            exceptions = [{ crate = "ring", allow = ["OpenSSL"] }]
                                     ^^^^
          help remove it from `exceptions`
        warning license-not-encountered: unused license `Zlib`: no crate in the graph uses it
          deny.toml:8
            allow = ["MIT", "Zlib"]
                             ^^^^
          help remove it from `allow`
        warning unmatched-source: unused source `https://example.org/unused`: no crate in the graph comes from it
          deny.toml:15
            allow-git = ["https://example.org/unused"]
                          ^^^^^^^^^^^^^^^^^^^^^^^^^^
          help remove it from the allowed sources
        warning supercargo::ignores-nothing: this entry only ignores yanked versions of `time`, not its advisories
          deny.toml:5
                { crate = "time@0.3", reason = "not yanked" },
                           ^^^^^^^^
          help list the id of an advisory to ignore it
        exit 1
    "#]]
    .assert_eq(&world.check("").shown());
}

#[test]
fn ignored_finding_is_a_note_on_its_entry() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: old 1.0.0 yanked
#- advisory: RUSTSEC-2026-0009 time: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
time = "0.3"
old = "1"
#- deny.toml
[advisories]
yanked = "deny"
ignore = [
    { id = "RUSTSEC-2026-0009", reason = "dates are our own" },
]
"#,
    );
    expect![[r#"
        note advisory-ignored: the policy ignores `RUSTSEC-2026-0009` for `time` 0.3.44: dates are our own
          deny.toml:4
                { id = "RUSTSEC-2026-0009", reason = "dates are our own" },
                        ^^^^^^^^^^^^^^^^^
        note RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          Cargo.toml:6
            time = "0.3"
                    ^^^
          help no patched version exists
        error yanked: `old` 1.0.0 is yanked
          Cargo.toml:7
            old = "1"
                   ^
          help run `cargo update old` to select a version that is not yanked
        exit 1
    "#]]
    .assert_eq(&world.check("--only advisories").shown());
    world.edit("deny.toml", "ignore = [", "ignore = [\n    \"old@1\",");
    expect![[r#"
        note advisory-ignored: the policy ignores `RUSTSEC-2026-0009` for `time` 0.3.44: dates are our own
          deny.toml:5
                { id = "RUSTSEC-2026-0009", reason = "dates are our own" },
                        ^^^^^^^^^^^^^^^^^
        note RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: A crafted date
          Cargo.toml:6
            time = "0.3"
                    ^^^
          help no patched version exists
        note yanked-ignored: yanked crate `old` 1.0.0 detected, but ignored
          deny.toml:4
                "old@1",
                 ^^^^^
        help supercargo::missing-reason: this `ignore` entry for `old@1` has no `reason`
          deny.toml:4
                "old@1",
                 ^^^^^
          help state why it is acceptable, and until when
        exit 0
    "#]]
    .assert_eq(&world.check("--only advisories").shown());
}

#[test]
fn package_missing_in_the_index_may_be_yanked() {
    let world = World::locked(
        "#- crate: time 0.3.44\n#- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ntime = \"0.3\"\n",
    );
    world.forget_index();
    expect![[r#"
        warning index-failure: could not determine whether `time` 0.3.44 is yanked
          Cargo.toml:6
            time = "0.3"
                    ^^^
          note unable to locate index entry for crate
          help run `cargo fetch` to update cargo's copy of the index
        exit 0
    "#]]
    .assert_eq(&world.check("--only advisories").shown());
}

#[test]
fn graph_section_decides_what_is_checked() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: win 1.0.0 -> time 0.3
#- crate: testing 1.0.0 -> time 0.3
#- advisory: RUSTSEC-2026-0009 time: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
[target.'cfg(windows)'.dependencies]
win = "1"
[dev-dependencies]
testing = "1"
"#,
    );
    let paths = |policy: &str| {
        world.write("deny.toml", policy);
        let report = world.check("--only advisories");
        let all = report.with("RUSTSEC-2026-0009").into_iter().flat_map(|finding| &finding.paths);
        all.map(|path| path.join(" -> ")).collect::<Vec<_>>()
    };
    let windows = "app 0.1.0 -> win 1.0.0 -> time 0.3.44";
    let testing = "app 0.1.0 -> testing 1.0.0 -> time 0.3.44";
    assert_eq!(paths(""), [testing, windows]);
    assert_eq!(paths("[graph]\nexclude-dev = true\n"), [windows]);
    assert_eq!(paths("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\"]\n"), [testing]);
    assert!(paths("[graph]\nexclude = [\"time\"]\n").is_empty());
}

/// A file of the cargo-deny package that cargo fetched.
fn of_cargo_deny(name: &str) -> String {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).expect("a cargo home");
    let sources = std::fs::read_dir(home.join("registry/src")).expect("fetched packages");
    let mut files = sources.map(|source| {
        let folder = source.expect("a folder").path().join("cargo-deny-0.20.2");
        std::fs::read_to_string(folder.join(name))
    });
    files.find_map(Result::ok).expect("the sources of cargo-deny 0.20.2")
}

#[test]
fn policies_of_cargo_deny_have_no_config_findings() {
    for name in ["deny.template.toml", "deny.toml"] {
        let world = World::new(PACKAGE);
        let policy = of_cargo_deny(name);
        world.write("sub/app/deny.toml", &policy);
        // The bans check needs data from the network.
        let report = world.check("--only advisories,licenses,sources sub/app");
        let own = report.findings.iter().filter(|one| {
            one.check == "config" || one.check == "supercargo" && one.severity != "note"
        });
        let findings: Vec<_> = own.map(|one| (&one.code, &one.message)).collect();
        assert!(findings.is_empty(), "{name}: {findings:?}");
        assert!(report.summaries.len() == 1, "{name} leads to a verdict");
        // A broken one is reported.
        world.write("sub/app/deny.toml", policy.replacen("[advisories]", "[advisory]", 1));
        let report = world.check("--only sources sub/app");
        assert!(!report.with("unexpected-keys").is_empty(), "{name}");
    }
}
