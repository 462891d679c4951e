//! Progress of long work, in clients that show it.

#![cfg(unix)]

use std::fs::File;

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

#[test]
fn wait_for_the_lock_of_the_package_cache_is_shown_as_progress() {
    let world = World::locked(SMALL);
    let lock = world.path("../cargo/.package-cache");
    let lock = File::options().create(true).truncate(false).write(true).open(lock);
    let lock = lock.expect("the lock can be opened");
    lock.lock().expect("nothing else holds it");
    let mut client = Session::of(world).start();
    let sentence = "waiting for the lock of cargo's package cache, which another cargo holds";
    assert_eq!(client.progress("report")["value"]["message"], sentence);
    assert!(client.history("Cargo.toml").is_empty());
    drop(lock);
    client.diagnostics_with("Cargo.toml", TIME);
    client.diagnostics("deny.toml");
    client.progress("end");
}
