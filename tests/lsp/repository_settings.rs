//! What a file of the repository may set: nothing that hides a finding, before the workspace is trusted.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";

/// Answers to requests come after what was changed before them.
fn settle(client: &mut Client) {
    let params = json!({
        "textDocument": {"uri": client.world.uri("nowhere/Cargo.toml")},
        "position": {"line": 0, "character": 0},
    });
    assert_eq!(client.request("textDocument/hover", params), Ok(Value::Null));
}

fn trust(client: &mut Client, trusted: bool) {
    client.notify("supercargo/didChangeTrust", json!({"trusted": trusted}));
}

each_editor! {
    fn settings_hide_no_finding_of_a_workspace_that_is_not_trusted(editor) {
        let theirs = json!({
            "codes": {"vulnerability": "off"}, "checks": {"advisories": false}, "notes": true,
        });
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mut client = session.option("trusted", false.into()).settings(theirs).start();
        client.ignore("deny.toml");
        client.message("not trusted");
        client.wait_for_request("workspace/configuration");
        settle(&mut client);
        client.latest(MANIFEST, "the vulnerability", |shown| shown.has(TIME));
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| {
            shown.version.is_some() && shown.has(TIME)
        });
        // They count once the workspace is trusted, and no longer when it is not.
        trust(&mut client, true);
        client.diagnostics_when(MANIFEST, "what is not hidden", |shown| {
            shown.has("rejected") && !shown.has(TIME) && !shown.has(PLAIN)
        });
        trust(&mut client, false);
        client.ends_with(MANIFEST, "the vulnerability", |shown| shown.has(TIME));
    }

    fn what_the_user_has_chosen_at_the_start_counts_without_trust(editor) {
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mine = json!({"vulnerability": "warning"});
        let mut client = session.option("trusted", false.into()).option("codes", mine).start();
        client.ignore("deny.toml");
        client.message("not trusted");
        let shown = client.diagnostics_with(MANIFEST, TIME);
        assert_eq!(shown.only(TIME).severity, 2);
    }
}
