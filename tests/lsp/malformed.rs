//! Invalid messages get an error or are skipped, and the server continues.

use serde_json::{Value, json};

use crate::harness::{Process, World, frame};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///nowhere/Cargo.toml"},"position":{"line":0,"character":0}}}"#;

struct Server {
    process: Process,
    _world: World,
}

impl Server {
    fn initialized() -> Self {
        let world = World::new("");
        let mut process = Process::start(&world);
        process.send(&json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}},
        }));
        assert_eq!(process.message()["id"], 0);
        process.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        Self { process, _world: world }
    }

    /// Sends these bytes and then a request; returns the error codes of the responses to the bytes. All
    /// of them have the id `null`.
    fn errors(&mut self, bytes: &[u8]) -> Vec<i64> {
        self.process.send_bytes(bytes);
        self.process.send_bytes(&frame(PING));
        let mut errors = Vec::new();
        loop {
            let message = self.process.message();
            if message["id"] == 7 {
                assert_eq!(message["result"], Value::Null, "{message}");
                return errors;
            }
            assert_eq!(message.get("id"), Some(&Value::Null), "{message}");
            errors.push(message["error"]["code"].as_i64().expect("an error has a code"));
        }
    }
}

#[test]
fn body_that_is_not_json_is_a_parse_error() {
    let mut server = Server::initialized();
    for body in ["{", "nonsense", "{\"jsonrpc\":\"2.0\",}", "\u{feff}{}", "{}{}"] {
        assert_eq!(server.errors(&frame(body)), [-32700], "{body}");
    }
}

#[test]
fn json_that_is_not_a_message_is_an_invalid_request() {
    let mut server = Server::initialized();
    for body in ["[]", "1", "null", "{\"a\":1}", "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}", "[{}]"] {
        assert_eq!(server.errors(&frame(body)), [-32600], "{body}");
    }
}

#[test]
fn invalid_utf_8_is_a_parse_error() {
    let mut server = Server::initialized();
    assert_eq!(server.errors(b"Content-Length: 4\r\n\r\n\"\xff\xfe\""), [-32700]);
}

#[test]
fn header_without_a_length_is_a_parse_error() {
    let mut server = Server::initialized();
    assert_eq!(server.errors(b"Content-Type: text\r\n\r\n{}"), [-32700]);
    assert_eq!(server.errors(b"Content-Length: many\r\n\r\n{}"), [-32700]);
    assert_eq!(server.errors(b"Content-Length: -1\r\n\r\n{}"), [-32700]);
    assert_eq!(server.errors(b"Content-Length: 99999999999999999999\r\n\r\n{}"), [-32700]);
    assert_eq!(server.errors(b"Content-Length: 999999999999\r\n\r\n{}"), [-32700]);
}

#[test]
fn input_between_messages_is_skipped() {
    let mut server = Server::initialized();
    assert_eq!(server.errors(b"hello\r\n\r\n"), [-32700]);
    assert_eq!(server.errors(b"hello Content-Length: 5 "), [-32700]);
    assert_eq!(server.errors(b"\x00\xff\x1b[31m"), [-32700]);
}

#[test]
fn too_short_length_loses_one_message() {
    let mut server = Server::initialized();
    let bytes = format!("Content-Length: {}\r\n\r\n{PING}", PING.len() - 9);
    assert_eq!(server.errors(bytes.as_bytes()), [-32700]);
}

#[test]
fn too_long_length_loses_one_message() {
    let mut server = Server::initialized();
    for more in [1, 9, 30] {
        let bytes = format!("Content-Length: {}\r\n\r\n{PING}", PING.len() + more);
        assert_eq!(server.errors(bytes.as_bytes()), [-32700], "{more} too many");
    }
}

#[test]
fn messages_may_come_byte_by_byte_or_together() {
    let mut server = Server::initialized();
    let bytes = frame(PING);
    for byte in &bytes {
        server.process.send_bytes(&[*byte]);
    }
    assert_eq!(server.process.message()["id"], 7);
    server.process.send_bytes(&[bytes.as_slice(), &bytes, &bytes].concat());
    for _ in 0..3 {
        assert_eq!(server.process.message()["id"], 7);
    }
}

#[test]
fn headers_are_read_as_the_protocol_defines_them() {
    let mut server = Server::initialized();
    let length = PING.len();
    let charset = "application/vscode-jsonrpc; charset=utf-8";
    for header in [
        format!("Content-Length: {length}\r\nContent-Type: {charset}\r\n"),
        format!("Content-Type: {charset}\r\nContent-Length: {length}\r\n"),
        format!("content-length:{length}\r\n"),
        format!("Content-Length: {length}  \r\nX-Other: 1\r\nX-More: 2\r\n"),
    ] {
        server.process.send_bytes(format!("{header}\r\n{PING}").as_bytes());
        assert_eq!(server.process.message()["id"], 7, "{header}");
    }
}

#[test]
fn invalid_input_before_initialize_and_after_shutdown_ends_no_server() {
    let world = World::new("");
    let mut process = Process::start(&world);
    process.send_bytes(&frame("{"));
    assert!(process.message()["error"].is_object());
    process.send(&json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}},
    }));
    assert_eq!(process.message()["id"], 0);
    process.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}));
    assert_eq!(process.message()["id"], 1);
    process.send_bytes(&frame("{"));
    assert!(process.message()["error"].is_object());
    process.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(process.wait().0.code(), Some(0));
}

#[test]
fn unexpected_responses_are_ignored() {
    let mut server = Server::initialized();
    let response = |id: Value| json!({"jsonrpc": "2.0", "id": id, "result": null}).to_string();
    for id in [json!(99), json!("a"), Value::Null] {
        assert!(server.errors(&frame(&response(id))).is_empty());
    }
}
