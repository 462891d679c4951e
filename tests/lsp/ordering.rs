//! Order: a request uses the text of its time, quick changes end in the right state, and every request
//! gets a response.

use serde_json::json;

use crate::{
    harness::{Client, Editor, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn opened(editor: Editor) -> Client {
    let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
    for file in [MANIFEST, POLICY] {
        client.open(file);
        client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
    }
    client
}

each_editor! {
    fn many_quick_changes_of_a_policy_end_in_the_right_findings(editor) {
        let mut client = opened(editor);
        let licenses = ["\"Zlib\"", "\"GPL-3.0-only\""];
        for round in 0..200 {
            client.replace(POLICY, licenses[round % 2], licenses[(round + 1) % 2]);
        }
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.ends_with(MANIFEST, "two findings", |shown| shown.codes() == [TIME, PLAIN]);
        // After a later verdict no earlier one can come.
        client.replace(POLICY, "ignore = []", "ignore = [\"RUSTSEC-2000-0002\"]");
        client.ends_with(POLICY, "the entry", |shown| shown.has("unknown-advisory"));
    }

    fn many_quick_changes_of_a_manifest_end_on_the_right_lines(editor) {
        let mut client = opened(editor);
        for round in 0..200 {
            client.insert(MANIFEST, "[dependencies]", &format!("# {round}\n"));
        }
        let version = client.version(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "the end", |shown| {
            shown.version == Some(version)
        });
        assert_eq!((shown.line(TIME), shown.covered(TIME)), (207, "0.18"));
    }

    fn hover_uses_the_text_of_its_request(editor) {
        let mut client = opened(editor);
        let mut asked = Vec::new();
        for round in 0..20 {
            client.insert(MANIFEST, "[package]", &format!("# {round}\n"));
            asked.push((round, client.request_hover(MANIFEST, "0.18")));
        }
        for (round, id) in asked {
            let hover = client.response(id).expect("a hover is answered");
            assert_eq!(hover["range"]["start"]["line"], 7 + round + 1, "{hover}");
        }
        let version = client.version(MANIFEST);
        client.diagnostics_when(MANIFEST, "the end", |shown| shown.version == Some(version));
    }

    fn canceled_hover_gets_a_response(editor) {
        let mut client = opened(editor);
        for _ in 0..20 {
            let id = client.request_hover(MANIFEST, "0.18");
            client.notify("$/cancelRequest", json!({"id": id}));
            match client.response(id) {
                Ok(hover) => assert!(hover["contents"]["value"].is_string()),
                Err(error) => assert_eq!(error.code, -32800),
            }
        }
        client.notify("$/cancelRequest", json!({"id": 999_999}));
        client.notify("$/cancelRequest", json!({"id": "nothing"}));
        assert!(client.hover(MANIFEST, "0.18").is_some());
    }
}

#[test]
fn many_requests_at_once_all_get_responses() {
    let mut client = opened(Editor::VsCode);
    let asked: Vec<_> = (0..300).map(|_| client.request_hover(MANIFEST, "0.18")).collect();
    for id in asked.into_iter().rev() {
        assert!(client.response(id).is_ok());
    }
}

#[test]
fn opening_and_closing_quickly_ends_in_the_right_state() {
    let mut client = opened(Editor::VsCode);
    for _ in 0..20 {
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.close(POLICY);
        client.open(POLICY);
    }
    client.replace(POLICY, "ignore = []", &format!("ignore = [\"{TIME}\", \"{PLAIN}\"]"));
    client.diagnostics_when(MANIFEST, "the end", |shown| shown.codes() == ["rejected"]);
    client.ignore(POLICY);
}

#[test]
fn document_opened_twice_has_the_last_text() {
    let mut client = opened(Editor::VsCode);
    let text = client.text(MANIFEST);
    client.open_with(MANIFEST, "toml", &format!("# again\n{text}"));
    let shown = client.diagnostics_when(MANIFEST, "the second", |shown| shown.line(TIME) == 8);
    assert_eq!(shown.covered(TIME), "0.18");
}

#[test]
fn changes_of_closed_documents_are_ignored() {
    let mut client = Session::of(World::locked(SMALL)).start();
    let uri = client.world.uri(MANIFEST);
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": uri, "version": 7}, "contentChanges": [{"text": "oops"}]}),
    );
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    assert_eq!(client.diagnostics(MANIFEST).version, None);
    client.diagnostics_when(POLICY, "findings", |shown: &Shown| !shown.is_empty());
}
