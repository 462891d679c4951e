//! Advisory databases that a repository or another program changes, in an editor: no file of the user is
//! written, and no server ends.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    harness::{Session, World},
    worlds::{PLAIN, SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";
const POLICY: &str = "deny.toml";
const URL: &str = "https://github.com/RustSec/advisory-db";
const NAME: &str = "advisory-db-3157b0e258782691";
const HOME: &str = "../cargo/advisory-dbs/advisory-db-3157b0e258782691";

fn git(world: &World, folder: &str, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "gc.auto=0"])
        .args(words)
        .env_clear()
        .envs(world.variables())
        .current_dir(world.path(folder))
        .output()
        .expect("git runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {words:?}: {error}");
}

/// Serves the world's advisories for fetching.
fn serve_advisories(world: &World) {
    git(world, "../db", &["init", "--quiet", "--initial-branch=main"]);
    git(world, "../db", &["add", "."]);
    git(world, "../db", &["commit", "--quiet", "--message=all"]);
    let folder = world.path("../db");
    let config = format!("[url \"file://{folder}\"]\n\tinsteadOf = {URL}\n");
    world.write("../home/.gitconfig", config);
}

/// Copies the world's advisories to a folder as a clone that was fetched just now.
fn make_fetched_clone(world: &World, folder: &str) {
    world.folder(folder);
    let target = format!("{folder}/{NAME}");
    fs::rename(world.path("../db"), world.path(&target)).expect("renamed");
    world.write(&format!("{target}/.git/HEAD"), "one");
    world.write(&format!("{target}/.git/FETCH_HEAD"), "one");
}

/// All paths below a folder.
fn paths(world: &World, folder: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut folders = vec![world.path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path.clone());
            }
            all.insert(path);
        }
    }
    all
}

fn with_database_path(world: &World, path: &str) {
    world.edit(POLICY, "[advisories]", &format!("[advisories]\ndb-path = \"{path}\""));
}

#[test]
fn advisories_truncated_after_the_first_session_end_no_server() {
    let world = World::locked(SMALL);
    make_fetched_clone(&world, "../cargo/advisory-dbs");
    let mut client = Session::of(world).option("db", Value::Null).start();
    client.diagnostics_with(MANIFEST, TIME);
    client.diagnostics(POLICY);
    client.status("exact");
    for advisory in [format!("time/{TIME}"), format!("plain/{PLAIN}")] {
        client.world.write(&format!("{HOME}/crates/{advisory}.md"), "");
    }
    // The check reads the advisories again.
    client.world.edit(POLICY, "ignore = []", &format!("ignore = [\"{PLAIN}\"] # known"));
    client.diagnostics_without(MANIFEST, PLAIN);
    client.ends_with(MANIFEST, "the other", |shown| shown.has(TIME));
    client.ignore_all();
}

#[test]
fn untrusted_workspace_creates_no_database_folder() {
    for linked in [false, true] {
        let world = World::locked(SMALL);
        with_database_path(&world, "dbs");
        if linked {
            make_fetched_clone(&world, "../outside");
            symlink("../outside", world.path("dbs")).expect("a link");
        } else {
            make_fetched_clone(&world, "dbs");
        }
        let folders = ["", "../outside", "../cargo"];
        let before = folders.map(|folder| paths(&world, folder));
        let session = Session::of(world).option("db", Value::Null).option("offline", false.into());
        let mut client = session.option("trusted", false.into()).start();
        client.message("trusted");
        client.diagnostics_with(MANIFEST, TIME);
        client.status("untrusted");
        client.ignore_all();
        client.end();
        assert_eq!(folders.map(|folder| paths(&client.world, folder)), before);
    }
}

#[test]
fn database_that_links_to_the_users_clone_keeps_it_unchanged() {
    let world = World::locked(SMALL);
    serve_advisories(&world);
    with_database_path(&world, ".");
    symlink(".", world.path(NAME)).expect("a link");
    world.write("notes.txt", "committed");
    git(&world, "", &["init", "--quiet", "--initial-branch=main"]);
    git(&world, "", &["add", "."]);
    git(&world, "", &["commit", "--quiet", "--message=all"]);
    git(&world, "", &["remote", "add", "origin", URL]);
    world.write("notes.txt", "never committed");
    let head = fs::File::options().append(true).open(world.path(".git/HEAD")).expect("it is there");
    let days = Duration::from_secs(3 * 24 * 60 * 60);
    head.set_modified(SystemTime::now() - days).expect("times of files can be set");
    let before = paths(&world, "");
    let session = Session::of(world).option("db", Value::Null).option("offline", false.into());
    let mut client = session.start();
    client.diagnostics_with(MANIFEST, TIME);
    client.diagnostics(POLICY);
    client.status("exact");
    client.ignore_all();
    client.end();
    assert_eq!(client.world.read("notes.txt"), "never committed");
    assert_eq!(paths(&client.world, ""), before);
    assert!(client.world.try_read(&format!("{HOME}/.git/FETCH_HEAD")).is_some());
}
