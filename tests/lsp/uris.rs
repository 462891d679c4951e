//! URIs that a client does not percent-encode are served under its own spelling, or refused with a line in
//! the log.

use serde_json::{Value, json};

use crate::harness::{Process, World, wait_until};

const FIXTURE: &str = r#"
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- my [app] {ü} C#/Cargo.toml
[package]
name = "app"
version = "0.1.0"
edition = "2021"
license = "MIT"

[dependencies]
gpl = "1"
#- my [app] {ü} C#/deny.toml
[licenses]
allow = ["MIT"]
"#;

const FOLDER: &str = "my [app] {ü} C#";

struct Server {
    process: Process,
    next: u64,
}

impl Server {
    fn start(world: &World, params: &Value) -> Self {
        let mut server = Self { process: Process::start(world), next: 0 };
        let initialized = server.request("initialize", params);
        assert!(initialized["result"]["capabilities"].is_object(), "{initialized}");
        server.notify("initialized", &json!({}));
        server
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.process.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.process.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.wait_for(|message| message["id"] == id && message["method"].is_null())
    }

    fn wait_for(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.process.message();
            if is_it(&message) {
                return message;
            }
            if let (Some(id), true) = (message.get("id"), message["method"].is_string()) {
                self.process.send(&json!({"jsonrpc": "2.0", "id": id, "result": null}));
            }
        }
    }

    /// The codes that are published for a URI, once there are as many.
    fn codes(&mut self, uri: &str, count: usize) -> Vec<String> {
        let published = self.wait_for(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params["diagnostics"].as_array().is_some_and(|all| all.len() == count)
        });
        let all = published["params"]["diagnostics"].as_array().into_iter().flatten();
        all.map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn uris_that_are_not_encoded_are_served_under_the_spelling_of_the_client() {
    let world = World::new(FIXTURE);
    world.lock(FOLDER);
    let raw = format!("file://{}", world.path(FOLDER));
    let manifest = format!("{raw}/Cargo.toml");
    let mut server = Server::start(
        &world,
        &json!({
            "capabilities": {"textDocument": {"codeAction": {
                "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
            }}},
            "rootUri": raw,
            "workspaceFolders": [{"uri": raw, "name": "app"}],
            "initializationOptions": {"db": world.path("../db"), "offline": true},
        }),
    );
    let text = world.read(&format!("{FOLDER}/Cargo.toml"));
    server.notify(
        "textDocument/didOpen",
        &json!({"textDocument": {"uri": manifest, "languageId": "toml", "version": 1, "text": text}}),
    );
    assert_eq!(server.codes(&manifest, 1), ["rejected"]);
    let line = text.lines().position(|line| line.starts_with("gpl")).expect("a line");
    let at = json!({"line": line, "character": 1});
    let hover = server
        .request("textDocument/hover", &json!({"textDocument": {"uri": manifest}, "position": at}));
    assert!(hover["result"]["contents"].to_string().contains("gpl"), "{hover}");
    // The dependency is deleted.
    server.notify(
        "textDocument/didChange",
        &json!({
            "textDocument": {"uri": manifest, "version": 2},
            "contentChanges": [{
                "range": {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}},
                "text": "",
            }],
        }),
    );
    assert_eq!(server.codes(&manifest, 0), Vec::<String>::new());
    // Else its verdict may replace that of the next text for a moment.
    server.wait_for(|message| {
        message["params"]["state"] == "exact" && message["params"]["exitCode"] == 0
    });
    server.notify(
        "textDocument/didChange",
        &json!({
            "textDocument": {"uri": manifest, "version": 3}, "contentChanges": [{"text": text}],
        }),
    );
    assert_eq!(server.codes(&manifest, 1), ["rejected"]);
    let symbols =
        server.request("textDocument/documentSymbol", &json!({"textDocument": {"uri": manifest}}));
    assert!(symbols.get("error").is_none(), "{symbols}");
    // Nothing of the client's own spelling is lost on the way to an edit and back.
    let actions = server.request(
        "textDocument/codeAction",
        &json!({
            "textDocument": {"uri": manifest}, "range": {"start": at, "end": at},
            "context": {"diagnostics": [], "triggerKind": 1},
        }),
    );
    let edited = actions["result"][0]["edit"].to_string();
    assert!(edited.contains("/deny.toml"), "{actions}");
    server.notify("textDocument/didClose", &json!({"textDocument": {"uri": manifest}}));
    let hover = server
        .request("textDocument/hover", &json!({"textDocument": {"uri": manifest}, "position": at}));
    assert_eq!(hover["result"], Value::Null);
    assert!(!server.process.log().contains("supercargo-spelling"), "{}", server.process.log());
}

#[test]
fn what_is_no_uri_is_logged_and_initialize_succeeds() {
    let world = World::new("");
    for uri in ["", "/home/me/project", "C:\\Users\\me", "my project", "1:2"] {
        let mut server = Server::start(
            &world,
            &json!({
                "capabilities": {}, "rootUri": uri,
                "workspaceFolders": [{"uri": uri, "name": "a"}, {"uri": world.uri(""), "name": "b"}],
            }),
        );
        let hover = server.request(
            "textDocument/hover",
            &json!({
                "textDocument": {"uri": uri}, "position": {"line": 0, "character": 0},
            }),
        );
        assert_eq!(hover["error"]["code"], -32602, "{uri}");
        for method in ["initialize", "textDocument/hover"] {
            let line = format!("message `{method}`: {uri:?} is not a URI");
            wait_until("the log has the line", || server.process.log().contains(&line));
        }
    }
}
