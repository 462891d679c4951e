//! Workspaces are checked as CI checks them.

use serde_json::json;

use crate::harness::{Client, FakeCargo, Session, Shown, World, each_editor};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const WORKFLOW: &str = ".github/workflows/ci.yml";

const ACTION: &str = "\
on: push
jobs:
  deny:
    runs-on: ubuntu-latest
    steps:
      - uses: EmbarkStudios/cargo-deny-action@v2
";

const PLAIN: &str = "\
on: push
jobs:
  deny:
    runs-on: ubuntu-latest
    steps:
      - run: cargo deny check
";

/// `time`, whose advisory is ignored, is in the graph only with the feature `clock`.
fn world(workflow: &str) -> World {
    let world = World::locked(
        r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"
[features]
clock = ["dep:time"]
[dependencies]
time = { version = "0.3", optional = true }
#- deny.toml
[advisories]
ignore = [{ id = "RUSTSEC-2026-0009", reason = "the date comes from our own server" }]
[licenses]
allow = ["MIT"]
"#,
    );
    world.write(".git/HEAD", "ref: refs/heads/main\n");
    world.write(WORKFLOW, workflow);
    world
}

const UNUSED: &str = "advisory-not-detected";

fn exact(client: &mut Client, text: &str) {
    let what = format!("the text {text}");
    client.status_when(&what, |status| {
        status["state"] == "exact" && status["text"].as_str().is_some_and(|one| one.contains(text))
    });
}

each_editor! {
    fn workspace_is_checked_with_the_options_of_the_workflow(editor) {
        let mut client = Session::of(world(ACTION)).editor(editor).start();
        client.open(POLICY);
        exact(&mut client, "no errors or warnings (CI: ci.yml:6 --all-features");
        assert!(client.history(POLICY).iter().all(|shown| !shown.has(UNUSED)));
        let actions = client.actions(POLICY, "RUSTSEC-2026-0009");
        assert!(!actions.iter().any(|action| action.title().contains("remove")), "{actions:?}");
        client.ignore_all();
    }
}

#[test]
fn changed_workflow_is_used() {
    let mut client = Session::of(world(PLAIN)).start();
    client.diagnostics_with(POLICY, UNUSED);
    exact(&mut client, "CI: ci.yml:6");
    client.world.write(WORKFLOW, ACTION);
    client.diagnostics_without(POLICY, UNUSED);
    exact(&mut client, "CI: ci.yml:6 --all-features");
    client.world.delete(WORKFLOW);
    client.diagnostics_with(POLICY, UNUSED);
    client.world.write(".github/workflows/other.yaml", ACTION);
    client.diagnostics_without(POLICY, UNUSED);
    exact(&mut client, "CI: other.yaml:6 --all-features");
    client.ignore_all();
}

#[test]
fn setting_chooses_the_gate() {
    let mut client = Session::of(world(ACTION)).settings(json!({"gate": "default"})).start();
    client.diagnostics_with(POLICY, UNUSED);
    client.configure(json!({"gate": "auto"}));
    client.diagnostics_without(POLICY, UNUSED);
    client.configure(json!({"gate": "check bans"}));
    exact(&mut client, "no errors or warnings (check bans");
    client.configure(json!({"gate": "check advisories"}));
    client.diagnostics_with(POLICY, UNUSED);
    client.configure(json!({"gate": "--all-features"}));
    client.diagnostics_without(POLICY, UNUSED);
    client.configure(json!({"gate": "--no-such-option"}));
    client.message("`gate`");
    client.ignore_all();
}

#[test]
fn version_of_ci_counts_although_the_settings_choose_the_gate() {
    let workflow = ACTION.replace(
        "uses: EmbarkStudios/cargo-deny-action@v2",
        "run: cargo install cargo-deny --version 0.18.6 && cargo deny check",
    );
    let world = world(&workflow);
    world.edit(POLICY, "allow = [\"MIT\"]", "allow = [\"MIT\"]\ninclude-build = true");
    let mut client = Session::of(world).settings(json!({"gate": "default"})).start();
    client.open(POLICY);
    let shown = client.diagnostics_with(POLICY, "supercargo::newer-than-gate");
    let message = "`licenses.include-build` needs cargo-deny 0.19.0, but";
    assert!(shown.diagnostics.iter().any(|one| one.message.contains(message)));
    client.ignore_all();
}

#[test]
fn options_of_the_settings_come_before_the_gates_of_ci() {
    let mut client = Session::of(world(ACTION)).settings(json!({"only": ["advisories"]})).start();
    client.diagnostics_with(POLICY, UNUSED);
    exact(&mut client, "1 warning (check advisories");
    client.ignore_all();
}

#[test]
fn upgrade_is_verified_for_all_gates() {
    let both = format!("{ACTION}      - run: cargo deny check\n");
    let world = world(&both);
    world.edit(POLICY, "ignore = [{ id = \"RUSTSEC-2026-0009\", reason = \"the date comes from our own server\" }]", "");
    world.add("#- crate: time 0.3.47\n");
    let mut client = Session::of(world).start();
    let shown = client.diagnostics_with(MANIFEST, "RUSTSEC-2026-0009");
    assert!(shown.drawn().contains("only in ci.yml:6"), "{}", shown.drawn());
    client.open(MANIFEST);
    let action = client.actions(MANIFEST, "\"0.3\"").remove(0);
    client.take_action(&action);
    client.ends_with(MANIFEST, "no finding", |shown| !shown.has("RUSTSEC-2026-0009"));
    client.ignore_all();
}

