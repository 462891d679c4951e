//! Completion in a policy, for each client.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn started(session: Session) -> Client {
    let mut client = session.start();
    client.open(MANIFEST);
    client.open(POLICY);
    for file in [MANIFEST, POLICY] {
        client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
        client.ignore(file);
    }
    client
}

fn opened(editor: Editor) -> Client {
    started(Session::of(World::locked(SMALL)).editor(editor))
}

/// The completion list at the end of the only occurrence of `needle`.
fn completed(client: &mut Client, path: &str, needle: &str) -> Value {
    let at = client.find(path, needle) + needle.len();
    let position = client.position(path, at);
    let uri = client.world.uri(path);
    let params = json!({"textDocument": {"uri": uri}, "position": position});
    let id = client.send_request("textDocument/completion", params);
    client.response(id).expect("completion is answered")
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().expect("a list of items")
}

fn labels(list: &Value) -> Vec<&str> {
    items(list).iter().map(|item| item["label"].as_str().expect("a label")).collect()
}

fn item<'l>(list: &'l Value, label: &str) -> &'l Value {
    let found = items(list).iter().find(|item| item["label"] == label);
    found.unwrap_or_else(|| panic!("no {label} among {:?}", labels(list)))
}

/// The text that an item replaces.
fn covered(client: &mut Client, path: &str, item: &Value) -> String {
    let range = serde_json::from_value(item["textEdit"]["range"].clone()).expect("a range");
    let text = client.text(path);
    client.encoding.covered(&text, range).to_owned()
}

fn inserted(item: &Value) -> &str {
    item["textEdit"]["newText"].as_str().expect("a text")
}

/// Whether the client has a capability.
fn supports(client: &Client, pointer: &str) -> bool {
    client.capabilities().pointer(pointer) == Some(&Value::Bool(true))
}

const SNIPPETS: &str = "/textDocument/completion/completionItem/snippetSupport";

each_editor! {
    fn licenses_in_the_graph_come_first_and_replace_the_text_in_quotes(editor) {
        let mut client = opened(editor);
        let list = completed(&mut client, POLICY, "\"MIT\", \"");
        assert_eq!(list["isIncomplete"], true);
        let first = &items(&list)[0];
        assert_eq!(first["label"], "GPL-3.0-only");
        assert_eq!(first["detail"], "1 package");
        assert_eq!(covered(&mut client, POLICY, first), "Zlib");
        assert_eq!(inserted(first), "GPL-3.0-only");
        assert!(first["sortText"].as_str() < items(&list)[1]["sortText"].as_str());
        assert_eq!(item(&list, "0BSD")["detail"], "no package uses it");
    }

    fn advisories_with_findings_come_first(editor) {
        let mut client = opened(editor);
        let list = completed(&mut client, POLICY, "ignore = [");
        let first = &items(&list)[0];
        assert_eq!(first["label"], "RUSTSEC-2024-0436");
        assert_eq!(first["detail"], "plain 1.5.0");
        assert_eq!(inserted(first), "\"RUSTSEC-2024-0436\"");
        let entry = item(&list, &format!("{{ id = \"{TIME}\", reason }}"));
        let reason = "TODO: why this is acceptable";
        let reason = if supports(&client, SNIPPETS) { format!("${{1:{reason}}}") } else { reason.to_owned() };
        let open = if supports(&client, SNIPPETS) { "\\}" } else { "}" };
        assert_eq!(inserted(entry), format!("{{ id = \"{TIME}\", reason = \"{reason}\" {open}"));
    }

    fn keys_have_placeholders_if_the_client_supports_snippets(editor) {
        let mut client = opened(editor);
        client.replace(POLICY, "ignore = []", "ignore = []\nunm");
        let list = completed(&mut client, POLICY, "unm");
        assert_eq!(labels(&list), ["unmaintained"]);
        let key = item(&list, "unmaintained");
        assert_eq!(covered(&mut client, POLICY, key), "unm");
        let (format, text) = if supports(&client, SNIPPETS) {
            (2, "unmaintained = ${1|\"all\",\"workspace\",\"transitive\",\"none\"|}")
        } else {
            (1, "unmaintained = \"all\"")
        };
        assert_eq!((key["insertTextFormat"].as_u64(), inserted(key)), (Some(format), text));
        let documentation = key["documentation"]["value"].as_str().expect("a text");
        assert!(documentation.contains("calls them unmaintained"), "{documentation}");
    }

    fn columns_use_the_encoding_of_the_client(editor) {
        let mut client = opened(editor);
        client.replace(POLICY, "allow = [\"MIT\", \"Zlib\"]", "allow = [\"é𝄞\", \"MIT\", \"GP");
        let list = completed(&mut client, POLICY, "\"GP");
        let license = item(&list, "GPL-3.0-only");
        assert_eq!(covered(&mut client, POLICY, license), "GP");
        assert_eq!(inserted(license), "GPL-3.0-only\"");
    }

    fn graph_is_used_in_a_broken_policy(editor) {
        let mut client = opened(editor);
        client.replace(POLICY, "[advisories]", "= [broken\n[[bans\n[advisories]");
        let list = completed(&mut client, POLICY, "\"MIT\", \"");
        assert_eq!(labels(&list)[0], "GPL-3.0-only");
    }

    fn manifests_have_no_completion(editor) {
        let mut client = opened(editor);
        assert_eq!(completed(&mut client, MANIFEST, "cookie = \""), Value::Null);
    }
}

