//! Which workspaces are checked: those in the open folders (several, nested, added, removed), and that
//! of an open file.

use serde_json::json;

use crate::{
    harness::{Client, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

/// [`SMALL`] in a folder.
fn below(folder: &str) -> String {
    SMALL
        .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
        .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
}

fn change_folders(client: &mut Client, added: &[&str], removed: &[&str]) {
    let listed = |folders: &[&str]| -> Vec<_> {
        folders
            .iter()
            .map(|folder| json!({"uri": client.world.uri(folder), "name": folder}))
            .collect()
    };
    let event = json!({"added": listed(added), "removed": listed(removed)});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
}

each_editor! {
    fn workspace_below_the_open_folder_is_found(editor) {
        let world = World::new(&below("src/backend/core"));
        world.lock("src/backend/core");
        world.write("README.md", "# Nothing for cargo here\n");
        let mut client = Session::of(world).editor(editor).start();
        let shown = client.diagnostics("src/backend/core/Cargo.toml");
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        client.diagnostics_with("src/backend/core/deny.toml", "license-not-encountered");
    }

    fn two_workspaces_in_one_folder_are_both_checked(editor) {
        let world = World::new(&format!("{}{}", below("one"), below("two")));
        for folder in ["one", "two"] {
            world.lock(folder);
        }
        let mut client = Session::of(world).editor(editor).start();
        for folder in ["one", "two"] {
            client.diagnostics_with(&format!("{folder}/Cargo.toml"), TIME);
            client.diagnostics_with(&format!("{folder}/deny.toml"), "license-not-encountered");
        }
        client.open("one/deny.toml");
        client.diagnostics_when("one/deny.toml", "a version", |shown| shown.version.is_some());
        client.replace("one/deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without("one/Cargo.toml", "rejected");
        client.diagnostics_without("one/deny.toml", "license-not-encountered");
        assert_eq!(client.history("two/Cargo.toml").len(), 1, "the other workspace is not checked again");
    }
}

#[test]
fn policy_above_two_workspaces_applies_to_both() {
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
        world.delete(&format!("{folder}/deny.toml"));
    }
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\", \"Zlib\"]\n");
    let mut client = Session::of(world).start();
    for file in ["one/Cargo.toml", "two/Cargo.toml"] {
        client.diagnostics_with(file, "rejected");
    }
    let policy = client.diagnostics_with("deny.toml", "license-not-encountered");
    assert_eq!(policy.codes().len(), 1, "a finding of both is shown once: {}", policy.drawn());
    client.open("deny.toml");
    client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
    for file in ["one/Cargo.toml", "two/Cargo.toml"] {
        client.diagnostics_without(file, "rejected");
    }
    // The verdict of the other workspace may still be the old one for a moment.
    client.ends_with("deny.toml", "nothing", Shown::is_empty);
}

/// Even if some of them are checked already, and another has its own policy.
#[test]
fn opened_policy_checks_only_its_workspaces() {
    let world = World::new(&["one", "two", "own"].map(below).concat());
    for folder in ["one", "two", "own"] {
        world.lock(folder);
    }
    for folder in ["one", "two"] {
        world.delete(&format!("{folder}/deny.toml"));
    }
    world.write("deny.toml", "[licenses]\nallow = [\"MIT\", \"Zlib\"]\n");
    let mut client = Session::of(world).folders(&["one"]).start();
    client.diagnostics_with("one/Cargo.toml", "rejected");
    client.open("deny.toml");
    client.diagnostics_with("two/Cargo.toml", "rejected");
    client.ends_with("deny.toml", "one", |shown| shown.codes() == ["license-not-encountered"]);
    client.ends_with("one/Cargo.toml", "all", |shown| shown.codes().len() == 3);
    client.ends_with("two/Cargo.toml", "all", |shown| shown.codes().len() == 3);
    assert_eq!(client.state_of("own"), None);
}

#[test]
fn added_folder_is_checked_and_removed_folder_is_cleared() {
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let mut client = Session::of(world).folders(&["one"]).start();
    client.diagnostics_with("one/Cargo.toml", TIME);
    client.diagnostics_with("one/deny.toml", "license-not-encountered");
    change_folders(&mut client, &["two"], &[]);
    client.diagnostics_with("two/Cargo.toml", TIME);
    client.diagnostics_with("two/deny.toml", "license-not-encountered");
    assert_eq!(client.published_files().len(), 4, "{:?}", client.published_files());
    change_folders(&mut client, &[], &["one"]);
    client.diagnostics_when("one/Cargo.toml", "nothing", Shown::is_empty);
    client.diagnostics_when("one/deny.toml", "nothing", Shown::is_empty);
    // After a later verdict the removed workspace is still cleared.
    change_folders(&mut client, &["one"], &["two"]);
    client.diagnostics_when("two/Cargo.toml", "nothing", Shown::is_empty);
    client.diagnostics_when("two/deny.toml", "nothing", Shown::is_empty);
    client.diagnostics_with("one/Cargo.toml", TIME);
    client.diagnostics_with("one/deny.toml", "license-not-encountered");
}

#[test]
fn open_file_keeps_its_workspace_when_its_folder_is_removed() {
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let mut client = Session::of(world).folders(&["one"]).start();
    client.open("one/Cargo.toml");
    client.diagnostics_when("one/Cargo.toml", "a version", |shown| shown.version.is_some());
    client.diagnostics_with("one/deny.toml", "license-not-encountered");
    change_folders(&mut client, &["two"], &["one"]);
    client.diagnostics_with("two/Cargo.toml", TIME);
    client.diagnostics_with("two/deny.toml", "license-not-encountered");
    assert_eq!(client.history("one/deny.toml").len(), 1);
    client.close("one/Cargo.toml");
    client.diagnostics_when("one/Cargo.toml", "nothing", Shown::is_empty);
    client.diagnostics_when("one/deny.toml", "nothing", Shown::is_empty);
}

#[test]
fn file_without_a_folder_is_checked_while_it_is_open() {
    let mut client = Session::of(World::locked(SMALL)).folders(&[]).start();
    client.open("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "a version", |shown| shown.version.is_some());
    client.diagnostics_with("deny.toml", "license-not-encountered");
    client.close("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "nothing", Shown::is_empty);
    client.diagnostics_when("deny.toml", "nothing", Shown::is_empty);
    client.open("deny.toml");
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics_with("deny.toml", "license-not-encountered");
    // The first search may have found the workspace before its lockfile existed.
    client.ignore("Cargo.toml");
    client.ignore("deny.toml");
}

#[test]
fn member_that_is_opened_alone_is_checked_with_its_workspace() {
    let members = format!(
        "{}#- Cargo.toml\n[workspace]\nmembers = [\"app\"]\nresolver = \"2\"\n",
        below("app")
    );
    let world = World::locked(&members);
    let mut client = Session::of(world).folders(&["app"]).start();
    client.open("app/Cargo.toml");
    let shown =
        client.diagnostics_when("app/Cargo.toml", "a version", |shown| shown.version.is_some());
    assert!(shown.has(TIME), "{}", shown.drawn());
    client.ignore("app/deny.toml");
    client.ignore("Cargo.toml");
}

#[test]
fn manifest_in_an_excluded_folder_is_checked_when_opened() {
    let world = World::locked(SMALL);
    world.add(&below("tests/fixtures/inner"));
    world.edit("tests/fixtures/inner/Cargo.toml", "[dependencies]", "[workspace]\n[dependencies]");
    world.lock("tests/fixtures/inner");
    let mut client = Session::of(world).start();
    client.ignore("deny.toml");
    client.diagnostics_with("Cargo.toml", TIME);
    assert!(client.history("tests/fixtures/inner/Cargo.toml").is_empty());
    client.open("tests/fixtures/inner/Cargo.toml");
    client.diagnostics_with("tests/fixtures/inner/Cargo.toml", TIME);
    client.diagnostics_with("tests/fixtures/inner/deny.toml", "license-not-encountered");
}

#[test]
fn other_toml_files_are_ignored() {
    let world = World::locked(SMALL);
    let text = world.read("Cargo.toml");
    for name in ["other.toml", "Cargo.toml.orig", "pyproject.toml", "cargo.toml"] {
        world.write(name, &text);
    }
    let mut client = Session::of(world).start();
    for name in ["other.toml", "Cargo.toml.orig", "pyproject.toml", "cargo.toml"] {
        client.open(name);
        client.insert(name, "[package]", "# ");
        client.save(name);
    }
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics_with("deny.toml", "license-not-encountered");
    assert_eq!(client.published_files(), ["[work]/Cargo.toml", "[work]/deny.toml"]);
}

#[test]
fn language_of_a_file_is_ignored() {
    for language in ["toml", "plaintext", "cargo-toml", ""] {
        let mut client = Session::of(World::locked(SMALL)).start();
        for file in ["Cargo.toml", "deny.toml", "Cargo.lock"] {
            client.open_with(file, language, &client.world.read(file));
        }
        for file in ["Cargo.toml", "deny.toml"] {
            client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
        }
    }
}

#[test]
fn documents_that_are_not_files_are_ignored() {
    let mut client = Session::of(World::locked(SMALL)).start();
    for uri in ["untitled:Cargo.toml", "git:/w/Cargo.toml?%7B%7D", "vscode-remote://a/w/Cargo.toml"]
    {
        let document = json!({"uri": uri, "languageId": "toml", "version": 1, "text": "[package]"});
        client.notify("textDocument/didOpen", json!({"textDocument": document}));
    }
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics_with("deny.toml", "license-not-encountered");
}

#[test]
fn folder_with_special_characters_is_found() {
    let folder = "a b/100%/ü𝄞/[x]+(y)&'z'";
    let world = World::new(&below(folder));
    world.lock(folder);
    let mut client = Session::of(world).folders(&[folder]).start();
    let manifest = format!("{folder}/Cargo.toml");
    client.open(&manifest);
    client.diagnostics_when(&manifest, "a version", |shown| {
        shown.has(TIME) && shown.version.is_some()
    });
    client.diagnostics_with(&format!("{folder}/deny.toml"), "license-not-encountered");
    assert!(client.hover(&manifest, "0.18").is_some());
}

#[test]
fn opened_document_keeps_the_spelling_of_its_uri() {
    let world = World::new(&below("a+b"));
    world.lock("a+b");
    let mut client = Session::of(world).folders(&["a+b"]).start();
    let uri = format!("{}/a%2bb/Cargo.toml", client.world.uri(""));
    let text = client.world.read("a+b/Cargo.toml");
    client.open_uri("a+b/Cargo.toml", &uri, "toml", &text);
    // The harness compares the spelling.
    client.diagnostics_when("a+b/Cargo.toml", "a version", |shown| shown.version.is_some());
    client.ignore("a+b/deny.toml");
}

#[test]
fn deleted_manifest_is_cleared() {
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let mut client = Session::of(world).start();
    for folder in ["one", "two"] {
        client.diagnostics_with(&format!("{folder}/Cargo.toml"), TIME);
        client.diagnostics_with(&format!("{folder}/deny.toml"), "license-not-encountered");
    }
    client.world.delete("one/Cargo.toml");
    client.notify_changed("one/Cargo.toml", 3);
    client.diagnostics_when("one/Cargo.toml", "nothing", Shown::is_empty);
    client.diagnostics_when("one/deny.toml", "nothing", Shown::is_empty);
}

#[test]
fn created_manifest_is_checked() {
    let mut client = Session::of(World::new("")).start();
    client.world.add(SMALL);
    client.world.lock("");
    client.notify_changed("Cargo.toml", 1);
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics_with("deny.toml", "license-not-encountered");
}
