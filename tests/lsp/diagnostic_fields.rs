//! The fields of a diagnostic besides range and message, and which of them each client gets.

use serde_json::{Value, json};

use crate::harness::{Client, Session, World, each_editor};

const VULNERABLE: &str = "RUSTSEC-2026-0009";
const MANIFEST: &str = "Cargo.toml";

/// A virtual workspace with findings of every kind.
const KINDS: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.1.45
#- crate: cookie 0.18.1 -> time 0.3
#- crate: chrono 0.4.1 -> time 0.1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, ^0.1.46: Stack exhaustion
#- Cargo.toml
[workspace]
members = ["one", "two"]
resolver = "2"

[workspace.dependencies]
cookie = "0.18"
#- one/Cargo.toml
[package]
name = "one"
version = "0.1.0"
license = "MIT"

[dependencies]
cookie.workspace = true
chrono = "0.4"
#- two/Cargo.toml
[package]
name = "two"
version = "0.1.0"
license = "MIT"

[dependencies]
cookie = { workspace = true }
#- deny.toml
[advisories]
ignore = ["RUSTSEC-2000-0001"]
[licenses]
allow = ["MIT"]
[bans]
multiple-versions = "warn"
"#;

fn started(editor: crate::harness::Editor) -> Client {
    let mut client = Session::of(World::locked(KINDS)).editor(editor).start();
    for file in [MANIFEST, "one/Cargo.toml", "two/Cargo.toml", "deny.toml"] {
        client.ignore(file);
    }
    client
}

/// A capability of the client.
fn capability(client: &Client, path: &str) -> Value {
    client.capabilities().pointer(path).cloned().unwrap_or_default()
}

each_editor! {
    fn code_is_the_advisory_and_links_to_its_page(editor) {
        let mut client = started(editor);
        let shown = client.diagnostics_with(MANIFEST, VULNERABLE);
        let finding = shown.only(VULNERABLE);
        assert_eq!(finding.source, "supercargo");
        assert_eq!(finding.severity, 1);
        let keeps = capability(&client, "/textDocument/publishDiagnostics/dataSupport") == true;
        assert_eq!(finding.data.is_some(), keeps);
        let takes = capability(&client, "/textDocument/publishDiagnostics/codeDescriptionSupport");
        let link = finding.code_description.as_ref().map(|description| description.href.as_str());
        let page = "https://rustsec.org/advisories/RUSTSEC-2026-0009";
        assert_eq!(link, (takes == true).then_some(page));
    }

    fn other_codes_are_those_of_cargo_deny(editor) {
        let mut client = started(editor);
        let shown = client.diagnostics_with("one/Cargo.toml", "duplicate");
        let mut duplicates =
            shown.diagnostics.iter().filter(|one| one.code.as_deref() == Some("duplicate"));
        let inherited = duplicates.next().expect("on `cookie.workspace`");
        assert_eq!(inherited.severity, 3);
        let duplicate = duplicates.next().expect("on `chrono`");
        assert_eq!(duplicate.severity, 2);
        if let Some(description) = &duplicate.code_description {
            let page = "https://embarkstudios.github.io/cargo-deny/checks/bans/diags.html#duplicate";
            assert_eq!(description.href, page);
        }
    }

    fn entries_without_effect_are_tagged(editor) {
        let mut client = started(editor);
        let shown = client.diagnostics_with("deny.toml", "advisory-not-detected");
        assert_eq!(shown.covered("advisory-not-detected"), "RUSTSEC-2000-0001");
        let takes = capability(&client, "/textDocument/publishDiagnostics/tagSupport/valueSet");
        let takes = takes.as_array().is_some_and(|tags| tags.contains(&json!(1)));
        let expected: &[u8] = if takes { &[1] } else { &[] };
        assert_eq!(shown.only("advisory-not-detected").tags, expected);
    }

    fn lock_entry_and_other_locations_are_related(editor) {
        let mut client = started(editor);
        let shown = client.diagnostics_with("one/Cargo.toml", VULNERABLE);
        let inherited = &shown.diagnostics[0];
        let takes = capability(&client, "/textDocument/publishDiagnostics/relatedInformation");
        if takes != true {
            assert!(inherited.related_information.is_empty());
            return;
        }
        let related: Vec<_> = inherited
            .related_information
            .iter()
            .map(|related| {
                let file = client.file_of(&related.location.uri);
                let text = client.world.read(&file);
                let covered = client.encoding.covered(&text, related.location.range);
                format!("{file} `{covered}`: {}", related.message)
            })
            .collect();
        assert_eq!(
            related,
            [
                "Cargo.lock `0.3.44`: `time` 0.3.44 is locked here",
                "Cargo.toml `0.18`: the same finding",
            ]
        );
    }

    fn inherited_dependency_points_to_the_workspace_manifest(editor) {
        let mut client = started(editor);
        for (file, line) in [("one/Cargo.toml", 6), ("two/Cargo.toml", 6)] {
            let shown = client.diagnostics_with(file, VULNERABLE);
            let inherited = &shown.diagnostics[0];
            assert_eq!(inherited.severity, 3, "{}", shown.drawn());
            assert_eq!(inherited.range.start.line, line);
            assert_eq!(client.encoding.covered(&client.world.read(file), inherited.range), "workspace");
            assert!(inherited.message.ends_with("the requirement is in the workspace manifest"));
        }
    }
}

