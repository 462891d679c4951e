//! Positions after characters with several bytes and units, with both line endings, and with a byte
//! order mark on disk.

use serde_json::json;

use crate::harness::{Change, Client, Editor, Session, World, each_editor};

const ID: &str = "RUSTSEC-2026-0009";

/// A manifest whose finding comes after an `é` (two bytes, one unit) and a `𝄞` (four, two).
const WIDE: &str = r#"
#- crate: time 0.3.44
#- crate: real 1.0.0
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
description = "é𝄞"
license = "MIT"

[dependencies]
time = { "feature\u0073" = [], "default-features" = true, version = "0.3" } # é𝄞
[target.'cfg(not(target_os = "é𝄞"))'.dependencies]
real = "1"
[package.metadata."é𝄞"]
"é𝄞" = { "𝄞" = "é" }
#- deny.toml
# é𝄞
licenses.allow = ["MIT"]
advisories.ignore = [{ id = "RUSTSEC-2000-0001", reason = "r" }, "RUSTSEC-2000-0002"]
"#;

fn opened(world: World, editor: Editor) -> Client {
    let mut client = Session::of(world).editor(editor).start();
    client.ignore("deny.toml");
    client.open("Cargo.toml");
    client
}

fn newest(client: &mut Client) -> crate::harness::Shown {
    let version = client.version("Cargo.toml");
    client.diagnostics_when("Cargo.toml", "the newest version", |shown| {
        shown.version == Some(version)
    })
}

/// The text before the finding, on its line, with the wide characters.
fn before_the_finding() -> String {
    WIDE.replace("time = { \"feature", "time = { package = \"time\", \"é𝄞\" = 1, \"feature")
}

each_editor! {
    fn finding_after_wide_characters_has_columns_of_the_editor(editor) {
        let mut client = opened(World::locked(&before_the_finding()), editor);
        let shown = newest(&mut client);
        assert_eq!(shown.covered(ID), "0.3");
        let line = client.text("Cargo.toml").lines().nth(7).expect("the line").to_owned();
        let (before, _) = line.split_once("0.3").expect("the requirement");
        let expected = match editor {
            Editor::VsCode => before.encode_utf16().count(),
            Editor::Neovim | Editor::Helix => before.len(),
        };
        assert_eq!(shown.only(ID).range.start.character as usize, expected);
    }

    fn edits_after_wide_characters_are_applied_at_columns_of_the_editor(editor) {
        let mut client = opened(World::locked(&before_the_finding()), editor);
        newest(&mut client);
        client.replace("Cargo.toml", "\"é𝄞\" = 1", "\"𝄞𝄞é\" = 22");
        client.insert("Cargo.toml", "version = \"0.3\"", "\"𝄞\" = 3, ");
        assert_eq!(newest(&mut client).covered(ID), "0.3");
        client.replace("Cargo.toml", "0.3\" }", "0.44\" }");
        assert_eq!(newest(&mut client).covered(ID), "0.44");
        let hover = client.hover("Cargo.toml", "0.44\" }").expect("a hover");
        assert!(hover.value.contains(ID), "{}", hover.value);
    }

    fn hover_after_wide_characters_uses_columns_of_the_editor(editor) {
        let mut client = opened(World::locked(&before_the_finding()), editor);
        newest(&mut client);
        let hover = client.hover("Cargo.toml", "0.3\" }").expect("a hover on the requirement");
        assert_eq!(hover.covered, "0.3");
        assert!(client.hover("Cargo.toml", "# é𝄞").is_none(), "a comment has no hover");
    }

    fn crlf_lines_have_the_same_positions(editor) {
        let world = World::locked(&before_the_finding());
        for file in ["Cargo.toml", "deny.toml"] {
            world.write(file, world.read(file).replace('\n', "\r\n"));
        }
        let mut client = opened(world, editor);
        assert_eq!(newest(&mut client).covered(ID), "0.3");
        client.insert("Cargo.toml", "[package]", "# é\r\n\r\n");
        let shown = newest(&mut client);
        assert_eq!((shown.line(ID), shown.covered(ID)), (9, "0.3"));
        client.insert("Cargo.toml", "[package]", "# \n");
        client.save("Cargo.toml");
        let shown = newest(&mut client);
        assert_eq!((shown.line(ID), shown.covered(ID)), (10, "0.3"));
    }

    fn byte_order_mark_on_disk_is_not_part_of_the_text(editor) {
        let world = World::locked(&before_the_finding());
        for file in ["Cargo.toml", "deny.toml"] {
            world.write(file, format!("\u{feff}{}", world.read(file)));
        }
        let mut client = Session::of(world).editor(editor).start();
        let closed = client.diagnostics_with("Cargo.toml", ID);
        assert_eq!(closed.covered(ID), "0.3");
        client.open("Cargo.toml");
        assert_eq!(newest(&mut client).covered(ID), "0.3");
        client.insert("Cargo.toml", "[package]", "# é\n");
        let shown = newest(&mut client);
        assert_eq!((shown.line(ID), shown.covered(ID)), (8, "0.3"));
        client.save("Cargo.toml");
        client.open("deny.toml");
        let policy = client.diagnostics_when("deny.toml", "a version", |shown| shown.version.is_some());
        assert_eq!(policy.covered("unknown-advisory"), "RUSTSEC-2000-0002");
    }

    fn findings_in_the_policy_have_columns_of_the_editor(editor) {
        let mut client = Session::of(World::locked(WIDE)).editor(editor).start();
        client.ignore("Cargo.toml");
        client.open("deny.toml");
        client.diagnostics_when("deny.toml", "a version", |shown| shown.version.is_some());
        client.replace("deny.toml", "reason = \"r\"", "reason = \"é𝄞\"");
        let version = client.version("deny.toml");
        let shown = client.diagnostics_when("deny.toml", "the newest", |shown| shown.version == Some(version));
        assert_eq!(shown.covered("unknown-advisory"), "RUSTSEC-2000-0002");
    }
}

#[test]
fn positions_outside_the_text_are_moved_into_it() {
    let mut client = opened(World::locked(WIDE), Editor::VsCode);
    newest(&mut client);
    let uri = client.world.uri("Cargo.toml");
    let far = [0, 1, 7, 2_147_483_647_u32, u32::MAX];
    for line in far {
        for character in far {
            let position = json!({"line": line, "character": character});
            let params = json!({"textDocument": {"uri": uri}, "position": position});
            client.request("textDocument/hover", params).expect("a response");
        }
    }
    // An end past the text means its end (LSP, "Position").
    let text = client.text("Cargo.toml");
    let end = text.lines().count();
    client.notify(
        "textDocument/didChange",
        json!({
            "textDocument": {"uri": uri, "version": client.editor.next_version(1)},
            "contentChanges": [
                {"range": {"start": {"line": 0, "character": 9}, "end": {"line": 0, "character": u32::MAX}}, "text": " # x"},
                {"range": {"start": {"line": end, "character": 0}, "end": {"line": u32::MAX, "character": 7}}, "text": "# y\n"},
            ],
        }),
    );
    let text = text.replacen("[package]", "[package] # x", 1) + "# y\n";
    client.record_version("Cargo.toml", 2, &text);
    client.change("Cargo.toml", &[Change::at((0, 0), (0, 0), "# z\n")]);
    let shown = newest(&mut client);
    assert_eq!((shown.line(ID), shown.covered(ID)), (8, "0.3"));
}
