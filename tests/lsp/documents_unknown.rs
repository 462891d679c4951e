//! An edit that cannot be applied makes the text of its document unknown, until the whole text comes:
//! the file on disk is checked, and requests about the document have empty responses.

use serde_json::{Value, json};

use crate::{
    harness::{Change, Client, Editor, Session, Shown, World, each_editor, frame},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

/// An open manifest with its findings.
fn opened(editor: Editor) -> Client {
    let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
    client.ignore(POLICY);
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| {
        shown.version.is_some() && !shown.is_empty()
    });
    client
}

fn newest(client: &mut Client) -> Shown {
    let version = client.version(MANIFEST);
    client.diagnostics_when(MANIFEST, "the newest version", |shown| shown.version == Some(version))
}

/// Sends `contentChanges` unchanged, and records the text of the editor after them.
fn send(client: &mut Client, changes: &Value, text: &str) {
    let version = client.editor.next_version(client.version(MANIFEST));
    client.record_version(MANIFEST, version, text);
    let uri = client.world.uri(MANIFEST);
    let document = json!({"uri": uri, "version": version});
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": document, "contentChanges": changes}),
    );
}

/// Sends an edit that cannot be applied: it starts far below the text.
fn send_inapplicable_edit(client: &mut Client) {
    client.set_text_unknown(MANIFEST, true);
    let position = json!({"line": 4000, "character": 0});
    let text = format!("# lost\n{}", client.text(MANIFEST));
    send(
        client,
        &json!([{"range": {"start": position, "end": position}, "text": "# lost\n"}]),
        &text,
    );
    client.message("could not apply an edit");
}

/// Requests about the text have empty responses.
fn assert_text_is_unknown(client: &mut Client) {
    assert!(client.hover(MANIFEST, "cookie").is_none());
    let uri = client.world.uri(MANIFEST);
    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    for (method, more) in [
        ("textDocument/inlayHint", json!({"range": whole})),
        ("textDocument/documentLink", json!({})),
        ("textDocument/codeLens", json!({})),
        ("textDocument/documentSymbol", json!({})),
        ("textDocument/codeAction", json!({"range": whole, "context": {"diagnostics": []}})),
    ] {
        let mut params = json!({"textDocument": {"uri": uri}});
        params
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let result = client.request(method, params).expect("a result");
        assert!(result.is_null() || result == json!([]), "{method}: {result}");
    }
}

