//! The programs that the server starts, and its parent process.

#![cfg(unix)]

use std::{
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    harness::{FakeCargo, Process, Session, World, wait_until},
    worlds::SMALL,
};

const MANIFEST: &str = "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n";

/// A process in the role of an editor: it waits until it is killed.
struct Client(Child);

impl Client {
    fn start() -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 100000"]).stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().expect("a shell"))
    }

    fn kill(mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it has ended");
    }
}

/// A server for which cargo never ends, and whose client is the process with this id.
fn resolving_for(client: &Value, fake_cargo: FakeCargo) -> (World, Process) {
    let mut world = World::new(MANIFEST);
    world.use_fake_cargo(fake_cargo);
    let mut server = Process::start(&world);
    let folder = json!({"uri": world.uri(""), "name": ""});
    let params = json!({"processId": client, "capabilities": {}, "workspaceFolders": [folder]});
    server.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
    assert_eq!(server.message()["id"], 0);
    server.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
    world.wait_for_cargo_calls(1);
    (world, server)
}

fn assert_no_process_left(world: &World) {
    wait_until("no process of the server is left", || world.processes().is_empty());
    assert!(world.temporary_files().is_empty(), "{:?}", world.temporary_files());
}

#[test]
fn server_ends_with_its_client_while_another_process_holds_the_pipes() {
    let client = Client::start();
    let (world, mut server) = resolving_for(&client.0.id().into(), FakeCargo::EndlessWithChild);
    client.kill();
    // This test keeps the pipes open.
    let (status, _) = server.wait_for_sudden_end();
    assert_eq!(status.code(), Some(1));
    assert_no_process_left(&world);
}

#[test]
fn client_on_another_machine_is_not_taken_as_gone() {
    let gone = Client::start();
    let id = gone.0.id();
    gone.kill();
    for client in [Value::Null, id.into(), i32::MAX.into()] {
        let (world, mut server) = resolving_for(&client, FakeCargo::Endless);
        server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}));
        while server.message()["id"] != 1 {}
        server.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
        assert_eq!(server.wait().0.code(), Some(0));
        assert_no_process_left(&world);
    }
}

#[test]
fn server_ends_with_standard_input_while_a_request_waits() {
    let (world, mut server) = resolving_for(&Value::Null, FakeCargo::Endless);
    let uri = world.uri("Cargo.toml");
    let opened =
        json!({"uri": uri, "languageId": "toml", "version": 1, "text": world.read("Cargo.toml")});
    server.send(&json!({
        "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": opened},
    }));
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}});
    let params = json!({"textDocument": {"uri": uri}, "range": range});
    server.send(&json!({
        "jsonrpc": "2.0", "id": 1, "method": "textDocument/inlayHint", "params": params,
    }));
    server.close_input();
    let (status, messages) = server.wait();
    assert_eq!(status.code(), Some(1));
    // The request gets a response as well.
    assert!(messages.iter().any(|message| message["id"] == 1), "{messages:?}");
    assert_no_process_left(&world);
}

/// The guard knows a child before it runs, however early the server is killed.
#[cfg(target_os = "linux")]
#[test]
fn child_processes_end_with_a_server_killed_at_their_start() {
    for _ in 0..5 {
        let (world, mut server) = resolving_for(&Value::Null, FakeCargo::EndlessWithChild);
        let killed = Command::new("kill").args(["-KILL", &server.id().to_string()]).status();
        assert!(killed.expect("`kill` runs").success());
        assert_eq!(server.wait_for_sudden_end().0.code(), None);
        wait_until("no process is left", || world.processes().is_empty());
    }
}

#[test]
fn backtraces_of_child_processes_are_not_shown() {
    let mut world = World::new(MANIFEST);
    for name in ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"] {
        world.set(name, "1");
    }
    // As a Rust program reports an error.
    world.replace_cargo(
        "#!/bin/sh\n\
         echo 'error: nothing works' >&2\n\
         [ \"${RUST_LIB_BACKTRACE:-$RUST_BACKTRACE}\" = 0 ] || echo 'stack backtrace: std::rt' >&2\n\
         exit 101\n",
    );
    let mut client = Session::of(world).start();
    client.open("Cargo.toml");
    let shown = client.diagnostics_with("Cargo.toml", "supercargo::resolution-failed");
    let drawn = shown.drawn();
    assert!(drawn.contains("nothing works") && !drawn.contains("backtrace"), "{drawn}");
    let hover = client.hover("Cargo.toml", "m\"").map(|hover| hover.value).unwrap_or_default();
    assert!(!hover.contains("backtrace"), "{hover}");
}

#[test]
fn program_in_the_checked_folder_is_not_started() {
    for (variable, value) in [("CARGO", "./cargo"), ("CARGO", "bin/../cargo"), ("PATH", ".:bin:")] {
        let mut world = World::locked(SMALL);
        let mark = world.path("../cargo/started");
        for program in ["cargo", "bin/cargo", "git", "bin/git", "sh", "bin/sh"] {
            world.write(program, format!("#!/bin/sh\necho >> '{mark}'\n"));
            let mode = PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(world.path(program), mode).expect("a mode is set");
        }
        if variable == "PATH" {
            world.set("CARGO", "cargo");
        }
        world.set(variable, value);
        let mut client = Session::of(world).start();
        client.open("Cargo.toml");
        let shown = client.diagnostics_with("Cargo.toml", "supercargo::resolution-failed");
        let drawn = shown.drawn();
        let remedy = if variable == "PATH" {
            "not found in any absolute folder of `PATH`"
        } else {
            "use an absolute path"
        };
        assert!(drawn.contains(remedy), "{drawn}");
        assert_eq!(client.world.try_read("../cargo/started"), None, "{variable}={value}");
    }
}