#[test]
fn client_without_snippets_and_markdown_gets_plain_text() {
    let session = Session::of(World::locked(SMALL)).capability(
        "/textDocument/completion",
        json!({"completionItem": {"snippetSupport": false, "documentationFormat": ["plaintext"]}}),
    );
    let mut client = started(session);
    let list = completed(&mut client, POLICY, "ignore = []\n");
    let key = item(&list, "unsound");
    assert_eq!(key["insertTextFormat"], 1);
    assert_eq!(inserted(key), "unsound = \"workspace\"");
    assert_eq!(key["documentation"]["kind"], "plaintext");
    let documentation = key["documentation"]["value"].as_str().expect("a text");
    assert!(!documentation.contains('`'), "{documentation}");
}

#[test]
fn markdown_documentation_has_the_example_as_toml() {
    let session = Session::of(World::locked(SMALL)).capability(
        "/textDocument/completion",
        json!({"completionItem": {"snippetSupport": true, "documentationFormat": ["markdown"]}}),
    );
    let mut client = started(session);
    let list = completed(&mut client, POLICY, "ignore = []\n");
    let documentation = item(&list, "yanked")["documentation"].clone();
    assert_eq!(documentation["kind"], "markdown");
    let documentation = documentation["value"].as_str().expect("a text");
    assert!(
        documentation.contains("```toml\n[advisories]\nyanked = \"deny\"\n"),
        "{documentation}"
    );
}

#[test]
fn key_completion_can_be_disabled() {
    let session = Session::of(World::locked(SMALL)).option("keyCompletion", false.into());
    let mut client = started(session);
    let list = completed(&mut client, POLICY, "ignore = []\n");
    assert_eq!(labels(&list), [""; 0]);
    let list = completed(&mut client, POLICY, "ignore = [");
    assert_eq!(labels(&list)[0], "RUSTSEC-2024-0436");
}

#[test]
fn exceptions_file_is_completed_too() {
    let world = World::locked(SMALL);
    world.write("deny.exceptions.toml", "exceptions = []\n");
    let mut client = started(Session::of(world));
    client.open("deny.exceptions.toml");
    client.ignore("deny.exceptions.toml");
    let list = completed(&mut client, "deny.exceptions.toml", "exceptions = [");
    let first = &items(&list)[0];
    assert_eq!(first["label"], "{ crate = \"gpl@1.0.0\", allow }");
    assert_eq!(covered(&mut client, "deny.exceptions.toml", first), "");
}

#[test]
fn trigger_characters_are_registered() {
    let mut client = opened(Editor::VsCode);
    let triggers =
        client.initialize_result()["capabilities"]["completionProvider"]["triggerCharacters"]
            .clone();
    assert_eq!(triggers, json!(["\"", "[", "{", "=", ".", "@", ":"]));
    client.end();
}
