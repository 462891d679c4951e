//! An editor that changes `deny.toml` and waits for the findings.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::measure::{median, peak_megabytes, quantile};

/// What the edits took, in milliseconds.
pub(crate) struct Edits {
    pub(crate) median: f64,
    pub(crate) p95: f64,
    /// From the start of the server to the first findings.
    pub(crate) start: f64,
    /// The server's own peak.
    pub(crate) megabytes: f64,
}

/// Licences that nothing uses: each edit allows another one, which only a new verdict can tell.
const UNUSED: [&str; 7] =
    ["AFL-1.1", "AFL-2.0", "APL-1.0", "BUSL-1.1", "CATOSL-1.1", "CPAL-1.0", "OFL-1.1"];

/// Allows one unused licence after the other and waits for the finding about it.
pub(crate) fn policy_edits(command: &mut Command, folder: &Path, count: usize) -> Result<Edits> {
    let start = Instant::now();
    let mut child = command
        .arg("lsp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the server cannot be started")?;
    let mut wire = Wire {
        stdin: child.stdin.take().context("no input")?,
        stdout: BufReader::new(child.stdout.take().context("no output")?),
    };
    let uri = |name: &str| format!("file://{}", folder.join(name).display());
    let policy = fs::read_to_string(folder.join("deny.toml"))?;
    let line = policy.lines().position(|line| line.contains("\"MIT\"")).context("no licence")? + 1;
    wire.send(&json!({"id": 1, "method": "initialize", "params": {
        "capabilities": {}, "rootUri": uri(""), "initializationOptions": {"offline": true}}}))?;
    // Nothing may be sent before the answer (LSP, "Initialize Request").
    while wire.read()?["id"] != 1 {}
    wire.send(&json!({"method": "initialized", "params": {}}))?;
    wire.send(&json!({"method": "textDocument/didOpen", "params": {"textDocument": {
        "uri": uri("deny.toml"), "languageId": "toml", "version": 1, "text": policy}}}))?;
    wire.findings(|params| params["uri"].as_str().is_some_and(|at| at.ends_with("Cargo.toml")))?;
    let started = start.elapsed().as_secs_f64() * 1000.0;
    let mut times = Vec::new();
    for edit in 0..count {
        let licence = UNUSED[edit % UNUSED.len()];
        // The first edit adds a line, each later one replaces it.
        let end = line + usize::from(edit > 0);
        let began = Instant::now();
        wire.send(&json!({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": uri("deny.toml"), "version": edit + 2},
            "contentChanges": [{"range": {"start": {"line": line, "character": 0},
                "end": {"line": end, "character": 0}}, "text": format!("    \"{licence}\",\n")}]}}))?;
        wire.findings(|params| {
            let here = params["uri"].as_str().is_some_and(|at| at.ends_with("deny.toml"));
            here && params.to_string().contains(licence)
        })?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let megabytes = peak_megabytes(child.id());
    wire.send(&json!({"id": 2, "method": "shutdown"}))?;
    wire.send(&json!({"method": "exit"}))?;
    drop(wire);
    child.wait()?;
    let p95 = quantile(times.iter().copied(), 0.95);
    Ok(Edits { median: median(times), p95, start: started, megabytes })
}

struct Wire {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Wire {
    fn send(&mut self, message: &Value) -> Result<()> {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(self.stdin.flush()?)
    }

    /// Waits for findings of a file.
    fn findings(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        loop {
            let message = self.read()?;
            if message["method"] == "textDocument/publishDiagnostics" && wanted(&message["params"])
            {
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                bail!("the server has ended");
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("Content-Length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}
