//! Hovers in a policy.

use expect_test::expect;

use crate::{
    harness::{Client, Editor, Session, World, each_editor},
    worlds::{ENTRIES, TIME},
};

const POLICY: &str = "deny.toml";

fn opened(editor: Editor) -> Client {
    let mut client = Session::of(World::locked(ENTRIES)).editor(editor).start();
    client.ignore("Cargo.toml");
    client.ignore("app/Cargo.toml");
    client.open(POLICY);
    client.latest(POLICY, "findings", |shown| shown.version.is_some() && !shown.is_empty());
    client.status("exact");
    client
}

fn hover_text(client: &mut Client, needle: &str) -> String {
    client.hover(POLICY, needle).expect("a hover").value
}

each_editor! {
    fn entry_hover_shows_its_effect(editor) {
        let mut client = opened(editor);
        for (needle, words) in [
            (TIME, "→ suppresses 2 findings: time 0.2.0, time 0.3.44"),
            (TIME, "**Stack exhaustion**"),
            ("MIT", "→ allowed license of 6 packages: app 0.1.0, cookie 0.18.1"),
            ("MIT", "**MIT** · MIT License"),
            ("gpl\"", "→ applies to 1 package: gpl 1.0.0"),
            ("gpl\"", "app 0.1.0 -> gpl 1.0.0"),
            ("GPL-3.0-only", "in the license expression of 1 package: gpl 1.0.0"),
            ("time@0.2", "→ skips 1 package: time 0.2.0"),
            ("time@0.2", "app 0.1.0 -> cookie 0.18.1 -> time 0.3.44"),
            ("openssl", "→ matches nothing"),
            ("openssl", "**openssl** is not in the graph"),
            ("plain", "→ bans 1 package: plain 1.5.0"),
        ] {
            let text = hover_text(&mut client, needle);
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        client.ignore(POLICY);
    }
}

#[test]
fn key_hover_describes_the_key() {
    let mut client = opened(Editor::VsCode);
    let hover = client.hover(POLICY, "multiple-versions").expect("a hover");
    assert_eq!(hover.covered, "multiple-versions");
    expect![[r#"
        **bans.multiple-versions** · `"allow"`, `"warn"` or `"deny"` · default `"warn"`

        The level for packages with several versions in the graph.

        `allow` · Not reported, or only as a note.  
        `warn` · Reported as a warning; the check passes.  
        `deny` · Reported as an error; the check fails.

        ```toml
        [bans]
        multiple-versions = "deny"
        ```"#]]
    .assert_eq(&hover.value);
    let hover = client.hover(POLICY, "licenses.exceptions").expect("a hover");
    assert_eq!(hover.covered, "licenses");
    let hover = client.hover(POLICY, "exceptions]]").expect("a hover");
    assert_eq!(hover.covered, "exceptions");
    assert!(hover.value.contains("→ applies to 1 package: gpl 1.0.0"), "{}", hover.value);
    let hover = client.hover(POLICY, "warn").expect("a hover");
    expect!["**warn** · Reported as a warning; the check passes."].assert_eq(&hover.value);
    let hover = client.hover(POLICY, "reason").expect("a hover");
    assert!(hover.value.starts_with("**advisories.ignore.reason**"), "{}", hover.value);
    assert!(client.hover(POLICY, "not ours").is_none());
    client.ignore(POLICY);
}

#[test]
fn list_key_hover_summarizes_its_entries() {
    let mut client = opened(Editor::VsCode);
    client.ignore(POLICY);
    for (needle, words) in [
        ("ignore", "→ 2 entries · suppresses 2 findings · 1 matches nothing"),
        ("allow = [\"MIT\"", "→ 2 licenses of 6 packages · 1 matches nothing"),
        ("skip", "→ 1 entry · skips 1 package"),
        ("deny = [", "→ 2 entries · bans 1 package · 1 matches nothing"),
    ] {
        let text = hover_text(&mut client, needle);
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    // A list of one entry has no summary.
    let inner = hover_text(&mut client, "allow = [\"GPL");
    assert!(!inner.contains('→'), "{inner}");
}

#[test]
fn ignored_advisory_hover_shows_the_advisory_even_without_a_match() {
    let mut client = opened(Editor::VsCode);
    expect![[r#"
        → suppresses 2 findings: time 0.2.0, time 0.3.44

        about `time`  
        **Stack exhaustion**  
        vulnerability · published 2026-02-05  
        patched: >=0.3.47

        What happens.

        [RUSTSEC-2026-0009](https://rustsec.org/advisories/RUSTSEC-2026-0009)

        **hint** `supercargo::missing-reason`  
        this ignore entry for RUSTSEC-2026-0009 has no reason  
        → state why it is acceptable, and until when"#]]
    .assert_eq(&hover_text(&mut client, TIME));
    expect![[r#"
        about `absent`  
        **Somewhere else**  
        vulnerability · published 2026-02-05  
        patched: >=1.0.0

        What happens.

        [RUSTSEC-2020-0001](https://rustsec.org/advisories/RUSTSEC-2020-0001)

        **warning** [advisory-not-detected](https://embarkstudios.github.io/cargo-deny/checks/advisories/diags.html#advisory-not-detected)  
        RUSTSEC-2020-0001 matches no crate in the graph  
        → remove this ignore entry  
        reason: not ours"#]].assert_eq(&hover_text(&mut client, "RUSTSEC-2020-0001"));
    client.ignore(POLICY);
}

#[test]
fn hovers_work_in_a_broken_policy_and_after_edits() {
    let mut client = opened(Editor::VsCode);
    client.ignore(POLICY);
    client.replace(POLICY, "[advisories]", "# é\n\n[advisories]");
    client.replace(POLICY, "yanked = \"warn\"", "yanked = \"warn\nfoo = [");
    client.latest(POLICY, "the syntax error", |shown| shown.has("supercargo::policy-syntax"));
    for (needle, words) in [
        (TIME, "**Stack exhaustion**"),
        ("time@0.2", "→ skips 1 package: time 0.2.0"),
        ("MIT", "→ allowed license of 6 packages"),
        ("multiple-versions", "**bans.multiple-versions**"),
    ] {
        let text = hover_text(&mut client, needle);
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
fn hover_works_without_a_check() {
    let world = World::locked(ENTRIES);
    world.write("other/deny.toml", "[licenses]\nallow = [\"ISC\"]\n");
    let mut client = Session::of(world).start();
    for file in ["Cargo.toml", "app/Cargo.toml", POLICY] {
        client.ignore(file);
    }
    client.status("exact");
    client.open("other/deny.toml");
    let hover = client.hover("other/deny.toml", "ISC").expect("a hover");
    assert!(hover.value.starts_with("**ISC** · ISC License"), "{}", hover.value);
    assert_eq!(hover.covered, "ISC");
}

#[test]
fn clarification_hover_shows_its_packages() {
    let clarified = ENTRIES.replace(
        "[bans]\n",
        "[[licenses.clarify]]\ncrate = \"old\"\nexpression = \"MIT OR ISC\"\nlicense-files = []\n\n\
         [[licenses.clarify]]\ncrate = \"cookie@0.1\"\nexpression = \"MIT\"\nlicense-files = []\n\n[bans]\n",
    );
    let mut client = Session::of(World::locked(&clarified)).start();
    for file in ["Cargo.toml", "app/Cargo.toml", POLICY] {
        client.ignore(file);
    }
    client.open(POLICY);
    client.status("exact");
    let old = hover_text(&mut client, "old");
    assert!(old.starts_with("→ states the license of 1 package: old 1.0.0"), "{old}");
    let cookie = hover_text(&mut client, "cookie@0.1");
    assert!(cookie.starts_with("→ matches nothing"), "{cookie}");
    let isc = client.hover(POLICY, "ISC").expect("a hover");
    assert_eq!(isc.covered, "ISC");
    assert!(isc.value.starts_with("**ISC** · ISC License"), "{}", isc.value);
}

#[test]
fn removed_key_hover_shows_the_replacement_and_the_finding() {
    let mut client = opened(Editor::VsCode);
    client.ignore(POLICY);
    client.replace(POLICY, "[licenses]", "[licenses]\nunlicensed = \"deny\"");
    client.latest(POLICY, "the old key", |shown| shown.has("deprecated"));
    let hover = client.hover(POLICY, "unlicensed").expect("a hover");
    assert_eq!(hover.covered, "unlicensed");
    for words in ["**licenses.unlicensed**", "removed in cargo-deny", "**error** [deprecated]"] {
        assert!(hover.value.contains(words), "{words} is not in\n{}", hover.value);
    }
    // The last known effects of the entries are still shown.
    let skip = hover_text(&mut client, "time@0.2");
    assert!(skip.starts_with("→ skips 1 package: time 0.2.0"), "{skip}");
}
