//! While cargo resolves an edit, findings follow from requirements and the lockfile; results that need
//! the exact verdict stay unchanged.

#![cfg(unix)]

use crate::harness::{Client, Editor, FakeCargo, Session, World, each_editor};

const MANIFEST: &str = "Cargo.toml";
const TIME: &str = "RUSTSEC-2026-0009";
const OLD: &str = "RUSTSEC-2020-0071";

const FIXTURE: &str = r#"
#- crate: time 0.1.45
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: unix-only 1.0.0
#- crate: unix-only 1.0.1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, <0.3.0: Stack exhaustion
#- advisory: RUSTSEC-2020-0071 time patched >=0.2.23: Segmentation fault
#- advisory: RUSTSEC-2031-0001 unix-only patched >=2: Never built here
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "=0.3.44"

[target.'cfg(windows)'.dependencies]
unix-only = "=1.0.0"
#- deny.toml
[graph]
targets = ["x86_64-unknown-linux-gnu"]

[licenses]
allow = ["MIT"]
"#;

/// A client that has the exact verdict, and a cargo that does not answer any more.
fn with_blocked_cargo(editor: Editor) -> Client {
    let mut world = World::locked(FIXTURE);
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).editor(editor).start();
    client.status("exact");
    client.open(MANIFEST);
    let shown = client.diagnostics_when(MANIFEST, "the finding", |shown| {
        shown.version.is_some() && shown.has(TIME)
    });
    assert_eq!(shown.codes(), [TIME]);
    client.world.use_fake_cargo(FakeCargo::Held);
    client
}

each_editor! {
    fn patched_version_is_clean_before_cargo_resolves(editor) {
        let mut client = with_blocked_cargo(editor);
        client.replace(MANIFEST, "=0.3.44", "0.3.47");
        client.diagnostics_without(MANIFEST, TIME);
        let status = client.status("provisional");
        assert_eq!(status["checks"]["advisories"]["errors"], 0);
        client.world.release_cargo();
        client.status("exact");
        assert!(client.history(MANIFEST).last().is_some_and(|shown| shown.is_empty()));
    }

    fn pinned_vulnerable_version_is_reported_before_cargo_resolves(editor) {
        let mut client = with_blocked_cargo(editor);
        client.replace(MANIFEST, "=0.3.44", "=0.1.45");
        let shown = client.diagnostics_with(MANIFEST, OLD);
        assert_eq!(shown.codes(), [OLD]);
        assert_eq!(shown.covered(OLD), "=0.1.45");
        client.status("provisional");
        client.world.release_cargo();
        client.status("exact");
        client.ends_with(MANIFEST, "the same finding", |now| {
            now.codes() == [OLD] && now.covered(OLD) == "=0.1.45"
        });
    }
}

#[test]
fn unknown_results_stay_unchanged() {
    let mut client = with_blocked_cargo(Editor::VsCode);
    // Both patched and vulnerable versions meet it.
    client.replace(MANIFEST, "=0.3.44", ">=0.3.45");
    client.status("provisional");
    assert_eq!(client.history(MANIFEST).last().expect("shown").codes(), [TIME]);
    client.world.release_cargo();
    client.diagnostics_without(MANIFEST, TIME);
    client.status("exact");
}

#[test]
fn unused_target_dependency_does_not_flicker() {
    let mut client = with_blocked_cargo(Editor::Neovim);
    client.replace(MANIFEST, "=1.0.0", "=1.0.1");
    client.status("provisional");
    client.world.release_cargo();
    client.status("exact");
    let flashed = client.history(MANIFEST).iter().any(|shown| shown.has("RUSTSEC-2031-0001"));
    assert!(!flashed);
}

#[test]
fn ignored_advisory_does_not_flicker() {
    let mut client = with_blocked_cargo(Editor::Neovim);
    client.open("deny.toml");
    client.replace(
        "deny.toml",
        "[licenses]",
        "[advisories]\nignore = [{ id = \"RUSTSEC-2020-0071\", reason = \"x\" }]\n\n[licenses]",
    );
    client.diagnostics_with("deny.toml", "advisory-not-detected");
    client.replace(MANIFEST, "=0.3.44", "=0.1.45");
    client.diagnostics_without(MANIFEST, TIME);
    client.status("provisional");
    client.world.release_cargo();
    client.diagnostics_without("deny.toml", "advisory-not-detected");
    client.status("exact");
    assert!(client.history(MANIFEST).iter().all(|shown| !shown.has(OLD)));
}

#[test]
fn updated_lockfile_is_read_before_cargo_resolves() {
    let mut world = World::locked(FIXTURE);
    world.edit(MANIFEST, "=0.3.44", "0.3");
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.status("exact");
    client.diagnostics_with(MANIFEST, TIME);
    client.world.use_fake_cargo(FakeCargo::Held);
    client.world.lock_again();
    client.notify_changed("Cargo.lock", 2);
    client.diagnostics_without(MANIFEST, TIME);
    client.status("provisional");
    client.world.release_cargo();
    client.status("exact");
}
