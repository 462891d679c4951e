//! The fields of a diagnostic besides range and message, and which of them each client gets.

use serde_json::{Value, json};

use crate::harness::{Action, Client, Diagnostic, Session, Shown, World, each_editor};

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
        let duplicate = shown.only("duplicate");
        assert_eq!(duplicate.severity, 2);
        assert_eq!(shown.line("duplicate"), 7, "on `chrono`, which brings the oldest version");
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

    fn lock_entry_and_other_dependencies_are_related(editor) {
        let mut client = started(editor);
        let shown = client.diagnostics_with(MANIFEST, VULNERABLE);
        let finding = shown.only(VULNERABLE);
        let takes = capability(&client, "/textDocument/publishDiagnostics/relatedInformation");
        if takes != true {
            assert!(finding.related_information.is_empty());
            return;
        }
        assert_eq!(
            related(&client, finding),
            [
                "Cargo.lock `0.3.44`: `time` 0.3.44 is locked here",
                "one/Cargo.toml `workspace`: also brings it",
                "two/Cargo.toml `workspace`: also brings it",
            ]
        );
    }

    fn other_dependencies_have_one_hint_each_while_their_manifest_is_open(editor) {
        let mut client = Session::of(World::locked(KINDS)).editor(editor).start();
        client.ignore("deny.toml");
        client.diagnostics_with(MANIFEST, VULNERABLE);
        client.diagnostics_with("one/Cargo.toml", "duplicate");
        assert!(client.history("two/Cargo.toml").is_empty(), "it has no finding of its own");
        client.open("two/Cargo.toml");
        let shown = client.diagnostics_when("two/Cargo.toml", "a hint", |shown| !shown.is_empty());
        shown.assert_drawn(
            r#"
            7| cookie = { workspace = true }
               `workspace` hint (no code): also brings `time` 0.3.44: RUSTSEC-2026-0009; see Cargo.toml:6, and also brings `time` 0.3.44: duplicate; see one/Cargo.toml:8
            "#,
        );
        let keeps = capability(&client, "/textDocument/publishDiagnostics/dataSupport") == true;
        let hint = &shown.diagnostics[0];
        assert_eq!(hint.data.is_some(), keeps);
        if let Some(data) = &hint.data {
            assert_eq!(data["findings"].as_array().map(Vec::len), Some(2), "{data}");
        }
        client.open(MANIFEST);
        let shown = client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        shown.assert_drawn(
            r#"
            6| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion, via cookie 0.18.1 -> time 0.3.44 (and 1 other path); upgrade to >=0.3.47 or ^0.1.46
               `0.18` hint (no code): also brings `time` 0.3.44: duplicate; see one/Cargo.toml:8
            "#,
        );
        client.close("two/Cargo.toml");
        client.diagnostics_when("two/Cargo.toml", "nothing", Shown::is_empty);
    }

    fn hints_of_other_dependencies_can_be_turned_off(editor) {
        let session = Session::of(World::locked(KINDS)).editor(editor);
        let mut client = session.option("otherDependencies", false.into()).start();
        for file in [MANIFEST, "one/Cargo.toml", "deny.toml"] {
            client.ignore(file);
        }
        client.open("two/Cargo.toml");
        client.diagnostics_with(MANIFEST, VULNERABLE);
        client.status("exact");
        assert!(client.history("two/Cargo.toml").iter().all(|shown| shown.is_empty()));
    }
}

/// The related locations of a diagnostic with their messages.
fn related(client: &Client, diagnostic: &Diagnostic) -> Vec<String> {
    let related = diagnostic.related_information.iter().map(|related| {
        let file = client.file_of(&related.location.uri);
        let text = client.world.read(&file);
        let covered = client.encoding.covered(&text, related.location.range);
        format!("{file} `{covered}`: {}", related.message)
    });
    related.collect()
}

/// A dependency that many members have.
fn shared_by(members: usize) -> String {
    let names: Vec<_> = (0..members).map(|number| format!("m{number:02}")).collect();
    let mut world = format!(
        "#- crate: time 0.3.44\n#- crate: gpl 1.0.0 (GPL-3.0-only)\n\
         #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion\n\
         #- Cargo.toml\n[workspace]\nmembers = {names:?}\nresolver = \"2\"\n\
         #- deny.toml\n[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{{ crate = \"gpl\" }}]\n"
    );
    for name in names {
        world.push_str(&format!(
            "#- {name}/Cargo.toml\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\
             [dependencies]\ntime = \"0.3\"\ngpl = \"1\"\n"
        ));
    }
    world
}

