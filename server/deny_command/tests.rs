use super::*;
use crate::verdict::Code;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn parse(line: &str, version: &str) -> Result<DenyCommand, Box<DenyRefusal>> {
    let version = (!version.is_empty()).then(|| version.parse().expect("a version"));
    DenyCommand::parse(&words(line), version.as_ref())
}

/// The canonical words of a command line that is accepted.
fn check(line: &str, version: &str, canonical: &str) -> DenyCheck {
    match parse(line, version) {
        Ok(DenyCommand::Check(check)) => {
            assert_eq!(check.options.to_string(), canonical, "{line}");
            *check
        }
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str, version: &str, sentence: &str) {
    let refusal = parse(line, version).map_err(|refusal| refusal.to_string());
    assert_eq!(refusal, Err(sentence.to_owned()), "{line}");
}

#[test]
fn command_lines_of_ci_are_read_as_cargo_deny_does() {
    for (line, canonical) in [
        ("check", "check"),
        ("check all", "check"),
        ("check advisories bans licenses sources", "check"),
        ("check advisories", "check advisories"),
        ("check bans licenses sources", "check bans licenses sources"),
        ("check sources bans bans", "check bans sources"),
        ("check advisories all", "check"),
        // The action with its defaults.
        (
            "--log-level warn --manifest-path ./Cargo.toml --all-features check",
            "--manifest-path ./Cargo.toml --all-features check",
        ),
        (
            "--log-level error --manifest-path ./Cargo.toml --target x86_64-apple-darwin check -D warnings \
             --show-stats",
            "--manifest-path ./Cargo.toml --target x86_64-apple-darwin check -D warnings",
        ),
        ("--workspace check", "--workspace check"),
        ("--all-features check", "--all-features check"),
        ("--manifest-path shaders/Cargo.toml check", "--manifest-path shaders/Cargo.toml check"),
        (
            "--workspace --all-features --exclude-dev --exclude generator --config \
             tools/cargo-deny/deny.toml check licenses advisories",
            "--config tools/cargo-deny/deny.toml --workspace --all-features --exclude generator \
             --exclude-dev check advisories licenses",
        ),
        ("check -W unmaintained", "check -W unmaintained"),
        ("check -A duplicate -D warnings bans", "check -A duplicate -D warnings bans"),
        ("check bans -Aduplicate --deny=banned", "check -A duplicate -D banned bans"),
        ("check --warn denied", "check -W denied"),
        ("--offline --locked check", "--frozen check"),
        ("--frozen check", "--frozen check"),
        ("--locked check", "--locked check"),
        ("--features a,b --features c,a check", "--features a,b,c check"),
        ("--no-default-features --features=b check", "--no-default-features --features b check"),
        ("-t wasm32-unknown-unknown check", "--target wasm32-unknown-unknown check"),
        ("--exclude b --exclude a@1.2.0 check", "--exclude a@1.2.0 --exclude b check"),
        ("--exclude-unpublished check licenses", "--exclude-unpublished check licenses"),
        ("--metadata-path m.json check", "--metadata-path m.json check"),
        ("-L off -c never -f json check -s -g out", "check"),
    ] {
        check(line, "", canonical);
    }
}

#[test]
fn canonical_words_are_read_as_the_same_options() {
    let line = "--manifest-path a/Cargo.toml --metadata-path m --config c --workspace --all-features \
                --no-default-features --features x,y --target i686-pc-windows-msvc --exclude z \
                --exclude-dev --exclude-unpublished --frozen check -A yanked -W denied -D warnings sources";
    check(line, "", line);
}

#[test]
fn output_options_are_apart_from_the_verdict() {
    let with = check(
        "-L debug --color never --format json check --hide-inclusion-graph --show-stats \
         --audit-compatible-output --graph out bans",
        "",
        "check bans",
    );
    assert_eq!(
        with.output,
        DenyOutput {
            format: DenyFormat::Json,
            log_level: Some("debug".to_owned()),
            color: Some("never".to_owned()),
            hide_inclusion_graph: true,
            show_stats: true,
            audit_compatible_output: true,
            feature_depth: None,
            graph: Some("out".into()),
        }
    );
    assert_eq!(check("check --feature-depth 3", "", "check").output.feature_depth, Some(3));
    assert!(!with.passes_always());
    assert!(check("--format sarif check", "", "check").passes_always());
}

#[test]
fn other_commands_are_no_checks() {
    for (line, name) in [
        ("fetch", "fetch"),
        ("fetch db", "fetch"),
        ("--locked list -l crate -f json", "list"),
        ("init", "init"),
        ("init --config other.toml", "init"),
        ("help", "help"),
        ("help check", "help"),
        ("--help", "help"),
        ("--version", "help"),
        ("check --help", "help"),
    ] {
        assert_eq!(parse(line, ""), Ok(DenyCommand::NotACheck(name.to_owned())), "{line}");
    }
}

#[test]
fn refused_command_lines_have_a_sentence() {
    for (line, reason) in [
        ("", "the command is missing, such as `check`"),
        ("--all-features", "the command is missing, such as `check`"),
        ("chekc", "no command `chekc`"),
        ("check --all-features", "unexpected argument `--all-features`"),
        ("check advisory", "`advisory` is not the name of a check"),
        ("--exclude check", "the command is missing, such as `check`"),
        ("--all-features --all-features check", "`--all-features` is given twice"),
        ("--log-level loud check", "`loud` is not a value of `--log-level`"),
        ("--target", "`--target` needs a value"),
        ("check -F warnings", "unexpected argument `-F`"),
        (
            "check --feature-depth 1 --hide-inclusion-graph",
            "`--feature-depth` cannot be used with `--hide-inclusion-graph`",
        ),
        (
            "check -D loud",
            "`loud` is neither a code of cargo-deny nor one of `allowed`, `warnings` and `denied`",
        ),
        ("check -D yanked -A yanked", "`yanked` has the level `allow` already; give it one level"),
    ] {
        refused(line, "", &format!("cargo-deny 0.20.2 refuses it: {reason}"));
    }
}

#[test]
fn options_that_version_0_20_moved_or_removed_are_named_with_the_cure() {
    for (line, reason) in [
        (
            "--workspace --all-features --exclude-dev --exclude generator check licenses advisories \
             --config=tools/cargo-deny/deny.toml",
            "unexpected argument `--config`; put `--config` before `check` since version 0.20",
        ),
        (
            "check -c deny.toml",
            "unexpected argument `-c`; put `--config` before `check` since version 0.20",
        ),
        (
            "check --exclude-dev",
            "unexpected argument `--exclude-dev`; put `--exclude-dev` before `check` since version 0.20",
        ),
        (
            "check --disable-fetch",
            "unexpected argument `--disable-fetch`; version 0.20 removed it: put `--offline` before \
             `check` instead",
        ),
        ("check ban", "`ban` is not the name of a check; version 0.20 calls it `bans`"),
        (
            "-t x86_64-apple-darwin -t aarch64-apple-darwin check",
            "`--target` is given twice; name one target, or several in `graph.targets` of the policy",
        ),
        (
            "--target my-target check",
            "`my-target` is not a value of `--target`; version 0.20 accepts only targets of the compiler",
        ),
        (
            "--allow-git-index check",
            "unexpected argument `--allow-git-index`; version 0.20 removed it: leave it out",
        ),
    ] {
        refused(line, "", &format!("cargo-deny 0.20.2 refuses it: {reason}"));
    }
}

#[test]
fn older_versions_are_read_with_their_own_options() {
    let moved = check(
        "--workspace --exclude generator check licenses ban -d --exclude-dev --config=tools/deny.toml",
        "0.18.6",
        "--config tools/deny.toml --workspace --exclude generator --exclude-dev --offline check bans \
         licenses",
    );
    assert!(moved.options.config_from_manifest);
    let later = check("check -c deny.toml license", "0.19.2", "--config deny.toml check licenses");
    assert!(!later.options.config_from_manifest);
    check(
        "-t x86_64-apple-darwin -t made-up check",
        "0.16.3",
        "--target made-up --target x86_64-apple-darwin check",
    );
    check("-L WARN check --metadata-path m", "0.18.4", "--metadata-path m check");
    refused(
        "--config deny.toml check",
        "0.19.9",
        "cargo-deny 0.19.9 refuses it: unexpected argument `--config`; put `--config` behind `check`, or use \
         version 0.20",
    );
    refused(
        "--format sarif check",
        "0.18.4",
        "cargo-deny 0.18.4 refuses it: `sarif` is not a value of `--format`; versions from 0.18.5 on accept it",
    );
    refused(
        "--exclude-unpublished check",
        "0.14.21",
        "cargo-deny 0.14.21 refuses it: unexpected argument `--exclude-unpublished`; versions from 0.16.2 on \
         accept it",
    );
    refused(
        "--exclude-dev check",
        "0.14.1",
        "cargo-deny 0.14.1 refuses it: unexpected argument `--exclude-dev`; versions from 0.14.2 on accept it",
    );
    refused(
        "check -W unmaintained",
        "0.12.2",
        "cargo-deny 0.12.2 refuses it: unexpected argument `-W`; versions from 0.13 on accept it",
    );
    refused(
        "--allow-git-index check",
        "0.13.9",
        "cargo-deny 0.13.9 refuses it: unexpected argument `--allow-git-index`; versions from 0.14 on accept it",
    );
}

#[test]
fn codes_of_later_versions_are_refused_as_levels() {
    check("check -A unnecessary-skip", "0.16.3", "check -A unnecessary-skip");
    check("check -A unmaintained", "0.13.0", "check -A unmaintained");
    refused(
        "check -W unmaintained -A unnecessary-skip",
        "0.16.2",
        "cargo-deny 0.16.2 refuses it: it does not have the code `unnecessary-skip`; versions from 0.16.3 on \
         accept it",
    );
    refused(
        "check -D replaced-in-std",
        "0.19.9",
        "cargo-deny 0.19.9 refuses it: it does not have the code `replaced-in-std`; versions from 0.20 on \
         accept it",
    );
}

#[test]
fn options_survive_being_stored() {
    let DenyCheck { options, .. } = check(
        "--features x check -D unmaintained -D warnings advisories",
        "",
        "--features x check -D unmaintained -D warnings advisories",
    );
    let stored = serde_json::to_string(&options).expect("JSON");
    assert_eq!(serde_json::from_str::<DenyOptions>(&stored).expect("options"), options);
    assert_eq!(options.levels.codes.get(&Code::Unmaintained), Some(&LintLevel::Deny));
}
