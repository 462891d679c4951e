//! Each part of the server panics on purpose: the panic is logged with the activity and shown once, and
//! the server continues.

use serde_json::json;

use crate::{
    harness::{Client, Session, Shown, World, wait_until},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

/// A client with [`SMALL`], in which `time` can be upgraded, whose server panics at a failpoint.
fn client_of_server_that_panics_in(failpoint: &str) -> Client {
    let mut world = World::locked(SMALL);
    world.add("#- crate: time 0.3.47");
    world.set("SUPERCARGO_PANIC_IN", failpoint);
    let mut client = Session::of(world).start();
    client.expect_panics();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    client
}

/// Findings, requests, fixes, changes on disk and edits work.
fn assert_everything_works(client: &mut Client) {
    client.open(MANIFEST);
    client.latest(MANIFEST, "all findings", |shown| {
        shown.version.is_some() && shown.codes() == [TIME, "rejected", PLAIN]
    });
    let hover = client.hover(MANIFEST, "cookie").expect("a hover");
    assert!(hover.value.contains(TIME), "{}", hover.value);
    client.status("exact");
    let titles: Vec<_> =
        client.actions(MANIFEST, "0.18").iter().map(|one| one.title().to_owned()).collect();
    assert!(titles.iter().any(|title| title.contains("upgrade `time`")), "{titles:?}");
    client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    client.latest(MANIFEST, "the change on disk", |shown| shown.codes() == [TIME, PLAIN]);
    client.replace(MANIFEST, "plain = \"1.5\"\n", "");
    let version = client.version(MANIFEST);
    client.ends_with(MANIFEST, "the edit", move |shown| {
        shown.codes() == [TIME] && shown.version == Some(version)
    });
    client.status("exact");
}

/// There is one message, and one line in the log.
fn assert_reported_once(client: &mut Client, doing: &str) {
    let words = format!("internal error while {doing}");
    let message = client.message(&words);
    assert!(message.contains("please report this with the server's log"), "{message}");
    let logged = format!("panicked while {doing}");
    wait_until("it is logged", || client.log().contains(&logged));
    let log = client.log();
    let panics: Vec<_> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert_eq!(panics.len(), 1, "{log}");
    assert!(panics[0].contains("ERROR") && panics[0].contains("panic on purpose"), "{log}");
    assert!(panics[0].contains("failpoint.rs:"), "the log has the location: {log}");
    // Another message would fail the test when the client ends.
}

fn assert_recovers_from_panic_in(failpoint: &str, doing: &str) {
    let mut client = client_of_server_that_panics_in(failpoint);
    let doing = doing.replace("[work]", client.world.path("").as_str());
    assert_everything_works(&mut client);
    assert_reported_once(&mut client, &doing);
}

#[test]
fn panicked_check_is_repeated() {
    assert_recovers_from_panic_in("worker", "checking `[work]/Cargo.toml`");
}

#[test]
fn panicked_engine_is_restarted() {
    assert_recovers_from_panic_in("engine", "running the checks on `[work]/Cargo.toml`");
}

#[test]
fn panicked_search_for_workspaces_is_repeated() {
    assert_recovers_from_panic_in("discovery", "looking for ");
}

#[test]
fn panicked_watch_continues_with_its_watch_set() {
    assert_recovers_from_panic_in("watch", "watching files");
}

#[test]
fn changes_on_disk_are_reported_despite_a_panic() {
    assert_recovers_from_panic_in("changes", "watching files");
}

#[test]
fn main_loop_that_panics_before_the_search_starts_over() {
    assert_recovers_from_panic_in("main-loop", "deciding what to check and show");
}

#[test]
fn main_loop_that_panics_on_a_verdict_starts_over() {
    assert_recovers_from_panic_in("verdict", "deciding what to check and show");
}

#[test]
fn panicked_verification_is_repeated() {
    assert_recovers_from_panic_in("fix-search", "looking for fixes for `[work]/Cargo.toml`");
}

#[test]
fn several_panics_are_each_reported() {
    let mut client = client_of_server_that_panics_in("worker,watch,discovery");
    assert_everything_works(&mut client);
    for doing in ["checking", "watching files", "looking for "] {
        client.message(&format!("internal error while {doing}"));
    }
}

#[test]
fn request_whose_handler_panics_gets_an_error() {
    let mut client = client_of_server_that_panics_in("handler");
    client.open(MANIFEST);
    let position = json!({"line": 0, "character": 0});
    let document = json!({"uri": client.world.uri(MANIFEST)});
    let params = json!({"textDocument": document, "position": position});
    let response = client.request("textDocument/hover", params.clone());
    assert_eq!(response.expect_err("the handler panics").code, -32603, "InternalError of JSON-RPC");
    client.close(MANIFEST);
    assert_everything_works(&mut client);
    assert_reported_once(&mut client, "handling `textDocument/hover`");
}

#[test]
fn check_that_always_panics_is_reported_and_repeated_only_after_changes() {
    let mut client = client_of_server_that_panics_in("worker*1000");
    let status = client.status("failed");
    let message = status["message"].as_str().expect("a message");
    assert!(message.contains("internal error"), "{message}");
    client.message("internal error while checking");
    let panics = |client: &Client| client.log().matches("panicked while checking").count();
    wait_until("both are logged", || panics(&client) == 2);
    client.open(MANIFEST);
    client.replace(MANIFEST, "plain = \"1.5\"\n", "");
    wait_until("the edit is tried", || panics(&client) > 2);
    client.hover(MANIFEST, "cookie");
    // One check for the opened document, one for the edit, each tried twice.
    assert!(panics(&client) <= 6, "{}", client.log());
}

/// Then only reports of the client are left.
#[test]
fn watch_that_always_panics_is_stopped_and_reported() {
    let mut client = client_of_server_that_panics_in("watch*1000");
    client.message("internal error while watching files; the server continues");
    client.message("repeated internal error while watching files");
    client.latest(MANIFEST, "all", |shown| shown.codes() == [TIME, "rejected", PLAIN]);
    let panics = |client: &Client| client.log().matches("panicked while watching files").count();
    wait_until("all are logged", || panics(&client) == 6);
    client.world.edit(POLICY, "\"Zlib\"", "\"GPL-3.0-only\"");
    let changes = json!([{"uri": client.world.uri(POLICY), "type": 2}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    client.latest(MANIFEST, "the change", |shown| shown.codes() == [TIME, PLAIN]);
    assert_eq!(panics(&client), 6, "nothing is started again");
}

/// [`SMALL`] in a folder.
fn below(folder: &str) -> String {
    SMALL
        .replace("#- Cargo.toml", &format!("#- {folder}/Cargo.toml"))
        .replace("#- deny.toml", &format!("#- {folder}/deny.toml"))
}

/// Two workspaces, the first with a glob on which a library panics.
fn two_workspaces_with_one_bad_glob() -> (World, String) {
    let world = World::new(&format!("{}{}", below("one"), below("two")));
    for folder in ["one", "two"] {
        world.lock(folder);
    }
    let good = world.read("one/Cargo.toml");
    let glob = "{a,".repeat(200) + &"}".repeat(200);
    world.write("one/Cargo.toml", format!("[workspace]\nmembers = [\"{glob}\"]\n{good}"));
    (world, good)
}

fn all(shown: &Shown) -> bool {
    shown.codes() == [TIME, "rejected", PLAIN]
}

/// The test does not depend on whether there is a panic.
fn client_of_two(world: World) -> Client {
    let mut client = Session::of(world).start();
    client.expect_panics();
    client.ignore_all();
    client.latest("two/Cargo.toml", "all findings", all);
    client
}

#[test]
fn workspace_with_nested_braces_does_not_stop_another_check() {
    let (world, good) = two_workspaces_with_one_bad_glob();
    let mut client = client_of_two(world);
    client.world.write("one/Cargo.toml", good);
    client.latest("one/Cargo.toml", "all findings after it was removed", all);
    // The other workspace is still watched.
    client.world.edit("two/deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
    client.latest("two/Cargo.toml", "the change on disk", |shown| shown.codes() == [TIME, PLAIN]);
}

#[test]
fn nested_braces_removed_in_the_buffer_are_noticed() {
    let (world, good) = two_workspaces_with_one_bad_glob();
    let mut client = client_of_two(world);
    client.open("one/Cargo.toml");
    let text = client.text("one/Cargo.toml");
    let bad = text.strip_suffix(good.as_str()).expect("it begins with the workspace").to_owned();
    client.replace("one/Cargo.toml", &bad, "");
    client.latest("one/Cargo.toml", "all findings after it was removed", all);
}

#[test]
fn panicked_gathering_of_dependencies_is_an_error_and_the_next_request_has_the_graph() {
    let mut client = client_of_server_that_panics_in("dependency-graph");
    client.status("exact");
    let uri = client.world.uri("time").replacen("file:", "supercargo-why:", 1);
    let request =
        |client: &mut Client| client.request("supercargo/whyGraph", json!({"uri": uri.clone()}));
    let error = request(&mut client).expect_err("the panic");
    assert!(error.message.ends_with("try again"), "{}", error.message);
    assert_eq!(request(&mut client).expect("a graph")["title"], "time");
    assert_everything_works(&mut client);
    assert_reported_once(&mut client, "gathering the dependencies of");
}
