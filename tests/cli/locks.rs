//! Locks that another program holds, and a cargo home that nothing may be written to.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::harness::{DATABASE, World};

const FIXTURE: &str = r#"
#- crate: time 0.3.44
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: A crafted date
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "0.3"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

const MINUTE: Duration = Duration::from_secs(60);

/// Takes a lock as cargo and cargo-deny do.
fn hold(world: &World, path: &str) -> File {
    let options = File::options().create(true).truncate(false).write(true).open(world.path(path));
    let file = options.expect("the lock can be opened");
    file.lock().expect("nothing else holds it");
    file
}

/// Starts a check while a lock is held, and releases the lock when a line of its standard error contains `sentence`.
/// Returns the exit code and the whole standard error.
fn check_until(world: &World, words: &[&str], lock: File, sentence: &str) -> (Option<i32>, String) {
    let mut command = world.program(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("supercargo starts");
    let (release, released) = mpsc::channel();
    // A program that says nothing fails the test instead of waiting with it.
    let holder = thread::spawn(move || {
        let in_time = released.recv_timeout(MINUTE).is_ok();
        drop(lock);
        in_time
    });
    let mut all = String::new();
    for line in BufReader::new(child.stderr.take().expect("it is piped")).lines() {
        let line = line.expect("UTF-8");
        if line.contains(sentence) {
            let _ = release.send(());
        }
        all = format!("{all}{line}\n");
    }
    let status = child.wait().expect("it ends");
    drop(release);
    let was_reported = holder.join().expect("it does not panic");
    assert!(was_reported, "it ended without a word about the lock:\n{all}");
    (status.code(), all)
}

#[test]
fn wait_for_the_lock_of_the_package_cache_is_reported_while_cargo_waits() {
    let world = World::locked(FIXTURE);
    let db = world.path("../db");
    let lock = hold(&world, "../cargo/.package-cache");
    let sentence = "waiting for the lock of cargo's package cache, which another cargo holds";
    let words = ["check", "--offline", "--no-cache", "--db", &db];
    let (code, stderr) = check_until(&world, &words, lock, sentence);
    assert_eq!((code, stderr.matches("waiting for").count()), (Some(1), 1), "{stderr}");
}

#[test]
fn wait_for_the_lock_of_the_index_is_reported() {
    let world = World::locked(FIXTURE);
    world.cargo_to_file(&["metadata", "--format-version=1", "--offline"], "../metadata.json");
    // What could not be read without the lock is read again with it.
    world.forget_index();
    let (db, metadata) = (world.path("../db"), world.path("../metadata.json"));
    let lock = hold(&world, "../cargo/.package-cache");
    let sentence = "waiting for the lock of cargo's package cache, which another program holds";
    let words = ["check", "--no-cache", "--db", &db, "--metadata-path", &metadata];
    let (code, stderr) = check_until(&world, &words, lock, sentence);
    assert_eq!((code, stderr.matches("waiting for").count()), (Some(1), 1), "{stderr}");
}

#[test]
fn wait_for_the_lock_of_the_advisory_databases_is_reported() {
    let world = World::locked(FIXTURE);
    world.fetched_advisories(MINUTE);
    let lock = hold(&world, "../cargo/advisory-dbs/db.lock");
    let sentence = "waiting for the lock of the advisory databases (`";
    let (code, stderr) = check_until(&world, &["check", "--no-cache"], lock, sentence);
    assert_eq!((code, stderr.matches("waiting for").count()), (Some(1), 1), "{stderr}");
    let lock = hold(&world, "../cargo/advisory-dbs/db.lock");
    let (code, stderr) = check_until(&world, &["db", "update"], lock, sentence);
    assert_eq!((code, stderr.matches("waiting for").count()), (Some(0), 1), "{stderr}");
}

/// A program that may not write where the mode of a folder forbids it, also if the user is root.
fn without_privileges(program: &Command) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        let privileges = "-dac_override,-dac_read_search,-fowner";
        command.arg(format!("--bounding-set={privileges}"));
        command.arg(format!("--inh-caps={privileges}")).arg(program.get_program());
        command
    } else {
        Command::new(program.get_program())
    };
    command.args(program.get_args()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(program.get_current_dir().expect("it has a folder"));
    command
}

/// Sets the modes of a folder and of all that is in it.
fn set_writable(folder: &str, writable: bool) {
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let mode = if writable { 0o755 } else { 0o555 };
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("its mode is set");
        for entry in fs::read_dir(&folder).expect("it can be read").flatten() {
            match entry.file_type().expect("it has a type") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let mode = fs::Permissions::from_mode(if writable { 0o644 } else { 0o444 });
                    fs::set_permissions(entry.path(), mode).expect("its mode is set");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn read_only_cargo_home_with_a_database_is_used_without_a_lock() {
    let world = World::locked(FIXTURE);
    // So old that it would be fetched again.
    world.fetched_advisories(120 * MINUTE);
    for lock in ["../cargo/.package-cache", "../cargo/advisory-dbs/db.lock"] {
        let _ = fs::remove_file(world.path(lock));
    }
    let home = world.path("../cargo");
    set_writable(&home, false);
    let check = world.program(&["check", "--no-cache", "--format", "json"]);
    let mut write = Command::new("touch");
    write.arg(format!("{home}/new")).current_dir("/").env("PATH", world.variable("PATH"));
    let written = without_privileges(&write).stderr(Stdio::null()).status().expect("touch runs");
    assert!(!written.success(), "the home is writable, so this test shows nothing");
    let output = without_privileges(&check).output().expect("supercargo runs");
    let status = without_privileges(&world.program(&["db", "status"])).output();
    let update = without_privileges(&world.program(&["db", "update"])).output();
    set_writable(&home, true);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), &*stderr), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("RUSTSEC-2026-0009"), "{stdout}");
    assert!(!fs::exists(world.path("../cargo/advisory-dbs/db.lock")).expect("a folder"));
    let status = String::from_utf8(status.expect("it runs").stdout).expect("UTF-8");
    assert!(status.contains("is read-only"), "{status}");
    let update = update.expect("it runs");
    let words = String::from_utf8(update.stderr).expect("UTF-8");
    assert!(words.contains(&world.path(DATABASE)) && words.contains("is read-only"), "{words}");
    assert_eq!(update.status.code(), Some(70));
}
