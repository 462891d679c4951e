//! Definitions, references, symbols, folding: from the policy to manifests and back.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::{ENTRIES, TIME},
};

const POLICY: &str = "deny.toml";
const MEMBER: &str = "app/Cargo.toml";

fn opened(editor: Editor, path: &str) -> Client {
    let mut client = Session::of(World::locked(ENTRIES)).editor(editor).start();
    for file in ["Cargo.toml", MEMBER, POLICY, "Cargo.lock"] {
        client.ignore(file);
    }
    client.open(path);
    client.status("exact");
    client
}

/// `file:line text` of each place that is led to from the only occurrence of `needle`.
fn locations(
    client: &mut Client,
    method: &str,
    path: &str,
    needle: &str,
    dependencies: bool,
) -> Vec<String> {
    let at = client.find(path, needle);
    let (uri, position) = (client.world.uri(path), client.position(path, at));
    let response = client.request(
        method,
        json!({
            "textDocument": {"uri": uri},
            "position": position,
            "context": {"includeDeclaration": dependencies},
        }),
    );
    let response = response.expect("an answer");
    let targets = response.as_array().cloned().unwrap_or_default();
    let lines = targets.iter().map(|target| {
        let file = client.file_of(target["uri"].as_str().expect("a file"));
        let text = std::fs::read_to_string(client.world.path(&file)).expect("its text");
        let line = target["range"]["start"]["line"].as_u64().expect("a line");
        let line = usize::try_from(line).expect("a small number");
        format!("{file}: {}", text.lines().nth(line).expect("the line").trim())
    });
    lines.collect()
}

fn definitions(client: &mut Client, path: &str, needle: &str) -> Vec<String> {
    locations(client, "textDocument/definition", path, needle, false)
}

fn references(client: &mut Client, path: &str, needle: &str, dependencies: bool) -> Vec<String> {
    locations(client, "textDocument/references", path, needle, dependencies)
}

each_editor! {
    fn crate_in_the_policy_leads_to_its_dependency_or_lock_entry(editor) {
        let mut client = opened(editor, POLICY);
        assert_eq!(definitions(&mut client, POLICY, "gpl\""), ["app/Cargo.toml: gpl = \"1\""]);
        assert_eq!(definitions(&mut client, POLICY, "plain"), ["app/Cargo.toml: plain = \"1.5\""]);
        // It is not a direct dependency.
        let locked = ["Cargo.lock: name = \"time\"", "Cargo.lock: name = \"time\""];
        assert_eq!(definitions(&mut client, POLICY, "time@0.2"), locked);
        assert_eq!(definitions(&mut client, POLICY, TIME), locked);
        for nothing in ["openssl", "MIT", "not ours", "multiple"] {
            assert!(definitions(&mut client, POLICY, nothing).is_empty(), "{nothing}");
        }
    }

    fn inherited_dependency_leads_to_the_workspace(editor) {
        let mut client = opened(editor, MEMBER);
        let origin = ["Cargo.toml: cookie = \"0.18\""];
        assert_eq!(definitions(&mut client, MEMBER, "cookie"), origin);
        assert_eq!(definitions(&mut client, MEMBER, "workspace"), origin);
        assert_eq!(definitions(&mut client, MEMBER, "plain"), ["Cargo.lock: name = \"plain\""]);
        assert!(definitions(&mut client, MEMBER, "edition").is_empty());
    }

    fn references_of_a_dependency_are_its_policy_entries(editor) {
        let mut client = opened(editor, MEMBER);
        assert_eq!(
            references(&mut client, MEMBER, "gpl", false),
            ["deny.toml: crate = \"gpl\""]
        );
        assert_eq!(
            references(&mut client, MEMBER, "plain", true),
            ["deny.toml: deny = [{ crate = \"openssl\" }, \"plain\"]", "app/Cargo.toml: plain = \"1.5\""]
        );
        assert!(references(&mut client, MEMBER, "old", false).is_empty());
        client.open(POLICY);
        let of_time = references(&mut client, POLICY, "time@0.2", false);
        assert_eq!(of_time, ["deny.toml: \"RUSTSEC-2026-0009\",", "deny.toml: skip = [\"time@0.2\"]"]);
    }
}

