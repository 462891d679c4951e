//! Text of advisories, packages and policies is hostile: editors show it as plain text.

use expect_test::expect;
use serde_json::json;

use crate::harness::{Client, Session, World};

const MANIFEST: &str = "Cargo.toml";

/// A package with a hostile advisory and hostile metadata.
fn world() -> World {
    let world = World::locked(
        r#"
#- crate: evil 1.0.0
#- Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
evil = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#,
    );
    let description = format!(
        "<script>alert(1)</script> ![x](http://evil.example/x.png) [click](command:evil)\n\
         \u{1b}[31mred\u{1b}[0m \u{202e}desrever\u{2066}\u{200f} bell\u{7} nul-free\r\n\n\
         # Heading\n\n- item\n\n    code\n\n```sh\nrm -rf /\n```\n\n{}",
        "long ".repeat(20_000)
    );
    world.write(
        "../db/crates/evil/RUSTSEC-2026-0666.md",
        format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2026-0666\"\npackage = \"evil\"\n\
             date = \"2026-02-05\"\nurl = \"https://evil.example/a) [b](command:x\"\n\
             aliases = [\"CVE-2026-1\", \"<b>alias</b>`*_\"]\n\n[versions]\npatched = []\n```\n\n\
             # <img src=x onerror=y> **bold** `code` \u{202e}title\u{1b}[1m {}\n\n{description}",
            "very ".repeat(2_000)
        ),
    );
    world
}

fn opened(client: &mut Client) -> crate::harness::Shown {
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some())
}

fn assert_harmless(text: &str) {
    let harmful = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(harmful), None, "{text}");
}

/// As `CommonMark`, it has only text, our own layout and links to the web.
fn assert_no_markup(markdown: &str) {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    let additions = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_ext(markdown, additions) {
        match event {
            Event::Start(Tag::Paragraph | Tag::Strong)
            | Event::End(_)
            | Event::Text(_)
            | Event::Code(_)
            | Event::SoftBreak
            | Event::HardBreak => {}
            Event::Start(Tag::Link { ref dest_url, .. })
                if dest_url.starts_with("https://rustsec.org/")
                    || dest_url.starts_with("https://embarkstudios.github.io/cargo-deny/") => {}
            other => panic!("{other:?} in {markdown}"),
        }
    }
}

#[test]
fn message_is_one_short_line_without_control_characters() {
    let mut client = Session::of(world()).start();
    let shown = opened(&mut client);
    let message = &shown.only("RUSTSEC-2026-0666").message;
    assert_harmless(message);
    assert!(!message.contains('\n'), "{message}");
    assert!(message.chars().count() < 1000, "{} characters", message.chars().count());
}

#[test]
fn hover_shows_markup_as_text() {
    let mut client = Session::of(world()).start();
    opened(&mut client);
    let hover = client.hover(MANIFEST, "evil").expect("a hover");
    assert_harmless(&hover.value);
    assert!(hover.value.chars().count() < 8000, "{} characters", hover.value.chars().count());
    assert_no_markup(&hover.value);
    let cut = hover.value.replace(&"very ".repeat(8), "");
    expect![[r#"
        **evil** 1.0.0 · MIT

        no other package depends on it directly

        **error** [RUSTSEC-2026-0666](https://rustsec.org/advisories/RUSTSEC-2026-0666)  
        evil 1.0.0 has a vulnerability: &lt;img src=x onerror=y> \*\*bold\*\* code title\[1m very very very very very very ver…  
        → no patched version exists

        **&lt;img src=x onerror=y> bold code title\[1m very very very very very very ver…**  
        vulnerability · published 2026-02-05 · CVE-2026-1 · &lt;b>alias&lt;/b>\`\*\_  
        no patched version

        &lt;script>alert(1)&lt;/script> x (http://evil.example/x.png) click (command:evil) \[31mred\[0m desrever bell nul-free

        **Heading**

        • item

        code

        `sh rm -rf /`

        long long long long long long long l…

        [RUSTSEC-2026-0666](https://rustsec.org/advisories/RUSTSEC-2026-0666) · announcement"#]].assert_eq(&cut.replace(&"long ".repeat(8), ""));
}

#[test]
fn plain_hover_has_no_control_characters() {
    let mut client = Session::of(world())
        .capability("/textDocument/hover/contentFormat", json!(["plaintext"]))
        .start();
    opened(&mut client);
    let hover = client.hover(MANIFEST, "evil").expect("a hover");
    assert_harmless(&hover.value);
    assert!(hover.value.chars().count() < 8000, "{} characters", hover.value.chars().count());
}

#[test]
fn package_metadata_is_shown_as_text() {
    let world = world();
    world.edit(
        "../vendor/evil-1.0.0/Cargo.toml",
        "license = \"MIT\"",
        "license = \"MIT\"\ndescription = \"\"\"\n[click](command:evil) <script> `x` \\u202e\\u001b[31m\nsecond line\"\"\"",
    );
    let mut client = Session::of(world).start();
    opened(&mut client);
    let hover = client.hover(MANIFEST, "evil").expect("a hover");
    assert_harmless(&hover.value);
    assert_no_markup(&hover.value);
    assert!(hover.value.contains("click"), "{}", hover.value);
}

#[test]
fn reasons_in_a_policy_are_shown_as_text() {
    let world = world();
    world.write(
        "deny.toml",
        "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"evil\", \
         reason = \"[click](command:x) <b> \\u202e\\u001b[31m\\n\\n# a\" }]\n",
    );
    let mut client = Session::of(world).start();
    let shown = opened(&mut client);
    assert_harmless(&shown.only("banned").message);
    assert!(!shown.only("banned").message.contains('\n'));
    let hover = client.hover(MANIFEST, "evil").expect("a hover");
    assert_harmless(&hover.value);
    assert_no_markup(&hover.value);
}
