//! A policy that rules no workspace: its own mistakes are reported, all at once.

use expect_test::expect;

use crate::harness::World;

#[test]
fn all_mistakes_of_a_policy_without_a_workspace_are_reported() {
    let world = World::new(
        r#"
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- shared/deny.toml
[advisories]
ignore = ["RUSTSEC-2026-0009", "RUSTSEC-0000-0000"]
[licenses]
allow = ["MIT", "Apache2"]
copyleft = "deny"
[bans]
multiple-version = "deny"
"#,
    );
    let expected = expect![[r#"
        error unexpected-keys: unknown key `multiple-version`; expected one of `multiple-versions`, `multiple-versions-include-dev`, `highlight`, `deny`, `allow`, `allow-workspace`, `features`, `external-default-features`, `workspace-default-features`, `skip`, `skip-tree`, `wildcards`, `allow-wildcard-paths`, `allow-build-scripts`, `build`, `workspace-dependencies`, `std-replacements`
          shared/deny.toml:7
            multiple-version = "deny"
            ^^^^^^^^^^^^^^^^
          help use `multiple-versions` instead
        error custom: `Apache2` is not a license or exception in the SPDX list
          shared/deny.toml:4
            allow = ["MIT", "Apache2"]
                             ^^^^^^^
        error deprecated: `copyleft`: this key has been removed, see https://github.com/EmbarkStudios/cargo-deny/pull/611 for migration information
          shared/deny.toml:5
            copyleft = "deny"
            ^^^^^^^^
        exit 70
    "#]];
    expected.assert_eq(&world.check("shared").of_severity("error"));
    let warning = world.check("shared");
    let warning = warning.with("unknown-advisory")[0];
    assert_eq!((warning.locations[0].start.line, warning.severity.as_str()), (2, "warning"));
    assert_eq!(world.check("").code, 70, "the policy is found below the folder");
}

#[test]
fn policy_that_cargo_deny_accepts_passes_without_a_workspace() {
    let world = World::new(
        "#- .cargo/deny.toml\n[advisories]\nignore = [\"RUSTSEC-0000-0000\"]\n[licenses]\nallow = [\"MIT\"]\n[bans]\nskip = [\"absent\"] # for later\n",
    );
    expect![[r#"
        warning unknown-advisory: `RUSTSEC-0000-0000` is not in any advisory database
          .cargo/deny.toml:2
            ignore = ["RUSTSEC-0000-0000"]
                       ^^^^^^^^^^^^^^^^^
          help correct the id or remove this `ignore` entry
        help supercargo::missing-reason: this `ignore` entry for `RUSTSEC-0000-0000` has no `reason`
          .cargo/deny.toml:2
            ignore = ["RUSTSEC-0000-0000"]
                       ^^^^^^^^^^^^^^^^^
          help state why it is acceptable, and until when
        exit 0
    "#]]
    .assert_eq(&world.check("").shown());
    let run = world.run(&["check"]);
    assert!(
        run.stdout.contains("no workspace uses this policy: checked its text"),
        "{}",
        run.stdout
    );
}
