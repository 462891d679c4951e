//! Progress of long work, in clients that show it.

#![cfg(unix)]

use serde_json::json;

use crate::{
    harness::{FakeCargo, Session, World, each_editor},
    worlds::{SMALL, TIME},
};

const CREATE: &str = "window/workDoneProgress/create";

fn held() -> World {
    let mut world = World::locked(SMALL);
    world.use_fake_cargo(FakeCargo::Held);
    world
}

each_editor! {
    fn slow_cargo_shows_progress_from_start_to_end(editor) {
        let mut client = Session::of(held()).editor(editor).start();
        let begin = client.progress("begin");
        assert_eq!(begin["value"]["title"], "supercargo: work");
        assert_eq!(begin["value"]["message"], "resolving dependencies");
        assert_eq!(client.server_requests(CREATE), [&json!({"token": begin["token"]})]);
        assert!(client.history("Cargo.toml").is_empty());
        client.world.release_cargo();
        client.diagnostics_with("Cargo.toml", TIME);
        client.diagnostics("deny.toml");
        let end = client.progress("end");
        assert_eq!(end["token"], begin["token"]);
    }
}

#[test]
fn client_without_progress_gets_none() {
    let mut client =
        Session::of(held()).capability("/window/workDoneProgress", false.into()).start();
    // A client with progress would have got it meanwhile.
    let mut other = Session::of(held()).start();
    client.world.wait_for_cargo_calls(1);
    other.progress("begin");
    for client in [&mut client, &mut other] {
        client.world.release_cargo();
        client.diagnostics_with("Cargo.toml", TIME);
        client.diagnostics("deny.toml");
    }
    other.progress("end");
    assert_eq!(client.progress_count(), 0);
    assert!(client.server_requests(CREATE).is_empty());
}

#[test]
fn client_that_rejects_progress_gets_none() {
    let mut client = Session::of(held()).reject(CREATE).start();
    client.wait_for_request(CREATE);
    client.world.release_cargo();
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics("deny.toml");
    assert_eq!(client.progress_count(), 0);
}

#[test]
fn progress_ends_when_trust_is_withdrawn() {
    let mut client = Session::of(held()).start();
    client.progress("begin");
    client.notify("supercargo/didChangeTrust", json!({"trusted": false}));
    client.message("trusted");
    client.progress("end");
    client.diagnostics_with("Cargo.toml", TIME);
}
