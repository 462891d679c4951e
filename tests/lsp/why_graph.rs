//! Dependency graphs: the request for one, and the same as a document.

use expect_test::expect;
use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const REQUEST: &str = "supercargo/whyGraph";

/// Two members, of which one needs `time` in three ways.
const GRAPH: &str = r#"
#- crate: time 0.3.44
#- crate: cookie 0.18.1 -> time 0.3
#- crate: plain 1.5.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- Cargo.toml
[workspace]
members = ["app", "lib"]
resolver = "2"

[workspace.dependencies]
cookie = "0.18"
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[features]
default = ["clock"]
clock = ["dep:time"]

[dependencies]
lib = { path = "../lib" }
plain = "1.5"
time = { version = "0.3.40", optional = true }

[build-dependencies]
time = "0.3"
#- lib/Cargo.toml
[package]
name = "lib"
version = "0.2.0"
edition = "2021"
license = "MIT"

[dependencies]
cookie.workspace = true
#- deny.toml
[advisories]
ignore = []

[licenses]
allow = ["MIT"]
"#;

fn checked(session: Session) -> Client {
    let mut client = session.start();
    client.ignore_all();
    client.status("exact");
    client
}

fn opened(world: &str, files: &[&str]) -> Client {
    let mut client = checked(Session::of(World::locked(world)));
    for file in files {
        client.open(file);
    }
    client
}

/// The graph for the position of `needle`.
fn at(client: &mut Client, path: &str, needle: &str) -> Value {
    let offset = client.find(path, needle);
    let position = client.position(path, offset);
    let uri = client.world.uri(path);
    let params = json!({"textDocument": {"uri": uri}, "position": position});
    client.request(REQUEST, params).expect("a graph, or null")
}

fn address(client: &Client, packages: &str) -> String {
    client.world.uri(packages).replacen("file:", "supercargo-why:", 1)
}

fn document(client: &mut Client, address: &str) -> Result<String, String> {
    let result = client.request("workspace/textDocumentContent", json!({"uri": address}));
    let text = |result: Value| result["text"].as_str().expect("a text").to_owned();
    result.map(text).map_err(|error| error.message)
}