each_editor! {
    fn inapplicable_edit_makes_the_file_on_disk_checked(editor) {
        let mut client = opened(editor);
        // Before that, findings are those of the document.
        client.replace(MANIFEST, "plain = \"1.5\"\n", "");
        client.diagnostics_without(MANIFEST, PLAIN);
        send_inapplicable_edit(&mut client);
        let shown = client.diagnostics_when(MANIFEST, "the file on disk", |shown| {
            shown.version.is_none() && shown.has(PLAIN)
        });
        assert_eq!((shown.covered(TIME), shown.covered(PLAIN)), ("0.18", "1.5"));
        assert_text_is_unknown(&mut client);
        // Edits of an unknown text change nothing.
        client.insert(MANIFEST, "[package]", "# one\n");
        assert_text_is_unknown(&mut client);
        // The whole text makes the document known again.
        let text = client.text(MANIFEST);
        client.change(MANIFEST, &[Change::whole(&text)]);
        let version = client.version(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "the buffer again", |shown| {
            shown.version == Some(version) && shown.has(TIME) && !shown.has(PLAIN)
        });
        client.set_text_unknown(MANIFEST, false);
        assert_eq!(shown.covered(TIME), "0.18");
        assert!(client.hover(MANIFEST, "0.18").is_some());
        client.insert(MANIFEST, "[package]", "# two\n");
        assert_eq!(newest(&mut client).covered(TIME), "0.18");
    }

    fn edit_with_internal_error_makes_the_text_unknown(editor) {
        let mut world = World::locked(SMALL);
        world.set("SUPERCARGO_PANIC_IN", "edit");
        let mut client = Session::of(world).editor(editor).start();
        client.expect_panics();
        client.ignore(POLICY);
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.set_text_unknown(MANIFEST, true);
        client.insert(MANIFEST, "[package]", "# one\n");
        client.message("internal error while applying an edit of");
        client.message("could not apply an edit");
        assert_text_is_unknown(&mut client);
        let text = client.text(MANIFEST);
        client.change(MANIFEST, &[Change::whole(&text)]);
        let shown = newest(&mut client);
        client.set_text_unknown(MANIFEST, false);
        assert_eq!((shown.line(TIME), shown.covered(TIME)), (8, "0.18"));
    }

    fn save_makes_the_text_known(editor) {
        for with_text in [true, false] {
            let mut client = opened(editor);
            send_inapplicable_edit(&mut client);
            client.diagnostics_when(MANIFEST, "the file on disk", |shown| shown.version.is_none());
            client.write(MANIFEST);
            if with_text {
                client.notify_saved_with_text(MANIFEST);
            } else {
                client.notify_saved(MANIFEST);
            }
            let shown = newest(&mut client);
            client.set_text_unknown(MANIFEST, false);
            assert_eq!((shown.line(TIME), shown.covered(TIME)), (8, "0.18"));
            client.insert(MANIFEST, "[package]", "# more\n");
            let shown = newest(&mut client);
            assert_eq!((shown.line(TIME), shown.covered(TIME)), (9, "0.18"));
        }
    }

    fn reopening_makes_the_text_known(editor) {
        let mut client = opened(editor);
        send_inapplicable_edit(&mut client);
        client.diagnostics_when(MANIFEST, "the file on disk", |shown| shown.version.is_none());
        let text = client.text(MANIFEST);
        client.close(MANIFEST);
        client.open_with(MANIFEST, "toml", &text);
        let shown = client.diagnostics_when(MANIFEST, "a version", |shown| {
            shown.version.is_some() && shown.has(TIME) && shown.line(TIME) == 8
        });
        client.set_text_unknown(MANIFEST, false);
        assert_eq!(shown.covered(TIME), "0.18");
    }

    fn edit_with_half_a_surrogate_pair_is_applied(editor) {
        let mut client = opened(editor);
        // `serde_json` cannot write it, and does not read it.
        let version = editor.next_version(client.version(MANIFEST));
        let uri = client.world.uri(MANIFEST);
        let start = json!({"line": 0, "character": 0});
        let edit = json!({
            "jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
                "textDocument": {"uri": uri, "version": version},
                "contentChanges": [{"range": {"start": start, "end": start}, "text": "# HALF\\\n\n"}],
            },
        });
        let edit = edit.to_string().replace("HALF", r"\ud83d");
        client.process().send_bytes(&frame(&edit));
        let text = format!("# \u{fffd}\\\n\n{}", client.text(MANIFEST));
        client.record_version(MANIFEST, version, &text);
        // The next edit is applied at the right position, also after the half.
        client.insert(MANIFEST, "\\\n", "x");
        client.replace(MANIFEST, "0.18", "0.18.1");
        let version = client.version(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "the new requirement", |shown| {
            shown.version == Some(version) && shown.has(TIME) && shown.covered(TIME) == "0.18.1"
        });
        assert_eq!(shown.line(TIME), 9);
        assert!(client.hover(MANIFEST, "0.18.1").is_some());
    }

    fn unreadable_edit_makes_its_document_unknown(editor) {
        // Unreadable parameters, and an unreadable message.
        let unread = [
            (false, r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"URI","version":99999999999},"contentChanges":[]}}"#),
            (false, r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"URI","version":7},"contentChanges":[{"range":{"start":{"line":-1,"character":0},"end":{"line":0,"character":0}},"text":""}]}}"#),
            (true, r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"URI","version":7},"contentChanges":[{"text":"TEXT"}]}"#),
            (true, r#"[{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"URI","version":7},"contentChanges":[]}}]"#),
        ];
        for (is_refused, unread) in unread {
            let mut client = opened(editor);
            let uri = client.world.uri(MANIFEST);
            let other = client.world.uri(POLICY);
            client.open(POLICY);
            // It is about another document.
            client.process().send_bytes(&frame(&unread.replace("URI", &format!("{other}x"))));
            assert!(client.hover(MANIFEST, "0.18").is_some());
            client.set_text_unknown(MANIFEST, true);
            client.process().send_bytes(&frame(&unread.replace("URI", &uri)));
            if is_refused {
                client.error_for_invalid_message();
                client.error_for_invalid_message();
            }
            client.message("could not apply an edit");
            assert_text_is_unknown(&mut client);
            client.diagnostics_when(MANIFEST, "the file on disk", |shown| shown.version.is_none());
        }
    }

    fn unknown_text_gets_no_fix(editor) {
        let mut client = opened(editor);
        client.open(POLICY);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.status("exact");
        let offered = |client: &mut Client| {
            let actions = client.actions(MANIFEST, "gpl");
            actions.iter().filter(|action| action.title().contains("GPL")).count()
        };
        assert!(offered(&mut client) > 0);
        client.set_text_unknown(POLICY, true);
        let position = json!({"line": 4000, "character": 0});
        let uri = client.world.uri(POLICY);
        let document = json!({"uri": uri, "version": 7});
        let changes = json!([{"range": {"start": position, "end": position}, "text": "x"}]);
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
        client.message("could not apply an edit");
        client.status("exact");
        // All fixes would edit the policy.
        assert_eq!(offered(&mut client), 0);
    }
}
