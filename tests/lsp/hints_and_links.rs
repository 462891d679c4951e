//! Inlay hints with locked versions, and links to crates and advisories.

use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, World},
    worlds::SMALL,
};

fn opened(path: &str) -> Client {
    let mut client = Session::of(World::locked(SMALL)).editor(Editor::Helix).start();
    client.open("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "findings", |shown| shown.version.is_some());
    client.ignore("deny.toml");
    if path != "Cargo.toml" {
        client.open(path);
    }
    client
}

fn ask(client: &mut Client, method: &str, path: &str) -> Vec<Value> {
    let uri = client.world.uri(path);
    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let answer = client.request(method, json!({"textDocument": {"uri": uri}, "range": whole}));
    answer.expect("an answer").as_array().expect("a list").clone()
}

#[test]
fn a_requirement_that_does_not_say_the_locked_version_gets_a_hint() {
    let mut client = opened("Cargo.toml");
    client.replace("Cargo.toml", "plain = \"1.5\"", "plain = \"1.5.0\"");
    client.ignore("Cargo.toml");
    let hints = ask(&mut client, "textDocument/inlayHint", "Cargo.toml");
    let told: Vec<_> = hints
        .iter()
        .map(|hint| {
            format!("{} {}", hint["position"]["line"], hint["label"].as_str().expect("words"))
        })
        .collect();
    // Nothing beside `plain`, whose requirement is the locked version.
    assert_eq!(told, ["7 0.18.1", "8 1.0.0"]);
}

#[test]
fn a_declared_crate_leads_to_its_page() {
    let mut client = opened("Cargo.toml");
    let links = ask(&mut client, "textDocument/documentLink", "Cargo.toml");
    let urls: Vec<_> = links.iter().map(|link| link["target"].as_str().expect("a URL")).collect();
    assert_eq!(
        urls,
        [
            "https://crates.io/crates/cookie/0.18.1",
            "https://crates.io/crates/gpl/1.0.0",
            "https://crates.io/crates/plain/1.5.0"
        ]
    );
}

#[test]
fn an_ignored_advisory_leads_to_its_page() {
    let mut client = opened("deny.toml");
    client.replace("deny.toml", "ignore = []", "ignore = [\"RUSTSEC-2024-0436\"]");
    client.ignore("Cargo.toml");
    let links = ask(&mut client, "textDocument/documentLink", "deny.toml");
    assert_eq!(links.len(), 1);
    assert_eq!(links[0]["target"], "https://rustsec.org/advisories/RUSTSEC-2024-0436");
}
