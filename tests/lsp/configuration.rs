//! Settings: their sources, the effect of a change, and messages about invalid ones.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const UNUSED: &str = "license-not-encountered";

/// Starts a session and waits for its first verdict.
fn started_with_first_verdict(session: Session) -> Client {
    let mut client = session.start();
    client.diagnostics_with(MANIFEST, TIME);
    client.diagnostics_with(POLICY, UNUSED);
    client
}

fn severity(shown: &Shown, code: &str) -> u8 {
    shown.only(code).severity
}

fn registers_configuration(client: &Client) -> bool {
    let asked = client.server_requests("client/registerCapability");
    let mut registrations =
        asked.iter().filter_map(|params| params["registrations"].as_array()).flatten();
    registrations.any(|one| {
        one["method"] == "workspace/didChangeConfiguration"
            && one["registerOptions"]["section"] == "supercargo"
    })
}

each_editor! {
    fn client_settings_override_initialization_options(editor) {
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mut client = session
            .option("codes", json!({"rejected": "warning", "vulnerability": "warning"}))
            .settings(json!({"codes": {"vulnerability": "hint"}}))
            .start();
        let shown = client.diagnostics_when(MANIFEST, "the client's severity", |shown| {
            shown.has(TIME) && severity(shown, TIME) == 4
        });
        assert_eq!(severity(&shown, "rejected"), 2);
        client.diagnostics(POLICY);
        assert_eq!(client.server_requests("workspace/configuration").len(), 1);
    }

    fn changed_settings_are_requested_and_withdrawn_ones_are_reset(editor) {
        let mut client = started_with_first_verdict(Session::of(World::locked(SMALL)).editor(editor));
        assert_eq!(registers_configuration(&client), editor == Editor::VsCode);
        client.configure(json!({
            "codes": {"unmaintained": "information", "rejected": "off"},
        }));
        let shown = client.diagnostics_without(MANIFEST, "rejected");
        assert_eq!(shown.codes(), [TIME, PLAIN]);
        assert_eq!(severity(&shown, PLAIN), 3);
        assert_eq!(severity(&shown, TIME), 1);
        client.configure(json!({"checks": {"licenses": false}}));
        let shown = client.diagnostics_when(MANIFEST, "the error again", |shown| {
            severity(shown, PLAIN) == 1
        });
        assert_eq!(shown.codes(), [TIME, PLAIN]);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        client.configure(Value::Null);
        client.diagnostics_with(MANIFEST, "rejected");
        client.diagnostics_with(POLICY, UNUSED);
        assert_eq!(client.server_requests("workspace/configuration").len(), 4);
    }

    fn invalid_settings_are_shown_once_and_valid_ones_are_used(editor) {
        let mut client = started_with_first_verdict(Session::of(World::locked(SMALL)).editor(editor));
        let wrong = json!({
            "debounce": -1, "oflfine": true, "codes": {"yankd": "off", "rejected": "off", "banned": "loud"},
        });
        client.configure(wrong.clone());
        assert_eq!(
            client.message("setting"),
            "supercargo: invalid setting `codes.banned`: expected `off`, `error`, `warning`, \
             `information` or `hint`, found `\"loud\"`; unknown code `yankd`: did you mean `yanked`?; \
             invalid setting `debounce`: expected a whole number from 0 to 5000, found `-1`; unknown \
             setting `oflfine`: did you mean `offline`?"
        );
        client.diagnostics_without(MANIFEST, "rejected");
        // The same error is not shown again; a new one is.
        client.configure(wrong);
        client.wait_for_requests("workspace/configuration", 3);
        client.configure(json!("yes"));
        assert!(client.message("setting").ends_with("expected an object, found `\"yes\"`"));
        client.diagnostics_with(MANIFEST, "rejected");
    }

    fn client_that_never_responds_delays_nothing(editor) {
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mut client = started_with_first_verdict(
            session
                .never_respond("workspace/configuration")
                .never_respond("client/registerCapability")
                .never_respond("workspace/inlayHint/refresh"),
        );
        client.wait_for_request("workspace/configuration");
        for _ in 0..5 {
            client.configure(json!({"codes": {"rejected": "off"}}));
        }
        client.open(POLICY);
        client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
        client.replace(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        assert!(client.hover(POLICY, "allow").is_some());
    }

    fn client_without_configuration_requests_pushes_its_settings(editor) {
        let session = Session::of(World::locked(SMALL)).editor(editor);
        let mut client = started_with_first_verdict(session.capability("/workspace/configuration", false.into()));
        let push = |client: &mut Client, settings: Value| {
            client.notify("workspace/didChangeConfiguration", json!({"settings": settings}));
        };
        push(&mut client, json!({"supercargo": {"codes": {"rejected": "off"}}}));
        client.diagnostics_without(MANIFEST, "rejected");
        push(&mut client, json!({"codes": {"vulnerability": "off"}}));
        let shown = client.diagnostics_without(MANIFEST, TIME);
        assert_eq!(shown.codes(), ["rejected", PLAIN]);
        push(&mut client, Value::Null);
        client.diagnostics_with(MANIFEST, TIME);
        assert!(client.server_requests("workspace/configuration").is_empty());
    }

    fn changed_hint_settings_refresh_hints(editor) {
        let mut client = started_with_first_verdict(Session::of(World::locked(SMALL)).editor(editor));
        let refreshes = |client: &Client| client.server_requests("workspace/inlayHint/refresh").len();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.configure(json!({"hints": {"lockedVersion": false}, "codes": {"rejected": "off"}}));
        client.diagnostics_without(MANIFEST, "rejected");
        let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
        let params = json!({"textDocument": {"uri": client.world.uri(MANIFEST)}, "range": whole});
        let hints = client.request("textDocument/inlayHint", params).expect("an answer");
        assert_eq!(hints, json!([]));
        // One for the first verdict, one for the change.
        client.configure(json!({"hints": {"lockedVersion": false}}));
        client.diagnostics_with(MANIFEST, "rejected");
        let expected = if editor == Editor::Helix { 0 } else { 2 };
        client.wait_for_requests("workspace/inlayHint/refresh", expected);
        assert_eq!(refreshes(&client), expected);
    }
}

#[cfg(unix)]
#[test]
fn display_settings_do_not_run_cargo() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = started_with_first_verdict(Session::of(world).option("offline", Value::Null));
    let calls = |client: &Client| client.world.read("../cargo/calls");
    let before = calls(&client);
    assert!(!before.contains("--offline"), "{before}");
    client.configure(json!({"codes": {"rejected": "off"}, "debounce": 10, "notes": true}));
    client.diagnostics_when(MANIFEST, "notes", |shown| {
        !shown.has("rejected") && shown.diagnostics.iter().any(|one| one.severity == 4)
    });
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    assert_eq!(calls(&client), before);
    client.configure(json!({"offline": true}));
    client.diagnostics_with(MANIFEST, "rejected");
    client.world.wait_for_cargo_calls(before.lines().count() + 1);
    let after = calls(&client);
    assert!(after[before.len()..].lines().all(|call| call.contains("--offline")), "{after}");
}

