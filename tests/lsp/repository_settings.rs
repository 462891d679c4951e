//! Settings in a file of the repository: before the workspace is trusted, they cannot hide a finding.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";

/// After the response to a request, all earlier changes are applied.
fn wait_for_responses(client: &mut Client) {
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
        wait_for_responses(&mut client);
        client.latest(MANIFEST, "the vulnerability", |shown| shown.has(TIME));
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| {
            shown.version.is_some() && shown.has(TIME)
        });
        // They apply while the workspace is trusted.
        trust(&mut client, true);
        client.diagnostics_when(MANIFEST, "what is not hidden", |shown| {
            shown.has("rejected") && !shown.has(TIME) && !shown.has(PLAIN)
        });
        trust(&mut client, false);
        client.ends_with(MANIFEST, "the vulnerability", |shown| shown.has(TIME));
    }

    fn initialization_options_apply_without_trust(editor) {
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mine = json!({"vulnerability": "warning"});
        let mut client = session.option("trusted", false.into()).option("codes", mine).start();
        client.ignore("deny.toml");
        client.message("not trusted");
        let shown = client.diagnostics_with(MANIFEST, TIME);
        assert_eq!(shown.only(TIME).severity, 2);
    }
}
