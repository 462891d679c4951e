//! `deny.exceptions.toml`: license exceptions in a separate file have the same features as in the policy.

use expect_test::expect;
use serde_json::{Value, json};

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::ENTRIES,
};

const FILE: &str = "deny.exceptions.toml";
const HIDDEN: &str = ".deny.exceptions.toml";

/// [`ENTRIES`] with its exception in a separate file, and one more exception that no package needs.
fn world(file: &str) -> World {
    let own = "[[licenses.exceptions]]\ncrate = \"gpl\"\nallow = [\"GPL-3.0-only\"]\n\n";
    assert!(ENTRIES.contains(own));
    let exceptions = format!(
        "#- {file}\nexceptions = [\n    {{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }},\n    \
         {{ crate = \"absent@1\", allow = [\"ISC\"] }}, # until 2020-06-30\n]\n"
    );
    World::locked(&format!("{}{exceptions}", ENTRIES.replace(own, "")))
}

fn opened(editor: Editor, file: &str) -> Client {
    let mut client = Session::of(world(file)).editor(editor).start();
    for manifest in ["Cargo.toml", "app/Cargo.toml", "Cargo.lock", "deny.toml"] {
        client.ignore(manifest);
    }
    client.open(file);
    client.latest(file, "findings", |shown| shown.version.is_some() && !shown.is_empty());
    client.status("exact");
    client
}

fn request_list(client: &mut Client, method: &str, path: &str) -> Vec<Value> {
    let uri = client.world.uri(path);
    let response =
        client.request(method, json!({"textDocument": {"uri": uri}})).expect("a response");
    response.as_array().cloned().unwrap_or_default()
}

/// `file line` of each location in the response.
fn locations(client: &mut Client, method: &str, path: &str, needle: &str) -> Vec<String> {
    let at = client.find(path, needle);
    let (uri, position) = (client.world.uri(path), client.position(path, at));
    let context = json!({"includeDeclaration": false});
    let params = json!({"textDocument": {"uri": uri}, "position": position, "context": context});
    let locations = client.request(method, params).expect("a response");
    let locations = locations.as_array().cloned().unwrap_or_default();
    let shown = locations.iter().map(|location| {
        let file = client.file_of(location["uri"].as_str().expect("a file"));
        format!("{file} {}", location["range"]["start"]["line"])
    });
    shown.collect()
}

each_editor! {
    fn entries_have_hovers_lenses_and_lints_like_those_of_the_policy(editor) {
        let mut client = opened(editor, FILE);
        for (needle, words) in [
            ("gpl\"", "→ applies to 1 package: gpl 1.0.0"),
            ("gpl\"", "app 0.1.0 -> gpl 1.0.0"),
            ("GPL-3.0-only", "in the license expression of 1 package: gpl 1.0.0"),
            ("absent", "→ matches nothing"),
            ("exceptions", "→ 2 entries · applies to 1 package · 1 matches nothing"),
        ] {
            let text = client.hover(FILE, needle).expect("a hover").value;
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        let lenses = request_list(&mut client, "textDocument/codeLens", FILE);
        let lenses: Vec<_> = lenses
            .iter()
            .map(|lens| format!("{} {}", lens["range"]["start"]["line"], lens["command"]["title"]))
            .collect();
        assert_eq!(lenses, ["1 \"applies to 1 package\"", "2 \"matches nothing\""]);
        let history = client.history(FILE);
        let shown = history.last().expect("something was published");
        // The unused `absent` is not reported: cargo-deny reports unused exceptions only in the policy.
        for (code, text) in [
            ("supercargo::missing-reason", "gpl"),
            ("supercargo::broad-entry", "gpl"),
            ("supercargo::past-due", "2020-06-30"),
        ] {
            assert_eq!(shown.covered(code), text, "{code}");
        }
        assert_eq!(shown.codes().len(), 3);
    }
}

#[test]
fn fixes_use_the_repaired_buffer_instead_of_the_broken_file() {
    let world = world(FILE);
    // cargo-deny panics on it.
    world.write(FILE, "exceptions = [\"ring\"]\n");
    let mut client = Session::of(world).editor(Editor::Neovim).start();
    for file in ["Cargo.toml", "app/Cargo.toml", "Cargo.lock", "deny.toml", FILE] {
        client.ignore(file);
    }
    client.open(FILE);
    client.open("deny.toml");
    client.replace(FILE, "\"ring\"", "");
    client.status("exact");
    let actions = client.actions("deny.toml", "\"RUSTSEC-2026-0009\"");
    assert!(actions.iter().any(|action| action.title().contains("add a reason")), "{actions:?}");
}

#[test]
fn definitions_and_references_connect_exceptions_and_manifests() {
    let mut client = opened(Editor::VsCode, FILE);
    client.ignore(FILE);
    assert_eq!(
        locations(&mut client, "textDocument/definition", FILE, "gpl\""),
        ["app/Cargo.toml 8"]
    );
    client.open("app/Cargo.toml");
    assert_eq!(
        locations(&mut client, "textDocument/references", "app/Cargo.toml", "gpl"),
        ["deny.exceptions.toml 1"]
    );
    let links = request_list(&mut client, "textDocument/documentLink", FILE);
    let links: Vec<_> = links.iter().filter_map(|link| link["target"].as_str()).collect();
    assert!(links.contains(&"https://spdx.org/licenses/GPL-3.0-only.html"), "{links:?}");
    let symbols = request_list(&mut client, "textDocument/documentSymbol", FILE);
    let inside = symbols[0]["children"].as_array().expect("entries");
    let names: Vec<_> = inside.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["gpl", "absent@1"]);
    let folds = request_list(&mut client, "textDocument/foldingRange", FILE);
    assert_eq!(folds[0]["endLine"], 3);
}