#[test]
fn note_with_a_severity_is_shown_while_notes_are_hidden() {
    let mut client = started_with_first_verdict(Session::of(World::locked(SMALL)));
    client.configure(json!({"codes": {"accepted": "information"}}));
    let shown = client.diagnostics_with(MANIFEST, "accepted");
    let notes = shown.diagnostics.iter().filter(|one| one.code.as_deref() == Some("accepted"));
    assert!(notes.clone().all(|one| one.severity == 3), "{}", shown.drawn());
    assert!(shown.diagnostics.iter().all(|one| one.severity < 4), "{}", shown.drawn());
    client.configure(Value::Null);
    client.diagnostics_without(MANIFEST, "accepted");
}

#[test]
fn changed_database_is_used_at_once() {
    let mut client = started_with_first_verdict(Session::of(World::locked(SMALL)));
    client.world.add("#- advisory: RUSTSEC-2000-0001 unused-package: Nothing\n");
    let source = client.world.path("../db/crates/unused-package/RUSTSEC-2000-0001.md");
    let text = std::fs::read_to_string(source).expect("an advisory");
    client.world.write("../other/crates/unused-package/RUSTSEC-2000-0001.md", text);
    let other = client.world.path("../other");
    client.configure(json!({"db": other}));
    assert_eq!(client.diagnostics_without(MANIFEST, TIME).codes(), ["rejected"]);
    client.configure(json!({"db": "../db"}));
    assert!(client.message("`db`").contains("an absolute path"));
    client.diagnostics_with(MANIFEST, TIME);
}