#[test]
fn related_locations_are_limited_and_say_how_many_more_there_are() {
    let mut client = Session::of(World::locked(&shared_by(30))).start();
    let shown = client.diagnostics_with("m00/Cargo.toml", VULNERABLE);
    let related = related(&client, shown.only(VULNERABLE));
    assert_eq!(related.len(), 8, "{related:?}");
    assert_eq!(related[0], "Cargo.lock `0.3.44`: `time` 0.3.44 is locked here");
    assert_eq!(related[1], "m01/Cargo.toml `0.3`: also brings it");
    assert_eq!(related[6], "m06/Cargo.toml `0.3`: also brings it");
    assert_eq!(related[7], "m07/Cargo.toml `0.3`: and 23 more");
    // All other members are silent, and the size of what is published is limited.
    client.status("exact");
    for member in 1..30 {
        assert!(client.history(&format!("m{member:02}/Cargo.toml")).is_empty());
    }
}

#[test]
fn findings_and_hints_of_open_manifests_have_less_than_3_kb_each() {
    let mut client = Session::of(World::locked(&shared_by(30))).start();
    client.open("m01/Cargo.toml");
    client.ends_with("m01/Cargo.toml", "hints are shown", |shown| !shown.is_empty());
    client.ends_with("m00/Cargo.toml", "findings are shown", |shown| !shown.is_empty());
    client.status("exact");
    let shown = client.shown();
    let all: Vec<_> = shown.values().flat_map(|shown| &shown.diagnostics).collect();
    let findings = all.iter().filter(|one| one.severity <= 2).count();
    assert_eq!((findings, all.len()), (3, 3 + 2));
    let bytes = serde_json::to_string(&all).expect("JSON").len();
    assert!(bytes < 3_000 * findings, "{bytes} bytes for {findings} findings");
}

#[test]
fn rejected_license_and_banned_package_link_to_the_policy() {
    let mut client = Session::of(World::locked(&shared_by(1))).start();
    let shown = client.diagnostics_with("m00/Cargo.toml", "rejected");
    let rejected = related(&client, shown.only("rejected"));
    assert_eq!(
        rejected,
        [
            "Cargo.lock `1.0.0`: `gpl` 1.0.0 is locked here",
            "deny.toml `allow`: the policy allows these licenses",
        ]
    );
    let banned = related(&client, shown.only("banned"));
    assert_eq!(
        banned,
        ["Cargo.lock `1.0.0`: `gpl` 1.0.0 is locked here", "deny.toml `gpl`: banned here"]
    );
}

#[test]
fn ignored_advisory_links_to_its_entry() {
    let ignored = KINDS.replace("RUSTSEC-2000-0001", VULNERABLE);
    let mut client = Session::of(World::locked(&ignored)).option("notes", true.into()).start();
    for file in ["one/Cargo.toml", "two/Cargo.toml", "deny.toml"] {
        client.ignore(file);
    }
    let shown = client.diagnostics_with(MANIFEST, VULNERABLE);
    let related = related(&client, shown.only(VULNERABLE));
    let entry = "deny.toml `RUSTSEC-2026-0009`: the policy ignores it here".to_owned();
    assert!(related.contains(&entry), "{related:?}");
}

#[test]
fn actions_are_offered_on_the_other_dependencies() {
    let mut client = started(crate::harness::Editor::VsCode);
    client.open("two/Cargo.toml");
    client.diagnostics_with(MANIFEST, VULNERABLE);
    client.status("exact");
    let titles = |actions: Vec<Action>| -> Vec<String> {
        actions.iter().map(|action| action.title().to_owned()).collect()
    };
    let on_hint = titles(client.actions("two/Cargo.toml", "cookie"));
    client.open(MANIFEST);
    let on_finding = titles(client.actions(MANIFEST, "cookie"));
    assert_eq!(on_hint, on_finding);
    assert!(on_hint.iter().any(|title| title.contains(VULNERABLE)), "{on_hint:?}");
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

/// A hint names the line of a finding in another file as the client sees it, also where nothing is checked in between.
#[test]
fn hint_names_the_line_in_the_text_that_the_client_has() {
    let mut client = Session::of(World::locked(KINDS)).start();
    client.ignore_all();
    client.open(MANIFEST);
    client.open("two/Cargo.toml");
    let names = |line: u32| {
        move |shown: &Shown| {
            shown.drawn().contains(&format!("RUSTSEC-2026-0009; see Cargo.toml:{line},"))
        }
    };
    client.diagnostics_when("two/Cargo.toml", "a hint on line 6", names(6));
    // A half-typed manifest is not checked.
    client.insert(MANIFEST, "[workspace.dependencies]", "\n[workspa\n");
    client.insert("two/Cargo.toml", "[package]", "# comment\n");
    client.diagnostics_when("two/Cargo.toml", "a hint on line 8", names(8));
    // This verdict has the comment: the next one is the same.
    client.open("deny.toml");
    client.replace("deny.toml", "RUSTSEC-2000-0001", "RUSTSEC-2000-0002");
    client.diagnostics_with("deny.toml", "unknown-advisory");
    client.close(MANIFEST);
    client.diagnostics_when("two/Cargo.toml", "a hint on line 6 again", names(6));
}
