//! Sessions recorded with real editors, replayed to our server: it answers everything and ends as
//! it should.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use serde_json::{Value, json};

use crate::harness::{Editor, Incoming, LIMIT, Process, World, recorded, shared_data};

const ID: &str = "RUSTSEC-2026-0009";

/// The workspace of the recordings, where what they mend can be found.
const RECORDED: &str = r#"
#- crate: serde 1.0.0
#- crate: time 0.1.45
#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- Cargo.toml
[package]
name = "rig-demo"
version = "0.1.0"
edition = "2021"

[dependencies]
serde = "1"
time = "0.1.45"
"#;

struct Replay {
    world: World,
    process: Process,
    /// What the editor answered, by method.
    answers: BTreeMap<String, Value>,
    /// The codes of the last publication for the manifest.
    shown: Option<Vec<Value>>,
}

impl Replay {
    fn of(recording: &[Value]) -> Self {
        let world = World::locked(RECORDED);
        let process = Process::start(&world);
        Self { world, process, answers: answers(recording), shown: None }
    }

    /// Sends one recorded message, and waits for what an editor's user would wait for.
    fn play(&mut self, message: &Value) {
        let workspace = self.world.path("");
        let text = message.to_string().replace("/WORKSPACE", &workspace);
        let mut message: Value = serde_json::from_str(&text).expect("still JSON");
        let method = message["method"].as_str().expect("a method").to_owned();
        match method.as_str() {
            "initialize" => {
                message["params"]["processId"] = json!(std::process::id());
                let db = self.world.path("../db");
                message["params"]["initializationOptions"] = json!({"offline": true, "db": db});
            }
            "textDocument/didSave" => self.world.edit("Cargo.toml", "0.1.45", "0.3.47"),
            _ => {}
        }
        self.process.send(&message);
        match method.as_str() {
            "textDocument/didOpen" => self.wait(|replay, _| replay.shows(true)),
            "textDocument/didSave" => self.wait(|replay, _| replay.shows(false)),
            _ => {}
        }
        let Some(id) = message.get("id") else { return };
        let mut answer = Value::Null;
        self.wait(|_, incoming| {
            let ours = incoming.get("id") == Some(id) && incoming.get("method").is_none();
            if ours {
                answer = incoming.clone();
            }
            ours
        });
        assert_answered(&method, &answer);
    }

    fn shows(&self, finding: bool) -> bool {
        self.shown.as_ref().is_some_and(|codes| codes.contains(&json!(ID)) == finding)
    }

    /// Takes messages, and answers them as the editor did, until `done`.
    fn wait(&mut self, mut done: impl FnMut(&Self, &Value) -> bool) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let message = match self.process.receive(deadline) {
                Some(Incoming::Message(message)) => message,
                other => panic!("got {other:?}; the server wrote:\n{}", self.process.log()),
            };
            let method = message["method"].as_str().unwrap_or_default();
            if method == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == json!(self.world.uri("Cargo.toml"))
            {
                let diagnostics = message["params"]["diagnostics"].as_array().expect("a list");
                self.shown = Some(diagnostics.iter().map(|one| one["code"].clone()).collect());
            } else if let (false, Some(id)) = (method.is_empty(), message.get("id")) {
                let mut answer = self.answers.get(method).cloned().unwrap_or_else(
                    || json!({"error": {"code": -32601, "message": "Method not found"}}),
                );
                answer["jsonrpc"] = json!("2.0");
                answer["id"] = id.clone();
                self.process.send(&answer);
            }
            if done(self, &message) {
                return;
            }
        }
    }
}

fn assert_answered(method: &str, answer: &Value) {
    match method {
        "initialize" => assert!(answer["result"]["capabilities"].is_object(), "{answer}"),
        "textDocument/hover" => {
            let text = answer["result"]["contents"]["value"].as_str();
            assert!(text.is_some_and(|text| text.contains("time")), "{answer}");
        }
        "shutdown" => assert_eq!(answer.get("result"), Some(&Value::Null), "{answer}"),
        // What we have not offered may be refused, in words.
        _ => {
            assert!(answer.get("result").is_some() || answer["error"]["code"].is_i64(), "{answer}");
        }
    }
}

fn answers(recording: &[Value]) -> BTreeMap<String, Value> {
    let from = |side: &'static str| {
        recording.iter().filter(move |line| line["dir"] == side).map(|line| &line["msg"])
    };
    let asked: Vec<_> = from("server->client")
        .filter_map(|asked| Some((asked.get("id")?, asked["method"].as_str()?)))
        .collect();
    let mut answers = BTreeMap::new();
    for answer in from("client->server").filter(|message| message.get("method").is_none()) {
        let asked = asked.iter().find(|(id, _)| answer.get("id") == Some(id));
        let (_, method) = asked.expect("an answer to a request");
        let mut kept = answer.clone();
        kept.as_object_mut().expect("an object").retain(|key, _| key == "result" || key == "error");
        answers.insert((*method).to_owned(), kept);
    }
    answers
}

fn replay(path: &Path) {
    let text = fs::read_to_string(path).expect("the recording can be read");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
    let recording: Vec<Value> = lines.collect();
    let mut replay = Replay::of(&recording);
    let sent = recording.iter().filter(|line| line["dir"] == "client->server");
    for message in sent.map(|line| &line["msg"]).filter(|message| message["method"].is_string()) {
        replay.play(message);
    }
    // Helix does not always say `exit`.
    replay.process.close_input();
    let (status, _) = replay.process.wait();
    assert_eq!(status.code(), Some(0), "{}: {}", path.display(), replay.process.log());
    let log = replay.process.log();
    // What was being told when the input was closed cannot be any more.
    let told = |line: &str| {
        line.ends_with("but it is not implemented") || line.ends_with("failed to send notification")
    };
    assert!(log.lines().all(told), "{}: {log}", path.display());
}

#[test]
fn every_recorded_session_is_answered_to_its_end() {
    let Some(folder) = shared_data() else { return };
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let sessions = paths.filter(|path| path.to_string_lossy().ends_with("-session-rich.jsonl"));
    let mut count = 0;
    for session in sessions {
        replay(&session);
        count += 1;
    }
    assert!(count > 0, "no session was recorded");
}

/// What the server looks at, or what decides how it has to behave.
const LOOKED_AT: [&str; 10] = [
    "/general/positionEncodings",
    "/textDocument/publishDiagnostics/relatedInformation",
    "/textDocument/publishDiagnostics/versionSupport",
    "/textDocument/publishDiagnostics/tagSupport",
    "/textDocument/publishDiagnostics/codeDescriptionSupport",
    "/textDocument/hover/contentFormat",
    "/workspace/workspaceFolders",
    "/workspace/didChangeWatchedFiles/dynamicRegistration",
    "/workspace/workspaceEdit/documentChanges",
    "/window/workDoneProgress",
];

#[test]
fn our_own_capability_sets_say_what_the_editors_say() {
    for editor in Editor::ALL {
        let Some(recorded) = recorded(editor) else { return };
        for pointer in LOOKED_AT {
            let theirs = recorded["capabilities"].pointer(pointer);
            assert_eq!(editor.capabilities().pointer(pointer), theirs, "{editor:?} {pointer}");
        }
    }
}
