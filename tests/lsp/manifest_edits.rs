//! While `Cargo.toml` is edited without saving: findings stay on their lines, none is lost, and none
//! flickers. Saving updates them.

use crate::{
    harness::{Change, Client, Editor, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const BROKEN: &str = "supercargo::resolution-failed";

/// The open manifest with its findings.
fn opened(editor: Editor) -> Client {
    opened_in(World::locked(SMALL), editor)
}

fn opened_in(world: World, editor: Editor) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "findings", |shown| shown.version.is_some());
    client.diagnostics("deny.toml");
    client
}

/// Waits for the publication of the newest version.
fn newest(client: &mut Client) -> Shown {
    let version = client.version(MANIFEST);
    client.diagnostics_when(MANIFEST, "the newest version", |shown| shown.version == Some(version))
}

each_editor! {
    fn findings_move_with_lines_that_are_inserted_above(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "[dependencies]", "description = \"é𝄞\"\n\n");
        newest(&mut client).assert_drawn(
            r#"
            10| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
            11| gpl = "1"
               `1` error rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; replace this dependency, or add an exception for it
            12| plain = "1.5"
               `1.5` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
            "#,
        );
    }

    fn findings_move_with_lines_that_are_deleted_above(editor) {
        let mut client = opened(editor);
        client.replace(MANIFEST, "edition = \"2021\"\nlicense = \"MIT\"\n", "");
        newest(&mut client).assert_drawn(
            r#"
            6| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
            7| gpl = "1"
               `1` error rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; replace this dependency, or add an exception for it
            8| plain = "1.5"
               `1.5` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
            "#,
        );
    }

    fn finding_covers_the_edited_requirement(editor) {
        let mut client = opened(editor);
        client.replace(MANIFEST, "1.5", "7.90");
        let shown = newest(&mut client);
        assert_eq!(shown.covered(PLAIN), "7.90");
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
    }

    fn findings_keep_their_lines_while_the_user_types(editor) {
        let mut client = opened(editor);
        let sequence = ["# ", "a", " b", "\n", "x", " = ", "\"1", "\"", "\n"];
        for letters in sequence {
            client.insert(MANIFEST, "[dependencies]", letters);
        }
        client.replace(MANIFEST, "cookie", "# cookie");
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        for shown in client.history(MANIFEST) {
            // A half-typed line is a syntax error.
            let codes: Vec<_> = shown.codes().into_iter().filter(|code| *code != BROKEN).collect();
            assert_eq!(codes, [TIME, "rejected", PLAIN], "no finding flickers");
            assert_eq!(shown.covered(TIME), "0.18");
        }
    }

    fn temporarily_invalid_manifest_keeps_its_findings(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "[dependencies]", "[[[ = \"\n");
        client.insert(MANIFEST, "cookie", "tim");
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [BROKEN, TIME, "rejected", PLAIN]);
        assert_eq!(shown.covered(TIME), "0.18");
        assert_eq!(shown.line(TIME), 8);
    }

    fn deleted_line_removes_its_finding(editor) {
        let mut client = opened(editor);
        client.replace(MANIFEST, "gpl = \"1\"\n", "");
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [TIME, PLAIN]);
        client.insert(MANIFEST, "plain", "gpl = \"1\"\n");
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN], "the finding is back after the undo");
    }

    fn saved_invalid_manifest_has_one_error_and_keeps_older_findings(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "[package]", "# a comment\n");
        client.replace(MANIFEST, "plain = \"1.5\"", "plain = oops");
        let shown = newest(&mut client);
        client.save(MANIFEST);
        shown.assert_drawn(
            r#"
            9| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
            10| gpl = "1"
               `1` error rejected: `gpl` 1.0.0 is licensed under `GPL-3.0-only`, which the policy does not allow; replace this dependency, or add an exception for it
            11| plain = oops
               `oops` error RUSTSEC-2024-0436: `plain` 1.5.0 is unmaintained: No longer maintained; replace it
               `oops` error supercargo::resolution-failed: cargo failed: string values must be quoted, expected literal string
            "#,
        );
        client.insert(MANIFEST, "[dependencies]", "\n");
        let moved = newest(&mut client);
        assert_eq!(moved.line(TIME), 9);
        assert_eq!(moved.covered(TIME), "0.18");
        client.replace(MANIFEST, "plain = oops", "plain = \"1.5\"");
        newest(&mut client);
        client.save(MANIFEST);
        let fixed = client.diagnostics_without(MANIFEST, BROKEN);
        assert_eq!(fixed.codes(), [TIME, "rejected", PLAIN]);
        for shown in client.history(MANIFEST) {
            assert!(shown.has(TIME), "the others did not flicker: {}", shown.drawn());
        }
    }

    fn closing_without_saving_returns_to_the_text_on_disk(editor) {
        let mut client = opened(editor);
        client.insert(MANIFEST, "[package]", "# a comment\n");
        newest(&mut client);
        client.close(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "no version", |shown| shown.version.is_none());
        assert_eq!(shown.line(TIME), 7);
        assert_eq!(shown.covered(TIME), "0.18");
    }

    fn whole_new_text_keeps_findings_on_their_lines(editor) {
        let mut client = opened(editor);
        let text = client.text(MANIFEST);
        let other = text.replace("[package]", "# a comment\n[package]").replace("1.5", "1.2");
        client.change(MANIFEST, &[Change::whole(&other)]);
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        assert_eq!(shown.covered("rejected"), "1");
        assert_eq!(shown.covered(PLAIN), "1.2");
        assert_eq!(shown.line(TIME), 8);
    }

    fn formatter_that_replaces_the_text_keeps_findings_on_their_lines(editor) {
        let mut client = opened(editor);
        let text = client.text(MANIFEST).replace("[package]", "\n\n[package]");
        client.change(MANIFEST, &[Change::at((0, 0), (10, 0), &text)]);
        let shown = newest(&mut client);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        assert_eq!(shown.line(TIME), 9);
    }
}

