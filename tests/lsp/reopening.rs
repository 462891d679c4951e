//! A reopened workspace: its kept verdict is shown at once if no file has changed, and never if one has.

use std::fs;

use crate::{
    harness::{Client, Editor, FakeCargo, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const ALL: [&str; 3] = [TIME, "rejected", PLAIN];

/// A world in which a first session has checked the workspace and ended.
fn checked_before(editor: Editor) -> World {
    let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
    show(&mut client);
    client.world.kept("verdicts");
    client.end();
    client.world.clone()
}

fn show(client: &mut Client) {
    client.open(MANIFEST);
    let shown = client.diagnostics_when(MANIFEST, "findings", |shown| {
        shown.version.is_some() && !shown.is_empty()
    });
    assert_eq!(shown.codes(), ALL);
    client.diagnostics_with(POLICY, "license-not-encountered");
}

/// A session in which cargo never responds.
#[cfg(unix)]
fn without_cargo(mut world: World, editor: Editor) -> Client {
    world.use_fake_cargo(FakeCargo::Endless);
    Session::of(world).editor(editor).start()
}

#[cfg(unix)]
each_editor! {
    fn kept_verdict_is_shown_before_cargo_responds(editor) {
        let world = checked_before(editor);
        let mut client = without_cargo(world, editor);
        show(&mut client);
        let hover = client.hover(MANIFEST, "0.18").expect("a hover");
        assert!(hover.value.contains(TIME), "{}", hover.value);
    }

    fn unchanged_workspace_does_not_start_cargo(editor) {
        let mut world = World::locked(SMALL);
        world.use_fake_cargo(FakeCargo::Counting);
        let mut client = Session::of(world).editor(editor).start();
        show(&mut client);
        client.end();
        let before = client.world.resolutions();
        let mut again = Session::of(client.world.clone()).editor(editor).start();
        show(&mut again);
        // An edit of the policy is checked with the kept graph.
        again.open(POLICY);
        again.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        again.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        again.diagnostics_without(MANIFEST, "rejected");
        again.diagnostics_without(POLICY, "license-not-encountered");
        again.end();
        assert_eq!(again.world.resolutions(), before);
    }
}

/// A change after which the kept verdict must not be shown.
#[cfg(unix)]
fn assert_not_shown_after(change: impl Fn(&World)) {
    let world = checked_before(Editor::Neovim);
    change(&world);
    let mut client = without_cargo(world, Editor::Neovim);
    client.world.wait_for_cargo_calls(1);
    client.open(MANIFEST);
    // When a request has its response, all earlier messages are handled.
    assert!(client.hover(MANIFEST, "edition").is_none());
    assert!(client.published_files().is_empty(), "{:?}", client.published_files());
}

#[cfg(unix)]
#[test]
fn changed_lockfile_is_checked_again() {
    assert_not_shown_after(|world| {
        world.edit("Cargo.lock", "version = 4", "# changed\nversion = 4");
    });
}

#[cfg(unix)]
#[test]
fn changed_manifest_is_checked_again() {
    assert_not_shown_after(|world| world.edit(MANIFEST, "gpl = \"1\"\n", ""));
}

#[cfg(unix)]
#[test]
fn changed_policy_is_checked_again() {
    assert_not_shown_after(|world| world.edit(POLICY, "\"Zlib\"", "\"ISC\""));
}

#[cfg(unix)]
#[test]
fn changed_advisories_are_checked_again() {
    assert_not_shown_after(|world| {
        world.add("#- advisory: RUSTSEC-2030-0001 gpl unmaintained: Gone");
    });
}

#[cfg(unix)]
#[test]
fn changed_cargo_configuration_is_checked_again() {
    assert_not_shown_after(|world| world.write(".cargo/config.toml", "[net]\nretry = 1\n"));
    assert_not_shown_after(|world| {
        world.edit("../cargo/config.toml", "[source", "# changed\n[source");
    });
}

#[cfg(unix)]
#[test]
fn new_license_file_is_checked_again() {
    assert_not_shown_after(|world| world.write("LICENSE", "words"));
}

#[test]
fn kept_licenses_are_on_their_lines_in_a_broken_buffer() {
    let world = World::locked(
        "#- crate: ring 0.17.9 ()\n#- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n\
         edition = \"2021\"\nlicense = \"MIT\"\n\n[dependencies]\nring = \"0.17\"\n\
         #- deny.toml\n[licenses]\nallow = [\"MIT\"]\n",
    );
    let mut client = Session::of(world).start();
    client.open(MANIFEST);
    let before = client.diagnostics_with(MANIFEST, "no-license-field").line("no-license-field");
    client.status("exact");
    client.world.kept("verdicts");
    client.end();
    let mut again = Session::of(client.world.clone()).start();
    let text = format!("# one\n# two\n{}\nbroken = [\n", again.world.read(MANIFEST));
    again.open_with(MANIFEST, "toml", &text);
    again.status("exact");
    let shown = again.diagnostics_with(MANIFEST, "no-license-field");
    assert_eq!(shown.line("no-license-field"), before + 2);
    again.ignore_all();
}

#[test]
fn corrupt_cache_is_ignored() {
    for garbage in ["", "supercargo v1 verdicts 00\n{}", "\0\0\0"] {
        let world = checked_before(Editor::VsCode);
        let all = [world.kept("metadata"), world.kept("verdicts")].concat();
        assert_eq!(all.len(), 2);
        for entry in all {
            fs::write(entry, garbage).expect("written");
        }
        let mut client = Session::of(world.clone()).start();
        show(&mut client);
        world.kept("verdicts");
    }
}

#[test]
fn unwritable_cache_folder_is_ignored() {
    let world = World::locked(SMALL);
    world.write("../home/.cache", "not a folder");
    for _ in 0..2 {
        let mut client = Session::of(world.clone()).start();
        show(&mut client);
    }
}

#[test]
fn two_servers_share_one_cache() {
    let world = World::locked(SMALL);
    let mut one = Session::of(world.clone()).start();
    let mut other = Session::of(world.clone()).editor(Editor::Helix).start();
    show(&mut one);
    show(&mut other);
    one.end_both(other);
    show(&mut Session::of(world).start());
}
