//! What is missing or breaks is said once, at the right place, and the rest is judged.

use serde_json::{Value, json};

use crate::{
    harness::{Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

each_editor! {
    fn without_a_policy_there_is_one_hint_and_licenses_are_not_judged(editor) {
        let world = World::locked(SMALL);
        world.delete(POLICY);
        let mut client = Session::of(world).editor(editor).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::no-policy", TIME, PLAIN]);
        assert_eq!(shown.only("supercargo::no-policy").severity, 4);
        assert_eq!(shown.covered("supercargo::no-policy"), "app");
    }

    fn without_a_database_one_message_says_so_and_the_rest_is_judged(editor) {
        let mut client =
            Session::of(World::locked(SMALL)).editor(editor).option("db", Value::Null).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::no-advisory-database", "rejected"]);
        assert_eq!(shown.only("supercargo::no-advisory-database").severity, 3);
        client.diagnostics_with(POLICY, "license-not-encountered");
        let message = client.message("database");
        assert!(message.contains("supercargo db update"), "the remedy is missing: {message}");
        // Nor is it said again with the next verdict.
        client.open(POLICY);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }

    fn without_cargo_one_finding_says_so(editor) {
        let mut world = World::locked(SMALL);
        world.set("CARGO", "/nowhere/cargo");
        let mut client = Session::of(world).editor(editor).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::resolution-failed"]);
        let finding = shown.only("supercargo::resolution-failed");
        assert_eq!(finding.severity, 1);
        assert!(finding.message.contains("/nowhere/cargo"), "{}", finding.message);
        client.open(POLICY);
        client.insert(POLICY, "[licenses]", "oops");
        client.diagnostics_with(POLICY, "supercargo::policy-syntax");
    }

    fn a_panic_of_the_engine_is_said_once_and_the_server_lives(editor) {
        let world = World::locked(SMALL);
        world.add("#- advisory: RUSTSEC-2026-0777 plain rumor: Some say\n");
        let mut client = Session::of(world).editor(editor).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::check-failed", TIME, "rejected", PLAIN]);
        let failed = &shown.only("supercargo::check-failed").message;
        assert!(failed.contains("RUSTSEC-2026-0777"), "{failed}");
        client.open(POLICY);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        let shown = client.diagnostics_without(MANIFEST, "rejected");
        assert_eq!(shown.codes(), ["supercargo::check-failed", TIME, PLAIN]);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }
}

#[test]
fn settings_that_are_wrong_are_said_and_the_others_used() {
    let mut client = Session::of(World::locked(SMALL))
        .option("notes", "yes".into())
        .option("color", "blue".into())
        .option("workspace", json!({}))
        .start();
    assert_eq!(
        client.message("setting"),
        "supercargo: unknown setting `color`; invalid setting `notes`: expected true or false, found \
         `\"yes\"`; invalid setting `workspace`: expected true or false, found `{}`"
    );
    assert_eq!(client.diagnostics(MANIFEST).codes(), [TIME, "rejected", PLAIN]);
    client.diagnostics(POLICY);
}

#[test]
fn two_workspaces_without_a_database_say_so_in_one_message() {
    let world = World::new(&format!(
        "{}{}",
        SMALL.replace("#- Cargo.toml", "#- one/Cargo.toml"),
        SMALL.replace("#- Cargo.toml", "#- two/Cargo.toml"),
    ));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let mut client = Session::of(world).option("db", Value::Null).start();
    for file in ["one/Cargo.toml", "two/Cargo.toml"] {
        client.diagnostics_with(file, "supercargo::no-advisory-database");
    }
    client.message("database");
    client.diagnostics_with(POLICY, "license-not-encountered");
}

#[test]
fn a_database_that_is_no_folder_is_said() {
    let mut client = Session::of(World::locked(SMALL)).option("db", "/nowhere/db".into()).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::no-advisory-database", "rejected"]);
    assert!(client.message("database").contains("/nowhere/db"));
    client.diagnostics(POLICY);
}

#[test]
fn a_database_that_goes_away_stays_in_use() {
    let mut client = Session::of(World::locked(SMALL)).start();
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    client.diagnostics(POLICY);
    client.world.delete_folder("../db");
    client.insert(MANIFEST, "[dependencies]", "# later\n");
    client.diagnostics_when(MANIFEST, "the move", |shown| shown.line(TIME) == 8);
    client.save(MANIFEST);
    client.open(POLICY);
    client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
    client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    let shown = client.diagnostics_without(MANIFEST, "rejected");
    assert_eq!(shown.codes(), [TIME, PLAIN]);
    client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
}

#[test]
fn a_member_that_is_missing_is_said_on_its_entry() {
    let world = World::locked(SMALL);
    world.edit(MANIFEST, "[package]", "[workspace]\nmembers = [\"gone\"]\n[package]");
    let mut client = Session::of(world).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::resolution-failed"]);
    assert_eq!(shown.covered("supercargo::resolution-failed"), "gone");
}

#[test]
fn a_folder_without_anything_for_cargo_is_silent() {
    let mut client = Session::of(World::new("#- README.md\n# Nothing\n")).start();
    client.open_with("README.md", "markdown", "# Nothing\n");
    client.insert("README.md", "# Nothing", "Still ");
    client.end();
    assert!(client.published_files().is_empty());
}

#[cfg(unix)]
#[test]
fn an_answer_of_cargo_that_is_none_is_one_finding() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Nonsense);
    let mut client = Session::of(world).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::resolution-failed"]);
}
