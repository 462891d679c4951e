//! The status of a workspace after every change: `supercargo/status`.

use serde_json::json;

use crate::{
    harness::{Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

each_editor! {
    fn status_comes_after_the_findings(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        let status = client.status("exact");
        assert_eq!(client.states(), ["resolving", "exact"]);
        assert_eq!(status["workspace"], client.world.uri(""));
        assert_eq!(status["text"], "3 errors, 1 warning");
        assert_eq!(
            status["checks"],
            json!({
                "advisories": {"errors": 2, "warnings": 0},
                "bans": {"errors": 0, "warnings": 0},
                "licenses": {"errors": 1, "warnings": 1},
                "sources": {"errors": 0, "warnings": 0},
            })
        );
        assert_eq!(status["exitCode"], 1 | 4);
        assert_eq!(status["database"], json!({"date": null}));
        // The findings came before.
        assert_eq!(client.history(MANIFEST).len(), 1);
        client.diagnostics_with(MANIFEST, TIME);
        client.diagnostics(POLICY);
    }

    fn edited_policy_changes_the_state(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.status("exact");
        client.open(POLICY);
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_without(POLICY, "license-not-encountered");
        client.status_when("no license error", |status| status["exitCode"] == 1);
        client.replace(POLICY, "ignore = []", "ignore = 1");
        let failed = client.status("failed");
        assert_eq!(failed["exitCode"], 70);
        assert!(failed["message"].as_str().is_some_and(|words| !words.is_empty()), "{failed}");
        client.diagnostics_when(POLICY, "an error", |shown| !shown.is_empty());
        let statuses = client.states();
        assert_eq!(statuses, ["resolving", "exact", "exact", "failed"]);
    }

    fn half_typed_policy_is_reported_with_its_line_and_the_counts_before(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        let found = client.status("exact")["checks"].clone();
        client.open(POLICY);
        client.diagnostics_with(MANIFEST, TIME);
        client.diagnostics_when(POLICY, "its version", |shown| shown.version.is_some());
        let at = client.find(POLICY, "ignore = []");
        let line = client.position(POLICY, at).line + 1;

        client.replace(POLICY, "ignore = []", "ignore = [\"");
        let half = client.status("failed");
        assert_eq!(half["exitCode"], 70, "a broken policy is never clean");
        assert_eq!(half["checks"], json!({}), "no check used it");
        let text = format!("error in deny.toml at line {line} (last check: 3 errors, 1 warning)");
        assert_eq!(half["text"], text);
        assert_eq!(
            half["brokenPolicy"],
            json!({"file": client.world.uri(POLICY), "line": line, "checksBefore": found})
        );
        client.diagnostics_with(POLICY, "supercargo::policy-syntax");

        // With an error elsewhere, the counts before are still known.
        client.replace(POLICY, "ignore = [\"", "\nignore = oops");
        let still = client
            .status_when("another line", |status| status["brokenPolicy"]["line"] == line + 1);
        assert_eq!(still["exitCode"], 70);
        assert_eq!(still["brokenPolicy"]["checksBefore"], found);
        client.diagnostics_with(POLICY, "supercargo::policy-syntax");

        client.replace(POLICY, "\nignore = oops", "ignore = []");
        let whole = client.status("exact");
        assert_eq!(whole["checks"], found);
        assert_eq!(whole.get("brokenPolicy"), None);
        client.diagnostics_without(POLICY, "supercargo::policy-syntax");
    }

    fn policy_with_an_error_at_the_start_has_no_counts_before(editor) {
        let world = World::locked(SMALL);
        world.write(POLICY, "[licenses]\nallow = [\n");
        let mut client = Session::of(world).editor(editor).start();
        let failed = client.status("failed");
        assert_eq!(failed["exitCode"], 70);
        assert_eq!(failed["brokenPolicy"]["checksBefore"], json!({}));
        client.diagnostics_with(POLICY, "supercargo::policy-syntax");
    }

    fn counts_before_are_those_of_the_shown_findings(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.status("exact");
        client.open(POLICY);
        client.ignore(POLICY);
        client.replace(POLICY, "ignore = []", &format!("ignore = [\"{TIME}\"]"));
        client.diagnostics_without(MANIFEST, TIME);
        // The findings come before the status, and the user types on.
        client.replace(POLICY, "ignore = [", "ignore = [[");
        let half = client.status("failed");
        let before = &half["brokenPolicy"]["checksBefore"];
        assert_eq!(before["advisories"], json!({"errors": 1, "warnings": 0}), "{half}");
    }
}

#[test]
fn text_has_the_same_numbers_as_the_list_of_problems() {
    let policy = "[advisories]\nyanked = \"allow\"\n[licenses]\nallow = [\"MIT\", \"Zlib\"]\n";
    let world = World::locked(SMALL);
    world.write(POLICY, policy);
    let mut client = Session::of(world).start();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    let status = client.status("exact");
    assert_eq!(status["text"], "3 errors, 2 warnings, 1 of them not counted by cargo-deny");
    assert_eq!(status["uncounted"], json!({"errors": 0, "warnings": 1}));
    let shown = [MANIFEST, POLICY].map(|file| {
        let shown = client.history(file);
        shown.last().expect("published").diagnostics.clone()
    });
    let of = |severity| shown.iter().flatten().filter(|one| one.severity == severity).count();
    assert_eq!((of(1), of(2)), (3, 2));
}
