//! Every thread and task is started by `server/threads.rs`, which catches and reports its panics.

use std::{fs, path::Path};

use crate::sources::below;

/// What starts one.
const STARTS: [&str; 7] = [
    "thread::Builder",
    "thread::spawn",
    "scope.spawn(",
    "tokio::spawn",
    "spawn_blocking",
    "rayon::spawn",
    "catch_unwind",
];

/// Where that may be, and why.
const EXCEPTIONS: [(&str, &str, &str); 7] = [
    ("threads.rs", "", "the place where it belongs"),
    ("process.rs", "thread::spawn", "reads a pipe: after a panic the receiver ends"),
    ("process/", "thread::spawn", "the same"),
    (
        "process/confinement.rs",
        "thread::Builder",
        "starts one child: after a panic it was not started",
    ),
    ("verdict/database.rs", "catch_unwind", "cargo-deny panics on some advisories: a finding"),
    ("verdict/policy.rs", "catch_unwind", "cargo-deny panics on some policies: a finding"),
    ("benches/", "", "no part of the program"),
];

#[test]
fn thread_is_started_where_its_panics_are_reported() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let files = below(root, "server", &["fuzz", "docs"]);
    let is_source = |file: &&String| Path::new(file).extension().is_some_and(|one| one == "rs");
    for file in files.iter().filter(is_source) {
        let name = file.strip_prefix("server/").expect("below the folder");
        let text = fs::read_to_string(root.join(file)).expect("a source file");
        // Tests may start what they like; they are at the end.
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            for start in STARTS.iter().filter(|start| line.contains(**start)) {
                let is_exception = EXCEPTIONS.iter().any(|(path, what, _)| {
                    name.starts_with(path) && (what.is_empty() || what == start)
                });
                if !is_exception {
                    wrong.push(format!("server/{name}:{}: {start}", number + 1));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "use `server/threads.rs`, or say here why not:\n{}",
        wrong.join("\n")
    );
}

/// Everybody computes with a snapshot of the session: nothing keeps its lock, and while it is changed no file is read
/// (`text::files` panics in debug builds, which all tests of the server run).
#[test]
fn lock_of_the_session_is_taken_to_copy_and_to_change_it_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut users = Vec::new();
    for file in below(root, "server/lsp", &[]) {
        let text = fs::read_to_string(root.join(&file)).expect("a source file");
        assert!(!text.contains("MutexGuard<'_, SessionState>"), "{file} returns the lock");
        let mut function = "";
        for line in text.lines() {
            if let Some((_, name)) = line.split_once(" fn ") {
                function = name.split(['(', '<']).next().unwrap_or_default();
            }
            if line.contains("self.state.lock()") && file.ends_with("session.rs") {
                users.push(function.to_owned());
            }
        }
        let is_session = file.ends_with("lsp/session.rs");
        assert_eq!(text.contains("Mutex<Arc<SessionState>>"), is_session, "{file}");
    }
    assert_eq!(users, ["snapshot", "update"]);
}
