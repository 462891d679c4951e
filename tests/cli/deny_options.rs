//! The options of `cargo deny` and `cargo deny check`: what belongs to the graph, which checks run, levels, and
//! what is printed. That the verdict is cargo-deny's is tested by `cargo xtask parity`.

use expect_test::expect;

use crate::harness::{Report, World};

/// The default features do not reach `time`, and the policy ignores its vulnerability.
const PROFILER: &str = r#"
#- crate: time 0.3.40
#- crate: itoa 1.0.19
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "profiler"
version = "0.1.0"
edition = "2021"
license = "MIT"
publish = false

[features]
default = []
net = ["dep:time"]

[dependencies]
itoa = "1"
time = { version = "=0.3.40", optional = true }
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2026-0009"]

[licenses]
allow = ["MIT"]
"#;

/// One error and one warning of bans, one error of licenses, below `app`.
const APP: &str = r#"
#- crate: deep 1.0.0
#- crate: near 1.0.0 -> deep 1
#- crate: gnu 1.0.0 (GPL-3.0-only)
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
near = "1"
gnu = "1"
#- deny.toml
[bans]
deny = ["deep"]
skip = ["absent@1.0.0"]

[licenses]
allow = ["MIT"]
"#;

fn codes(report: &Report) -> Vec<String> {
    let mut codes: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.check != "supercargo" && finding.severity != "help")
        .map(|finding| {
            format!("{} {}", finding.severity, finding.code.as_deref().unwrap_or("none"))
        })
        .collect();
    codes.sort();
    codes
}

/// The packages in the graph, which are all accepted.
fn packages(world: &World, words: &str) -> String {
    let report = world.check(words);
    let accepted =
        report.with("accepted").into_iter().filter_map(|finding| finding.package.as_ref());
    let mut names: Vec<_> = accepted.map(|package| package.name.clone()).collect();
    names.sort();
    names.join(" ")
}

#[test]
fn ignored_advisory_of_an_optional_dependency_is_needed_with_all_features() {
    let world = World::locked(PROFILER);
    let plain = world.check("");
    assert_eq!((plain.with("advisory-not-detected").len(), plain.code), (1, 0));
    let all = world.check("--all-features");
    assert_eq!(all.with("advisory-not-detected").len(), 0);
    assert_eq!((all.with("advisory-ignored").len(), all.code), (1, 0));
    // It does suppress something.
    world.edit("deny.toml", "ignore = [\"RUSTSEC-2026-0009\"]", "");
    assert_eq!(world.check("").code, 0);
    let all = world.check("--all-features");
    assert_eq!((all.with("RUSTSEC-2026-0009").len(), all.code), (1, 1));
}

#[test]
fn options_of_one_run_do_not_change_the_next_one() {
    let world = World::locked(PROFILER);
    for _ in 0..2 {
        assert_eq!(packages(&world, ""), "itoa profiler");
        assert_eq!(packages(&world, "--features net"), "itoa profiler time");
        assert_eq!(packages(&world, "--features net --exclude time"), "itoa profiler");
    }
}

