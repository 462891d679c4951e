//! Edits of an unsaved `deny.toml`: the findings follow without running cargo again.

use expect_test::expect;

use crate::{
    harness::{Change, Client, Editor, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

/// A client with both files open and checked.
fn opened(editor: Editor) -> Client {
    opened_in(World::locked(SMALL), editor)
}

fn opened_in(world: World, editor: Editor) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    client.open("Cargo.toml");
    client.open("deny.toml");
    for file in ["Cargo.toml", "deny.toml"] {
        client.diagnostics_when(file, "findings", |shown| {
            shown.version.is_some() && !shown.is_empty()
        });
    }
    client
}

each_editor! {
    fn allowed_license_is_no_longer_reported(editor) {
        let mut client = opened(editor);
        client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        let version = client.version("deny.toml");
        let manifest = client.diagnostics_without("Cargo.toml", "rejected");
        assert_eq!(manifest.codes(), [TIME, PLAIN]);
        let policy = client.diagnostics_without("deny.toml", "license-not-encountered");
        assert!(policy.is_empty(), "{}", policy.drawn());
        assert_eq!(policy.version, Some(version));
    }

    fn closing_without_saving_returns_to_the_lines_on_disk_at_once(editor) {
        let mut client = opened(editor);
        let at = client.find("deny.toml", "\"Zlib\"");
        let line = client.position("deny.toml", at).line;
        client.insert("deny.toml", "[advisories]", "# a comment\n\n");
        client.replace("deny.toml", "\"Zlib\"", "\"Zlib\", \"ISC\"");
        // The verdict is on this text.
        client.diagnostics_when("deny.toml", "both licenses", |shown| shown.diagnostics.len() == 2);
        client.close("deny.toml");
        let shown = client.diagnostics_when("deny.toml", "no version", |shown| shown.version.is_none());
        assert!(!shown.is_empty() && shown.diagnostics.iter().all(|one| one.range.start.line == line), "{}", shown.drawn());
        client.ends_with("deny.toml", "the finding of the file", |shown| shown.diagnostics.len() == 1);
    }

    fn closing_a_document_that_was_opened_with_unsaved_text_returns_to_the_lines_on_disk_at_once(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        let text = client.world.read("deny.toml");
        let line_of_zlib = |text: &str| u32::try_from(text.lines().position(|line| line.contains("\"Zlib\"")).expect("a license")).expect("a line");
        let unsaved = format!("# a comment\n\n{}", text.replace("\"Zlib\"", "\"Zlib\", \"ISC\""));
        client.open_with("deny.toml", "toml", &unsaved);
        client.diagnostics_when("Cargo.toml", "findings", |shown| !shown.is_empty());
        client.diagnostics_when("deny.toml", "both licenses", |shown| shown.diagnostics.len() == 2);
        client.close("deny.toml");
        let shown = client.diagnostics_when("deny.toml", "no version", |shown| shown.version.is_none());
        let line = line_of_zlib(&text);
        assert!(!shown.is_empty() && shown.diagnostics.iter().all(|one| one.range.start.line == line), "{}", shown.drawn());
        client.ends_with("deny.toml", "the finding of the file", |shown| shown.diagnostics.len() == 1);
    }

    fn ignored_advisory_is_no_longer_reported(editor) {
        let mut client = opened(editor);
        client.replace("deny.toml", "ignore = []", &format!("ignore = [\"{TIME}\"]"));
        let manifest = client.diagnostics_without("Cargo.toml", TIME);
        assert_eq!(manifest.codes(), ["rejected", PLAIN]);
        client.ignore("deny.toml");
    }

    fn broken_policy_is_reported_and_keeps_the_findings_of_the_manifest(editor) {
        let mut client = opened(editor);
        let before = client.history("Cargo.toml").len();
        client.insert("deny.toml", "ignore = []", "oops ");
        let broken = client.diagnostics_with("deny.toml", "supercargo::policy-syntax");
        assert_eq!(broken.codes(), ["supercargo::policy-syntax"]);
        client.replace("deny.toml", "oops ", "");
        let repaired = client.diagnostics_without("deny.toml", "supercargo::policy-syntax");
        assert_eq!(repaired.codes(), ["license-not-encountered"]);
        client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without("Cargo.toml", "rejected");
        client.diagnostics_without("deny.toml", "license-not-encountered");
        let meanwhile = &client.history("Cargo.toml")[before..];
        assert_eq!(meanwhile.len(), 1, "the manifest was published in between: {meanwhile:?}");
    }

    fn rejected_policy_is_reported_and_keeps_the_findings_of_the_manifest(editor) {
        let mut client = opened(editor);
        client.replace("deny.toml", "ignore = []", "ignore = 1");
        let rejected = client.diagnostics_when("deny.toml", "the error", |shown| shown.has("wanted"));
        assert_eq!(rejected.covered("wanted"), "1");
        client.replace("deny.toml", "ignore = 1", "ignore = []");
        client.diagnostics_without("deny.toml", "wanted");
        client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        let manifest = client.diagnostics("Cargo.toml");
        assert_eq!(manifest.codes(), [TIME, PLAIN]);
        client.diagnostics_without("deny.toml", "license-not-encountered");
    }

    fn closing_the_unsaved_policy_restores_the_findings_of_the_saved_one(editor) {
        let mut client = opened(editor);
        client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without("Cargo.toml", "rejected");
        client.diagnostics_without("deny.toml", "license-not-encountered");
        client.close("deny.toml");
        client.diagnostics_with("Cargo.toml", "rejected");
        let policy = client.diagnostics_with("deny.toml", "license-not-encountered");
        assert_eq!(policy.version, None);
    }

    fn findings_of_the_policy_move_with_their_lines(editor) {
        let mut client = opened(editor);
        client.insert("deny.toml", "[licenses]", "# why: é𝄞\n\n");
        let shown = client.diagnostics_when("deny.toml", "the moved finding", |shown| {
            shown.line("license-not-encountered") == 6
        });
        assert_eq!(shown.covered("license-not-encountered"), "Zlib");
    }

    fn graph_section_edits_are_applied(editor) {
        let mut client = opened_in(World::locked(GRAPH), editor);
        client.insert("deny.toml", "[licenses]", "[graph]\nexclude-dev = true\n");
        let shown = client.diagnostics_without("Cargo.toml", "RUSTSEC-2026-0001");
        assert_eq!(shown.codes(), ["RUSTSEC-2026-0002", "RUSTSEC-2026-0003"]);
        client.replace("deny.toml", "exclude-dev = true", "targets = [\"x86_64-unknown-linux-gnu\"]");
        let shown = client.diagnostics_without("Cargo.toml", "RUSTSEC-2026-0002");
        assert_eq!(shown.codes(), ["RUSTSEC-2026-0001", "RUSTSEC-2026-0003"]);
        client.replace("deny.toml", "targets = [\"x86_64-unknown-linux-gnu\"]", "exclude = [\"normal\"]");
        let shown = client.diagnostics_without("Cargo.toml", "RUSTSEC-2026-0003");
        assert_eq!(shown.codes(), ["RUSTSEC-2026-0001", "RUSTSEC-2026-0002"]);
        client.replace("deny.toml", "exclude = [\"normal\"]\n", "");
        let shown = client.diagnostics_with("Cargo.toml", "RUSTSEC-2026-0003");
        assert_eq!(shown.codes(), ["RUSTSEC-2026-0001", "RUSTSEC-2026-0002", "RUSTSEC-2026-0003"]);
        client.ignore("deny.toml");
    }
}

/// Packages that a graph section can exclude.
const GRAPH: &str = r#"
#- crate: for-tests 1.0.0
#- crate: on-windows 1.0.0
#- crate: normal 1.0.0
#- advisory: RUSTSEC-2026-0001 for-tests: One
#- advisory: RUSTSEC-2026-0002 on-windows: Two
#- advisory: RUSTSEC-2026-0003 normal: Three
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dev-dependencies]
for-tests = "1"

