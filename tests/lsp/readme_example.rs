//! The example of the README in an editor: a nested manifest, four findings, the first quick fix on each
//! line, and no error from the real cargo-deny.

use std::{fs, time::Instant};

use crate::harness::{Client, Editor, Session, TEST_TIMEOUT, World, each_editor};

const CORE: &str = "src/backend/handshake_core";
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

fn file(name: &str) -> String {
    format!("{CORE}/{name}")
}

fn opened(editor: Editor) -> Client {
    let mut world = World::new("");
    world.use_crates_io();
    for name in ["Cargo.toml", "Cargo.lock", "deny.toml", "src/main.rs", "src/session.rs"] {
        let text = fs::read_to_string(format!("{FIXTURES}/handshake/{CORE}/{name}"));
        world.write(&file(name), text.expect("it is in the fixture"));
    }
    let db = format!("{FIXTURES}/advisory-db");
    let mut client = Session::of(world).editor(editor).option("db", db.into()).start();
    client.open(&file("Cargo.toml"));
    client.status("exact");
    client.diagnostics_when(&file("Cargo.toml"), "the four findings", |shown| {
        let found = ["RUSTSEC-2024-0363", "RUSTSEC-2025-0009", "RUSTSEC-2026-0009", "unlicensed"];
        found.iter().all(|code| shown.has(code))
    });
    client.ignore(&file("deny.toml"));
    client
}

/// The first action on a line, after its verification, which may download packages.
fn first(client: &mut Client, needle: &str, prefix: &str) -> crate::harness::Action {
    let start = Instant::now();
    loop {
        let actions = client.actions(&file("Cargo.toml"), needle);
        let found = actions.into_iter().find(|action| action.title().starts_with(prefix));
        if let Some(action) = found {
            return action;
        }
        assert!(start.elapsed() < 4 * TEST_TIMEOUT, "no action starts with `{prefix}`");
    }
}

fn errors(client: &Client) -> Option<(bool, String)> {
    client.world.cargo_deny(CORE, &format!("{FIXTURES}/advisory-db"), &["advisories", "licenses"])
}

each_editor! {
    fn first_action_on_each_line_passes_the_gate(editor) {
        let mut client = opened(editor);
        let policy = client.world.read(&file("deny.toml"));
        if let Some((passes, output)) = errors(&client) {
            assert!(!passes, "there are no errors to fix: {output}");
        }
        for (needle, code) in [
            ("ring = \"0.17.9\"", "RUSTSEC-2025-0009"),
            ("sqlx = { version = \"0.8.0\"", "RUSTSEC-2024-0363"),
            ("time = { version = \"0.3.44\"", "RUSTSEC-2026-0009"),
        ] {
            let action = first(&mut client, needle, "upgrade");
            assert!(action.is_preferred(), "{}", action.title());
            assert!(action.title().contains(code), "{}", action.title());
            client.take_action(&action);
            client.diagnostics_without(&file("Cargo.toml"), code);
        }
        client.diagnostics_when(&file("Cargo.toml"), "no error", |shown| {
            shown.diagnostics.iter().all(|one| one.severity > 1)
        });
        client.save(&file("Cargo.toml"));
        client.save(&file("Cargo.lock"));
        assert_eq!(client.world.read(&file("deny.toml")), policy);
        if let Some((passes, output)) = errors(&client) {
            assert!(passes, "{output}");
        }
        client.ignore(&file("Cargo.lock"));
        client.ignore(&file("Cargo.toml"));
    }
}

#[test]
fn unknown_license_can_be_clarified_instead_of_upgraded() {
    let mut client = opened(Editor::VsCode);
    let action = first(&mut client, "ring = \"0.17.9\"", "clarify");
    client.take_action(&action);
    client.diagnostics_without(&file("Cargo.toml"), "unlicensed");
    client.save(&file("deny.toml"));
    let database = format!("{FIXTURES}/advisory-db");
    if let Some((passes, output)) = client.world.cargo_deny(CORE, &database, &["licenses"]) {
        assert!(passes, "{output}");
    }
    client.ignore(&file("deny.toml"));
    client.ignore(&file("Cargo.toml"));
}