#[test]
fn moved_line_keeps_its_finding() {
    let mut client = opened(Editor::VsCode);
    // What VS Code sends for "move line up".
    client.change(
        MANIFEST,
        &[Change::at((9, 13), (9, 13), "\ncookie = \"0.18\""), Change::at((7, 0), (8, 0), "")],
    );
    let shown = newest(&mut client);
    assert_eq!(shown.covered(TIME), "0.18");
    assert_eq!(shown.line(TIME), 9);
}

#[test]
fn edits_after_an_unchecked_save_are_relative_to_the_older_text() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Held);
    world.release_cargo();
    let mut client = opened_in(world, Editor::VsCode);
    client.world.delete("../released");
    client.insert(MANIFEST, "[package]", "# one\n");
    client.replace(MANIFEST, "1.5", "1");
    newest(&mut client);
    let calls = client.world.cargo_calls();
    client.save(MANIFEST);
    client.world.wait_for_cargo_calls(calls + 1);
    client.insert(MANIFEST, "[package]", "# two\n");
    let shown = newest(&mut client);
    assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
    assert_eq!((shown.line(TIME), shown.covered(TIME)), (9, "0.18"));
    assert_eq!((shown.line("rejected"), shown.covered("rejected")), (10, "1"));
    client.world.release_cargo();
    client.replace(MANIFEST, "# two", "# three");
    client.replace(MANIFEST, "# one", "# four\n");
    let shown = newest(&mut client);
    assert_eq!((shown.line(TIME), shown.covered(TIME)), (10, "0.18"));
}

#[test]
fn unknown_package_is_reported_before_saving() {
    let mut client = opened(Editor::VsCode);
    client.replace(MANIFEST, "gpl = \"1\"\n", "nosuch = \"1\"\n");
    let shown = client.diagnostics_with(MANIFEST, BROKEN);
    assert_eq!(shown.covered(BROKEN), "1");
    assert_eq!(shown.line(BROKEN), 8);
    assert!(shown.has(TIME) && shown.has(PLAIN), "{}", shown.drawn());
}

#[test]
fn requirement_without_matching_version_is_reported_on_it() {
    let mut client = opened(Editor::VsCode);
    client.replace(MANIFEST, "1.5", "9.99");
    newest(&mut client);
    client.save(MANIFEST);
    let shown = client.diagnostics_with(MANIFEST, BROKEN);
    assert_eq!(shown.covered(BROKEN), "9.99");
    assert!(shown.has(TIME) && shown.has("rejected") && shown.has(PLAIN), "{}", shown.drawn());
}

#[test]
fn wildcard_requirement_is_found_among_others() {
    let world = World::locked(SMALL);
    world.edit("deny.toml", "[licenses]", "[bans]\nwildcards = \"deny\"\n\n[licenses]");
    let mut client = opened_in(world, Editor::VsCode);
    client.ignore(MANIFEST);
    let mut before = "\"1.5\"".to_owned();
    for requirement in
        ["\"1\"", "\"*\"", "\"1.5.0\"", "{ version = '*' }", "\">=1, <9\"", "\"=1.5\""]
    {
        client.replace(MANIFEST, &format!("plain = {before}"), &format!("plain = {requirement}"));
        let is_wildcard = requirement.contains('*');
        client.latest(MANIFEST, "the exact verdict", |shown| {
            shown.has("wildcard") == is_wildcard
                && shown.has(PLAIN)
                && (!is_wildcard || shown.covered("wildcard") == "*")
        });
        client.status("exact");
        before = requirement.to_owned();
    }
}
