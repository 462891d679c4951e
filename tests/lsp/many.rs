//! Many workspaces in one folder: all are checked, by few threads, and a workspace with an open file
//! does not wait for the others.

use std::fs;

use crate::harness::{Client, Session, World};

/// More threads than a machine with few processors uses, and less than two per workspace.
const THREADS: usize = 64;

/// The number of workspaces, from `SUPERCARGO_WORKSPACES`.
fn count() -> usize {
    let wanted = std::env::var("SUPERCARGO_WORKSPACES").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(60)
}

fn folder(number: usize) -> String {
    format!("group-{}/w{number:04}", number % 10)
}

/// That many packages without dependencies, each its own workspace.
fn world(count: usize) -> World {
    let world = World::new("#- deny.toml\n[licenses]\nallow = [\"ISC\"]\n");
    for number in 0..count {
        let folder = folder(number);
        let name = format!("p{number:04}");
        let package = format!("name = \"{name}\"\nversion = \"0.1.0\"");
        let manifest = format!("[package]\n{package}\nedition = \"2021\"\nlicense = \"MIT\"\n");
        world.write(&format!("{folder}/Cargo.toml"), manifest);
        world.write(&format!("{folder}/src/lib.rs"), "");
        let lockfile = format!("version = 4\n\n[[package]]\n{package}\n");
        world.write(&format!("{folder}/Cargo.lock"), lockfile);
    }
    world
}

fn threads(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count)
}

/// The most memory that a process has had, in kB (`proc_pid_status(5)`, `VmHWM`).
fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[test]
fn many_workspaces_are_checked_by_few_threads() {
    let count = count();
    let mut client = Session::of(world(count)).start();
    client.ignore_all();
    let id = client.process().id();
    let last = folder(count - 1);
    let manifest = format!("{last}/Cargo.toml");
    client.open(&manifest);
    let exact = |client: &Client| {
        (0..count).filter(|number| client.state_of(&folder(*number)) == Some("exact")).count()
    };
    client.wait_until("the open one is checked", |client| client.state_of(&last) == Some("exact"));
    let others = exact(&client);
    assert!(others <= count / 2, "the open one came after {others} others");
    // Each step is within the limit of a wait: this test does not measure the whole time.
    let mut most = 0;
    for step in 1..=count / 5 {
        client.wait_until("more are checked", |client| exact(client) >= step * 5);
        most = most.max(threads(id));
    }
    client.wait_until("all are checked", |client| exact(client) == count);
    assert!(most <= THREADS, "{most} threads for {count} workspaces");
    let memory = peak_memory(id);
    assert!(memory < 600_000, "{memory} kB for {count} workspaces");
    let shown = client.shown();
    let rejected = |number: usize| {
        let file = client.world.path(&format!("{}/Cargo.toml", folder(number)));
        shown.get(file.as_str()).is_some_and(|shown| shown.has("rejected"))
    };
    let without: Vec<_> = (0..count).filter(|number| !rejected(*number)).collect();
    assert!(without.is_empty(), "no finding for {without:?}");
    // Workspaces whose graph was dropped are checked again.
    client.world.edit("deny.toml", "\"ISC\"", "\"MIT\"");
    for number in [0, count / 2, count - 1] {
        let file = format!("{}/Cargo.toml", folder(number));
        client.latest(&file, "no finding", |shown| !shown.has("rejected"));
    }
    assert!(threads(id) <= THREADS);
}
