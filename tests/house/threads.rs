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
