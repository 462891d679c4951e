//! Huge, deep, unusual and endless input: the server responds, checks everything else, and reports what
//! it cannot check.

use std::fs;

use serde_json::json;

use crate::{
    harness::{Client, Editor, Session, Shown, World},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn open(client: &mut Client, path: &str) {
    client.open(path);
    client.diagnostics_when(path, "a version", |shown| shown.version.is_some());
}

/// The server responds to a request.
fn assert_responds(client: &mut Client) {
    let position = json!({"line": 0, "character": 0});
    let document = json!({"uri": client.world.uri("nowhere/Cargo.toml")});
    let params = json!({"textDocument": document, "position": position});
    assert_eq!(client.request("textDocument/hover", params), Ok(serde_json::Value::Null));
}

#[cfg(unix)]
mod pipes {
    use super::*;

    fn make_pipe(world: &World, path: &str) {
        let mut command = std::process::Command::new("mkfifo");
        let made = world.change_as_test(|| command.arg(world.path(path)).status());
        assert!(made.expect("`mkfifo` runs").success());
    }

    /// Two workspaces, each with a policy of its own.
    fn two() -> World {
        let below = |folder: &str| {
            SMALL
                .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
                .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
        };
        let world = World::new(&format!("{}{}", below("one"), below("two")));
        for folder in ["one", "two"] {
            world.lock(folder);
        }
        world
    }

    fn wait_for_findings(client: &mut Client, folder: &str) {
        client.diagnostics_with(&format!("{folder}/Cargo.toml"), TIME);
        client.diagnostics_with(&format!("{folder}/deny.toml"), "license-not-encountered");
    }

    #[test]
    fn pipe_without_writer_delays_nothing() {
        for file in ["one/deny.toml", "one/Cargo.lock"] {
            let world = two();
            let text = world.read(file);
            world.delete(file);
            make_pipe(&world, file);
            let mut client = Session::of(world).start();
            wait_for_findings(&mut client, "two");
            client.diagnostics_when(file, "what is wrong", |shown| {
                let matches = |one: &str| one.contains("not a regular file");
                shown.diagnostics.iter().any(|one| matches(&one.message))
            });
            assert_responds(&mut client);
            client.world.delete(file);
            client.world.write(file, text);
            wait_for_findings(&mut client, "one");
            client.ignore(file);
        }
    }

    /// Cargo would wait for the pipe.
    #[test]
    fn member_that_is_a_pipe_delays_only_its_workspace() {
        let world = two();
        world.edit("one/Cargo.toml", "[package]", "[workspace]\nmembers = [\"slow\"]\n[package]");
        world.folder("one/slow");
        make_pipe(&world, "one/slow/Cargo.toml");
        let mut client = Session::of(world).start();
        wait_for_findings(&mut client, "two");
        let shown = client.diagnostics_with("one/Cargo.toml", "supercargo::over-limit");
        assert_eq!(shown.covered("supercargo::over-limit"), "slow");
        assert_responds(&mut client);
        client.open("two/deny.toml");
        client.diagnostics_when("two/deny.toml", "a version", |shown| shown.version.is_some());
        client.replace("two/deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without("two/Cargo.toml", "rejected");
        client.diagnostics_when("two/deny.toml", "nothing", Shown::is_empty);
    }
}

#[test]
fn manifest_of_five_megabytes_can_be_edited() {
    let world = World::locked(SMALL);
    let mut text = world.read(MANIFEST);
    text.push_str("\n[package.metadata.many]\n");
    for number in 0..105_000 {
        text.push_str(&format!("key{number} = \"{}\"\n", "x".repeat(36)));
    }
    world.write(MANIFEST, &text);
    let mut client = Session::of(world).editor(Editor::Neovim).start();
    open(&mut client, MANIFEST);
    client.diagnostics_with(POLICY, "license-not-encountered");
    for round in 0..20 {
        client.insert(MANIFEST, "[dependencies]", &format!("# {round}\n"));
        assert!(client.hover(MANIFEST, "0.18").expect("a hover").value.contains(TIME));
    }
    client.replace(MANIFEST, "plain = \"1.5\"\n", "");
    let version = client.version(MANIFEST);
    client.ends_with(MANIFEST, "the end", move |shown| {
        shown.version == Some(version)
            && shown.codes() == [TIME, "rejected"]
            && shown.line(TIME) == 27
    });
}

#[test]
fn lockfile_with_twenty_thousand_packages_is_checked_without_cargo() {
    let world = World::locked(SMALL);
    let mut text = world.read("Cargo.lock");
    for number in 0..20_000 {
        text.push_str(&format!("\n[[package]]\nname = \"p{number:05}\"\nversion = \"1.0.0\"\n"));
        text.push_str("source = \"registry+https://github.com/rust-lang/crates.io-index\"\n");
    }
    world.write("Cargo.lock", text);
    let mut client = Session::of(world).option("trusted", false.into()).start();
    client.diagnostics_with(MANIFEST, TIME);
    client.message("not trusted");
    assert_responds(&mut client);
}

#[cfg(target_os = "linux")]
#[test]
fn thousand_members_are_checked_and_watched() {
    let root = "[package]\nname = \"app\"";
    let workspace = format!("[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n{root}");
    let world = World::new(&SMALL.replace(root, &workspace));
    for number in 0..1000 {
        let manifest = format!(
            "[package]\nname = \"m{number}\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\n[dependencies]\n"
        );
        world.write(&format!("crates/m{number}/Cargo.toml"), manifest);
        world.write(&format!("crates/m{number}/src/lib.rs"), "");
    }
    world.lock("");
    let mut client = Session::of(world).option("workspace", true.into()).start();
    client.diagnostics_with(MANIFEST, TIME);
    client.diagnostics_with(POLICY, "license-not-encountered");
    let id = client.process().id();
    let files = fs::read_dir(format!("/proc/{id}/fdinfo")).expect("it is running");
    let texts = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
    let watches: usize = texts.map(|text| text.matches("inotify wd:").count()).sum();
    // One per folder of a member; those above them, of the database and of cargo are few.
    assert!((1000..1200).contains(&watches), "{watches}");
    // The last member responds like the first.
    let member = "crates/m999/Cargo.toml";
    client.world.edit(member, "[dependencies]\n", "[dependencies]\ntime = \"0.3\"\n");
    client.diagnostics_with(member, TIME);
    client.ignore(MANIFEST);
}

#[test]
fn too_deeply_nested_policy_is_reported() {
    let mut client = Session::of(World::locked(SMALL)).start();
    open(&mut client, MANIFEST);
    open(&mut client, POLICY);
    for deep in ["[", "{a = ", "a."] {
        let text = client.text(POLICY);
        let broken = format!("{text}a = {}", deep.repeat(100_000));
        client.change(POLICY, &[crate::harness::Change::whole(&broken)]);
        client.diagnostics_with(POLICY, "supercargo::policy-syntax");
        client.change(POLICY, &[crate::harness::Change::whole(&text)]);
        client.diagnostics_without(POLICY, "supercargo::policy-syntax");
    }
    client.ignore(MANIFEST);
}

#[test]
fn too_deeply_nested_manifest_is_reported() {
    let mut client = Session::of(World::locked(SMALL)).start();
    open(&mut client, MANIFEST);
    client.diagnostics_with(POLICY, "license-not-encountered");
    for deep in ["[", "{a = "] {
        let text = client.text(MANIFEST);
        let broken = format!("{text}deep = {}\n", deep.repeat(100_000));
        client.change(MANIFEST, &[crate::harness::Change::whole(&broken)]);
        assert_responds(&mut client);
        client.change(MANIFEST, &[crate::harness::Change::whole(&text)]);
    }
    client.insert(MANIFEST, "[package]", "# the end\n");
    let version = client.version(MANIFEST);
    client.ends_with(MANIFEST, "the end", move |shown| {
        shown.version == Some(version) && shown.codes() == [TIME, "rejected", PLAIN]
    });
}

#[cfg(unix)]
#[test]
fn workspace_behind_a_link_is_checked_and_watched() {
    let world = World::locked(SMALL);
    world.link("../a link %41 ü", &world.path(""));
    let folder = "../a link %41 ü";
    let at = |file: &str| format!("{folder}/{file}");
    let mut client = Session::of(world).folders(&[folder]).start();
    open(&mut client, &at(MANIFEST));
    client.diagnostics_with(&at(POLICY), "license-not-encountered");
    // With its real path, as another program writes it.
    client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    let shown = client.diagnostics_without(&at(MANIFEST), "rejected");
    assert_eq!(shown.codes(), [TIME, PLAIN]);
    client.diagnostics_when(&at(POLICY), "nothing", Shown::is_empty);
}

#[test]
fn two_servers_check_one_workspace_at_the_same_time() {
    let world = World::locked(SMALL);
    let mut one = Session::of(world.clone()).start();
    let mut other = Session::of(world).editor(Editor::Helix).start();
    for client in [&mut one, &mut other] {
        open(client, MANIFEST);
        client.diagnostics_with(POLICY, "license-not-encountered");
    }
    for round in 0..5 {
        one.insert(MANIFEST, "[dependencies]", &format!("# {round}\n"));
        one.save(MANIFEST);
        other.replace(MANIFEST, "\"MIT\"", "\"MIT OR Zlib\"");
        other.replace(MANIFEST, "\"MIT OR Zlib\"", "\"MIT\"");
    }
    one.replace(MANIFEST, "gpl = \"1\"\n", "");
    one.save(MANIFEST);
    one.ends_with(MANIFEST, "one finding less", |shown| shown.codes() == [TIME, PLAIN]);
    other.ends_with(MANIFEST, "what it was", |shown| shown.codes().contains(&TIME));
    one.end_both(other);
}
