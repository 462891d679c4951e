//! Invalid policies: each mistake is reported at its location, and no check runs with an invalid policy.

use expect_test::{Expect, expect};

use crate::harness::{Report, World};

const MANIFEST: &str =
    "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

fn report_for(policy: &str) -> Report {
    let world = World::locked(MANIFEST);
    world.write("deny.toml", policy.trim_start());
    world.check("--only bans")
}

fn check(policy: &str, expected: &Expect) {
    let report = report_for(policy);
    expected.assert_eq(&report.shown());
    assert!(report.summaries.is_empty() || report.code != 70, "a summary although no check ran");
}

#[test]
fn toml_syntax_error_is_reported_at_its_location() {
    check(
        r#"
[licenses]
allow = ["MIT"
[bans]
"#,
        &expect![[r#"
            error supercargo::policy-syntax: the policy is not valid TOML: expected a right bracket, found a left bracket
              deny.toml:3
                [bans]
                ^^^^^^
              help the checks cannot run until the policy is fixed
            exit 70
        "#]],
    );
}

#[test]
fn unclosed_string_is_reported_on_its_line() {
    check(
        "[licenses]\nallow = [\"MIT]\n",
        &expect![[r#"
            error supercargo::policy-syntax: the policy is not valid TOML: invalid character in string: `\n`
              deny.toml:2
                allow = ["MIT]
                ^^^^^^^^^^^^^^
              help the checks cannot run until the policy is fixed
            exit 70
        "#]],
    );
}

#[test]
fn duplicate_key_is_reported_on_both() {
    check(
        "[bans]\nwildcards = \"deny\"\nwildcards = \"allow\"\n",
        &expect![[r#"
            error supercargo::policy-syntax: the policy is not valid TOML: duplicate key: `wildcards`
              deny.toml:3
                wildcards = "allow"
                ^^^^^^^^^
              deny.toml:2
                wildcards = "deny"
                ^^^^^^^^^
              help the checks cannot run until the policy is fixed
            exit 70
        "#]],
    );
}

#[test]
fn unknown_keys_are_reported_with_the_known_ones() {
    check(
        r#"
[advisories]
ignored = []
[bans]
version = 2
multiple-version = "deny"
[license]
"#,
        &expect![[r#"
            error unexpected-keys: unknown key `ignored`; expected one of `version`, `db-path`, `db-urls`, `vulnerability`, `notice`, `unmaintained`, `unsound`, `yanked`, `ignore`, `severity-threshold`, `git-fetch-with-cli`, `disable-yank-checking`, `maximum-db-staleness`, `unused-ignored-advisory`
              deny.toml:2
                ignored = []
                ^^^^^^^
              help use `ignore` instead
            error unexpected-keys: unknown keys `multiple-version` and `version`; expected one of `multiple-versions`, `multiple-versions-include-dev`, `highlight`, `deny`, `allow`, `allow-workspace`, `features`, `external-default-features`, `workspace-default-features`, `skip`, `skip-tree`, `wildcards`, `allow-wildcard-paths`, `allow-build-scripts`, `build`, `workspace-dependencies`, `std-replacements`
              deny.toml:5
                multiple-version = "deny"
                ^^^^^^^^^^^^^^^^
              deny.toml:4
                version = 2
                ^^^^^^^
              help use `multiple-versions` instead of `multiple-version`
            error unexpected-keys: unknown key `license`; expected one of `advisories`, `bans`, `licenses`, `sources`, `graph`, `targets`, `exclude`, `features`, `all-features`, `no-default-features`, `exclude-dev`, `output`, `feature-depth`
              deny.toml:6
                [license]
                 ^^^^^^^
              help use `licenses` instead
            exit 70
        "#]],
    );
}

#[test]
fn values_of_a_wrong_type_are_reported_on_the_value() {
    check(
        r#"
[graph]
all-features = "yes"
[licenses]
allow = "MIT"
confidence-threshold = 1
[bans]
deny = [1]
"#,
        &expect![[r#"
            error wanted: expected a string or table
              deny.toml:7
                deny = [1]
                        ^
            error wanted: expected a float
              deny.toml:5
                confidence-threshold = 1
                                       ^
            error wanted: expected an array
              deny.toml:4
                allow = "MIT"
                         ^^^
            error wanted: expected a bool
              deny.toml:2
                all-features = "yes"
                                ^^^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_values_are_reported_on_the_value() {
    check(
        r#"
[advisories]
yanked = "Deny"
unmaintained = "warn"
maximum-db-staleness = "P3X"
[bans]
highlight = "some"
"#,
        &expect![[r#"
            error unexpected-value: unknown value `warn`; expected one of `all`, `workspace`, `transitive`, `none`
              deny.toml:3
                unmaintained = "warn"
                                ^^^^
            error unexpected-value: unknown value `Deny`; expected one of `allow`, `warn`, `deny`
              deny.toml:2
                yanked = "Deny"
                          ^^^^
            error custom: `X` is not valid in the RFC-3339 duration format
              deny.toml:4
                maximum-db-staleness = "P3X"
                                        ^^^
            error unexpected-value: unknown value `some`; expected one of `simplest-path`, `lowest-version`, `all`
              deny.toml:6
                highlight = "some"
                             ^^^^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_licenses_are_reported_on_the_license() {
    check(
        r#"
[licenses]
allow = ["MIT", "Apache 2", "MIT OR Zlib", "GPL-3.0+"]
exceptions = [{ crate = "a", allow = ["Mit"] }]
"#,
        &expect![[r#"
            error custom: `Apache` is not a license or exception in the SPDX list
              deny.toml:2
                allow = ["MIT", "Apache 2", "MIT OR Zlib", "GPL-3.0+"]
                                 ^^^^^^
            error custom: expected a `WITH` here
              deny.toml:2
                allow = ["MIT", "Apache 2", "MIT OR Zlib", "GPL-3.0+"]
                                                 ^^
            error custom: expected a `WITH` here
              deny.toml:2
                allow = ["MIT", "Apache 2", "MIT OR Zlib", "GPL-3.0+"]
                                                                   ^
            error custom: `Mit` is not a license or exception in the SPDX list
              deny.toml:3
                exceptions = [{ crate = "a", allow = ["Mit"] }]
                                                       ^^^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_expression_is_reported_on_its_invalid_part() {
    check(
        r#"
[[licenses.clarify]]
crate = "ring"
expression = "MIT AND OpenSSL-ish"
license-files = []
"#,
        &expect![[r#"
            error (config): unable to parse license expression: `OpenSSL-ish` is not a license or exception in the SPDX list
              deny.toml:3
                expression = "MIT AND OpenSSL-ish"
                                      ^^^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn missing_field_is_reported_on_its_table() {
    check(
        r#"
[licenses]
exceptions = [{ crate = "a" }]
clarify = [{ crate = "b", expression = "MIT" }]
[bans]
deny = [{ reason = "no name" }]
"#,
        &expect![[r#"
            error missing-field: missing field `crate`
              deny.toml:5
                deny = [{ reason = "no name" }]
                        ^^^^^^^^^^^^^^^^^^^^^^
            error missing-field: missing field `license-files`
              deny.toml:3
                clarify = [{ crate = "b", expression = "MIT" }]
                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            error missing-field: missing field `allow`
              deny.toml:2
                exceptions = [{ crate = "a" }]
                              ^^^^^^^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn removed_keys_are_errors_on_the_key() {
    check(
        r#"
[advisories]
vulnerability = "deny"
severity-threshold = "low"
[licenses]
copyleft = "deny"
"#,
        &expect![[r#"
            error deprecated: `vulnerability`: this key has been removed, see https://github.com/EmbarkStudios/cargo-deny/pull/611 for migration information
              deny.toml:2
                vulnerability = "deny"
                ^^^^^^^^^^^^^
            error deprecated: `severity-threshold`: this key has been removed, see https://github.com/EmbarkStudios/cargo-deny/pull/611 for migration information
              deny.toml:3
                severity-threshold = "low"
                ^^^^^^^^^^^^^^^^^^
            error deprecated: `copyleft`: this key has been removed, see https://github.com/EmbarkStudios/cargo-deny/pull/611 for migration information
              deny.toml:5
                copyleft = "deny"
                ^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn moved_keys_are_warnings_and_the_checks_run() {
    check(
        r#"
targets = ["x86_64-unknown-linux-gnu"]
all-features = true
feature-depth = 1
"#,
        &expect![[r#"
            warning deprecated: `targets`: this key has been moved to [graph]
              deny.toml:1
                targets = ["x86_64-unknown-linux-gnu"]
                ^^^^^^^
            warning deprecated: `all-features`: this key has been moved to [graph]
              deny.toml:2
                all-features = true
                ^^^^^^^^^^^^
            warning deprecated: `feature-depth`: this key has been moved to [output]
              deny.toml:3
                feature-depth = 1
                ^^^^^^^^^^^^^
            exit 0
        "#]],
    );
}

#[test]
fn duplicate_entry_is_a_warning_on_both() {
    check(
        r#"
[advisories]
ignore = [
    "RUSTSEC-2000-0001",
    { id = "RUSTSEC-2000-0001", reason = "again" },
]
"#,
        &expect![[r#"
            warning (config): duplicate items detected
              deny.toml:3
                    "RUSTSEC-2000-0001",
                     ^^^^^^^^^^^^^^^^^
              deny.toml:4
                    { id = "RUSTSEC-2000-0001", reason = "again" },
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help supercargo::missing-reason: this `ignore` entry for `RUSTSEC-2000-0001` has no `reason`
              deny.toml:3
                    "RUSTSEC-2000-0001",
                     ^^^^^^^^^^^^^^^^^
              help state why it is acceptable, and until when
            exit 0
        "#]],
    );
}

#[test]
fn package_in_two_lists_is_reported_on_both() {
    check(
        r#"
[bans]
deny = ["time"]
allow = ["time"]
skip = ["cookie@1"]
"#,
        &expect![[r#"
            error (config): a crate was specified in both `allow` and `deny`
              deny.toml:2
                deny = ["time"]
                         ^^^^
              deny.toml:3
                allow = ["time"]
                          ^^^^
              note `time`: marked as `deny`
              note `time`: marked as `allow`
            exit 70
        "#]],
    );
}

#[test]
fn unknown_target_is_a_warning_on_the_target() {
    let report = report_for("[graph]\ntargets = [\"no-such-triple\"]\n");
    let findings: Vec<_> =
        report.findings.iter().filter(|finding| finding.check == "config").collect();
    expect![[r#"
        warning (config): unknown target `no-such-triple` specified: the triple won't be evaluated against cfg() sections, just explicit triples
          deny.toml:2
            targets = ["no-such-triple"]
                        ^^^^^^^^^^^^^^
    "#]]
    .assert_eq(&report.drawn(&findings));
    // cargo rejects the platform.
    assert_eq!(report.with("supercargo::resolution-failed").len(), 1);
    assert_eq!(report.code, 70);
}

#[test]
fn unknown_feature_is_reported_with_the_error_of_cargo() {
    check(
        "[graph]\nfeatures = [\"no-such-feature\"]\n",
        &expect![[r#"
            error supercargo::resolution-failed: cargo failed: the package 'm' does not contain this feature: no-such-feature
              Cargo.toml:2
                name = "m"
                        ^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_version_is_reported_on_the_version() {
    check(
        "[bans]\nskip = [\"time@many\"]\n",
        &expect![[r#"
            error custom: unexpected character `m` while parsing major version number
              deny.toml:2
                skip = ["time@many"]
                              ^^^^
            exit 70
        "#]],
    );
}

#[test]
fn invalid_urls_are_reported_on_the_url() {
    check(
        r#"
[advisories]
db-urls = ["file:///somewhere"]
[sources]
allow-git = ["not a url"]
"#,
        &expect![[r#"
            error (config): advisory database url doesn't have a domain name
              deny.toml:2
                db-urls = ["file:///somewhere"]
                            ^^^^^^^^^^^^^^^^^
            error (config): failed to parse url: relative URL without a base
              deny.toml:4
                allow-git = ["not a url"]
                              ^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn unset_variable_in_db_path_is_reported() {
    check(
        "[advisories]\ndb-path = \"$NO_SUCH_VARIABLE/db\"\n",
        &expect![[r#"
            error (config): failed to find variable
              deny.toml:2
                db-path = "$NO_SUCH_VARIABLE/db"
                           ^^^^^^^^^^^^^^^^^
            exit 70
        "#]],
    );
}

#[test]
fn mistakes_in_the_exceptions_file_are_reported_in_it() {
    let world = World::locked(MANIFEST);
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\"]\n");
    let mut reports = Vec::new();
    for text in [
        "exceptions = [{ crate = \"a\", allow = [\"Mit\"] }]\n",
        "exceptions = []\nallow = []\n",
        "exceptions = [\n",
        "",
    ] {
        world.write("deny.exceptions.toml", text);
        reports.push(world.check("--only licenses").shown());
    }
    expect![[r#"
        error custom: `Mit` is not a license or exception in the SPDX list
          deny.exceptions.toml:1
            exceptions = [{ crate = "a", allow = ["Mit"] }]
                                                   ^^^
        exit 70

        error unexpected-keys: unknown key `allow`; expected one of `exceptions`
          deny.exceptions.toml:2
            allow = []
            ^^^^^
        exit 70

        error unexpected-eof: unexpected end of file
          deny.exceptions.toml:2
        exit 70

        error missing-field: missing field `exceptions`
          deny.exceptions.toml:1
        exit 70
    "#]]
    .assert_eq(&reports.join("\n"));
}

#[test]
fn policy_that_is_not_utf8_is_reported() {
    let world = World::locked(MANIFEST);
    world.write("deny.toml", b"[bans]\n# \xff\n");
    expect![[r#"
        error supercargo::unreadable-file: could not read `[work]/deny.toml`: stream did not contain valid UTF-8
          deny.toml:1
          help the check cannot run without it
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn folder_instead_of_the_policy_is_reported() {
    let world = World::locked(MANIFEST);
    world.folder("deny.toml");
    expect![[r#"
        error supercargo::unreadable-file: could not read `[work]/deny.toml`: Is a directory (os error 21)
          deny.toml:1
          help the check cannot run without it
        exit 70
    "#]]
    .assert_eq(&world.check("--only bans").shown());
}

#[test]
fn other_workspaces_are_checked_if_one_policy_is_invalid() {
    let world = World::new(
        r#"
#- a/Cargo.toml
[package]
name = "a"
version = "0.1.0"
edition = "2021"
license = "MIT"
#- a/deny.toml
[licenses]
allow = [MIT]
#- b/Cargo.toml
[package]
name = "b"
version = "0.1.0"
edition = "2021"
license = "MIT"
#- b/deny.toml
[licenses]
allow = ["Zlib"]
"#,
    );
    world.lock("a");
    world.lock("b");
    let report = world.check("--only licenses");
    expect![[r#"
        error supercargo::policy-syntax: the policy is not valid TOML: invalid TOML value, did you mean to use a quoted string?
          a/deny.toml:2
            allow = [MIT]
                     ^^^
          help the checks cannot run until the policy is fixed
        error rejected: `b` 0.1.0 is licensed under `MIT`, which the policy does not allow
          b/Cargo.toml:5
            license = "MIT"
                       ^^^
          note MIT - MIT License:
          note   - OSI approved
          note   - FSF Free/Libre
          help use a license that the policy allows, or add an exception for this package
        warning license-not-encountered: unused license `Zlib`: no crate in the graph uses it
          b/deny.toml:2
            allow = ["Zlib"]
                      ^^^^
          help remove it from `allow`
        exit 70
    "#]]
    .assert_eq(&report.shown());
    assert_eq!(report.summaries.len(), 1);
}

#[test]
fn string_instead_of_a_table_is_reported_on_the_string() {
    check(
        "[licenses]\nclarify = [\"ring\"]\n",
        &expect![[r#"
            error wanted: expected a table, found a string
              deny.toml:2
                clarify = ["ring"]
                            ^^^^
              help use a table such as `{ crate = "..", .. }`
            exit 70
        "#]],
    );
    check(
        "[bans.build]\nbypass = [{ crate = \"a\" }, 'ring']\n",
        &expect![[r#"
            error wanted: expected a table, found a string
              deny.toml:2
                bypass = [{ crate = "a" }, 'ring']
                                            ^^^^
              help use a table such as `{ crate = "..", .. }`
            exit 70
        "#]],
    );
    check(
        "[bans]\nfeatures = [\"\"]\n",
        &expect![[r#"
            error wanted: expected a table, found a string
              deny.toml:2
                features = [""]
                            ^^
              help use a table such as `{ crate = "..", .. }`
            exit 70
        "#]],
    );
}

#[test]
fn string_in_the_exceptions_file_is_reported() {
    let world = World::locked(MANIFEST);
    world.write("deny.toml", "");
    world.write("deny.exceptions.toml", "exceptions = [\"ring\"]\n");
    let report = world.check("--only bans");
    let message = "deny.exceptions.toml` has a string where cargo-deny expects a table";
    assert!(report.shown().contains(message), "{}", report.shown());
    assert_eq!(report.code, 70);
}