[target.'cfg(windows)'.dependencies]
on-windows = "1"

[dependencies]
normal = "1"
#- deny.toml
[licenses]
allow = ["MIT", "Zlib"]
"#;

#[cfg(unix)]
#[test]
fn policy_edits_do_not_run_cargo() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = opened_in(world, Editor::VsCode);
    let calls = client.world.cargo_calls();
    assert!(calls > 0, "cargo runs once");
    client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
    client.diagnostics_without("Cargo.toml", "rejected");
    client.diagnostics_without("deny.toml", "license-not-encountered");
    client.replace("deny.toml", "ignore = []", "ignore = [");
    client.diagnostics_with("deny.toml", "supercargo::policy-syntax");
    client.replace("deny.toml", "ignore = [", &format!("ignore = [\"{TIME}\"]"));
    client.diagnostics_without("Cargo.toml", TIME);
    client.diagnostics_without("deny.toml", "supercargo::policy-syntax");
    client.save("deny.toml");
    client.close("deny.toml");
    client.open("deny.toml");
    client.replace("deny.toml", "\"GPL-3.0-only\"", "\"Zlib\"");
    client.diagnostics_with("Cargo.toml", "rejected");
    client.diagnostics_with("deny.toml", "license-not-encountered");
    assert_eq!(client.world.cargo_calls(), calls);
}

