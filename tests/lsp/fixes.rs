//! Code actions: they are verified, and do what their titles say.

use std::time::{Duration, Instant};

use crate::{
    harness::{Action, Change, Client, Editor, FakeCargo, Session, World, each_editor},
    worlds::TIME,
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

/// Packages with an upgrade within the requirement, with another requirement, and without one.
const UPGRADES: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: time 0.3.48
#- crate: exact 1.0.0
#- crate: exact 1.0.1
#- crate: stuck 1.0.0
#- crate: isc 1.0.0 (ISC)
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2026-0010 exact patched >=1.0.1: Wrong
#- advisory: RUSTSEC-2026-0011 stuck patched >=2: Worse
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
time = "0.3" # the clock 𝄞
exact = { version = "=1.0.0" }
stuck = "1"
isc = "1"
#- deny.toml
[advisories]
ignore = []

[licenses]
allow = ["MIT"]
"#;

/// A world with the older versions locked.
fn world() -> World {
    let world = World::new(UPGRADES);
    world.edit(MANIFEST, "time = \"0.3\"", "time = \"=0.3.44\"");
    world.lock("");
    // The lockfile does not contain requirements.
    world.edit(MANIFEST, "time = \"=0.3.44\"", "time = \"0.3\"");
    world
}

fn opened(editor: Editor) -> Client {
    opened_by(Session::of(world()).editor(editor))
}

fn opened_by(session: Session) -> Client {
    let mut client = session.start();
    client.open(MANIFEST);
    client.open(POLICY);
    client.status("exact");
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    client
}

fn titles(client: &mut Client, needle: &str) -> Vec<String> {
    client.actions(MANIFEST, needle).iter().map(|action| action.title().to_owned()).collect()
}

each_editor! {
    fn first_action_is_the_smallest_upgrade_and_clears_its_codes(editor) {
        let mut client = opened(editor);
        let actions = client.actions(MANIFEST, "\"0.3\"");
        assert_eq!(
            actions[0].title(),
            "upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)"
        );
        assert!(actions[0].is_preferred());
        assert!(actions[1..].iter().all(|action| !action.is_preferred()));
        let manifest = client.text(MANIFEST);
        let on_disk = client.world.read("Cargo.lock");
        client.take_action(&actions[0]);
        // The requirement accepts it: only the lockfile changes, and only in the editor.
        assert_eq!(client.text(MANIFEST), manifest);
        assert_eq!(client.world.read("Cargo.lock"), on_disk);
        assert_eq!(
            client.text("Cargo.lock").matches("version = \"0.3.47\"").count(),
            1,
        );
        client.ends_with(MANIFEST, "no finding about it", |shown| !shown.has(TIME));
        client.save("Cargo.lock");
        client.ends_with(MANIFEST, "still no finding", |shown| !shown.has(TIME));
        client.ignore("Cargo.lock");
    }

    fn rejecting_requirement_is_changed_in_the_same_edit(editor) {
        let mut client = opened(editor);
        let actions = client.actions(MANIFEST, "=1.0.0");
        assert_eq!(
            actions[0].title(),
            "upgrade `exact` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0010)"
        );
        let before = client.text(MANIFEST);
        client.take_action(&actions[0]);
        assert_eq!(client.text(MANIFEST), before.replace("=1.0.0", "=1.0.1"));
        client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0010"));
        client.ignore("Cargo.lock");
    }

    fn undo_restores_the_finding_and_its_fix(editor) {
        let mut client = opened(editor);
        let offered = titles(&mut client, "=1.0.0");
        let actions = client.actions(MANIFEST, "=1.0.0");
        let before = (client.text(MANIFEST), client.world.read("Cargo.lock"));
        client.take_action(&actions[0]);
        client.latest(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0010"));
        let after = (client.text(MANIFEST), client.text("Cargo.lock"));
        // An undo restores the texts with separate edits, one file after the other.
        client.replace(MANIFEST, "=1.0.1", "=1.0.0");
        client.change("Cargo.lock", &[Change::whole(&before.1)]);
        assert_eq!(client.text(MANIFEST), before.0);
        client.latest(MANIFEST, "the finding again", |shown| shown.has("RUSTSEC-2026-0010"));
        assert_eq!(titles(&mut client, "=1.0.0"), offered);
        // A redo gives the same texts.
        let actions = client.actions(MANIFEST, "=1.0.0");
        client.take_action(&actions[0]);
        assert_eq!((client.text(MANIFEST), client.text("Cargo.lock")), after);
        client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0010"));
        client.ignore("Cargo.lock");
    }

    fn ignore_is_last_not_preferred_and_names_one_advisory(editor) {
        let mut client = opened(editor);
        let actions = client.actions(MANIFEST, "stuck = \"1\"");
        let offered: Vec<_> =
            actions.iter().filter(|action| action.disabled().is_none()).collect();
        let last = offered.last().expect("an action");
        assert!(last.title().starts_with("ignore `RUSTSEC-2026-0011`"), "{}", last.title());
        assert!(!last.is_preferred());
        if editor != Editor::Neovim {
            let why = actions.iter().find_map(|action| action.disabled()).expect("a reason");
            assert!(why.contains("the local registry index has no version of `stuck` that matches"), "{why}");
        }
        let taken = client.take_action(last);
        let policy = client.text(POLICY);
        assert!(
            policy.contains("{ id = \"RUSTSEC-2026-0011\", reason = \"TODO"),
            "{policy}"
        );
        client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0011"));
        // The server then shows the placeholder, or names its line if the client cannot show documents.
        take_command(&mut client, &taken);
        let marked = "TODO: why this is acceptable";
        let start = client.text(POLICY).find(marked).expect("the placeholder");
        let bounds = [start, start + marked.len()].map(|at| {
            let at = client.position(POLICY, at);
            serde_json::json!({"line": at.line, "character": at.character})
        });
        if editor == Editor::Helix {
            let line = client.position(POLICY, start).line + 1;
            assert_eq!(
                client.message("write the reason"),
                format!("supercargo: write the reason in line {line} of `deny.toml`")
            );
            assert!(client.server_requests("window/showDocument").is_empty());
        } else {
            client.wait_for_request("window/showDocument");
            let shown = client.server_requests("window/showDocument")[0].clone();
            assert!(shown["uri"].as_str().is_some_and(|uri| uri.ends_with("/deny.toml")), "{shown}");
            let selection = &shown["selection"];
            assert_eq!([&selection["start"], &selection["end"]], [&bounds[0], &bounds[1]]);
        }
        client.diagnostics_when(POLICY, "the reason is missing", |shown| {
            shown.codes() == ["supercargo::missing-reason"]
                && shown.covered("supercargo::missing-reason").starts_with("TODO")
        });
        client.replace(POLICY, "TODO: why this is acceptable", "never called with user input");
        client.ends_with(POLICY, "nothing is missing", crate::harness::Shown::is_empty);
    }

    fn exception_is_offered_before_every_crate(editor) {
        let mut client = opened(editor);
        let titles = titles(&mut client, "isc = \"1\"");
        assert_eq!(
            titles[..2],
            [
                "allow `ISC` for `isc` 1.0.0 only (fixes rejected)",
                "allow `ISC` for every crate, newly allows 1 crate (fixes rejected)",
            ]
        );
        let action = client.actions(MANIFEST, "isc = \"1\"").remove(0);
        client.take_action(&action);
        client.ends_with(MANIFEST, "no finding", |shown| !shown.has("rejected"));
        assert!(client.text(POLICY).contains("isc@=1.0.0") || client.text(POLICY).contains("isc@1.0.0"));
    }
}

/// Two dependencies on one line, and a duplicate that another line clears.
const LINES: &str = r#"
#- crate: bad 1.0.0
#- crate: bad 1.0.1
#- crate: first 1.0.0
#- crate: first 1.0.1
#- crate: second 1.0.0
#- crate: second 1.0.1
#- crate: shared 1.0.0
#- crate: shared 2.0.0
#- crate: shared 2.0.1
#- crate: old 1.0.0 -> shared 1
#- crate: old 1.1.0 -> shared 2
#- advisory: RUSTSEC-2026-0001 first patched >=1.0.1: First
#- advisory: RUSTSEC-2026-0002 second patched >=1.0.1: Second
#- advisory: RUSTSEC-2026-0003 shared patched >=2.0.1: Third
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[target.'cfg(all())']
dependencies = { first = "1", second = "1" }

[dependencies]
old = "=1.0.0"
shared = "=2.0.0"
#- deny.toml
[licenses]
allow = ["MIT"]
[bans]
multiple-versions = "deny"
"#;

each_editor! {
    fn upgrade_of_the_finding_at_the_cursor_comes_first(editor) {
        let world = World::new(LINES);
        world.edit(MANIFEST, "first = \"1\", second = \"1\"", "first = \"=1.0.0\", second = \"=1.0.0\"");
        world.lock("");
        world.edit(MANIFEST, "first = \"=1.0.0\", second = \"=1.0.0\"", "first = \"1\", second = \"1\"");
        let mut client = opened_by(Session::of(world).editor(editor));
        for (needle, first) in [
            ("first =", "upgrade `first` 1.0.0 to 1.0.1"),
            ("\"1\", second", "upgrade `first` 1.0.0 to 1.0.1"),
            ("second = \"1\"", "upgrade `second` 1.0.0 to 1.0.1"),
            ("\"1\" }", "upgrade `second` 1.0.0 to 1.0.1"),
            ("shared =", "upgrade `shared` 2.0.0 to 2.0.1"),
        ] {
            let titles = titles(&mut client, needle);
            assert!(titles[0].starts_with(first), "{needle}: {titles:?}");
        }
    }
}

/// Runs the command that follows the edit of an action, as editors do.
fn take_command(client: &mut Client, action: &Action) {
    let command = &action.0["command"];
    let params = serde_json::json!({
        "command": command["command"], "arguments": command["arguments"],
    });
    client.request("workspace/executeCommand", params).expect("a command");
}

#[test]
fn location_is_reported_if_the_editor_cannot_show_it() {
    let session = Session::of(world()).editor(Editor::VsCode).reject("window/showDocument");
    let mut client = opened_by(session);
    let actions = client.actions(MANIFEST, "stuck = \"1\"");
    let ignores = |action: &&Action| action.title().starts_with("ignore `RUSTSEC-2026-0011`");
    let ignore = actions.iter().find(ignores).expect("an ignore");
    let taken = client.take_action(ignore);
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0011"));
    take_command(&mut client, &taken);
    client.wait_for_request("window/showDocument");
    client.message("write the reason in line ");
    client.ignore(POLICY);
}

#[test]
fn fix_all_is_an_action_of_its_own_kind() {
    let mut client = opened(Editor::VsCode);
    assert!(titles(&mut client, "\"0.3\"").iter().all(|title| !title.contains("fix all")));
    let actions = client.actions_of_kind(MANIFEST, "source.fixAll");
    assert_eq!(actions.len(), 1);
    client.take_action(&actions[0]);
    client.ends_with(MANIFEST, "the findings without a fix", |shown| {
        let mut codes = shown.codes();
        codes.sort_unstable();
        codes == ["RUSTSEC-2026-0011", "rejected"]
    });
    assert!(!client.text(POLICY).contains("reason"));
    client.ignore("Cargo.lock");
}

/// An editor applies the rest of an action even if its edit cannot be resolved.
#[test]
fn command_that_follows_an_edit_is_sent_only_with_the_edit() {
    let mut client = opened(Editor::VsCode);
    let actions = client.actions(MANIFEST, "stuck = \"1\"");
    let ignores = |action: &&Action| action.title().starts_with("ignore `RUSTSEC-2026-0011`");
    let ignore = actions.iter().find(ignores).expect("an ignore");
    assert!(ignore.0["edit"].is_null() && ignore.0["command"].is_null(), "{ignore:?}");
    let taken = client.take_action(ignore);
    assert_eq!(taken.0["command"]["command"], "supercargo.server.fillIn");
    client.ignore_all();
}

/// A menu stays open while a newer verdict comes, as after the index has changed.
#[test]
fn action_from_before_a_new_verdict_applies_to_the_same_texts() {
    let mut client = opened(Editor::VsCode);
    let action = client.actions(MANIFEST, "=1.0.0").remove(0);
    client.world.add("#- advisory: RUSTSEC-2026-0099 stuck: Another one\n");
    client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0099");
    client.take_action(&action);
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0010"));
    client.ignore("Cargo.lock");
}

#[test]
fn edit_of_a_changed_text_is_rejected() {
    let mut client = opened(Editor::VsCode);
    let action = client.actions(MANIFEST, "=1.0.0").remove(0);
    client.insert(MANIFEST, "[dependencies]", "# more\n");
    let error = client.request("codeAction/resolve", action.0).expect_err("it is another text");
    assert_eq!(error.code, -32801);
    // The next request offers it for the new text.
    let action = client.actions(MANIFEST, "=1.0.0").remove(0);
    client.take_action(&action);
    assert!(client.text(MANIFEST).contains("# more\n[dependencies]"));
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0010"));
    client.ignore("Cargo.lock");
}

#[test]
fn edit_is_rejected_after_the_lockfile_changed_on_disk() {
    let mut client = opened(Editor::Helix);
    let action = client.actions(MANIFEST, "=1.0.0").remove(0);
    let lock = client.world.read("Cargo.lock");
    client.world.write("Cargo.lock", format!("# by another program\n{lock}"));
    let error = client.request("codeAction/resolve", action.0).expect_err("it is another text");
    assert_eq!(error.code, -32801);
}

#[cfg(unix)]
#[test]
fn fix_is_verified_on_request() {
    let mut world = world();
    world.use_fake_cargo(FakeCargo::Counting);
    let session = Session::of(world).option("proveWhenIdle", false.into());
    let mut client = session.editor(Editor::Helix).start();
    client.open(MANIFEST);
    client.status("exact");
    let calls = client.world.cargo_calls();
    let actions = client.actions(MANIFEST, "=1.0.0");
    assert!(actions[0].title().starts_with("upgrade `exact`"), "{}", actions[0].title());
    assert!(client.world.cargo_calls() > calls);
    client.ignore(MANIFEST);
    client.ignore(POLICY);
}

#[cfg(unix)]
#[test]
fn edit_does_not_wait_for_a_verification() {
    let mut world = world();
    world.use_fake_cargo(FakeCargo::Counting);
    let session = Session::of(world).option("proveWhenIdle", false.into());
    let mut client = session.start();
    client.open(MANIFEST);
    client.open(POLICY);
    client.status("exact");
    client.diagnostics_with(MANIFEST, "rejected");
    client.world.use_fake_cargo(FakeCargo::Held);
    let calls = client.world.cargo_calls();
    let params = client.action_params(MANIFEST, "=1.0.0", None);
    let asked = client.send_request("textDocument/codeAction", params);
    client.world.wait_for_cargo_calls(calls + 1);
    client.replace(POLICY, "[\"MIT\"]", "[\"MIT\", \"ISC\"]");
    client.diagnostics_without(MANIFEST, "rejected");
    client.world.release_cargo();
    client.response(asked).expect("a response after all");
    client.ignore(POLICY);
}

#[cfg(unix)]
#[test]
fn light_bulb_has_the_first_action_and_then_the_others() {
    let mut world = world();
    world.use_fake_cargo(FakeCargo::Counting);
    let session = Session::of(world).option("proveWhenIdle", false.into());
    let mut client = session.start();
    client.open(MANIFEST);
    client.status("exact");
    let shown = client.diagnostics_with(MANIFEST, TIME);
    let calls = client.world.resolutions();
    client.world.use_fake_cargo(FakeCargo::HeldFrom(calls + 2));

    let mut params = client.action_params(MANIFEST, "\"0.3\"", None);
    params["context"]["triggerKind"] = 2.into();
    let first = client.actions_for(params.clone());
    let titles: Vec<_> = first.iter().map(Action::title).collect();
    assert_eq!(titles, ["upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)"]);
    assert!(first[0].is_preferred());

    client.world.release_cargo();
    // VS Code requests the actions again when it receives diagnostics.
    let again = client.diagnostics_with(MANIFEST, TIME);
    assert_eq!(again.diagnostics, shown.diagnostics);
    let all = client.actions_for(params);
    assert_eq!(all[0].title(), first[0].title());
    let newest = all.iter().any(|action| action.title().contains("0.3.44 to 0.3.48"));
    assert!(newest, "the newest version is offered, too");
    client.take_action(&first[0]);
    client.ends_with(MANIFEST, "no finding about it", |shown| !shown.has(TIME));
    client.ignore("Cargo.lock");
    client.ignore(POLICY);
}

#[cfg(unix)]
#[test]
fn light_bulb_on_another_line_does_not_wait_for_further_actions() {
    let mut world = world();
    world.use_fake_cargo(FakeCargo::Counting);
    let session = Session::of(world).option("proveWhenIdle", false.into());
    let mut client = session.start();
    client.open(MANIFEST);
    client.status("exact");
    let calls = client.world.resolutions();
    client.world.use_fake_cargo(FakeCargo::HeldAt(calls + 2));
    let asked = |client: &mut Client, needle: &str| {
        let mut params = client.action_params(MANIFEST, needle, None);
        params["context"]["triggerKind"] = 2.into();
        params
    };

    let of_time = asked(&mut client, "\"0.3\"");
    let first = client.actions_for(of_time.clone());
    assert_eq!(first[0].title(), "upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)");
    // The search for the others is at work, and is not finished.
    client.world.wait_for_resolutions(calls + 2);
    let of_exact = asked(&mut client, "=1.0.0");
    let other = client.actions_for(of_exact);
    assert_eq!(other[0].title(), "upgrade `exact` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0010)");

    // It is made again.
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    let params = client.action_params(MANIFEST, "\"0.3\"", None);
    let all = client.actions_for(params);
    let newest = all.iter().any(|action| action.title().contains("0.3.44 to 0.3.48"));
    assert!(newest, "the newest version is offered, too");
}

#[test]
fn light_bulb_has_an_upgrade_of_its_line_first() {
    // Both dependencies bring `time`, whose finding is on the line of the first one.
    let world = World::new(
        r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: cookie 0.18.1 -> time 0.3
#- crate: other 1.0.0 -> time 0.3
#- crate: other 1.0.1 -> time 0.3
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- advisory: RUSTSEC-2026-0010 other patched >=1.0.1: Wrong
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
cookie = "0.18"
other = "=1.0.0"
time = "=0.3.44"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    world.lock("");
    // The lockfile does not contain requirements.
    world.edit(MANIFEST, "other = \"=1.0.0\"\ntime = \"=0.3.44\"\n", "other = \"1\"\n");
    world.edit("Cargo.lock", " \"other\",\n \"time\",\n", " \"other\",\n");
    let mut client = opened_by(Session::of(world).option("proveWhenIdle", false.into()));
    for (needle, title) in [
        ("\"0.18\"", "upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)"),
        ("\"1\"", "upgrade `other` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0010)"),
    ] {
        let mut params = client.action_params(MANIFEST, needle, None);
        params["context"]["triggerKind"] = 2.into();
        let actions = client.actions_for(params);
        assert_eq!(actions[0].title(), title);
        assert!(actions[0].is_preferred());
    }
    client.ignore_all();
}

#[cfg(unix)]
#[test]
fn first_actions_of_all_lines_are_found_before_further_ones() {
    let mut world = world();
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.open(MANIFEST);
    client.status("exact");
    let calls = client.world.resolutions();
    // Each of the two packages with a compatible upgrade needs one resolution.
    client.world.use_fake_cargo(FakeCargo::HeldFrom(calls + 3));
    client.world.wait_for_resolutions(calls + 3);
    for (needle, title) in [
        ("\"0.3\"", "upgrade `time` 0.3.44 to 0.3.47 (fixes RUSTSEC-2026-0009)"),
        ("=1.0.0", "upgrade `exact` 1.0.0 to 1.0.1 (fixes RUSTSEC-2026-0010)"),
    ] {
        let mut params = client.action_params(MANIFEST, needle, None);
        params["context"]["triggerKind"] = 2.into();
        let first = client.actions_for(params);
        assert_eq!(first[0].title(), title);
    }
    client.world.release_cargo();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
}

#[test]
fn untrusted_workspace_has_no_actions() {
    let mut client = Session::of(world()).option("trusted", false.into()).start();
    client.message("no program is started");
    client.open(MANIFEST);
    client.status("untrusted");
    assert!(client.actions(MANIFEST, "=1.0.0").is_empty());
    client.ignore(MANIFEST);
    client.ignore(POLICY);
}

#[test]
fn broken_policy_has_no_actions() {
    let mut client = opened(Editor::Neovim);
    client.replace(POLICY, "ignore = []", "ignore = [");
    client.diagnostics_with(POLICY, "supercargo::policy-syntax");
    let titles = titles(&mut client, "isc = \"1\"");
    assert!(titles.is_empty(), "{titles:?}");
}

/// A verdict on the completed text has to come first, so there is nothing to wait for.
#[test]
fn half_typed_manifest_has_no_actions_at_once() {
    let mut client = opened(Editor::VsCode);
    assert!(!titles(&mut client, "exact").is_empty());
    client.replace(MANIFEST, "stuck = \"1\"", "stuck = ");
    client.diagnostics_with(MANIFEST, "supercargo::resolution-failed");
    let start = Instant::now();
    let titles = titles(&mut client, "exact");
    assert!(titles.is_empty(), "{titles:?}");
    assert!(start.elapsed() < Duration::from_secs(15), "it waited for a verdict");
}

#[test]
fn lens_counts_fixes_and_applies_them() {
    let mut client = opened(Editor::VsCode);
    let uri = client.world.uri(MANIFEST);
    let lenses = |client: &mut Client| {
        let params = serde_json::json!({"textDocument": {"uri": uri}});
        client.request("textDocument/codeLens", params).expect("lenses")
    };
    // The server verifies fixes without a request.
    let start = std::time::Instant::now();
    let lens = loop {
        let found = lenses(&mut client);
        let title = found[0]["command"]["title"].as_str().expect("a title").to_owned();
        if title == "gate: 4 errors · 2 verified fixes" {
            break found[0].clone();
        }
        assert!(start.elapsed() < crate::harness::TEST_TIMEOUT, "{title}");
        client.receive_until(std::time::Instant::now() + std::time::Duration::from_millis(20));
    };
    assert_eq!(lens["range"]["start"]["line"], 6);
    let params = serde_json::json!({
        "command": lens["command"]["command"], "arguments": lens["command"]["arguments"],
    });
    client.request("workspace/executeCommand", params).expect("a command");
    client.wait_for_request("workspace/applyEdit");
    let edit = client.server_requests("workspace/applyEdit")[0]["edit"].clone();
    client.apply(&edit);
    client.ends_with(MANIFEST, "the findings without a fix", |shown| {
        !shown.has(TIME) && !shown.has("RUSTSEC-2026-0010")
    });
    client.ignore("Cargo.lock");
}

#[test]
fn wildcard_requirement_becomes_the_locked_version() {
    let world = world();
    world.edit(MANIFEST, "isc = \"1\"", "isc = \"*\"");
    world.edit(POLICY, "[licenses]", "[bans]\nwildcards = \"deny\"\n\n[licenses]");
    let mut client = Session::of(world).editor(Editor::Helix).start();
    client.open(MANIFEST);
    client.status("exact");
    let actions = client.actions(MANIFEST, "\"*\"");
    assert_eq!(actions[0].title(), "require `isc` 1.0.0 instead of any version (fixes wildcard)");
    client.take_action(&actions[0]);
    assert!(client.text(MANIFEST).contains("isc = \"1.0.0\""));
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("wildcard"));
    client.ignore(POLICY);
}

#[test]
fn unmaintained_package_is_replaced_by_its_successor() {
    let world = World::new(&format!("{UPGRADES}#- crate: unstuck 2.0.0\n"));
    world.lock("");
    world.write(
        "../db/crates/stuck/RUSTSEC-2026-0012.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0012\"\npackage = \"stuck\"\ndate = \"2026-02-05\"\n\
         informational = \"unmaintained\"\n[versions]\npatched = []\n```\n\n# No maintainer\n\n\
         Use [unstuck](https://crates.io/crates/unstuck).\n",
    );
    world.delete("../db/crates/stuck/RUSTSEC-2026-0011.md");
    let mut client = Session::of(world).editor(Editor::VsCode).start();
    client.open(MANIFEST);
    client.status("exact");
    let actions = client.actions(MANIFEST, "stuck = \"1\"");
    assert_eq!(
        actions[0].title(),
        "replace `stuck` with `unstuck` 2.0.0, which its advisory names; it resolves but was not compiled (fixes \
         RUSTSEC-2026-0012)"
    );
    client.take_action(&actions[0]);
    let replaced = "stuck = { version = \"2.0.0\", package = \"unstuck\" }";
    assert!(client.text(MANIFEST).contains(replaced));
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0012"));
    client.ignore(POLICY);
}

#[test]
fn unused_workspace_dependency_is_removed() {
    let world = world();
    let unused =
        "[workspace.dependencies]\n# kept\nexact = \"1\"\nstuck = \"1\" # old\n\n[dependencies]";
    world.edit(MANIFEST, "[dependencies]", unused);
    world.edit(MANIFEST, "exact = { version = \"=1.0.0\" }", "exact.workspace = true");
    world.edit(
        POLICY,
        "[licenses]",
        "[bans.workspace-dependencies]\nunused = \"deny\"\n\n[licenses]",
    );
    let mut client = Session::of(world).editor(Editor::VsCode).start();
    client.open(MANIFEST);
    client.status("exact");
    let before = client.text(MANIFEST);
    let actions = client.actions(MANIFEST, "stuck = \"1\" # old");
    assert_eq!(
        actions[0].title(),
        "remove the unused workspace dependency `stuck` (fixes unused-workspace-dependency)"
    );
    client.take_action(&actions[0]);
    assert_eq!(client.text(MANIFEST), before.replace("stuck = \"1\" # old\n", ""));
    client.status("exact");
    let actions = client.actions(MANIFEST, "exact = \"1\"");
    let why = actions.iter().find_map(|action| action.disabled()).expect("a reason");
    let prefix = "could not remove the unused workspace dependency `exact`: cargo failed: ";
    assert!(why.starts_with(prefix), "{why}");
    // cargo-deny also reports dependencies that only the root inherits as unused.
    client.ends_with(MANIFEST, "only the other one", |shown| {
        let all = shown.diagnostics.iter();
        let code = "unused-workspace-dependency";
        let mut unused = all.filter(|one| one.code.as_deref() == Some(code));
        unused.next().is_some_and(|one| one.message.contains("`exact`")) && unused.next().is_none()
    });
    client.ignore(POLICY);
}

#[cfg(unix)]
#[test]
fn git_dependency_is_pinned_to_the_locked_commit() {
    let world = world();
    world.write("../forge/lib/Cargo.toml", "[package]\nname = \"forged\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n");
    world.write("../forge/lib/src/lib.rs", "");
    let forge = world.path("../forge/lib");
    for words in [
        &["init", "-q", "-b", "main"][..],
        &["add", "."],
        &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"],
    ] {
        let done = std::process::Command::new("git").args(words).current_dir(&forge).status();
        assert!(done.is_ok_and(|status| status.success()), "git {words:?}");
    }
    let url = format!("file://{forge}");
    world.edit(
        MANIFEST,
        "isc = \"1\"",
        &format!("forged = {{ git = \"{url}\", branch = \"main\" }}"),
    );
    world.edit(
        POLICY,
        "[licenses]",
        &format!("[sources]\nallow-git = [\"{url}\"]\nrequired-git-spec = \"rev\"\n\n[licenses]"),
    );
    // Not offline: cargo clones it from the sibling folder.
    let cargo = std::process::Command::new(&world.variables()["CARGO"])
        .args(["generate-lockfile", "--quiet"])
        .env_clear()
        .envs(world.variables())
        .current_dir(world.path(""))
        .status();
    assert!(cargo.is_ok_and(|status| status.success()), "could not create the lockfile");
    let mut client = Session::of(world).editor(Editor::Neovim).start();
    client.open(MANIFEST);
    client.status("exact");
    let code = "git-source-underspecified";
    client.diagnostics_with(MANIFEST, code);
    let actions = client.actions(MANIFEST, &url);
    assert!(actions[0].title().starts_with("pin `forged` to the locked commit "), "{actions:?}");
    client.take_action(&actions[0]);
    assert!(client.text(MANIFEST).contains(&format!("{{ git = \"{url}\", rev = \"")));
    client.diagnostics_without(MANIFEST, code);
    client.save(MANIFEST);
    client.save("Cargo.lock");
    client.ends_with(MANIFEST, "no finding about it", |shown| !shown.has(code));
    client.ignore(POLICY);
    client.ignore("Cargo.lock");
}
