//! Actions that write lockfiles: one that is missing or out of date, and those of other workspaces in which a changed
//! manifest takes part.

use crate::{
    harness::{Client, Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const STALE: &str = "supercargo::stale-lock-file";
const MISSING: &str = "supercargo::no-lock-file";

/// A package, a workspace of fuzz targets, and a package outside of both that the first one depends on.
const SHARED: &str = r#"
#- crate: time 0.3.44
#- crate: exact 1.0.0
#- app/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "=0.3.44"
exact = "=1.0.0"
near = { path = "../near" }
#- near/Cargo.toml
[package]
name = "near"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
exact = "=1.0.0"
#- app/fuzz/Cargo.toml
[package]
name = "fuzz"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
app = { path = ".." }

[workspace]
#- app/deny.toml
[licenses]
allow = ["MIT"]
"#;

const PATCHES: &str = "#- crate: time 0.3.47\n#- crate: time 0.3.48\n#- crate: exact 1.0.1\n\
    #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion\n\
    #- advisory: RUSTSEC-2026-0010 exact patched >=1.0.1: Wrong\n";

fn shared() -> World {
    let world = World::new(SHARED);
    world.lock("app");
    world.lock("app/fuzz");
    world.add(PATCHES);
    world
}

/// The title of the first action at a text, and whether cargo accepts both lockfiles after it.
fn first_action(client: &mut Client, path: &str, needle: &str) -> String {
    let actions = client.actions(path, needle);
    client.take_action(&actions[0]);
    for file in client.open_documents() {
        client.write(&file);
        client.ignore(&file);
    }
    actions[0].title().to_owned()
}

fn is_accepted(world: &World, folder: &str) -> bool {
    let before = world.read(&format!("{folder}/Cargo.lock"));
    world.lock(folder);
    before == world.read(&format!("{folder}/Cargo.lock"))
}

each_editor! {
    fn outdated_lockfile_is_updated_by_an_action(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.ignore("deny.toml");
        client.replace(MANIFEST, "gpl = \"1\"\n", "");
        client.diagnostics_without(MANIFEST, "rejected");
        client.save(MANIFEST);
        client.diagnostics_with(MANIFEST, STALE);
        let actions = client.actions(MANIFEST, "name = ");
        assert_eq!(actions[0].title(), "update `Cargo.lock` to what the manifests require");
        client.take_action(&actions[0]);
        let lock = client.text("Cargo.lock");
        assert!(!lock.contains("gpl") && lock.contains("0.3.44"), "{lock}");
        client.save("Cargo.lock");
        client.diagnostics_without(MANIFEST, STALE);
        client.ignore(MANIFEST);
        client.ignore("Cargo.lock");
    }

    fn missing_lockfile_is_created_by_an_action(editor) {
        let mut client = Session::of(World::new(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_with(MANIFEST, MISSING);
        client.ignore("deny.toml");
        client.ignore(MANIFEST);
        let actions = client.actions(MANIFEST, "name = ");
        assert_eq!(actions[0].title(), "create `Cargo.lock`");
        client.take_action(&actions[0]);
        assert!(client.text("Cargo.lock").contains("name = \"time\""));
        client.save("Cargo.lock");
        client.diagnostics_without(MANIFEST, MISSING);
        client.ignore("Cargo.lock");
    }

    fn lockfile_of_another_workspace_is_part_of_the_edit(editor) {
        let world = shared();
        let mut client = Session::of(world.clone()).folders(&["app"]).editor(editor).start();
        client.open("app/Cargo.toml");
        client.diagnostics_with("app/Cargo.toml", TIME);
        client.ignore("app/Cargo.toml");
        client.ignore("near/Cargo.toml");
        let title = first_action(&mut client, "app/Cargo.toml", "=0.3.44");
        assert_eq!(
            title,
            "upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009), and update `fuzz/Cargo.lock`"
        );
        assert!(is_accepted(&world, "app") && is_accepted(&world, "app/fuzz"));
        assert!(world.read("app/fuzz/Cargo.lock").contains("0.3.47"));
    }

    fn title_names_what_is_changed_outside_of_the_open_folders(editor) {
        let world = shared();
        let mut client = Session::of(world.clone()).folders(&["app"]).editor(editor).start();
        client.open("app/Cargo.toml");
        client.diagnostics_with("app/Cargo.toml", "RUSTSEC-2026-0010");
        client.ignore("app/Cargo.toml");
        client.ignore("near/Cargo.toml");
        let title = first_action(&mut client, "app/Cargo.toml", "=1.0.0");
        assert_eq!(
            title,
            "upgrade `exact` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0010), and update `fuzz/Cargo.lock`; \
             changes `../near/Cargo.toml` (outside of the open folders)"
        );
        assert!(is_accepted(&world, "app") && is_accepted(&world, "app/fuzz"));
        assert!(world.read("near/Cargo.toml").contains("=1.0.1"));
    }
}

#[test]
fn changed_lockfile_of_another_workspace_is_brought_along_from_its_new_text() {
    let world = shared();
    let mut client = Session::of(world.clone()).folders(&["app"]).start();
    client.open("app/Cargo.toml");
    client.diagnostics_with("app/Cargo.toml", TIME);
    client.ignore_all();
    assert!(client.actions("app/Cargo.toml", "=0.3.44")[0].title().ends_with("fuzz/Cargo.lock`"));
    let lock = world.read("app/fuzz/Cargo.lock");
    world.write("app/fuzz/Cargo.lock", lock.replacen('\n', "\n# changed\n", 1));
    let title = first_action(&mut client, "app/Cargo.toml", "=0.3.44");
    assert!(title.ends_with("and update `fuzz/Cargo.lock`"), "{title}");
    assert!(world.read("app/fuzz/Cargo.lock").contains("0.3.47"));
}

#[test]
fn all_fixes_together_change_nothing_outside_of_the_open_folders() {
    let world = shared();
    let mut client = Session::of(world.clone()).folders(&["app"]).start();
    client.open("app/Cargo.toml");
    client.diagnostics_with("app/Cargo.toml", TIME);
    client.ignore("app/Cargo.toml");
    let actions = client.actions_of_kind("app/Cargo.toml", "source.fixAll");
    client.take_action(&actions[0]);
    assert!(client.text("app/Cargo.toml").contains("=0.3.47"));
    assert!(client.text("app/fuzz/Cargo.lock").contains("0.3.47"));
    assert!(client.text("app/Cargo.lock").contains("1.0.0"));
    assert!(!client.open_documents().contains(&"near/Cargo.toml".to_owned()));
    client.ignore_all();
}
