//! After a kill at any moment (`SIGKILL`), the next run works: no partial result and no interrupted fetch is used, no files
//! accumulate, no child keeps running.
//!
//! The moments are spread evenly over the time of an undisturbed run.
//! `SUPERCARGO_KILLS=200` sets how many there are; without it there are fewer.

use std::{
    collections::BTreeSet,
    env, fs, thread,
    time::{Duration, Instant, SystemTime},
};

use crate::harness::{DATABASE, DATABASE_URL, World};

const PACKAGE: &str = r#"
#- crate: time 0.3.44
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "0.3"
gpl = "1"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

/// How long to wait on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn kills(otherwise: u32) -> u32 {
    env::var("SUPERCARGO_KILLS").map_or(otherwise, |number| number.parse().expect("a number"))
}

/// The moments at which runs that take `time` are killed, in mixed order.
fn moments(count: u32, time: Duration) -> impl Iterator<Item = Duration> {
    // A prime that divides no plausible number of kills.
    (0..count).map(move |number| time * ((number * 7919) % count + 1) / count)
}

/// Starts `supercargo check`, kills it when that much time has passed, and waits until none of its
/// children is left. A quick run may end before. No file of the user is touched.
fn kill_after(world: &World, moment: Duration) {
    world.unchanged(|| start_and_kill(world, moment));
}

fn start_and_kill(world: &World, moment: Duration) {
    let start = Instant::now();
    let mut run = world.start(&["check", "--format", "json"]);
    while start.elapsed() < moment && run.try_wait().expect("it can be asked").is_none() {
        thread::sleep(Duration::from_micros(200));
    }
    let _ = run.kill();
    run.wait().expect("it ends");
    wait_for_children(world);
}

/// Waits until none of the processes of this world is left.
pub(super) fn wait_for_children(world: &World) {
    let deadline = Instant::now() + LIMIT;
    while !processes(world).is_empty() {
        assert!(Instant::now() < deadline, "left running: {:?}", processes(world));
        thread::sleep(Duration::from_millis(1));
    }
}

/// The command lines of the processes that have this world's home in their environment.
fn processes(world: &World) -> Vec<String> {
    let mark = format!("HOME={}", world.path("../home"));
    let entries = fs::read_dir("/proc").expect("processes can be listed").filter_map(Result::ok);
    let inside = entries.filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    let words = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    };
    inside.map(words).collect()
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Makes the clone's last fetch old.
fn age_database(world: &World) {
    for name in ["FETCH_HEAD", "HEAD"] {
        let path = world.path(&format!("{DATABASE}/.git/{name}"));
        if let Ok(file) = fs::File::options().append(true).open(path) {
            let time = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
            file.set_modified(time).expect("times of files can be set");
        }
    }
}

/// Publishes a new advisory.
fn publish(mut world: World, number: u32) -> World {
    world = world.with(&format!("#- advisory: RUSTSEC-2027-{number:04} time: Number {number}\n"));
    world.git("../db", &["add", "."]);
    world.git("../db", &["commit", "--quiet", "--message=more"]);
    world
}

/// Asserts that a check finds the rejected license and every published advisory.
fn assert_checked(world: &World, words: &[&str], advisories: u32) {
    let report = world.report(words);
    let found = report.findings.iter().filter_map(|finding| finding.advisory.clone());
    let found: BTreeSet<_> = found.collect();
    let all = (0..advisories).map(|number| format!("RUSTSEC-2027-{number:04}")).collect();
    assert_eq!(found, all, "{words:?}");
    assert_eq!((report.with("rejected").len(), report.code), (1, 5), "{words:?}");
}

#[test]
fn killed_runs_leave_complete_databases_and_caches() {
    let count = kills(40);
    let world = World::locked(PACKAGE);
    world.serve_git("../db", DATABASE_URL);
    let mut world = publish(world, 0);
    let start = Instant::now();
    assert_checked(&world, &[], 1);
    let time = start.elapsed();
    let databases = world.path("../cargo/advisory-dbs");
    let cache = world.path("../home/.cache/supercargo");
    for (number, moment) in (1..=count).zip(moments(count, time)) {
        world = publish(world, number);
        if number % 3 == 0 {
            fs::remove_dir_all(world.path(DATABASE)).expect("the last start has fetched it");
        }
        age_database(&world);
        // The cache is written again, or read while the run is killed.
        if number % 2 == 0 {
            let _ = fs::remove_dir_all(&cache);
        }
        kill_after(&world, moment);
        // The cache is used, and what is missing is computed.
        assert_checked(&world, &[], number + 1);
        assert_checked(&world, &["--offline"], number + 1);
        let left: Vec<_> =
            names(&databases).into_iter().filter(|name| name.starts_with('.')).collect();
        assert!(number % 3 != 0 || left.is_empty(), "{left:?}");
        assert!(left.len() <= 1, "{left:?}");
        world.git(DATABASE, &["fsck", "--strict"]);
    }
    assert_checked(&world, &["--no-cache", "--offline"], count + 1);
}

#[test]
fn abandoned_scratch_copies_are_deleted_by_the_next_run() {
    let world = World::new(PACKAGE);
    let start = Instant::now();
    assert_eq!(world.check("").code, 4);
    let time = start.elapsed();
    let count = kills(40) / 4;
    for moment in moments(count, time) {
        kill_after(&world, moment);
    }
    // This run itself fails on abandoned copies.
    assert_eq!(world.check("").code, 4);
}