#[test]
fn policy_opened_with_unsaved_text_is_used() {
    let mut client = Session::of(World::locked(SMALL)).start();
    client.open("Cargo.toml");
    client.diagnostics_with("Cargo.toml", "rejected");
    client.diagnostics_with("deny.toml", "license-not-encountered");
    let text = client.world.read("deny.toml").replace("Zlib", "GPL-3.0-only");
    client.open_with("deny.toml", "toml", &text);
    client.diagnostics_without("Cargo.toml", "rejected");
    client.diagnostics_without("deny.toml", "license-not-encountered");
}

#[test]
fn every_policy_name_of_cargo_deny_is_supported() {
    for name in [".deny.toml", ".cargo/deny.toml"] {
        let world = World::locked(&SMALL.replace("#- deny.toml", &format!("#- {name}")));
        let mut client = Session::of(world).start();
        client.open_with(name, "whatever", &client.world.read(name));
        client.diagnostics_with("Cargo.toml", "rejected");
        client.replace(name, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without("Cargo.toml", "rejected");
        client.diagnostics_without(name, "license-not-encountered");
    }
}

#[test]
fn policy_above_the_workspace_applies() {
    let below = SMALL.replace("#- Cargo.toml", "#- inner/Cargo.toml");
    let world = World::new(&below);
    world.lock("inner");
    let mut client = Session::of(world).folders(&["inner"]).start();
    client.diagnostics_with("inner/Cargo.toml", "rejected");
    client.diagnostics_with("deny.toml", "license-not-encountered");
    client.open("deny.toml");
    client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
    client.diagnostics_without("inner/Cargo.toml", "rejected");
    client.diagnostics_without("deny.toml", "license-not-encountered");
}

#[test]
fn created_and_deleted_policy_is_seen_after_the_notification() {
    let world = World::locked(SMALL);
    let policy = world.read("deny.toml");
    world.delete("deny.toml");
    let mut client = Session::of(world).start();
    let shown = client.diagnostics("Cargo.toml");
    expect![[r#"
        2| name = "app"
           `app` hint supercargo::no-policy: no `deny.toml`: checked advisories, bans and sources with cargo-deny's defaults, skipped licenses; create one with `supercargo init`
        8| cookie = "0.18"
           `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
        10| plain = "1.5"
           `1.5` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
    "#]].assert_eq(&shown.drawn());
    client.world.write("deny.toml", &policy);
    client.notify_changed("deny.toml", 1);
    let shown = client.diagnostics_without("Cargo.toml", "supercargo::no-policy");
    assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
    client.diagnostics_with("deny.toml", "license-not-encountered");
    client.world.delete("deny.toml");
    client.notify_changed("deny.toml", 3);
    client.diagnostics_with("Cargo.toml", "supercargo::no-policy");
    client.diagnostics_when("deny.toml", "nothing", crate::harness::Shown::is_empty);
}

#[test]
fn changes_in_one_notification_are_applied_in_order() {
    let mut client = opened(Editor::VsCode);
    client.change(
        "deny.toml",
        &[
            Change::at((4, 16), (4, 22), "\"A\""),
            Change::at((4, 17), (4, 18), "GPL-3.0-only"),
            Change::at((0, 0), (0, 0), "# é\r\n"),
        ],
    );
    client.diagnostics_without("Cargo.toml", "rejected");
    client.diagnostics_without("deny.toml", "license-not-encountered");
    client.change("deny.toml", &[Change::whole(SMALL.split("#- deny.toml\n").nth(1).expect("it"))]);
    client.diagnostics_with("Cargo.toml", "rejected");
    let shown = client.diagnostics_with("deny.toml", "license-not-encountered");
    assert_eq!(shown.line("license-not-encountered"), 4);
}

/// Texts of licenses are recognized ahead of an edit; they count as they are on disk.
#[test]
fn license_texts_count_at_each_edit() {
    let world = World::locked(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license-file = "LICENSE"
#- LICENSE
mine
#- deny.toml
[licenses]
allow = ["ISC"]

[[licenses.clarify]]
crate = "other"
expression = "Zlib"
license-files = []
"#,
    );
    world.write("LICENSE", include_str!("../../LICENSE-MIT"));
    let mut client = opened_in(world, Editor::VsCode);
    for _ in 0..4 {
        client.replace("deny.toml", "\"ISC\"", "\"MIT\"");
        client.diagnostics_without("Cargo.toml", "rejected");
        client.replace("deny.toml", "\"MIT\"", "\"ISC\"");
        let rejected = client.diagnostics_with("Cargo.toml", "rejected");
        assert!(rejected.drawn().contains("`MIT`"), "{}", rejected.drawn());
    }
    client.world.write("LICENSE", include_str!("../../LICENSE-APACHE"));
    client.replace("deny.toml", "\"ISC\"", "\"MIT\"");
    let rejected = client.diagnostics_when("Cargo.toml", "the new license", |shown| {
        shown.drawn().contains("`Apache-2.0`")
    });
    assert!(rejected.has("rejected"), "{}", rejected.drawn());
    // The offset of a clarification changes.
    client.replace("deny.toml", "\"MIT\"", "\"MIT\", \"Apache-2.0\"");
    client.diagnostics_without("Cargo.toml", "rejected");
    // Another edit than one of licenses uses nothing of what was gathered.
    client.insert("deny.toml", "[licenses]", "[bans]\nwildcards = \"warn\"\n\n");
    client.replace("deny.toml", "\"MIT\", \"Apache-2.0\"", "\"ISC\"");
    client.diagnostics_with("Cargo.toml", "rejected");
    client.ignore("deny.toml");
}

/// A text over the limit is never read, also not ahead of the next edit.
#[test]
fn license_text_over_the_limit_does_not_stop_edits() {
    let world = World::locked(
        r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2000-0002"]

[licenses]
allow = ["ISC"]
"#,
    );
    world.write("LICENSE", "a b\n".repeat(40 << 20));
    let mut client = opened_in(world, Editor::VsCode);
    for number in 3..8 {
        let (old, new) = (format!("2000-000{}", number - 1), format!("2000-000{number}"));
        client.replace("deny.toml", &old, &new);
        client.diagnostics_when("deny.toml", "the new entry", |shown| shown.drawn().contains(&new));
    }
    client.ignore("Cargo.toml");
}

/// cargo-deny panics if its file of globs is added twice to the files of a check.
#[test]
fn policy_with_builtin_globs_can_be_edited_again_and_again() {
    let world = World::locked(SMALL);
    let bans = "[bans]\nmultiple-versions = \"warn\"\n[bans.build]\nenable-builtin-globs = true\n";
    world.write("deny.toml", format!("{}{bans}", world.read("deny.toml")));
    let mut client = opened_in(world, Editor::VsCode);
    for (unused, license) in (2..).zip(["ISC", "0BSD", "BSL-1.0", "Unlicense"]) {
        client.replace("deny.toml", "\"Zlib\"", &format!("\"Zlib\", \"{license}\""));
        client.diagnostics_when("deny.toml", "the unused licenses", move |shown| {
            shown.codes().iter().filter(|code| **code == "license-not-encountered").count()
                == unused
        });
    }
    client.ends_with("Cargo.toml", "findings", |shown| shown.has(TIME) && shown.has("rejected"));
    client.status("exact");
}
