//! Hovers on manifests and policies.

use expect_test::expect;
use serde_json::json;

use crate::{
    harness::{Client, Session, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";

fn opened(editor: crate::harness::Editor) -> Client {
    let world = World::locked(SMALL);
    world.write(&format!("../db/crates/time/{TIME}.md"), ADVISORY);
    let mut client = Session::of(world).editor(editor).start();
    client.open(MANIFEST);
    client.open("deny.toml");
    for file in [MANIFEST, "deny.toml"] {
        client.diagnostics_when(file, "a version", |shown| shown.version.is_some());
    }
    client
}

/// An advisory with everything that one can have.
const ADVISORY: &str = r#"```toml
[advisory]
id = "RUSTSEC-2026-0009"
package = "time"
date = "2026-02-05"
url = "https://example.org/changes#0347"
aliases = ["CVE-2026-25727", "GHSA-r6v5-fh4h-64xc"]
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"

[affected.functions]
"time::Date::parse" = [">= 0.3.6, < 0.3.47"]

[versions]
patched = [">= 0.3.47"]
unaffected = ["< 0.3.6"]
```

# Stack exhaustion

The parser calls itself
without a limit.

A second paragraph.
"#;

each_editor! {
    fn dependency_with_a_finding_shows_all_facts(editor) {
        let mut client = opened(editor);
        let hover = client.hover(MANIFEST, "0.18").expect("a hover");
        assert_eq!(hover.covered, "0.18");
        assert_eq!(hover.kind, "markdown");
        for words in [
            "**cookie** 0.18.1",
            "[RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009)",
            "via cookie 0.18.1 -> time 0.3.44",
        ] {
            assert!(hover.value.contains(words), "{words} is not in\n{}", hover.value);
        }
    }

    fn dependency_without_a_finding_shows_the_package(editor) {
        let mut client = opened(editor);
        client.replace("deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
        client.diagnostics_without(MANIFEST, "rejected");
        client.diagnostics_without("deny.toml", "license-not-encountered");
        let hover = client.hover(MANIFEST, "gpl").expect("a hover on the key");
        assert_eq!(hover.covered, "gpl");
        assert!(hover.value.contains("GPL-3.0-only"), "{}", hover.value);
        assert!(!hover.value.contains("error"), "{}", hover.value);
        assert!(client.hover(MANIFEST, "edition").is_none());
    }
}

#[test]
fn hover_with_all_facts() {
    let mut client = opened(crate::harness::Editor::VsCode);
    let hover = client.hover(MANIFEST, "0.18").expect("a hover");
    expect![[r#"
        **cookie** 0.18.1 · MIT

        no other package depends on it directly

        **error** [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009)  
        time 0.3.44 has a vulnerability: Stack exhaustion  
        via cookie 0.18.1 -> time 0.3.44  
        → upgrade to >=0.3.47

        **Stack exhaustion**  
        vulnerability · severity high (7.5) · published 2026-02-05 · CVE-2026-25727 · GHSA-r6v5-fh4h-64xc  
        patched: >=0.3.47 · unaffected: <0.3.6  
        affected functions: `time::Date::parse`

        The parser calls itself without a limit.

        A second paragraph.

        [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009) · [announcement](https://example.org/changes#0347)"#]].assert_eq(&hover.value);
}

#[test]
fn client_without_markdown_gets_plain_text() {
    let world = World::locked(SMALL);
    world.write(&format!("../db/crates/time/{TIME}.md"), ADVISORY);
    let mut client = Session::of(world)
        .capability("/textDocument/hover/contentFormat", json!(["plaintext"]))
        .start();
    client.ignore("deny.toml");
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    let hover = client.hover(MANIFEST, "0.18").expect("a hover");
    assert_eq!(hover.kind, "plaintext");
    expect![[r#"
        cookie 0.18.1 · MIT

        no other package depends on it directly

        error RUSTSEC-2026-0009 <https://rustsec.org/advisories/RUSTSEC-2026-0009>
        time 0.3.44 has a vulnerability: Stack exhaustion
        via cookie 0.18.1 -> time 0.3.44
        → upgrade to >=0.3.47

        Stack exhaustion
        vulnerability · severity high (7.5) · published 2026-02-05 · CVE-2026-25727 · GHSA-r6v5-fh4h-64xc
        patched: >=0.3.47 · unaffected: <0.3.6
        affected functions: time::Date::parse

        The parser calls itself without a limit.

        A second paragraph.

        RUSTSEC-2026-0009 <https://rustsec.org/advisories/RUSTSEC-2026-0009> · announcement <https://example.org/changes#0347>"#]].assert_eq(&hover.value);
}

#[test]
fn ignored_advisory_is_shown_on_its_entry() {
    let mut client = opened(crate::harness::Editor::VsCode);
    client.replace("deny.toml", "ignore = []", &format!("ignore = [\"{TIME}\"]"));
    client.diagnostics_without(MANIFEST, TIME);
    let hover = client.hover("deny.toml", TIME).expect("a hover");
    assert_eq!(hover.covered, TIME);
    expect![[r#"
        → suppresses 1 finding: time 0.3.44

        about `time`  
        **Stack exhaustion**  
        vulnerability · severity high (7.5) · published 2026-02-05 · CVE-2026-25727 · GHSA-r6v5-fh4h-64xc  
        patched: >=0.3.47 · unaffected: <0.3.6  
        affected functions: `time::Date::parse`

        The parser calls itself without a limit.

        A second paragraph.

        [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009) · [announcement](https://example.org/changes#0347)

        **hint** `supercargo::missing-reason`  
        this ignore entry for RUSTSEC-2026-0009 has no reason  
        → state why it is acceptable, and until when"#]].assert_eq(&hover.value);
    client.ignore("deny.toml");
}

#[test]
fn policy_finding_is_shown_on_its_span() {
    let mut client = opened(crate::harness::Editor::VsCode);
    let hover = client.hover("deny.toml", "Zlib").expect("a hover");
    assert_eq!(hover.covered, "Zlib");
    expect![[r#"
        **Zlib** · zlib License  
        OSI approved · FSF free  
        [spdx.org](https://spdx.org/licenses/Zlib.html)

        **warning** [license-not-encountered](https://embarkstudios.github.io/cargo-deny/checks/licenses/diags.html#license-not-encountered)  
        unused license Zlib: no crate in the graph uses it  
        → remove it from allow"#]].assert_eq(&hover.value);
}

#[test]
fn hovers_follow_unsaved_edits() {
    let mut client = opened(crate::harness::Editor::VsCode);
    client.insert(MANIFEST, "[package]", "# é\n\n");
    client.replace(MANIFEST, "1.5", "7.90");
    let shown =
        client.diagnostics_when(MANIFEST, "the edit", |shown| shown.covered(PLAIN) == "7.90");
    assert_eq!(shown.line(PLAIN), 11);
    let hover = client.hover(MANIFEST, "7.90").expect("a hover");
    assert_eq!(hover.covered, "7.90");
    assert!(hover.value.contains("**plain** 1.5.0"), "{}", hover.value);
    client.replace(MANIFEST, "gpl = \"1\"\n", "");
    client.diagnostics_without(MANIFEST, "rejected");
    assert!(client.hover(MANIFEST, "license = ").is_none());
}

#[test]
fn other_files_have_no_hover() {
    let mut client = opened(crate::harness::Editor::VsCode);
    client.open_with("other.toml", "toml", "cookie = \"0.18\"\n");
    assert!(client.hover("other.toml", "0.18").is_none());
}