#[test]
fn fix_and_explain_and_init_have_the_same_graph() {
    let world = World::locked(PROFILER);
    world.edit("deny.toml", "ignore = [\"RUSTSEC-2026-0009\"]", "");
    let db = world.path("../db");
    let run = |words: &[&str]| {
        let run = world.run(&[&words[..1], &["--offline", "--db", &db], &words[1..]].concat());
        (run.code, format!("{}{}", run.stdout, run.stderr))
    };
    assert_eq!(run(&["fix", "--dry-run"]).0, 0);
    let (code, text) = run(&["fix", "--dry-run", "--all-features"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("RUSTSEC-2026-0009"), "{text}");
    assert_eq!(run(&["fix", "--dry-run", "--all-features", "bans"]).0, 0);
    assert_eq!(run(&["fix", "--dry-run", "--all-features", "-A", "vulnerability"]).0, 0);
    let (code, text) = run(&["explain", "time"]);
    assert_eq!(code, 64, "{text}");
    let (code, text) = run(&["explain", "--features", "net", "time"]);
    assert_eq!(code, 0, "{text}");
    world.write("deny.toml", "");
    world.edit("Cargo.toml", "license = \"MIT\"", "license = \"Zlib\"");
    let (_, text) = run(&["init", "--print"]);
    assert!(text.contains("Zlib") && text.contains("MIT"), "{text}");
    let (_, text) = run(&["init", "--print", "--exclude", "itoa"]);
    assert!(text.contains("Zlib") && !text.contains("\"MIT\""), "{text}");
}

#[test]
fn names_of_checks_are_words_and_a_folder_of_that_name_is_a_path() {
    let world = World::locked(APP);
    let ran = |words: &str| {
        let report = world.check(words);
        let exit = report.code;
        let text = world.human(words).stdout;
        let names = ["advisories", "bans", "licenses", "sources"];
        let line = |name: &&str| text.lines().any(|line| line.starts_with(&format!("  {name}")));
        (names.into_iter().filter(line).collect::<Vec<_>>().join(" "), exit)
    };
    let all = "advisories bans licenses sources".to_owned();
    assert_eq!(ran(""), (all.clone(), 6));
    assert_eq!(ran("all"), (all.clone(), 6));
    assert_eq!(ran("bans all"), (all, 6));
    assert_eq!(ran("sources bans"), ("bans sources".to_owned(), 2));
    assert_eq!(ran("licenses --only sources"), ("licenses sources".to_owned(), 4));
    assert_eq!(ran("--manifest-path Cargo.toml licenses"), ("licenses".to_owned(), 4));
    world.write(
        "bans/Cargo.toml",
        "[package]\nname = \"inner\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    world.write("bans/src/lib.rs", "");
    world.lock("bans");
    let summaries = world.check("./bans bans").summaries;
    let folders: Vec<_> = summaries.iter().map(|summary| summary.workspace.as_str()).collect();
    assert_eq!(folders, ["[work]/bans"]);
}

#[test]
fn levels_change_severities_counts_and_exit_code() {
    let world = World::locked(APP);
    let found = |words: &str| {
        let report = world.check(words);
        (codes(&report).join(", "), report.code)
    };
    let owned = |codes: &str, code| (codes.to_owned(), code);
    assert_eq!(found(""), owned("error banned, error rejected, warning unmatched-skip", 6));
    assert_eq!(
        found("-A banned -W rejected"),
        owned("note banned, warning rejected, warning unmatched-skip", 0)
    );
    assert_eq!(
        found("-D warnings -W rejected bans licenses"),
        owned("error banned, error rejected, error unmatched-skip", 6)
    );
    assert_eq!(
        found("--allow denied --deny warnings"),
        owned("error unmatched-skip, note banned, note rejected", 2)
    );
}

#[test]
fn refused_options_are_one_sentence() {
    let world = World::locked(APP);
    let first_line = |words: &str| {
        let run = world.human(words);
        assert_eq!((run.code, run.stdout.as_str()), (64, ""), "{words}");
        run.stderr.lines().next().unwrap_or_default().to_owned()
    };
    let lines = [
        "-D loud",
        "-A banned -D banned",
        "--target x86_64-acme-engine",
        "--graph out",
        "--feature-depth 2",
        "--audit-compatible-output --format json",
        "--manifest-path Cargo.toml .",
    ];
    let sentences: Vec<_> = lines.into_iter().map(first_line).collect();
    expect![[r#"
        error: `loud` is neither a code of cargo-deny nor one of `allowed`, `warnings` and `denied`
        error: `banned` has the level `allow` already; give it one level
        error: invalid value 'x86_64-acme-engine' for '--target <TRIPLE>': not a target of the compiler; see `rustc --print target-list`
        error: `--graph` is not supported: no graphs are written; run `cargo deny check --graph DIR bans`
        error: `--feature-depth` is not supported: dependency paths are shown without features; leave it out
        error: `--audit-compatible-output` is not supported: the JSON of cargo-audit is not written; leave it out
        error: `--manifest-path` cannot be used with a path
    "#]]
    .assert_eq(&format!("{}\n", sentences.join("\n")));
    // In text, cargo-deny's output does not change either.
    assert_eq!(world.human("--audit-compatible-output bans").code, 2);
}

#[test]
fn relative_policy_starts_in_the_current_folder() {
    let world = World::locked(APP);
    world.write("ci/deny.toml", "[licenses]\nallow = [\"MIT\", \"GPL-3.0-only\"]\n");
    world.write("sub/ci/deny.toml", "[bans]\ndeny = [\"near\"]\n");
    world.write(
        "sub/Cargo.toml",
        "[package]\nname = \"sub\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"GPL-3.0-only\"\n\
         [workspace]\n",
    );
    world.write("sub/src/lib.rs", "");
    world.lock("sub");
    let report = world.check("--manifest-path sub/Cargo.toml --config ci/deny.toml");
    assert_eq!((report.with("accepted").len(), report.code), (1, 0));
}

#[test]
fn metadata_can_come_from_a_file() {
    let world = World::locked(APP);
    world.cargo_to_file(&["metadata", "--format-version", "1", "--offline"], "metadata.json");
    world.edit("Cargo.toml", "gnu = \"1\"\n", "");
    world.lock("");
    assert_eq!(world.check("licenses").code, 0);
    assert_eq!(world.check("licenses --metadata-path metadata.json").code, 4);
    world.write("metadata.json", "{\"packages\": []}");
    let broken = world.human("--metadata-path metadata.json bans");
    assert_eq!(broken.code, 70);
    assert!(broken.stdout.contains("could not read the metadata in `[work]/metadata.json`: "));
    assert_eq!(world.human("--metadata-path absent.json bans").code, 70);
}

#[test]
fn output_options_change_what_is_printed_and_not_the_exit_code() {
    let world = World::locked(APP);
    let printed = |words: &str| {
        let run = world.human(&format!("bans {words}"));
        assert_eq!(run.code, 2, "{words}");
        run.stdout
    };
    assert!(printed("").contains("via: app 0.1.0 -> near 1.0.0 -> deep 1.0.0"));
    assert!(!printed("--hide-inclusion-graph").contains("via:"));
    assert_eq!(printed("--log-level off"), "");
    let errors = printed("--log-level error");
    assert!(errors.contains("error[banned]") && !errors.contains("unmatched-skip"), "{errors}");
    assert!(printed("-L warn").contains("warning[unmatched-skip]"));
    let last_lines = |text: String| text.lines().rev().take(2).collect::<Vec<_>>().join("\n");
    assert_eq!(last_lines(printed("")), "  gate: fails\n  bans        1 error, 1 warning");
    let stats = "  gate: fails\n  bans        1 error, 1 warning, 0 notes";
    assert_eq!(last_lines(printed("--show-stats")), stats);
    assert_eq!(last_lines(printed("--log-level info")), stats);
    assert_eq!(last_lines(printed("--log-level off -s")), stats);
    assert!(!printed("").contains('\u{1b}'));
    assert!(printed("--color always").contains('\u{1b}'));
    assert!(!printed("--color never").contains('\u{1b}'));
    let json = |words: &str| {
        let run = world.human(&format!("--format json bans {words}"));
        assert_eq!(run.code, 2, "{words}");
        run.stdout.lines().filter(|line| line.contains("\"type\":\"finding\"")).count()
    };
    assert_eq!((json("-L error"), json("-L warn"), json("-L off")), (1, 2, 0));
    let hidden = world.check("bans --hide-inclusion-graph");
    assert!(hidden.findings.iter().all(|finding| finding.paths.is_empty()));
}
