//! In a workspace that is not trusted, no program is started.

#![cfg(unix)]

use serde_json::json;

use crate::{
    harness::{Client, Session, Shown, StandIn, World, each_editor},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

fn trust(client: &mut Client, trusted: bool) {
    client.notify("supercargo/didChangeTrust", json!({"trusted": trusted}));
}

each_editor! {
    fn nothing_is_started_before_the_workspace_is_trusted(editor) {
        let mut world = World::locked(SMALL);
        world.stand_in(StandIn::Counting);
        let mut client =
            Session::of(world).editor(editor).option("trusted", false.into()).start();
        client.message("trusted");
        client.open(MANIFEST);
        client.open(POLICY);
        client.save(MANIFEST);
        client.replace(POLICY, "\"Zlib\"", "\"ISC\"");
        assert!(client.hover(MANIFEST, "0.18").is_none());
        assert_eq!(client.world.cargo_calls(), 0);
        assert!(client.history(MANIFEST).is_empty());
        trust(&mut client, true);
        let shown = client.diagnostics_with(MANIFEST, TIME);
        assert_eq!(shown.codes(), [TIME, "rejected", PLAIN]);
        assert_eq!(client.diagnostics(POLICY).covered("license-not-encountered"), "ISC");
        assert!(client.world.cargo_calls() > 0);
    }

    fn what_was_judged_is_cleared_when_trust_is_withdrawn(editor) {
        let mut client = Session::of(World::locked(SMALL)).editor(editor).start();
        client.open(MANIFEST);
        client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
        client.diagnostics(POLICY);
        trust(&mut client, false);
        client.diagnostics_when(MANIFEST, "nothing", Shown::is_empty);
        client.diagnostics_when(POLICY, "nothing", Shown::is_empty);
        client.message("trusted");
        trust(&mut client, true);
        client.diagnostics_with(MANIFEST, TIME);
        client.diagnostics_with(POLICY, "license-not-encountered");
    }
}

#[test]
fn trust_that_cannot_be_understood_is_none() {
    let mut world = World::locked(SMALL);
    world.stand_in(StandIn::Counting);
    let mut client = Session::of(world).option("trusted", "false".into()).start();
    client.message("the setting `trusted`");
    client.message("judges nothing");
    client.open(MANIFEST);
    assert!(client.hover(MANIFEST, "0.18").is_none());
    assert_eq!(client.world.cargo_calls(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_running_cargo_is_ended_when_trust_is_withdrawn() {
    let mut world = World::locked(SMALL);
    world.stand_in(StandIn::Endless);
    let mut client = Session::of(world).start();
    client.world.wait_for_cargo_calls(1);
    trust(&mut client, false);
    client.message("trusted");
    let server = client.process().id();
    crate::harness::wait_until("the server is alone", || client.world.processes() == [server]);
}
