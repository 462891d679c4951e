//! A client that opens a workspace, edits its files and waits for the verdict.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{edited::EditedDependency, measure::peak_megabytes, workspaces::MeasuredWorkspace};

/// Unused licenses: each edit allows another one, which only a new verdict reports.
const UNUSED: [&str; 7] =
    ["AFL-1.1", "AFL-2.0", "APL-1.0", "BUSL-1.1", "CATOSL-1.1", "CPAL-1.0", "Watcom-1.0"];

/// The time between two edits of a quick typist.
const TYPING: Duration = Duration::from_millis(50);

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(120);

/// How long an edit of a manifest took, in milliseconds.
pub(crate) struct ManifestEdit {
    /// To the provisional verdict; `None` if the exact one came first.
    pub(crate) provisional: Option<f64>,
    /// To the exact verdict.
    pub(crate) exact: f64,
}

/// A server with a client that is connected to it.
pub(crate) struct Server {
    child: Child,
    connection: Connection,
    folder: PathBuf,
    /// The line of the edited dependency, and where its value begins and ends in it.
    edited: (usize, [usize; 2]),
    version: usize,
    /// The lines of the manifest with an advisory.
    advised: Vec<u64>,
    /// From the start of the server to the exact verdict, in milliseconds.
    pub(crate) started: f64,
}

impl Server {
    /// Starts a server with a value of the setting `gate`, and opens the workspace's policy and manifest.
    pub(crate) fn start(
        command: &mut Command,
        workspace: &MeasuredWorkspace,
        gate: &str,
    ) -> Result<Self> {
        let start = Instant::now();
        let mut child = command
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start the server")?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            while let Some(message) = read_message(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let connection = Connection { stdin: child.stdin.take().context("no input")?, messages };
        let folder = &workspace.folder;
        let mut server = Self {
            child,
            connection,
            folder: folder.clone(),
            edited: (workspace.edited.line, workspace.edited.columns),
            version: 1,
            advised: Vec::new(),
            started: f64::NAN,
        };
        let root = server.uri("");
        // What other workspaces need of the policy is not measured.
        let options = json!({"offline": true, "gate": gate, "exclude": workspace.other_workspaces});
        server.connection.send(&json!({"id": 1, "method": "initialize", "params": {
            "capabilities": {"textDocument": {"codeAction": {"codeActionLiteralSupport":
                {"codeActionKind": {"valueSet": ["quickfix"]}}}}},
            "rootUri": root, "initializationOptions": options}}))?;
        // Nothing may be sent before the response (LSP, "Initialize Request").
        while server.connection.read()?["id"] != 1 {}
        server.connection.send(&json!({"method": "initialized", "params": {}}))?;
        for name in ["deny.toml", "Cargo.toml"] {
            let text = fs::read_to_string(folder.join(name))?;
            let uri = server.uri(name);
            server
                .connection
                .send(&json!({"method": "textDocument/didOpen", "params": {"textDocument": {
                "uri": uri, "languageId": "toml", "version": 1, "text": text}}}))?;
        }
        server.wait_for_exact_verdict()?;
        server.started = milliseconds(start);
        Ok(server)
    }

    /// Allows unused licenses one by one and waits for the finding about each. Returns the times in milliseconds.
    pub(crate) fn policy_edits(&mut self, count: usize) -> Result<Vec<f64>> {
        let policy = fs::read_to_string(self.folder.join("deny.toml"))?;
        let line =
            policy.lines().position(|line| line.contains("\"MIT\"")).context("no license")?;
        let mut times = Vec::new();
        for edit in 0..count {
            let license = UNUSED[edit % UNUSED.len()];
            // The first edit adds a line, each later one replaces it.
            let lines = [line + 1, line + 1 + usize::from(edit > 0)];
            thread::sleep(TYPING);
            let began = Instant::now();
            self.change_lines("deny.toml", lines, &format!("    \"{license}\",\n"))?;
            self.connection.wait(|message| {
                let params = &message["params"];
                let here = params["uri"].as_str().is_some_and(|at| at.ends_with("deny.toml"));
                here && params["diagnostics"].to_string().contains(license)
            })?;
            times.push(milliseconds(began));
        }
        Ok(times)
    }

