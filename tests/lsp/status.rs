//! The state of the gate is told after every change: `supercargo/status`.

use serde_json::json;

use crate::{
    harness::{Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

each_editor! {
    fn the_verdict_is_told_after_its_findings(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        let status = client.status("exact");
        assert_eq!(client.states(), ["resolving", "exact"]);
        assert_eq!(status["workspace"], client.world.uri(""));
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
        // They had come before.
        assert_eq!(client.history(MANIFEST).len(), 1);
        client.diagnostics_with(MANIFEST, TIME);
        client.diagnostics(POLICY);
    }

    fn an_edited_policy_changes_the_state(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.status("exact");
        client.open(POLICY);
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_without(POLICY, "license-not-encountered");
        client.status_when("no licence error", |status| status["exitCode"] == 1);
        client.replace(POLICY, "ignore = []", "ignore = 1");
        let failed = client.status("failed");
        assert_eq!(failed["exitCode"], 70);
        assert!(failed["message"].as_str().is_some_and(|words| !words.is_empty()), "{failed}");
        client.diagnostics_when(POLICY, "an error", |shown| !shown.is_empty());
        let statuses = client.states();
        assert_eq!(statuses, ["resolving", "exact", "exact", "failed"]);
    }
}