/// Three targets, and `win`, whose license only Windows needs.
fn world_of_targets() -> World {
    let matrix = PLAIN.replace(
        "    steps:\n      - run: cargo deny check\n",
        "    strategy:\n      matrix:\n        target: [x86_64-unknown-linux-gnu, x86_64-pc-windows-msvc, aarch64-apple-darwin]\n    \
         steps:\n      - run: cargo deny --target ${{ matrix.target }} check licenses\n",
    );
    let world = world(&matrix);
    world.add("#- crate: win 1.0.0 (Zlib)\n");
    world.edit(
        MANIFEST,
        "[dependencies]",
        "[target.'cfg(windows)'.dependencies]\nwin = \"1\"\n[dependencies]",
    );
    world.lock(".");
    world
}

/// While the other gates are checked again, their findings move with the text.
#[test]
fn entry_without_effect_does_not_flicker_while_the_policy_is_edited() {
    let world = world_of_targets();
    world.edit(POLICY, "\"MIT\"", "\"MIT\", \"Zlib\", \"ISC\"");
    let mut client = Session::of(world).start();
    client.open(POLICY);
    let unused = "license-not-encountered";
    client.diagnostics_when(POLICY, "a version", |shown| {
        shown.version.is_some() && shown.has(unused)
    });
    exact(&mut client, "1 warning (CI: ci.yml:9 (3 gates)");
    let published = client.history(POLICY).len();
    for line in ["# one\n", "# two\r\n", "\n"] {
        client.insert(POLICY, "[advisories]", line);
        client.status_when("the end of the check", |status| status["state"] == "provisional");
        exact(&mut client, "1 warning");
    }
    for shown in client.history(POLICY).iter().skip(published) {
        assert_eq!(shown.codes(), [unused], "{}", shown.drawn());
        assert_eq!(shown.covered(unused), "ISC");
    }
    client.ignore_all();
}

/// A comment changes nothing for cargo, and findings stay on their lines while all gates are checked again.
#[cfg(unix)]
#[test]
fn comments_in_a_manifest_need_no_cargo_and_findings_move_with_the_text() {
    let mut world = world_of_targets();
    world.edit(POLICY, "\"MIT\"", "\"MIT\", \"ISC\"");
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).start();
    client.open(MANIFEST);
    exact(&mut client, "1 error, 1 warning (CI: ci.yml:9 (3 gates)");
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    let known = client.history(MANIFEST).last().map(|shown| covered(shown));
    // A fix that is tried out leaves no trace.
    assert!(!client.actions(MANIFEST, "win = ").is_empty());
    let (published, calls) = (client.history(MANIFEST).len(), client.world.resolutions());
    for line in ["# one\n", "\n", "# two\r\n"] {
        client.insert(MANIFEST, "[package]", line);
        client.status_when("the end of the check", |status| status["state"] == "provisional");
        exact(&mut client, "1 error, 1 warning");
    }
    client.replace(MANIFEST, "# one\n\n# two\r\n", "");
    client.status_when("the end of the check", |status| status["state"] == "provisional");
    exact(&mut client, "1 error, 1 warning");
    for shown in client.history(MANIFEST).iter().skip(published) {
        assert_eq!(Some(covered(shown)), known, "{}", shown.drawn());
    }
    assert_eq!(client.world.resolutions(), calls);
    // Another edit does.
    client.replace(MANIFEST, "win = \"1\"", "win = \"1.0\"");
    client.status_when("the end of the check", |status| status["state"] == "provisional");
    exact(&mut client, "1 error, 1 warning");
    assert_eq!(client.world.resolutions(), calls + 1);
    client.ignore_all();
}

/// The codes of diagnostics, with what they cover.
#[cfg(unix)]
fn covered(shown: &Shown) -> Vec<(String, String)> {
    let codes = shown.codes();
    codes.iter().map(|code| ((*code).to_owned(), shown.covered(code).to_owned())).collect()
}

/// One gate after the other is checked; what is typed meanwhile starts again.
#[test]
fn edits_of_the_policy_end_in_the_findings_of_all_gates() {
    let world = world_of_targets();
    world.edit(POLICY, "\"MIT\"", "\"MIT\", \"Zlib\"");
    let mut client = Session::of(world).start();
    client.open(POLICY);
    exact(&mut client, "no errors or warnings");
    for _ in 0..3 {
        client.replace(POLICY, "\"Zlib\"", "\"ISC\"");
        let shown = client.diagnostics_with(MANIFEST, "rejected");
        assert!(
            shown.drawn().contains("only in ci.yml:9 (x86_64-pc-windows-msvc)"),
            "{}",
            shown.drawn()
        );
        client.replace(POLICY, "\"ISC\"", "\"Zlib\"");
        client.diagnostics_without(MANIFEST, "rejected");
    }
    for letter in ["I", "S", "C", "L"] {
        client.insert(POLICY, "\"Zlib\"", &format!("\"{letter}\", "));
    }
    client.replace(POLICY, "\"I\", \"S\", \"C\", \"L\", \"Zlib\"", "\"ISC\"");
    client.diagnostics_with(MANIFEST, "rejected");
    exact(&mut client, "1 error");
    client.ignore_all();
}