#[test]
fn notes_are_hidden_by_default() {
    let mut client = Session::of(World::locked(KINDS)).start();
    let ignored = KINDS.replace("RUSTSEC-2000-0001", VULNERABLE);
    client.ignore("one/Cargo.toml");
    client.ignore("two/Cargo.toml");
    client.diagnostics_with(MANIFEST, VULNERABLE);
    client.open("deny.toml");
    client.diagnostics_when("deny.toml", "a version", |shown| shown.version.is_some());
    client.replace("deny.toml", "RUSTSEC-2000-0001", VULNERABLE);
    client.diagnostics_when("deny.toml", "no note", |shown| {
        shown.codes() == ["supercargo::missing-reason"]
    });
    client.diagnostics_when(MANIFEST, "nothing", |shown| !shown.has(VULNERABLE));
    client.end();

    let mut client = Session::of(World::locked(&ignored)).option("notes", true.into()).start();
    for file in [MANIFEST, "one/Cargo.toml", "two/Cargo.toml"] {
        client.ignore(file);
    }
    let shown = client.diagnostics_with("deny.toml", "advisory-ignored");
    let note = shown.diagnostics.iter().find(|one| one.code.as_deref() == Some("advisory-ignored"));
    assert_eq!(note.map(|note| note.severity), Some(4), "{}", shown.drawn());
}

#[test]
fn client_without_capabilities_gets_the_bare_finding() {
    let mut client = Session::of(World::locked(KINDS))
        .capability("/textDocument/publishDiagnostics", json!({}))
        .start();
    for file in [MANIFEST, "two/Cargo.toml"] {
        client.ignore(file);
    }
    let shown = client.diagnostics_with("one/Cargo.toml", VULNERABLE);
    for one in &shown.diagnostics {
        assert_eq!((&one.code_description, &one.tags, &one.data), (&None, &Vec::new(), &None));
        assert!(one.related_information.is_empty());
    }
    let policy = client.diagnostics_with("deny.toml", "advisory-not-detected");
    assert!(policy.only("advisory-not-detected").tags.is_empty());
}

#[test]
fn deprecated_key_is_struck_through() {
    let world = World::locked(KINDS);
    world.edit("deny.toml", "[advisories]", "[advisories]\nvulnerability = \"deny\"");
    let mut client = Session::of(world).start();
    for file in [MANIFEST, "one/Cargo.toml", "two/Cargo.toml"] {
        client.ignore(file);
    }
    let shown = client.diagnostics_with("deny.toml", "deprecated");
    assert_eq!(shown.only("deprecated").tags, [2]);
    assert_eq!(shown.covered("deprecated"), "vulnerability");
}