each_editor! {
    fn line_of_a_finding_has_the_graph_of_its_package(editor) {
        let mut client = checked(Session::of(World::locked(SMALL)).editor(editor));
        client.open(MANIFEST);
        let graph = at(&mut client, MANIFEST, "cookie");
        assert_eq!(graph["title"], "time 0.3.44");
        assert_eq!(graph["uri"].as_str(), Some(address(&client, "time@0.3.44").as_str()));
        expect![[r#"
            time 0.3.44
            └── cookie 0.18.1 (^0.3)
                └── app 0.1.0 (^0.18)
        "#]].assert_eq(graph["text"].as_str().expect("a text"));
        let again = client.request(REQUEST, json!({"uri": graph["uri"]}));
        assert_eq!(again.as_ref(), Ok(&graph));
        assert_eq!(at(&mut client, MANIFEST, "edition"), Value::Null);
    }
}

#[test]
fn graph_has_every_dependency_with_its_conditions() {
    let mut client = opened(GRAPH, &["app/Cargo.toml", "lib/Cargo.toml"]);
    let graph = at(&mut client, "app/Cargo.toml", "time = {");
    let text = graph["text"].as_str().expect("a text").to_owned();
    expect![[r#"
        time 0.3.44
        ├── app 0.1.0 (^0.3.40, feature clock; ^0.3, build)
        └── cookie 0.18.1 (^0.3)
            └── lib 0.2.0 (^0.18)
                └── app 0.1.0 (*)
    "#]]
    .assert_eq(&text);
    let tree = client.world.cargo_tree(&["--workspace", "--invert", "time@0.3.44"]);
    for package in ["app v0.1.0", "cookie v0.18.1", "lib v0.2.0"] {
        assert!(tree.contains(package), "{tree}");
    }
    assert!(!tree.contains("plain"), "{tree}");
    // The links lead to the dependencies, and to the names of members.
    let html = graph["html"].as_str().expect("HTML");
    let nodes = graph["nodes"].as_array().expect("nodes");
    let line = |at: usize| {
        let file = client.file_of(nodes[at]["uri"].as_str().expect("a URI"));
        format!("{file}:{}", nodes[at]["range"]["start"]["line"])
    };
    let linked = |name: &str| {
        let before = html.split(&format!(">{name}</text>")).next().expect("a text");
        let (_, link) = before.rsplit_once("href=\"#node-").expect("a link");
        line(link.split('"').next().and_then(|at| at.parse().ok()).expect("a number"))
    };
    assert_eq!(linked("app 0.1.0"), "app/Cargo.toml:1");
    assert_eq!(linked("lib 0.2.0"), "app/Cargo.toml:11");
    assert_eq!(linked("cookie 0.18.1"), "Cargo.toml:5");
    assert_eq!(linked("time 0.3.44"), "app/Cargo.toml:13");
    // A line with only another dependency of the finding is about its own package.
    let graph = at(&mut client, "lib/Cargo.toml", "cookie");
    assert_eq!(graph["title"], "cookie 0.18.1");
}

#[test]
fn finding_is_named_by_the_id_of_its_data() {
    let mut client = opened(SMALL, &[MANIFEST]);
    let shown = client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    let id = shown.only(TIME).data.as_ref().expect("data")["id"].clone();
    let graph = client.request(REQUEST, json!({"finding": id})).expect("a graph");
    assert_eq!(graph["title"], "time 0.3.44");
    assert_eq!(client.request(REQUEST, json!({"finding": "x"})), Ok(Value::Null));
}

#[test]
fn edit_changes_the_graph_and_an_upgrade_removes_the_package_from_it() {
    let mut client = opened(SMALL, &[MANIFEST]);
    client.replace(MANIFEST, "plain = \"1.5\"", "plain = \"1.5\"\ntime = \"0.3.40\"");
    let uri = address(&client, "time");
    let graph = client.request(REQUEST, json!({"uri": uri})).expect("a graph");
    expect![[r#"
        time 0.3.44
        ├── app 0.1.0 (^0.3.40)
        └── cookie 0.18.1 (^0.3)
            └── app 0.1.0 (^0.18)
    "#]]
    .assert_eq(graph["text"].as_str().expect("a text"));
    client.replace(MANIFEST, "cookie = \"0.18\"\n", "");
    client.replace(MANIFEST, "\ntime = \"0.3.40\"", "");
    let error = client.request(REQUEST, json!({"uri": uri})).expect_err("no such package");
    assert_eq!(error.message, "time is not in the dependency graph");
}

#[test]
fn manifest_that_cargo_rejects_has_no_graph_and_the_error_says_why() {
    let mut client = opened(SMALL, &[MANIFEST]);
    client.replace(MANIFEST, "gpl = \"1\"", "gpl = \"7\"");
    let uri = address(&client, "time");
    let error = client.request(REQUEST, json!({"uri": uri})).expect_err("no graph");
    assert!(error.message.starts_with("no dependency graph: "), "{}", error.message);
    client.replace(MANIFEST, "gpl = \"7\"", "gpl = \"1\"");
    let graph = client.request(REQUEST, json!({"uri": uri})).expect("a graph");
    assert_eq!(graph["title"], "time");
}

#[test]
fn address_of_no_workspace_has_no_graph() {
    let mut client = opened(SMALL, &[]);
    for other in ["supercargo-why:/nowhere/time", "supercargo-why:", "file:///time", "x:/time"] {
        let found = client.request(REQUEST, json!({"uri": other}));
        assert_eq!(found, Ok(Value::Null), "{other}");
    }
    let unknown = address(&client, "absent@1.0.0");
    let error = client.request(REQUEST, json!({"uri": unknown})).expect_err("no such package");
    assert_eq!(error.message, "absent 1.0.0 is not in the dependency graph");
}

#[test]
fn hostile_addresses_stay_text() {
    let mut client = opened(SMALL, &[]);
    let uri = address(&client, "HOSTILE");
    let uri = uri.replace("HOSTILE", "%3Cb%3E%22'%0A%1B%5B2J%E2%80%AE&time");
    let error = client.request(REQUEST, json!({"uri": uri})).expect_err("no such package");
    let message = error.message;
    assert!(message.starts_with("<b>\"'"), "{message:?}");
    assert!(!message.contains(['\n', '\u{1b}', '\u{202e}']), "{message:?}");
}

#[test]
fn untrusted_workspace_has_no_graph() {
    let session = Session::of(World::locked(SMALL)).option("trusted", false.into());
    let mut client = session.start();
    client.ignore_all();
    client.status("untrusted");
    let uri = address(&client, "time");
    let error = client.request(REQUEST, json!({"uri": uri})).expect_err("no graph");
    assert_eq!(error.message, "no dependency graph: cargo runs in trusted workspaces only");
}

#[test]
fn document_shows_the_tree_and_is_refreshed_after_a_check() {
    let mut client = opened(SMALL, &[MANIFEST]);
    let capabilities = &client.initialize_result()["capabilities"];
    let expected = json!({"schemes": ["supercargo-why"]});
    assert_eq!(capabilities["workspace"]["textDocumentContent"], expected);
    assert_eq!(capabilities.get("experimental"), None);
    // VS Code leaves out the empty authority.
    let uri = address(&client, "time@0.3.44").replace("://", ":");
    let text = document(&mut client, &uri).expect("a text");
    assert!(text.starts_with("time 0.3.44\n└── cookie 0.18.1 (^0.3)\n"), "{text}");
    client.replace(MANIFEST, "cookie = \"0.18\"\n", "");
    client.wait_for_request("workspace/textDocumentContent/refresh");
    let refreshed = client.server_requests("workspace/textDocumentContent/refresh");
    assert_eq!(refreshed[0]["uri"].as_str(), Some(uri.as_str()));
    let text = document(&mut client, &uri).expect("a text");
    assert_eq!(text, "time 0.3.44 is not in the dependency graph\n");
    let error = document(&mut client, "supercargo-why:/nowhere/time").expect_err("no workspace");
    assert!(error.contains("no workspace"), "{error}");
}

#[test]
fn client_without_virtual_documents_gets_no_capability_and_no_commands() {
    let session = Session::of(World::locked(SMALL)).editor(Editor::Neovim);
    let mut client = checked(session);
    let capabilities = &client.initialize_result()["capabilities"];
    assert_eq!(capabilities["workspace"].get("textDocumentContent"), None);
    client.open(MANIFEST);
    let hover = client.hover(MANIFEST, "0.18").expect("a hover");
    assert!(!hover.value.contains("command:"), "{}", hover.value);
}

/// The lenses of a policy that ignores an advisory: title, command and arguments.
fn entry_lens(client: &mut Client) -> Value {
    client.open(POLICY);
    client.replace(POLICY, "ignore = []", &format!("ignore = [\n    \"{TIME}\",\n]"));
    client.diagnostics_without(MANIFEST, TIME);
    let uri = client.world.uri(POLICY);
    let response = client.request("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    let lenses = response.expect("lenses");
    let lenses = lenses.as_array().expect("a list").iter();
    let mut commands = lenses.map(|lens| lens["command"].clone());
    commands.find(|command| command["title"] == "suppresses 1 finding").expect("the lens")
}

#[test]
fn lens_and_hover_lead_to_the_graph_by_the_command_of_the_client() {
    let session = Session::of(World::locked(SMALL))
        .capability("/experimental/supercargo/whyGraphCommand", "supercargo.showWhyGraph".into());
    let mut client = checked(session);
    client.open(MANIFEST);
    let hover = client.hover(MANIFEST, "0.18").expect("a hover");
    let (_, link) = hover.value.rsplit_once("\n\n").expect("a last paragraph");
    let start = "[Show dependency graph](command:supercargo.showWhyGraph?%5B%22supercargo%2Dwhy%3A";
    assert!(link.starts_with(start) && link.ends_with("time%25400%2E3%2E44%22%5D)"), "{link}");
    let lens = entry_lens(&mut client);
    let address = address(&client, "time@0.3.44");
    assert_eq!(lens["command"], "supercargo.showWhyGraph");
    assert_eq!(lens["arguments"], json!([address]));
}

#[test]
fn lens_opens_the_document_where_the_client_has_no_command() {
    let mut client = opened(SMALL, &[MANIFEST]);
    let lens = entry_lens(&mut client);
    assert_eq!(lens["command"], "supercargo.server.showWhyGraph");
    let params = json!({"command": lens["command"], "arguments": lens["arguments"]});
    assert_eq!(client.request("workspace/executeCommand", params), Ok(Value::Null));
    client.wait_for_request("window/showDocument");
    let shown = client.server_requests("window/showDocument")[0].clone();
    assert_eq!(shown["uri"], lens["arguments"][0]);
    let wrong = json!({"command": lens["command"], "arguments": ["file:///etc/passwd"]});
    let error = client.request("workspace/executeCommand", wrong).expect_err("no address");
    assert!(error.message.contains("expected the address"), "{}", error.message);
}

#[test]
fn entry_of_the_policy_has_the_graph_of_the_packages_that_it_names() {
    let mut client = opened(SMALL, &[POLICY]);
    client.replace(
        POLICY,
        "allow = [\"MIT\", \"Zlib\"]",
        "allow = [\"MIT\"]\n[bans]\nskip = [\"time\"]",
    );
    let graph = at(&mut client, POLICY, "time");
    assert_eq!(graph["title"], "time");
    assert!(graph["text"].as_str().is_some_and(|text| text.starts_with("time 0.3.44\n└── cookie")));
}
