//! A panic is no verdict: the exit code is 70, and what is wrong is said.

use crate::harness::World;

const PACKAGE: &str = r#"
#- Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
#- deny.toml
[licenses]
allow = ["MIT"]
"#;

fn world_that_panics_in(failpoint: &str) -> World {
    let mut world = World::locked(PACKAGE);
    world.set("SUPERCARGO_PANIC_IN", failpoint);
    world
}

#[test]
fn panic_of_the_engine_is_a_finding_and_a_line_in_the_log() {
    let run = world_that_panics_in("engine").human("");
    assert_eq!(run.code, 70, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("supercargo::check-failed"), "{}", run.stdout);
    let logged = "panicked while running the checks on `[work]/Cargo.toml`: panic on purpose";
    assert!(run.stderr.contains(logged), "{}", run.stderr);
    assert!(run.stderr.contains("server/threads/failpoint.rs:"), "{}", run.stderr);
    assert!(!run.stderr.contains("backtrace"), "{}", run.stderr);
}

#[test]
fn panic_of_a_command_is_an_error() {
    let run = world_that_panics_in("command").human("");
    assert_eq!(run.code, 70, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("panicked while running this command"), "{}", run.stderr);
    assert!(run.stderr.contains("error: internal error (panic on purpose"), "{}", run.stderr);
}

#[test]
fn backtrace_is_logged_on_request() {
    let mut world = world_that_panics_in("command");
    world.set("RUST_BACKTRACE", "1");
    let run = world.human("");
    // Names are there only where the program has them.
    assert!(run.stderr.contains("\n   0: "), "{}", run.stderr);
}