    /// Changes the value of the edited dependency and waits for the exact verdict.
    pub(crate) fn manifest_edits(
        &mut self,
        count: usize,
        value: impl Fn(usize) -> String,
    ) -> Result<Vec<ManifestEdit>> {
        let mut edits = Vec::new();
        for edit in 0..count {
            // A single edit, such as a fix; the server waits longer while typing goes on.
            thread::sleep(Duration::from_millis(500));
            let began = Instant::now();
            self.set_dependency(&value(edit))?;
            let mut provisional = None;
            let uri = self.uri("");
            self.connection.wait(|message| {
                let params = &message["params"];
                let is_status = message["method"] == "supercargo/status"
                    && params["workspace"].as_str().is_some_and(|folder| uri.starts_with(folder));
                if is_status && params["state"] == "provisional" {
                    provisional.get_or_insert(milliseconds(began));
                }
                is_status && params["state"] == "exact"
            })?;
            edits.push(ManifestEdit { provisional, exact: milliseconds(began) });
        }
        Ok(edits)
    }

    fn set_dependency(&mut self, value: &str) -> Result<()> {
        let (line, [start, end]) = self.edited;
        self.edited = (line, [start, start + value.len()]);
        self.change("Cargo.toml", [(line, start), (line, end)], value)
    }

    /// Waits for the exact verdict on the workspace, which is reported after its findings.
    fn wait_for_exact_verdict(&mut self) -> Result<()> {
        let uri = self.uri("");
        let manifest = self.uri("Cargo.toml");
        let advised = &mut self.advised;
        self.connection.wait(|message| {
            let params = &message["params"];
            if params["uri"] == manifest.as_str() {
                let all = params["diagnostics"].as_array().into_iter().flatten();
                let with_advisory = all.filter(|one| {
                    one["severity"].as_u64().is_some_and(|severity| severity <= 2)
                        && one["code"].as_str().is_some_and(|code| code.starts_with("RUSTSEC"))
                });
                *advised = with_advisory
                    .filter_map(|one| one["range"]["start"]["line"].as_u64())
                    .collect();
                advised.dedup();
            }
            message["method"] == "supercargo/status"
                && params["state"] == "exact"
                && params["workspace"].as_str().is_some_and(|folder| uri.starts_with(folder))
        })
    }

    /// Asks for the actions of a line with an advisory, as for a light bulb; returns the time to the response, in
    /// milliseconds. `None` if no line has an upgrade.
    pub(crate) fn first_action(&mut self) -> Result<Option<f64>> {
        for line in self.advised.clone() {
            let asked = Instant::now();
            let (uri, id) = (self.uri("Cargo.toml"), format!("actions {line}"));
            let at = json!({"line": line, "character": 0});
            self.connection.send(
                &json!({"id": id, "method": "textDocument/codeAction", "params": {
                    "textDocument": {"uri": uri}, "range": {"start": at, "end": at},
                    "context": {"diagnostics": [], "triggerKind": 2}}}),
            )?;
            let mut upgrades = false;
            self.connection.wait(|message| {
                upgrades = message["result"][0]["title"]
                    .as_str()
                    .is_some_and(|title| title.starts_with("upgrade"));
                message["id"] == id
            })?;
            if upgrades {
                return Ok(Some(milliseconds(asked)));
            }
        }
        Ok(None)
    }

    /// Asks for hovers on a license, and for completions of a license and of a package, in a policy that is
    /// broken at its end; returns the times in milliseconds.
    pub(crate) fn policy_requests(&mut self, count: usize) -> Result<[Vec<f64>; 2]> {
        let policy = fs::read_to_string(self.folder.join("deny.toml"))?;
        let license = policy.lines().position(|line| line.contains("\"MIT\""));
        let license = license.context("no license")?;
        let end = policy.lines().count();
        self.change_lines("deny.toml", [end, end], "\n[[bans.deny]]\ncrate = \"\n")?;
        let (license, package) = ((license, 6), (end + 2, 9));
        let mut all = [Vec::new(), Vec::new()];
        for number in 0..count {
            for (times, method, (line, character)) in [
                (0, "textDocument/hover", license),
                (1, "textDocument/completion", license),
                (1, "textDocument/completion", package),
            ] {
                let asked = Instant::now();
                let id = format!("{method} {line} {number}");
                let uri = self.uri("deny.toml");
                self.connection.send(&json!({"id": id, "method": method, "params": {
                    "textDocument": {"uri": uri},
                    "position": {"line": line, "character": character}}}))?;
                let mut has_result = false;
                self.connection.wait(|message| {
                    has_result = message["result"].to_string().len() > 100;
                    message["id"] == id
                })?;
                if !has_result {
                    bail!("{method} has no result in line {line}");
                }
                all[times].push(milliseconds(asked));
            }
        }
        Ok(all)
    }

