//! The protocol from `initialize` to `exit`.

use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::harness::{Encoding, Process, Session, World, each_editor};

const MANIFEST: &str = "#- Cargo.toml\n[package]\nname = \"m\"\nversion = \"0.1.0\"\n";

fn request(id: u32, method: &str, params: Value) -> Value {
    let mut request = json!({"jsonrpc": "2.0", "id": id, "method": method});
    request["params"] = params;
    request
}

fn notification(method: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": {}})
}

fn hover(id: u32) -> Value {
    let document = json!({"uri": "file:///nowhere/Cargo.toml"});
    let position = json!({"line": 0, "character": 0});
    request(id, "textDocument/hover", json!({"textDocument": document, "position": position}))
}

/// A server without the typed client, with its world.
struct Bare {
    process: Process,
    world: World,
}

impl Bare {
    fn start() -> Self {
        Self::start_in(World::new(""))
    }

    fn start_in(world: World) -> Self {
        Self { process: Process::start(&world), world }
    }

    /// A server that has received `initialize` and `initialized`.
    fn initialized() -> Self {
        let mut bare = Self::start();
        bare.initialize(&[]);
        bare
    }

    fn initialize(&mut self, folders: &[&str]) {
        let folders =
            folders.iter().map(|folder| json!({"uri": self.world.uri(folder), "name": ""}));
        let params = json!({"capabilities": {}, "workspaceFolders": folders.collect::<Vec<_>>()});
        let response = self.send_request(&request(0, "initialize", params));
        assert!(response["result"]["capabilities"].is_object(), "{response}");
        self.notify("initialized");
    }

    /// Sends a request and returns the next message that is not a status.
    fn send_request(&mut self, request: &Value) -> Value {
        self.process.send(request);
        let mut response = self.process.message();
        while response["method"] == "supercargo/status" {
            response = self.process.message();
        }
        assert_eq!(response["id"], request["id"], "{response}");
        response
    }

    fn notify(&mut self, method: &str) {
        self.process.send(&notification(method));
    }

    fn error_code(&mut self, request: &Value) -> Value {
        self.send_request(request)["error"]["code"].take()
    }

    /// Closes standard input and waits for the exit code.
    fn code(mut self) -> Option<i32> {
        self.process.close_input();
        self.code_with_open_input()
    }

    /// Waits for the exit code.
    fn code_with_open_input(mut self) -> Option<i32> {
        let (status, messages) = self.process.wait();
        self.code_of(status, messages)
    }

    /// Waits for the exit code of a server that got a signal.
    fn code_after_sudden_end(mut self) -> Option<i32> {
        let (status, messages) = self.process.wait_for_sudden_end();
        self.code_of(status, messages)
    }

    fn code_of(self, status: ExitStatus, mut messages: Vec<Value>) -> Option<i32> {
        // Every client gets the status.
        messages.retain(|message| message["method"] != "supercargo/status");
        assert!(messages.is_empty(), "unexpected messages: {messages:?}");
        crate::harness::wait_until("no process of the server is left", || {
            self.world.processes().is_empty()
        });
        assert!(self.world.temporary_files().is_empty(), "{:?}", self.world.temporary_files());
        status.code()
    }
}

each_editor! {
    fn server_returns_its_capabilities(editor) {
        let mut client = Session::of(World::new("")).editor(editor).folders(&[]).start();
        let mut result = client.initialize_result().clone();
        // For VS Code, folding is registered later for some files.
        let folds = result["capabilities"].as_object_mut().and_then(|all| all.remove("foldingRangeProvider"));
        assert_eq!(folds, (editor != crate::harness::Editor::VsCode).then_some(true.into()));
        // It shows virtual documents.
        let workspace = result["capabilities"]["workspace"].as_object_mut();
        let documents = workspace.and_then(|all| all.remove("textDocumentContent"));
        assert_eq!(documents.is_some(), editor == crate::harness::Editor::VsCode);
        let encoding = match editor.encoding() {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
        };
        assert_eq!(
            result["capabilities"],
            json!({
                "positionEncoding": encoding,
                "codeActionProvider": {
                    "codeActionKinds": ["quickfix", "source.fixAll.supercargo"],
                    "resolveProvider": true,
                },
                "codeLensProvider": {"resolveProvider": false},
                "completionProvider": {"triggerCharacters": ["\"", "[", "{", "=", ".", "@", ":"]},
                "executeCommandProvider": {"commands": [
                    "supercargo.server.fixAll", "supercargo.server.fillIn", "supercargo.server.compareWithBase",
                    "supercargo.server.showWhyGraph",
                ]},
                "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": true}},
                "definitionProvider": true,
                "documentSymbolProvider": true,
                "hoverProvider": true,
                "referencesProvider": true,
                "inlayHintProvider": true,
                "documentLinkProvider": {"resolveProvider": false},
                "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
            })
        );
        assert_eq!(result["serverInfo"]["name"], "supercargo");
        assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        client.end();
    }
}

