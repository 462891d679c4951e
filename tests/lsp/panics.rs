//! Each part of the server is made to panic on purpose: that is logged with what was being done,
//! shown once, and everything goes on as if nothing had been.

use serde_json::json;

use crate::{
    harness::{Client, Session, Shown, World, wait_until},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";

/// An editor with [`SMALL`], in which `time` can be upgraded, whose server panics in `place`.
fn client_of_one_that_panics_in(place: &str) -> Client {
    let mut world = World::locked(SMALL);
    world.add("#- crate: time 0.3.47");
    world.set("SUPERCARGO_PANIC_IN", place);
    let mut client = Session::of(world).start();
    client.expect_panics();
    client.ignore(MANIFEST);
    client.ignore(POLICY);
    client
}

/// Everything that a session is about: findings, requests, fixes, changes on disk, edits.
fn everything_works(client: &mut Client) {
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

/// The message that is shown, of which there is to be one, and the line in the log.
fn is_reported_once(client: &mut Client, doing: &str) {
    let words = format!("internal error while {doing}");
    let message = client.message(&words);
    assert!(message.contains("report it with the log of the server"), "{message}");
    let logged = format!("panicked while {doing}");
    wait_until("it is logged", || client.log().contains(&logged));
    let log = client.log();
    let panics: Vec<_> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert_eq!(panics.len(), 1, "{log}");
    assert!(panics[0].contains("ERROR") && panics[0].contains("panic on purpose"), "{log}");
    assert!(panics[0].contains("failpoint.rs:"), "the place is told: {log}");
    // That there is no other message is seen when the client ends.
}

fn goes_on_after_a_panic_in(place: &str, doing: &str) {
    let mut client = client_of_one_that_panics_in(place);
    let doing = doing.replace("[work]", client.world.path("").as_str());
    everything_works(&mut client);
    is_reported_once(&mut client, &doing);
}

#[test]
fn check_that_panics_is_done_again() {
    goes_on_after_a_panic_in("worker", "checking `[work]/Cargo.toml`");
}

#[test]
fn engine_that_panics_is_started_again() {
    goes_on_after_a_panic_in("engine", "running the checks on `[work]/Cargo.toml`");
}

#[test]
fn search_for_workspaces_that_panics_is_done_again() {
    goes_on_after_a_panic_in("discovery", "looking for ");
}

#[test]
fn watching_that_panics_goes_on_with_what_was_wanted() {
    goes_on_after_a_panic_in("watch", "watching files");
}

#[test]
fn changes_on_disk_that_panic_are_told_all_the_same() {
    goes_on_after_a_panic_in("changes", "watching files");
}

#[test]
fn owner_that_panics_before_anything_is_found_begins_again() {
    goes_on_after_a_panic_in("owner", "deciding what to check and show");
}

#[test]
fn owner_that_panics_on_a_verdict_begins_again() {
    goes_on_after_a_panic_in("verdict", "deciding what to check and show");
}

#[test]
fn proof_that_panics_is_done_again() {
    goes_on_after_a_panic_in("proving", "looking for fixes for `[work]/Cargo.toml`");
}

#[test]
fn several_panics_are_each_reported() {
    let mut client = client_of_one_that_panics_in("worker,watch,discovery");
    everything_works(&mut client);
    for doing in ["checking", "watching files", "looking for "] {
        client.message(&format!("internal error while {doing}"));
    }
}

#[test]
fn request_whose_handler_panics_is_answered_with_an_error() {
    let mut client = client_of_one_that_panics_in("handler");
    client.open(MANIFEST);
    let position = json!({"line": 0, "character": 0});
    let document = json!({"uri": client.world.uri(MANIFEST)});
    let params = json!({"textDocument": document, "position": position});
    let answer = client.request("textDocument/hover", params.clone());
    assert_eq!(answer.expect_err("the handler panics").code, -32603, "InternalError of JSON-RPC");
    client.close(MANIFEST);
    everything_works(&mut client);
    is_reported_once(&mut client, "handling `textDocument/hover`");
}

#[test]
fn check_that_always_panics_is_told_and_costs_no_more_than_its_changes() {
    let mut client = client_of_one_that_panics_in("worker*1000");
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
    // One for the buffer that was opened, one for the edit, each done twice.
    assert!(panics(&client) <= 6, "{}", client.log());
}

/// What the client tells of is all that is left then.
#[test]
fn watching_that_always_panics_stays_down_and_is_told() {
    let mut client = client_of_one_that_panics_in("watch*1000");
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
fn two_with_a_bad_glob() -> (World, String) {
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

/// Whether there is a panic is no matter of this test.
fn client_of_two(world: World) -> Client {
    let mut client = Session::of(world).start();
    client.expect_panics();
    client.ignore_all();
    client.latest("two/Cargo.toml", "all findings", all);
    client
}

#[test]
fn workspace_with_nested_braces_keeps_no_other_one_from_being_checked() {
    let (world, good) = two_with_a_bad_glob();
    let mut client = client_of_two(world);
    client.world.write("one/Cargo.toml", good);
    client.latest("one/Cargo.toml", "all findings after it was taken back", all);
    // And the other one is still watched.
    client.world.edit("two/deny.toml", "\"Zlib\"", "\"GPL-3.0-only\"");
    client.latest("two/Cargo.toml", "the change on disk", |shown| shown.codes() == [TIME, PLAIN]);
}

#[test]
fn nested_braces_that_are_taken_back_in_the_buffer_are_seen() {
    let (world, good) = two_with_a_bad_glob();
    let mut client = client_of_two(world);
    client.open("one/Cargo.toml");
    let text = client.text("one/Cargo.toml");
    let bad = text.strip_suffix(good.as_str()).expect("it begins with the workspace").to_owned();
    client.replace("one/Cargo.toml", &bad, "");
    client.latest("one/Cargo.toml", "all findings after it was taken back", all);
}