    /// Types 200 edits a second into two files while the lockfile is rewritten from outside seven
    /// times a second, and asks for a hover every 50 milliseconds; returns the times in
    /// milliseconds. The files on disk stay unchanged.
    pub(crate) fn stress(
        &mut self,
        length: Duration,
        edited: &EditedDependency,
    ) -> Result<Vec<f64>> {
        const STEP: Duration = Duration::from_millis(5);
        const UPDATE: Duration = Duration::from_millis(150);
        let folders = self.folder.ancestors().map(|above| above.join("Cargo.lock"));
        let lockfile = folders.into_iter().find(|path| path.is_file()).context("no lockfile")?;
        let lock = fs::read(&lockfile)?;
        let (stop, stopped) = mpsc::channel::<()>();
        let updates = thread::spawn(move || -> std::io::Result<()> {
            let new = lockfile.with_extension("new");
            while stopped.recv_timeout(UPDATE) == Err(mpsc::RecvTimeoutError::Timeout) {
                fs::write(&new, &lock)?;
                fs::rename(&new, &lockfile)?;
            }
            Ok(())
        });
        let mut times = Vec::new();
        let start = Instant::now();
        for number in 0_u32.. {
            let due = STEP * number;
            if due >= length {
                break;
            }
            thread::sleep(due.saturating_sub(start.elapsed()));
            let name = ["Cargo.toml", "deny.toml"][usize::from(number % 2 == 1)];
            // Each file gets a line of its own first, which is then replaced.
            let lines = [0, usize::from(number > 1)];
            if number % 40 == 20 {
                self.set_dependency(&edited.with_features((number / 40) as usize))?;
            } else {
                self.change_lines(name, lines, &format!("# {number}\n"))?;
                if number == 0 {
                    self.edited.0 += 1;
                }
            }
            if number % 10 == 9 {
                let asked = Instant::now();
                let (uri, id) = (self.uri("Cargo.toml"), 1000 + number);
                self.connection
                    .send(&json!({"id": id, "method": "textDocument/hover", "params": {
                    "textDocument": {"uri": uri}, "position": {"line": self.edited.0, "character": 0}}}))?;
                self.connection.wait(|message| message["id"] == id)?;
                times.push(milliseconds(asked));
            }
        }
        drop(stop);
        match updates.join() {
            Ok(done) => done?,
            Err(_) => bail!("could not rewrite the lockfile"),
        }
        Ok(times)
    }

    fn change_lines(&mut self, name: &str, [start, end]: [usize; 2], text: &str) -> Result<()> {
        self.change(name, [(start, 0), (end, 0)], text)
    }

    /// Replaces the text between two positions, each a line and a character.
    fn change(&mut self, name: &str, range: [(usize, usize); 2], text: &str) -> Result<()> {
        self.version += 1;
        let (uri, version) = (self.uri(name), self.version);
        let [start, end] =
            range.map(|(line, character)| json!({"line": line, "character": character}));
        self.connection.send(&json!({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [{"range": {"start": start, "end": end}, "text": text}]}}))
    }

    /// Ends the session and gives the server's own peak memory.
    pub(crate) fn end(mut self) -> Result<f64> {
        let megabytes = peak_megabytes(self.child.id());
        self.connection.send(&json!({"id": 2, "method": "shutdown"}))?;
        self.connection.send(&json!({"method": "exit"}))?;
        drop(self.connection);
        self.child.wait()?;
        Ok(megabytes)
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.join(name).display())
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

struct Connection {
    stdin: ChildStdin,
    /// From a thread of its own, since a message that never comes must not stop the benchmark.
    messages: mpsc::Receiver<Value>,
}

impl Connection {
    fn send(&mut self, message: &Value) -> Result<()> {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(self.stdin.flush()?)
    }

    fn wait(&mut self, mut is_expected: impl FnMut(&Value) -> bool) -> Result<()> {
        while !is_expected(&self.read()?) {}
        Ok(())
    }

    fn read(&mut self) -> Result<Value> {
        self.messages.recv_timeout(LIMIT).context("the server has sent nothing for two minutes")
    }
}

/// The next message; `None` at the end.
fn read_message(stdout: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stdout.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
