//! Lenses above the entries of a policy, and what diagnostics carry besides their message.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Diagnostic, Editor, Session, World, each_editor},
    worlds::ENTRIES,
};

const POLICY: &str = "deny.toml";

fn opened(editor: Editor, setting: bool) -> Client {
    let session = Session::of(World::locked(ENTRIES)).editor(editor);
    let mut client = session.option("entryLenses", Value::Bool(setting)).start();
    for file in ["Cargo.toml", "app/Cargo.toml", POLICY] {
        client.ignore(file);
    }
    client.open(POLICY);
    client.status("exact");
    client
}

/// `line title` of each lens.
fn lenses(client: &mut Client) -> Vec<String> {
    let uri = client.world.uri(POLICY);
    let response = client.request("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    let response = response.expect("lenses");
    let titles = response.as_array().expect("a list").iter().map(|lens| {
        let line = &lens["range"]["start"]["line"];
        format!("{line} {}", lens["command"]["title"].as_str().expect("a title"))
    });
    titles.filter(|title| !title.contains("gate:")).collect()
}

each_editor! {
    fn entries_show_their_effects(editor) {
        let mut client = opened(editor, true);
        let shown = [
            "3 suppresses 2 findings",
            "4 matches nothing",
            "8 2 licenses of 6 packages · 1 matches nothing",
            "10 applies to 1 package",
            "16 skips 1 package",
            "17 openssl: matches nothing · plain: bans 1 package",
        ];
        assert_eq!(lenses(&mut client), shown);
        // Also while the text is broken.
        client.replace(POLICY, "multiple-versions = \"deny\"", "multiple-versions = ");
        client.latest(POLICY, "the syntax error", |shown| shown.has("supercargo::policy-syntax"));
        assert_eq!(lenses(&mut client), shown);
    }
}

#[test]
fn entry_lenses_can_be_disabled() {
    let mut client = opened(Editor::VsCode, false);
    assert!(lenses(&mut client).is_empty());
}

/// The diagnostics of a file as they were published last.
fn published(client: &mut Client, path: &str) -> Vec<Diagnostic> {
    let shown = client.history(path);
    shown.last().expect("something was published").diagnostics.clone()
}

#[test]
fn diagnostic_data_has_parts_package_and_path() {
    let mut client =
        Session::of(World::locked(ENTRIES.replace("\"RUSTSEC-2026-0009\",\n", "\n").as_str()))
            .capability("/textDocument/publishDiagnostics/dataSupport", Value::Bool(true))
            .start();
    for file in ["Cargo.toml", "app/Cargo.toml", POLICY] {
        client.ignore(file);
    }
    client.status("exact");
    let all = published(&mut client, "app/Cargo.toml");
    let (diagnostic, data) = all
        .iter()
        .filter_map(|one| Some((one, one.data.clone()?)))
        .filter(|(_, data)| data["path"][1] == "old 1.0.0" && data["package"]["name"] == "time")
        .find(|(_, data)| data["check"] == "advisories")
        .expect("the finding through `old`");
    let part = |name: &str| data[name].as_str().expect("a text").to_owned();
    let (message, title, remedy) = (part("message"), part("title"), part("remedy"));
    assert!(message.ends_with(&title), "{message}");
    assert_eq!(diagnostic.message, format!("{message}, via old 1.0.0 -> time 0.2.0; {remedy}"));
    let id = data["id"].as_str().expect("an id");
    assert_eq!(id.len(), 16, "{id}");
    assert_eq!(
        data,
        json!({
            "id": id,
            "check": "advisories",
            "message": message,
            "title": title,
            "remedy": remedy,
            "package": {"name": "time", "version": "0.2.0"},
            "path": ["app 0.1.0", "old 1.0.0", "time 0.2.0"],
            "otherPaths": 0,
        })
    );
}

#[test]
fn unused_entries_have_the_unnecessary_tag_if_supported() {
    let tags = |set: Value| {
        let mut client = Session::of(World::locked(ENTRIES))
            .capability("/textDocument/publishDiagnostics/tagSupport", set)
            .start();
        for file in ["Cargo.toml", "app/Cargo.toml", POLICY] {
            client.ignore(file);
        }
        client.status("exact");
        let all = published(&mut client, POLICY);
        let shown = all.iter().find(|one| one.code.as_deref() == Some("license-not-encountered"));
        shown.expect("the finding").tags.clone()
    };
    assert_eq!(tags(json!({"valueSet": [1, 2]})), [1]);
    assert!(tags(json!({"valueSet": [2]})).is_empty());
    assert!(tags(Value::Null).is_empty());
}
