//! In a workspace that is not trusted, no program is started.

#![cfg(unix)]

use serde_json::json;

use crate::{
    harness::{Client, FakeCargo, Session, Shown, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn trust(client: &mut Client, trusted: bool) {
    client.notify("supercargo/didChangeTrust", json!({"trusted": trusted}));
}

each_editor! {
    fn untrusted_workspace_starts_no_program(editor) {
        let mut world = World::locked(SMALL);
        world.use_fake_cargo(FakeCargo::Counting);
        let mut client =
            Session::of(world).editor(editor).option("trusted", false.into()).start();
        client.message("trusted");
        client.open(MANIFEST);
        client.open(POLICY);
        // Only the vulnerability in the lockfile is reported.
        let shown = client.diagnostics_when(MANIFEST, "findings", |shown| {
            shown.version.is_some() && !shown.is_empty()
        });
        shown.assert_drawn(
            r#"
            8| cookie = "0.18"
               `0.18` error RUSTSEC-2026-0009: `time` 0.3.44 has a vulnerability: Stack exhaustion (in `Cargo.lock`; whether the enabled features and checked targets use it is not known), via cookie 0.18.1 -> time 0.3.44; upgrade to >=0.3.47
            "#,
        );
        let status = client.status("untrusted");
        assert_eq!(status["checks"], json!({"advisories": {"errors": 1, "warnings": 0}}));
        client.save(MANIFEST);
        client.replace(POLICY, "\"Zlib\"", "\"ISC\"");
        assert!(client.hover(MANIFEST, "edition").is_none());
        assert_eq!(client.world.cargo_calls(), 0);
        trust(&mut client, true);
        let shown = client.diagnostics_with(MANIFEST, PLAIN);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        assert_eq!(client.diagnostics(POLICY).covered("license-not-encountered"), "ISC");
        assert!(client.world.cargo_calls() > 0);
    }

    fn findings_stay_when_trust_is_withdrawn(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.diagnostics(POLICY);
        client.status("exact");
        client.world.kept("verdicts");
        trust(&mut client, false);
        client.message("trusted");
        let status = client.status("untrusted");
        assert_eq!(status["exitCode"], 5);
        // After a change only the lockfile is checked.
        client.replace(MANIFEST, "plain = \"1.5\"\n", "");
        client.diagnostics_when(MANIFEST, "what is locked", |shown| shown.codes() == [TIME]);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        client.replace(MANIFEST, "gpl = \"1\"\n", "gpl = \"1\"\nplain = \"1.5\"\n");
        trust(&mut client, true);
        client.status("exact");
        client.ends_with(MANIFEST, "all of them", |shown| {
            shown.codes() == [TIME, "rejected", PLAIN]
        });
        client.ends_with(POLICY, "the entry", |shown| shown.has("license-not-encountered"));
    }

    fn kept_verdict_is_shown_without_trust(editor) {
        let mut world = World::locked(SMALL);
        world.use_fake_cargo(FakeCargo::Counting);
        let mut client = Session::of(world).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.diagnostics(POLICY);
        client.world.kept("verdicts");
        client.end();
        let before = client.world.cargo_calls();
        let again = Session::of(client.world.clone()).editor(editor);
        let mut again = again.option("trusted", false.into()).start();
        again.message("trusted");
        let status = again.status("untrusted");
        assert_eq!(status["exitCode"], 5);
        let shown = again.diagnostics_with(MANIFEST, TIME);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        again.diagnostics_with(POLICY, "license-not-encountered");
        again.end();
        assert_eq!(again.world.cargo_calls(), before);
    }
}

#[test]
fn invalid_trust_means_not_trusted() {
    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Counting);
    let mut client = Session::of(world).option("trusted", "false".into()).start();
    client.message("invalid setting `trusted`");
    client.message("not trusted");
    client.status("untrusted");
    client.diagnostics_with(MANIFEST, TIME);
    assert_eq!(client.world.cargo_calls(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn running_cargo_is_ended_when_trust_is_withdrawn() {
    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Endless);
    let mut client = Session::of(world).start();
    client.world.wait_for_cargo_calls(1);
    trust(&mut client, false);
    client.message("trusted");
    let server = client.process().id();
    crate::harness::wait_until("the server is alone", || client.world.processes() == [server]);
    client.diagnostics_with(MANIFEST, TIME);
}