#[test]
fn client_without_capabilities_gets_utf_16() {
    let mut bare = Bare::start();
    let response = bare.send_request(&request(0, "initialize", json!({"capabilities": {}})));
    assert_eq!(response["result"]["capabilities"]["positionEncoding"], "utf-16");
}

#[test]
fn requests_before_initialize_are_rejected() {
    let mut bare = Bare::start();
    assert_eq!(bare.error_code(&hover(1)), -32002);
    assert_eq!(bare.error_code(&request(2, "shutdown", Value::Null)), -32002);
    bare.notify("initialized");
    bare.notify("textDocument/didSave");
    bare.initialize(&[]);
    assert_eq!(bare.send_request(&hover(3))["result"], Value::Null);
}

#[test]
fn second_initialize_is_rejected() {
    let mut bare = Bare::initialized();
    let again = request(1, "initialize", json!({"capabilities": {}}));
    assert_eq!(bare.error_code(&again), -32600);
    assert_eq!(bare.send_request(&hover(2))["result"], Value::Null);
}

#[test]
fn unknown_requests_are_rejected_and_unknown_notifications_ignored() {
    let mut bare = Bare::initialized();
    assert_eq!(bare.error_code(&request(1, "textDocument/unknown", json!({}))), -32601);
    assert_eq!(bare.error_code(&request(2, "$/unknown", json!({}))), -32601);
    let mut implementation = hover(3);
    implementation["method"] = "textDocument/implementation".into();
    assert_eq!(bare.error_code(&implementation), -32601);
    for method in ["textDocument/unknown", "$/unknown", "$/setTrace", "$/cancelRequest", ""] {
        bare.notify(method);
    }
    assert_eq!(bare.send_request(&hover(4))["result"], Value::Null);
}

#[test]
fn invalid_parameters_are_rejected() {
    let mut bare = Bare::initialized();
    assert_eq!(bare.error_code(&request(1, "textDocument/hover", json!({"a": 1}))), -32602);
    assert_eq!(bare.error_code(&request(2, "textDocument/hover", Value::Null)), -32602);
    bare.process.send(&json!({
        "jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": 1},
    }));
    bare.process.send(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen"}));
    assert_eq!(bare.send_request(&hover(3))["result"], Value::Null);
}

#[test]
fn request_id_may_be_a_string() {
    let mut bare = Bare::initialized();
    let mut request = hover(0);
    request["id"] = "one".into();
    assert_eq!(bare.send_request(&request)["result"], Value::Null);
}

#[test]
fn shutdown_and_exit_end_with_success() {
    let mut bare = Bare::initialized();
    assert_eq!(bare.send_request(&request(1, "shutdown", Value::Null))["result"], Value::Null);
    bare.notify("exit");
    assert_eq!(bare.code_with_open_input(), Some(0));
}

#[test]
fn requests_after_shutdown_are_rejected() {
    let mut bare = Bare::initialized();
    bare.send_request(&request(1, "shutdown", Value::Null));
    assert_eq!(bare.error_code(&hover(2)), -32600);
    assert_eq!(bare.error_code(&request(3, "shutdown", Value::Null)), -32600);
    bare.notify("textDocument/didSave");
    bare.notify("exit");
    assert_eq!(bare.code_with_open_input(), Some(0));
}

