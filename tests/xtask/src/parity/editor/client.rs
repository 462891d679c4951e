//! A minimal editor: it opens a folder, answers what the server asks, and keeps what is published until there is a verdict.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// How long a verdict may take.
const LIMIT: Duration = Duration::from_secs(600);

/// What was published for a folder.
pub(super) struct Published {
    /// The diagnostics by file.
    files: BTreeMap<String, Vec<Value>>,
    /// The size of all publications up to the verdict.
    pub(super) bytes: usize,
    /// The last status.
    pub(super) status: Value,
}

impl Published {
    /// All diagnostics with their files.
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.files.iter().flat_map(|(file, all)| all.iter().map(move |one| (file.as_str(), one)))
    }

    /// Whether there is a diagnostic with a code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.diagnostics().any(|(_, diagnostic)| diagnostic["code"] == code)
    }
}

/// Opens a folder and waits for its verdict. `command` is the program without arguments.
pub(super) fn publish(command: &mut Command, folder: &Path) -> Result<Published> {
    command.arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("could not start the language server")?;
    let mut input = child.stdin.take().context("the server has no input")?;
    let messages = messages(child.stdout.take().context("the server has no output")?);
    let published = converse(&mut input, &messages, folder);
    // The server ends with its input.
    drop(input);
    if published.is_err() {
        let _ = child.kill();
    }
    child.wait().context("could not await the language server")?;
    published
}

fn converse(
    input: &mut ChildStdin,
    messages: &mpsc::Receiver<(Value, usize)>,
    folder: &Path,
) -> Result<Published> {
    let root = format!("file://{}", encoded(&folder.to_string_lossy()));
    let diagnostics = json!({
        "relatedInformation": true, "codeDescriptionSupport": true, "dataSupport": true,
        "tagSupport": {"valueSet": [1, 2]},
    });
    let params = json!({
        "processId": null,
        "rootUri": root,
        "capabilities": {"textDocument": {"publishDiagnostics": diagnostics}},
        "initializationOptions": {"offline": true, "proveWhenIdle": false, "gate": "default"},
        "workspaceFolders": [{"uri": root, "name": "folder"}],
    });
    send(input, &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))?;
    let mut published = Published { files: BTreeMap::new(), bytes: 0, status: Value::Null };
    let deadline = Instant::now() + LIMIT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok((message, size)) = messages.recv_timeout(left) else {
            bail!("the language server reached no verdict");
        };
        let id = &message["id"];
        match message["method"].as_str() {
            None if *id == 1 => {
                send(input, &json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}))?;
            }
            Some("textDocument/publishDiagnostics") => {
                published.bytes += size;
                let params = &message["params"];
                let uri = params["uri"].as_str().unwrap_or_default();
                let all = params["diagnostics"].as_array().cloned().unwrap_or_default();
                published.files.insert(decoded(uri.trim_start_matches("file://")), all);
            }
            Some("supercargo/status") => {
                published.status = message["params"].clone();
                if ["exact", "failed"].iter().any(|state| published.status["state"] == *state) {
                    break;
                }
            }
            Some(_) if !id.is_null() => {
                send(input, &json!({"jsonrpc": "2.0", "id": id, "result": null}))?;
            }
            _ => {}
        }
    }
    send(input, &json!({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}))?;
    send(input, &json!({"jsonrpc": "2.0", "method": "exit"}))?;
    Ok(published)
}

fn send(input: &mut impl Write, message: &Value) -> Result<()> {
    let text = message.to_string();
    write!(input, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    input.flush().context("the language server has ended")
}

/// The messages of the server with their sizes.
fn messages(output: impl Read + Send + 'static) -> mpsc::Receiver<(Value, usize)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        while let Some(content) = frame(&mut output) {
            let Ok(message) = serde_json::from_slice(&content) else { break };
            if sender.send((message, content.len())).is_err() {
                break;
            }
        }
    });
    receiver
}

fn frame(output: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        length =
            line.strip_prefix("Content-Length:").map_or(length, |text| text.trim().parse().ok());
    }
    let mut content = vec![0; length?];
    output.read_exact(&mut content).ok()?;
    Some(content)
}

fn encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    path.bytes()
        .map(
            |byte| {
                if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let escaped = rest.strip_prefix('%').and_then(|after| after.get(..2));
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            bytes.extend_from_slice(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_both_conversions() {
        for path in ["/tmp/a b/100%/ü/Cargo.toml", "/plain"] {
            assert_eq!(decoded(&encoded(path)), path);
        }
    }

    #[test]
    fn frames_are_read_one_by_one() {
        let mut text =
            "Content-Length: 2\r\n\r\n{}Content-Length: 4\r\nX: y\r\n\r\nnull".as_bytes();
        assert_eq!(frame(&mut text).as_deref(), Some(b"{}".as_slice()));
        assert_eq!(frame(&mut text).as_deref(), Some(b"null".as_slice()));
        assert_eq!(frame(&mut text), None);
    }
}