#[test]
fn definitions_and_references_work_in_broken_and_unsaved_files() {
    let mut client = opened(Editor::VsCode, MEMBER);
    client.insert(MEMBER, "[package]", "# é\n");
    client.replace(MEMBER, "old = \"1\"", "old = ");
    assert_eq!(definitions(&mut client, MEMBER, "cookie"), ["Cargo.toml: cookie = \"0.18\""]);
    assert_eq!(references(&mut client, MEMBER, "gpl", false), ["deny.toml: crate = \"gpl\""]);
    client.open(POLICY);
    client.replace(POLICY, "yanked = \"warn\"", "yanked = [");
    assert_eq!(definitions(&mut client, POLICY, "time@0.2").len(), 2);
}

fn symbols(client: &mut Client, path: &str) -> Value {
    let uri = client.world.uri(path);
    let response =
        client.request("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    response.expect("symbols")
}

fn names(symbols: &Value) -> Vec<&str> {
    let all = symbols.as_array().expect("a list");
    all.iter().map(|symbol| symbol["name"].as_str().expect("a name")).collect()
}

#[test]
fn symbols_are_nested_if_the_client_supports_it() {
    let mut client = opened(Editor::VsCode, POLICY);
    let folds = symbols(&mut client, POLICY);
    assert_eq!(names(&folds), ["advisories", "licenses", "licenses.exceptions", "bans"]);
    assert_eq!(names(&folds[0]["children"]), ["yanked", "ignore"]);
    assert_eq!(names(&folds[0]["children"][1]["children"]), [TIME, "RUSTSEC-2020-0001"]);
    assert_eq!(folds[2]["detail"], "gpl");
    client.open(MEMBER);
    let folds = symbols(&mut client, MEMBER);
    assert_eq!(names(&folds), ["dependencies"]);
    assert_eq!(names(&folds[0]["children"]), ["cookie", "gpl", "old", "plain"]);
}

#[test]
fn other_clients_get_a_flat_list() {
    let world = World::locked(ENTRIES);
    let mut client = Session::of(world)
        .capability(
            "/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport",
            Value::Bool(false),
        )
        .start();
    for file in ["Cargo.toml", MEMBER, POLICY] {
        client.ignore(file);
    }
    client.open(POLICY);
    client.status("exact");
    let folds = symbols(&mut client, POLICY);
    assert_eq!(&names(&folds)[..4], ["advisories", "yanked", "ignore", TIME]);
    assert_eq!(folds[3]["containerName"], "ignore");
    assert!(folds[3]["location"]["uri"].as_str().expect("a file").ends_with("deny.toml"));
}

fn folds(client: &mut Client, path: &str) -> Value {
    let uri = client.world.uri(path);
    let response =
        client.request("textDocument/foldingRange", json!({"textDocument": {"uri": uri}}));
    response.expect("an answer")
}

#[test]
fn only_policies_are_folded() {
    let mut client = opened(Editor::VsCode, POLICY);
    let lines: Vec<_> = folds(&mut client, POLICY)
        .as_array()
        .expect("ranges")
        .iter()
        .map(|fold| {
            (fold["startLine"].as_u64().expect("a line"), fold["endLine"].as_u64().expect("a line"))
        })
        .collect();
    assert_eq!(lines, [(0, 5), (2, 5), (7, 8), (10, 12), (14, 17)]);
    client.open(MEMBER);
    assert!(folds(&mut client, MEMBER).is_null());
}

#[test]
fn folding_is_registered_for_policies_if_the_client_supports_it() {
    let registers = |on: bool| {
        let mut client = Session::of(World::locked(ENTRIES))
            .capability("/textDocument/foldingRange/dynamicRegistration", Value::Bool(on))
            .start();
        for file in ["Cargo.toml", MEMBER, POLICY] {
            client.ignore(file);
        }
        client.status("exact");
        let asked = client.server_requests("client/registerCapability");
        let mut all = asked.iter().filter_map(|asked| asked["registrations"].as_array()).flatten();
        let registered = all.any(|one| one["method"] == "textDocument/foldingRange");
        let advertised = client.initialize_result()["capabilities"]["foldingRangeProvider"] == true;
        (registered, advertised)
    };
    assert_eq!(registers(true), (true, false));
    assert_eq!(registers(false), (false, true));
}