#[test]
fn standard_input_closed_after_shutdown_ends_with_success() {
    let mut bare = Bare::initialized();
    bare.send_request(&request(1, "shutdown", Value::Null));
    assert_eq!(bare.code(), Some(0));
}

#[test]
fn exit_without_shutdown_is_a_failure() {
    let mut bare = Bare::initialized();
    bare.notify("exit");
    assert_eq!(bare.code_with_open_input(), Some(1));
}

#[test]
fn exit_before_initialize_is_a_failure() {
    let mut bare = Bare::start();
    bare.notify("exit");
    assert_eq!(bare.code_with_open_input(), Some(1));
}

#[test]
fn standard_input_closed_without_shutdown_is_a_failure() {
    assert_eq!(Bare::initialized().code(), Some(1));
    assert_eq!(Bare::start().code(), Some(1));
}

#[test]
fn standard_input_closed_inside_a_message_is_a_failure() {
    let mut bare = Bare::initialized();
    bare.process.send_bytes(b"Content-Length: 100\r\n\r\n{\"jsonrpc\"");
    assert_eq!(bare.code(), Some(1));
}

#[cfg(unix)]
mod children {
    use super::*;
    use crate::harness::FakeCargo;

    fn resolving(fake_cargo: FakeCargo) -> Bare {
        resolving_in(World::new(MANIFEST), fake_cargo)
    }

    fn resolving_in(mut world: World, fake_cargo: FakeCargo) -> Bare {
        world.use_fake_cargo(fake_cargo);
        let mut bare = Bare::start_in(world);
        bare.initialize(&[""]);
        bare.world.wait_for_cargo_calls(1);
        bare
    }

    #[test]
    fn end_when_standard_input_is_closed() {
        assert_eq!(resolving(FakeCargo::Endless).code(), Some(1));
    }

    #[test]
    fn end_with_their_child_processes() {
        assert_eq!(resolving(FakeCargo::EndlessWithChild).code(), Some(1));
    }

    #[test]
    fn end_at_exit() {
        let mut bare = resolving(FakeCargo::Endless);
        bare.notify("exit");
        assert_eq!(bare.code_with_open_input(), Some(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn end_at_shutdown() {
        let mut bare = resolving(FakeCargo::Endless);
        bare.send_request(&request(1, "shutdown", Value::Null));
        let server = bare.process.id();
        crate::harness::wait_until("the server is alone", || bare.world.processes() == [server]);
        bare.notify("exit");
        assert_eq!(bare.code_with_open_input(), Some(0));
    }

    /// The server itself cannot react to this.
    #[cfg(target_os = "linux")]
    #[test]
    fn end_when_the_server_is_killed() {
        for fake_cargo in [FakeCargo::Endless, FakeCargo::EndlessWithChild] {
            let mut world = World::new(MANIFEST);
            world.set("SUPERCARGO_LOG", "supercargo=debug");
            let bare = resolving_in(world, fake_cargo);
            // The child starts before the guard knows it.
            let is_watched = || bare.process.log().contains("started process");
            crate::harness::wait_until("the child is watched", is_watched);
            let Bare { mut process, world } = bare;
            let id = process.id().to_string();
            let output = std::process::Command::new("kill").args(["-KILL", &id]).status();
            assert!(output.expect("`kill` runs").success());
            assert_eq!(process.wait_for_sudden_end().0.code(), None);
            crate::harness::wait_until("no process is left", || world.processes().is_empty());
        }
    }

    #[test]
    fn end_when_the_server_gets_a_signal() {
        let bare = resolving(FakeCargo::Endless);
        let id = bare.process.id().to_string();
        let output = std::process::Command::new("kill").arg(id).status().expect("`kill` runs");
        assert!(output.success());
        assert_eq!(bare.code_after_sudden_end(), Some(1));
    }
}

#[test]
fn standard_output_contains_only_messages() {
    let mut world = World::locked(MANIFEST);
    world.set("SUPERCARGO_LOG", "trace");
    let mut client = Session::of(world).start();
    client.open("Cargo.toml");
    client.diagnostics_with("Cargo.toml", "supercargo::no-policy");
    client.end();
    assert!(!client.process().log().is_empty(), "the log went to standard error");
}
