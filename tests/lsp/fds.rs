//! The protocol has private descriptors: no library and no child process can read or write them.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    harness::{Client, Session, TEST_TIMEOUT, World, frame},
    worlds::{SMALL, TIME},
};

const MANIFEST: &str = "Cargo.toml";

/// The files of the descriptors of a process.
fn descriptors(process: u32) -> BTreeMap<u32, PathBuf> {
    let listed = fs::read_dir(format!("/proc/{process}/fd")).expect("the process runs");
    let of = |entry: fs::DirEntry| {
        let number = entry.file_name().into_string().ok()?.parse().ok()?;
        // It may be closed by now.
        Some((number, fs::read_link(entry.path()).ok()?))
    };
    listed.filter_map(|entry| of(entry.ok()?)).collect()
}

/// Whether a descriptor is closed in child processes.
fn is_private(process: u32, descriptor: u32) -> bool {
    let info =
        fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}")).expect("it is open");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    let flags = u32::from_str_radix(flags.trim(), 8).expect("octal digits");
    // `O_CLOEXEC`
    flags & 0o2_000_000 != 0
}

/// The server reads and handles every message.
fn assert_responds(client: &mut Client) {
    let params = json!({
        "textDocument": {"uri": client.world.uri("nowhere/Cargo.toml")},
        "position": {"line": 0, "character": 0},
    });
    for _ in 0..50 {
        assert_eq!(client.request("textDocument/hover", params.clone()), Ok(Value::Null));
    }
}

#[test]
fn protocol_uses_private_descriptors_and_standard_output_is_the_log() {
    // The descriptors of the test process are open in both.
    let before = descriptors(std::process::id());
    let mut client = Session::of(World::locked(SMALL)).start();
    client.ignore("deny.toml");
    client.diagnostics_with(MANIFEST, TIME);
    let server = client.process().id();
    let open = descriptors(server);
    assert_eq!(open[&0], PathBuf::from("/dev/null"));
    assert_eq!(open[&1], open[&2], "standard output goes to the log");
    let ours = descriptors(std::process::id());
    let between_us = open.iter().filter(|(number, to)| {
        let is_ours = ours.values().any(|one| one == *to) && !before.values().any(|one| one == *to);
        **number > 2 && is_ours && **to != open[&2] && to.to_string_lossy().starts_with("pipe:")
    });
    let pipes: Vec<_> = between_us.collect();
    assert_eq!(pipes.len(), 2, "one for each direction: {pipes:?}");
    for (number, to) in pipes {
        assert!(is_private(server, *number), "{number} -> {}", to.display());
    }
}

#[test]
fn license_file_that_links_to_standard_input_takes_no_message() {
    let world = World::new(SMALL);
    world.edit(MANIFEST, "license = \"MIT\"", "license-file = \"LICENSE\"");
    world.lock("");
    symlink("/dev/stdin", world.path("LICENSE")).expect("a link");
    let mut client = Session::of(world).start();
    client.ignore("deny.toml");
    assert_responds(&mut client);
    client.diagnostics_with(MANIFEST, TIME);
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    assert_responds(&mut client);
}

#[test]
fn clarification_of_standard_input_takes_no_message() {
    let world = World::locked(SMALL);
    world.edit(
        "deny.toml",
        "allow = [\"MIT\", \"Zlib\"]",
        "allow = [\"MIT\", \"Zlib\"]\nclarify = [{ crate = \"gpl\", expression = \"MIT\", license-files = [{ \
         path = \"/dev/stdin\", hash = 0 }] }]",
    );
    let mut client = Session::of(world).start();
    client.ignore("deny.toml");
    assert_responds(&mut client);
    client.diagnostics_with(MANIFEST, TIME);
    client.open(MANIFEST);
    client.diagnostics_when(MANIFEST, "a version", |shown| shown.version.is_some());
    assert_responds(&mut client);
}

#[test]
fn client_that_stops_reading_causes_no_panic() {
    let world = World::locked(SMALL);
    let mut server = Command::new(env!("CARGO_BIN_EXE_supercargo"))
        .arg("lsp")
        .env_clear()
        .envs(world.variables())
        .env("SUPERCARGO_LOG", "debug")
        .current_dir(world.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    drop(server.stdout.take());
    let mut input = server.stdin.take().expect("a pipe");
    let mut log = server.stderr.take().expect("a pipe");
    let log = thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).map(|_| text)
    });
    let folder = json!({"uri": world.uri(""), "name": "work"});
    let mut messages = vec![
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "capabilities": {}, "workspaceFolders": [folder],
            "initializationOptions": {"offline": true, "db": world.path("../db")},
        }}),
        json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
    ];
    let position = json!({"line": 0, "character": 0});
    let params = json!({"textDocument": {"uri": world.uri(MANIFEST)}, "position": position});
    messages.extend((1..200).map(
        |id| json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": params}),
    ));
    for message in messages {
        if input.write_all(&frame(&message.to_string())).is_err() {
            // It may have ended by now.
            break;
        }
    }
    drop(input);
    let deadline = Instant::now() + TEST_TIMEOUT;
    let status = loop {
        if let Some(status) = server.try_wait().expect("it can be waited for") {
            break status;
        }
        assert!(Instant::now() < deadline, "the server did not end");
        thread::sleep(Duration::from_millis(5));
    };
    let log = log.join().expect("no panic").expect("UTF-8");
    assert_eq!(status.code(), Some(1), "the exit code without `shutdown`:\n{log}");
    assert!(!log.contains("panicked"), "{log}");
}
