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
    let response = client.request(method, json!({"textDocument": {"uri": uri}, "range": whole}));
    response.expect("an answer").as_array().expect("a list").clone()
}

#[test]
fn requirement_without_the_locked_version_gets_a_hint() {
    let mut client = opened("Cargo.toml");
    client.replace("Cargo.toml", "plain = \"1.5\"", "plain = \"1.5.0\"");
    client.ignore("Cargo.toml");
    let hints = ask(&mut client, "textDocument/inlayHint", "Cargo.toml");
    let labels: Vec<_> = hints
        .iter()
        .map(|hint| {
            format!("{} {}", hint["position"]["line"], hint["label"].as_str().expect("words"))
        })
        .collect();
    // Nothing beside `plain`, whose requirement is the locked version.
    assert_eq!(labels, ["7 0.18.1", "8 1.0.0"]);
}

/// What the hints of the manifest say, with their lines.
fn labels(client: &mut Client) -> Vec<String> {
    let hints = ask(client, "textDocument/inlayHint", "Cargo.toml");
    let labels = hints.iter().map(|hint| {
        format!("{} {}", hint["position"]["line"], hint["label"].as_str().expect("words"))
    });
    labels.collect()
}

/// A session in `SMALL`, to which versions were published since its lock file was written.
fn with_versions(fixture: &str, hints: Value) -> Client {
    let world = World::locked(fixture);
    world.add(
        "#- crate: cookie 0.18.9 -> time 0.3\n#- crate: cookie 0.18.10\n\
         #- crate: cookie 0.18.11-rc.1\n#- crate: cookie 0.18.12 yanked\n#- crate: cookie 0.19.0\n",
    );
    opened_in(world, hints)
}

fn opened_in(world: World, hints: Value) -> Client {
    let session = Session::of(world).editor(Editor::Helix);
    let mut client = session.option("hints", hints).start();
    client.ignore("deny.toml");
    client.ignore("Cargo.toml");
    client.open("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "findings", |shown| {
        shown.version.is_some() && !shown.is_empty()
    });
    client
}

#[test]
fn yanked_and_newer_versions_come_from_the_local_index() {
    let fixture = SMALL.replace("plain 1.5.0", "plain 1.5.0 yanked");
    let mut client = with_versions(&fixture, Value::Null);
    assert_eq!(labels(&mut client), ["7 0.18.1 → 0.18.10", "8 1.0.0", "9 1.5.0 yanked"]);
    let hints = ask(&mut client, "textDocument/inlayHint", "Cargo.toml");
    assert_eq!(
        hints[0]["tooltip"],
        "cookie 0.18.1 is locked; the newest version that satisfies the requirement is 0.18.10: \
         run `cargo update -p cookie@0.18.1` to upgrade (according to cargo's copy of the index)"
    );
    assert_eq!(
        hints[2]["tooltip"],
        "plain 1.5.0 is locked and yanked (according to cargo's copy of the index)"
    );
    // The newer version belongs to the requirement that was checked.
    client.replace("Cargo.toml", "\"0.18\"", "\"0.18.1\"");
    assert_eq!(labels(&mut client), ["8 1.0.0", "9 1.5.0 yanked"]);
}

#[test]
fn newer_versions_follow_the_typed_requirement() {
    let mut client = with_versions(SMALL, Value::Null);
    client.status("exact");
    let mut before = "\"0.18\"".to_owned();
    // What is locked meets all of them.
    for (requirement, newest) in [
        ("\">=0.18, <0.18.10\"", "7 0.18.1 → 0.18.9"),
        ("\"<0.18.11\"", "7 0.18.1 → 0.18.10"),
        ("\"<0.18.9\"", "7 0.18.1"),
        ("\"~0.18\"", "7 0.18.1 → 0.18.10"),
    ] {
        let states = client.states().len();
        client.replace("Cargo.toml", &before, requirement);
        client.wait_until("the exact verdict", |client| {
            client.states().len() > states && client.states().last() == Some(&"exact")
        });
        assert_eq!(labels(&mut client)[0], newest, "{requirement}");
        before = requirement.to_owned();
    }
}

#[test]
fn requirement_with_the_locked_version_shows_only_other_facts() {
    let fixture = SMALL
        .replace("plain 1.5.0", "plain 1.5.0 yanked")
        .replace("plain = \"1.5\"", "plain = \"1.5.0\"")
        .replace("cookie = \"0.18\"", "cookie = \"0.18.1\"");
    let mut client = with_versions(&fixture, Value::Null);
    assert_eq!(labels(&mut client), ["7 → 0.18.10", "8 1.0.0", "9 yanked"]);
    let mut client = with_versions(&fixture, json!({"yanked": false, "lockedVersion": false}));
    assert_eq!(labels(&mut client), ["7 → 0.18.10"]);
    let mut client = with_versions(&fixture, json!({"newest": false}));
    assert_eq!(labels(&mut client), ["8 1.0.0", "9 yanked"]);
}

#[test]
fn versions_missing_from_the_index_are_not_shown() {
    let world = World::locked(SMALL);
    let index = world.path("../cargo/registry/index");
    std::fs::remove_dir_all(index).expect("it is deleted");
    let mut client = opened_in(world, Value::Null);
    assert_eq!(labels(&mut client), ["7 0.18.1", "8 1.0.0", "9 1.5.0"]);
}

#[test]
fn requirement_links_to_the_repository() {
    let world = World::locked(SMALL);
    let stated = [("plain-1.5.0", "https://example.org/plain"), ("gpl-1.0.0", "file:///etc")];
    for (package, repository) in stated {
        let manifest = format!("../vendor/{package}/Cargo.toml");
        let words = format!("[package]\nrepository = \"{repository}\"");
        world.edit(&manifest, "[package]", &words);
    }
    let mut client = Session::of(world).editor(Editor::Helix).start();
    client.open("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "findings", |shown| shown.version.is_some());
    client.ignore("deny.toml");
    let links = ask(&mut client, "textDocument/documentLink", "Cargo.toml");
    let targets: Vec<_> =
        links.iter().map(|link| link["target"].as_str().expect("a URL")).collect();
    assert_eq!(
        targets,
        [
            "https://crates.io/crates/cookie/0.18.1",
            "https://crates.io/crates/gpl/1.0.0",
            "https://crates.io/crates/plain/1.5.0",
            "https://example.org/plain",
        ]
    );
    assert_eq!(links[3]["tooltip"], "repository of plain");
}

#[test]
fn dependency_key_links_to_crates_io() {
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
fn names_in_a_policy_link_to_their_pages() {
    let mut client = opened("deny.toml");
    client.replace("deny.toml", "ignore = []", "ignore = [\"RUSTSEC-2024-0436\"]");
    client.ignore("Cargo.toml");
    let links = ask(&mut client, "textDocument/documentLink", "deny.toml");
    let targets: Vec<_> = links.iter().map(|link| link["target"].as_str().expect("one")).collect();
    assert_eq!(
        targets,
        [
            "https://rustsec.org/advisories/RUSTSEC-2024-0436",
            "https://spdx.org/licenses/MIT.html",
            "https://spdx.org/licenses/Zlib.html",
        ]
    );
}
