//! Creates a missing policy with the action on the hint, as editors apply it.

use serde_json::Value;

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const HINT: &str = "supercargo::no-policy";

fn without_policy() -> World {
    let world = World::locked(SMALL);
    world.delete(POLICY);
    world
}

fn creation(client: &mut Client) -> crate::harness::Action {
    client.open(MANIFEST);
    client.diagnostics_with(MANIFEST, HINT);
    let actions = client.actions(MANIFEST, "\"app\"");
    let created = actions.into_iter().find(|action| action.title().starts_with("create"));
    created.expect("an action that creates a policy")
}

each_editor! {
    fn policy_is_created_by_the_action_on_the_hint(editor) {
        let mut client = Session::of(without_policy()).editor(editor).start();
        let action = creation(&mut client);
        // Its `gpl` is copyleft, which needs a decision.
        assert_eq!(
            action.title(),
            "create `deny.toml` for this workspace (remaining: RUSTSEC-2024-0436, \
             RUSTSEC-2026-0009, rejected)"
        );
        assert!(!action.is_preferred());
        assert_eq!(client.world.try_read(POLICY), None, "nothing is written by asking");
        client.take_action(&action);
        let policy = client.text(POLICY);
        assert!(policy.contains("# \"GPL-3.0-only\", # gpl 1.0.0"), "{policy}");
        client.save(POLICY);
        client.ends_with(MANIFEST, "licenses are checked", |shown| {
            shown.codes() == [TIME, "rejected", PLAIN]
        });
        client.ignore(POLICY);
    }
}

#[test]
fn client_without_file_creation_gets_a_text_edit() {
    for (pointer, value) in [
        ("/workspace/workspaceEdit/resourceOperations", Value::Null),
        ("/workspace/workspaceEdit/documentChanges", Value::Bool(false)),
    ] {
        let mut client =
            Session::of(without_policy()).editor(Editor::VsCode).capability(pointer, value).start();
        let action = creation(&mut client);
        client.take_action(&action);
        assert_eq!(client.world.try_read(POLICY), None, "the buffer is not saved yet");
        assert!(client.text(POLICY).contains("[licenses]"));
        client.save(POLICY);
        client.ends_with(MANIFEST, "the policy is used", |shown| !shown.has(HINT));
        client.ignore(POLICY);
        client.ignore(MANIFEST);
    }
}

#[test]
fn existing_policy_is_not_overwritten() {
    let mut client = Session::of(without_policy()).editor(Editor::VsCode).start();
    let action = creation(&mut client);
    client.world.write(POLICY, "[bans]\n");
    let response = client.request("codeAction/resolve", action.0.clone());
    assert!(response.is_err(), "an edit over a file that is there: {response:?}");
    client.ignore(MANIFEST);
    client.ignore(POLICY);
}
