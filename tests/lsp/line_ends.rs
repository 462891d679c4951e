//! A lone carriage return ends a line in the protocol (LSP, "Text Documents"), not for TOML and cargo.

use crate::harness::{Change, Client, Editor, Session, Shown, World, each_editor};

const POLICY: &str = "deny.toml";
const UNUSED: &str = "license-not-encountered";

const WORLD: &str = r#"
#- crate: plain 1.5.0
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
plain = "1"
#- deny.toml
licenses.allow = ["MIT", "Zlib"]
"#;

/// An open policy in an editor for which a lone carriage return ends a line.
fn opened(editor: Editor, policy: &str) -> (Client, Shown) {
    let world = World::locked(WORLD);
    world.write(POLICY, policy);
    let mut client = Session::of(world).editor(editor).start();
    client.ignore("Cargo.toml");
    client.open(POLICY);
    let shown = client.diagnostics_when(POLICY, "a version", |shown| shown.version.is_some());
    (client, shown)
}

each_editor! {
    fn positions_after_a_lone_carriage_return_are_on_the_next_line(editor) {
        // In TOML such a comment is an error, reported on the line that the editor shows.
        let (_client, shown) = opened(editor, "# one\rlicenses.allow = [\"MIT\"]\nb = ]\n");
        let lines: Vec<_> = shown.diagnostics.iter().map(|one| one.range.start.line).collect();
        assert!(!lines.is_empty());
        assert!(lines.iter().all(|line| *line == 0 || *line == 2), "{lines:?}");
        assert!(lines.contains(&2) || shown.diagnostics.iter().all(|one| one.range.start.character == 5), "{shown:?}");
    }

    fn edits_after_a_lone_carriage_return_are_applied_at_positions_of_the_editor(editor) {
        let text = "licenses.allow = [\"MIT\", \"Zlib\"]\n# é\r\n";
        let (mut client, shown) = opened(editor, text);
        assert_eq!(shown.covered(UNUSED), "Zlib");
        // Insert a comment with both line ends above, and remove it again.
        client.change(POLICY, &[Change::at((0, 0), (0, 0), "# 𝄞\r# x\r\n")]);
        let hover = client.hover(POLICY, "allow").expect("a hover on the third line");
        assert_eq!(hover.covered, "allow");
        client.replace(POLICY, "Zlib", "ISC");
        client.change(POLICY, &[Change::at((0, 0), (2, 0), "")]);
        assert_eq!(client.text(POLICY), "licenses.allow = [\"MIT\", \"ISC\"]\n# é\r\n");
        let version = client.version(POLICY);
        client.ends_with(POLICY, "the new entry in the place of the old one", move |shown| {
            shown.version == Some(version)
                && shown.has(UNUSED)
                && (shown.line(UNUSED), shown.covered(UNUSED)) == (0, "ISC")
                && shown.only(UNUSED).message.contains("ISC")
        });
    }
}