#[test]
fn hidden_exceptions_file_is_used_and_hovers_follow_edits() {
    let mut client = opened(Editor::VsCode, HIDDEN);
    client.ignore(HIDDEN);
    client.insert(HIDDEN, "exceptions", "# é\n\n");
    client.replace(HIDDEN, "allow = [\"ISC\"] }", "allow = [\"ISC");
    let text = client.hover(HIDDEN, "gpl\"").expect("a hover").value;
    assert!(text.contains("→ applies to 1 package: gpl 1.0.0"), "{text}");
    let hover = client.hover(HIDDEN, "exceptions").expect("a hover");
    assert!(hover.value.starts_with("**exceptions** · "), "{}", hover.value);
    let hover = client.hover(HIDDEN, "crate = \"gpl").expect("a hover").value;
    expect!["**exceptions.crate**"].assert_eq(hover.split(" · ").next().expect("a name"));
}

each_editor! {
    fn unsaved_exceptions_are_used(editor) {
        let mut client = opened(editor, FILE);
        client.ignore(FILE);
        client.open("app/Cargo.toml");
        // The check reads a copy of the unsaved text.
        client.replace(FILE, "GPL-3.0-only", "GPL-2.0-only");
        client.latest("app/Cargo.toml", "a finding", |shown| {
            shown.has("rejected") && shown.line("rejected") == 8
        });
        client.replace(FILE, "GPL-2.0-only", "GPL-3.0-only");
        client.latest("app/Cargo.toml", "none", |shown| !shown.has("rejected"));
        // A broken file is reported like a broken policy, and the findings stay.
        client.replace(FILE, "exceptions = [", "exceptions = [[");
        client.latest(FILE, "an error in the file", |shown| {
            shown.diagnostics.iter().any(|one| one.severity == 1)
        });
        client.replace(FILE, "exceptions = [[", "exceptions = [");
        client.status("exact");
    }

    fn findings_are_fixed_in_the_exceptions_file(editor) {
        let mut client = opened(editor, FILE);
        client.ignore(FILE);
        for (needle, title, before, after) in [
            (
                "gpl\"",
                "narrow the entry to `gpl` 1.0.0",
                "{ crate = \"gpl\",",
                "{ crate = \"gpl@1.0.0\",",
            ),
            (
                "gpl@1.0.0",
                "add a comment with a reason",
                "[\"GPL-3.0-only\"] },",
                "[\"GPL-3.0-only\"] }, # TODO: why this is acceptable",
            ),
            (
                "2020-06-30",
                "remove the entry that expired on 2020-06-30",
                "    { crate = \"absent@1\", allow = [\"ISC\"] }, # until 2020-06-30\n",
                "",
            ),
        ] {
            client.status("exact");
            let actions = client.actions(FILE, needle);
            let action = actions.iter().find(|action| action.title().starts_with(title));
            let action = action.unwrap_or_else(|| panic!("`{title}` is not among {actions:?}"));
            let text = client.text(FILE);
            client.take_action(action);
            assert_eq!(client.text(FILE), text.replace(before, after));
        }
    }
}
