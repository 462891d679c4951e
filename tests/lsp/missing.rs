//! Missing inputs and errors are reported once, at the right location, and everything else is checked.

use serde_json::{Value, json};

use crate::{
    harness::{Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

each_editor! {
    fn missing_policy_is_one_hint_and_licenses_are_not_checked(editor) {
        let world = World::locked(SMALL);
        world.delete(POLICY);
        let mut client = Session::of(world).editor(editor).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::no-policy", TIME, PLAIN]);
        assert_eq!(shown.only("supercargo::no-policy").severity, 4);
        assert_eq!(shown.covered("supercargo::no-policy"), "app");
    }

    fn missing_database_is_one_message_and_other_checks_run(editor) {
        let mut client =
            Session::of(World::locked(SMALL)).editor(editor).option("db", Value::Null).start();
        let shown = client.diagnostics(MANIFEST);
        assert_eq!(shown.codes(), ["supercargo::no-advisory-database", "rejected"]);
        assert_eq!(shown.only("supercargo::no-advisory-database").severity, 3);
        client.diagnostics_with(POLICY, "license-not-encountered");
        let message = client.message("database");
        assert!(message.contains("supercargo db update"), "the remedy is missing: {message}");
        // The next verdict does not show it again.
        client.open(POLICY);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
    }

    fn missing_cargo_is_one_finding(editor) {
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

    fn panic_of_the_engine_is_shown_once_and_the_server_continues(editor) {
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
fn invalid_settings_are_shown_and_valid_ones_are_used() {
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
fn two_workspaces_without_a_database_show_one_message() {
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
fn database_that_is_not_a_folder_is_reported() {
    let mut client = Session::of(World::locked(SMALL)).option("db", "/nowhere/db".into()).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::no-advisory-database", "rejected"]);
    assert!(client.message("database").contains("/nowhere/db"));
    client.diagnostics(POLICY);
}

#[test]
fn deleted_database_stays_in_use() {
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
fn missing_member_is_reported_on_its_entry() {
    let world = World::locked(SMALL);
    world.edit(MANIFEST, "[package]", "[workspace]\nmembers = [\"gone\"]\n[package]");
    let mut client = Session::of(world).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::resolution-failed"]);
    assert_eq!(shown.covered("supercargo::resolution-failed"), "gone");
}

#[test]
fn folder_without_a_manifest_has_no_findings() {
    let mut client = Session::of(World::new("#- README.md\n# Nothing\n")).start();
    client.open_with("README.md", "markdown", "# Nothing\n");
    client.insert("README.md", "# Nothing", "Still ");
    client.end();
    assert!(client.published_files().is_empty());
}

#[cfg(unix)]
#[test]
fn invalid_output_of_cargo_is_one_finding() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::InvalidOutput);
    let mut client = Session::of(world).start();
    let shown = client.diagnostics(MANIFEST);
    assert_eq!(shown.codes(), ["supercargo::resolution-failed"]);
}
