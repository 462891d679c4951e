//! What is shown, where, and when it is renewed and cleared.

use expect_test::expect;

use crate::{
    harness::{Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

each_editor! {
    fn are_published_for_an_open_manifest_with_its_version(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        assert_eq!(shown.version, Some(editor.first_version()));
        shown.assert_drawn(
            r#"
            8| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
            9| gpl = "1"
               `1` error rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; replace this dependency, or add an exception for it
            10| plain = "1.5"
               `1.5` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
            "#,
        );
        client.ignore(POLICY);
    }

    fn are_published_for_files_that_are_not_open(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        let manifest = client.diagnostics(MANIFEST);
        assert_eq!(manifest.version, None);
        assert_eq!(manifest.codes(), [TIME, "rejected", PLAIN]);
        let policy = client.diagnostics(POLICY);
        assert_eq!(policy.version, None);
        policy.assert_drawn(
            r#"
            5| allow = ["MIT", "Zlib"]
               `Zlib` warning license-not-encountered: unused license `Zlib`: no crate in the graph uses it; remove it from `allow`
            "#,
        );
    }

    fn are_updated_after_the_manifest_and_lockfile_are_saved(editor) {
        let world = World::locked(SMALL);
        world.add("#- crate: late 1.0.0\n#- advisory: RUSTSEC-2026-0100 late: Came late\n");
        let mut client = Session::of(world).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.diagnostics(POLICY);
        client.replace(MANIFEST, "gpl = \"1\"\n", "");
        client.insert(MANIFEST, "cookie", "late = \"1\"\n");
        let version = client.version(MANIFEST);
        client.write(MANIFEST);
        client.world.lock("");
        client.save(MANIFEST);
        let shown = client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0100");
        assert_eq!(shown.codes(), ["RUSTSEC-2026-0100", TIME, PLAIN]);
        assert_eq!(shown.version, Some(version));
    }

    fn of_a_stale_lockfile_are_those_of_a_fresh_resolution(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.diagnostics(POLICY);
        client.replace(MANIFEST, "gpl = \"1\"\n", "");
        client.diagnostics_without(MANIFEST, "rejected");
        client.save(MANIFEST);
        let shown = client.diagnostics_with(MANIFEST, "supercargo::stale-lock-file");
        assert_eq!(shown.codes(), ["supercargo::stale-lock-file", TIME, PLAIN]);
        assert_eq!(shown.only("supercargo::stale-lock-file").severity, 3);
        client.world.lock("");
        client.notify_changed("Cargo.lock", 2);
        let shown = client.diagnostics_without(MANIFEST, "supercargo::stale-lock-file");
        assert_eq!(shown.codes(), [TIME, PLAIN]);
    }

    fn are_cleared_when_they_are_fixed(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(POLICY);
        client.diagnostics(MANIFEST);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.replace(POLICY, "ignore = []", &format!("ignore = [\"{TIME}\", \"{PLAIN}\"] # known"));
        client.diagnostics_when(MANIFEST, "one finding", |shown| shown.codes() == ["rejected"]);
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_when(MANIFEST, "nothing", Shown::is_empty);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }
}

#[test]
fn are_published_on_an_unreadable_lockfile() {
    let world = World::locked(SMALL);
    world.edit("Cargo.lock", "version = 4", "version = 4\n<<<<<<< ours");
    let mut client = Session::of(world).start();
    let shown = client.diagnostics("Cargo.lock");
    expect![[r#"
        4| <<<<<<< ours
           `<<<<<<< ours` error supercargo::broken-lock-file: could not parse `Cargo.lock`: found merge conflict markers; restore it from version control, or delete it to let cargo resolve again
    "#]].assert_eq(&shown.drawn());
    client.world.lock_again();
    client.notify_changed("Cargo.lock", 2);
    client.diagnostics_when("Cargo.lock", "nothing", Shown::is_empty);
    client.diagnostics_with(MANIFEST, TIME);
    client.diagnostics(POLICY);
}

#[test]
fn of_a_workspace_without_lockfile_are_those_of_a_fresh_resolution() {
    let mut client = Session::of(World::new(SMALL)).start();
    let shown = client.diagnostics(MANIFEST);
    expect![[r#"
        2| name = "app"
           `app` information supercargo::no-lock-file: no `Cargo.lock`: checked a fresh resolution, results may change
        8| cookie = "0.18"
           `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
        9| gpl = "1"
           `1` error rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; replace this dependency, or add an exception for it
        10| plain = "1.5"
           `1.5` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
    "#]].assert_eq(&shown.drawn());
    client.diagnostics(POLICY);
    assert!(client.world.try_read("Cargo.lock").is_none(), "nothing is written for the user");
}

#[test]
fn of_a_virtual_workspace_are_published_on_members_and_root() {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- crate: deep 1.0.0
#- crate: cookie 0.18.1 -> deep 1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2026-0100 deep patched >=2: Deep down
#- Cargo.toml
[workspace]
members = ["one", "two"]
resolver = "2"

[workspace.dependencies]
time = "0.3"
#- one/Cargo.toml
[package]
name = "one"
version = "0.1.0"
license = "MIT"

[dependencies]
time.workspace = true
#- two/Cargo.toml
[package]
name = "two"
version = "0.1.0"
license = "MIT"

[dependencies]
cookie = "0.18"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    let mut client = Session::of(world).start();
    let drawn = [MANIFEST, "two/Cargo.toml"]
        .map(|file| format!("{file}\n{}", client.diagnostics(file).drawn()));
    expect![[r#"
        Cargo.toml
        6| time = "0.3"
           `0.3` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion; upgrade to >=0.3.47
        two/Cargo.toml
        7| cookie = "0.18"
           `0.18` error RUSTSEC-2026-0100: `deep` 1.0.0 has a vulnerability: Deep down, via cookie 0.18.1 -> deep 1.0.0; upgrade to >=2
    "#]].assert_eq(&drawn.concat());
    // A member that inherits the requirement has a hint while it is open.
    client.open("one/Cargo.toml");
    let shown = client.diagnostics_when("one/Cargo.toml", "a hint", |shown| !shown.is_empty());
    expect![[r#"
        7| time.workspace = true
           `workspace` hint (no code): also brings `time` 0.3.44: RUSTSEC-2026-0009; see Cargo.toml:6
    "#]].assert_eq(&shown.drawn());
    client.close("one/Cargo.toml");
    client.diagnostics_when("one/Cargo.toml", "nothing", Shown::is_empty);
}