#[test]
fn workspace_setting_checks_all_members() {
    let world = World::new(SMALL);
    world.edit(MANIFEST, "[package]", "[workspace]\nmembers = [\"helper\"]\n[package]");
    world.add(
        "#- crate: alone 1.0.0 (GPL-2.0-only)\n#- helper/Cargo.toml\n[package]\nname = \"helper\"\n\
         version = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n[dependencies]\nalone = \"1\"\n",
    );
    world.lock("");
    let mut client = started_with_first_verdict(Session::of(world));
    client.diagnostics_with("helper/Cargo.toml", "supercargo::member-not-judged");
    client.configure(json!({"workspace": true}));
    client.diagnostics_with("helper/Cargo.toml", "rejected");
    client.ignore(MANIFEST);
    client.ignore(POLICY);
}

#[cfg(unix)]
#[test]
fn cargo_program_and_trust_are_not_read_from_a_repository() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::locked(SMALL);
    world.write("theirs", format!("#!/bin/sh\necho > '{}'\n", world.path("../cargo/ran")));
    let theirs = world.path("theirs");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&theirs, mode).expect("a mode is set");
    let settings = json!({"cargo": theirs, "trusted": false, "offline": false});
    let mut client = started_with_first_verdict(Session::of(world).settings(settings.clone()));
    assert_eq!(
        client.message("setting"),
        "supercargo: ignored setting `cargo`: set it in `initializationOptions`, which no repository \
         can write; ignored setting `trusted`: set it in `initializationOptions`, which no repository \
         can write"
    );
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    client.replace(MANIFEST, "plain = \"1.5\"", "plain = \"=9.9.9\"");
    client.diagnostics_with(MANIFEST, "supercargo::resolution-failed");
    assert!(client.world.try_read("../cargo/ran").is_none(), "a program of the repository was run");
}

#[cfg(unix)]
#[test]
fn cargo_of_the_initialization_options_is_run() {
    use crate::harness::FakeCargo;

    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Counting);
    world.set("CARGO", "/nowhere/cargo");
    let cargo = world.path("../fake/cargo");
    let client = started_with_first_verdict(Session::of(world).option("cargo", cargo.into()));
    assert!(client.world.cargo_calls() > 0);
}

#[test]
fn excluded_folders_are_skipped() {
    let world = World::locked(SMALL);
    let manifest = world.read(MANIFEST);
    for folder in ["fixtures/one", "apps/two"] {
        world.write(&format!("{folder}/Cargo.toml"), &manifest);
        world.write(&format!("{folder}/src/lib.rs"), "");
        world.lock(folder);
    }
    for file in [MANIFEST, "Cargo.lock", POLICY] {
        world.delete(file);
    }
    let (one, two) = ("fixtures/one/Cargo.toml", "apps/two/Cargo.toml");
    let mut client = Session::of(world).start();
    client.diagnostics_with(two, TIME);
    assert!(client.history(one).is_empty());
    client.configure(json!({"exclude": ["apps"]}));
    client.diagnostics_with(one, TIME);
    client.diagnostics_when(two, "nothing", Shown::is_empty);
    client.configure(json!({"exclude": []}));
    client.diagnostics_with(two, TIME);
    assert_eq!(client.history(one).len(), 1);
}

#[test]
fn edited_manifest_is_resolved_after_the_debounce_setting() {
    let mut client = started_with_first_verdict(
        Session::of(World::locked(SMALL)).option("debounce", 1500.into()),
    );
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    let edited = Instant::now();
    client.replace(MANIFEST, "plain = \"1.5\"", "plain = \"=9.9.9\"");
    client.diagnostics_with(MANIFEST, "supercargo::resolution-failed");
    let waited = edited.elapsed();
    assert!(waited >= Duration::from_millis(1500), "checked after {waited:?}");
}
