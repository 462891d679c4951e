//! The client: requests, notifications, waiting, and the checks at the end of a session.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Editor, Incoming, Process, Shown, TEST_TIMEOUT, World,
    client_responses::response,
    diagnostics::Published,
    documents::Document,
    frames::frame,
    text::{Encoding, Range, path_of},
};

/// How many messages a failure shows.
const SHOWN_MESSAGES: usize = 80;

/// An editor that is connected to the server.
pub(crate) struct Client {
    pub(crate) world: World,
    pub(crate) editor: Editor,
    pub(crate) encoding: Encoding,
    pub(super) documents: BTreeMap<String, Document>,
    process: Process,
    capabilities: Value,
    initialized: Value,
    next_id: i64,
    responses: BTreeMap<i64, Value>,
    published: Vec<(String, Shown, bool)>,
    /// The messages to the user, and whether the test has claimed them.
    messages: Vec<(String, bool)>,
    server_requests: Vec<(String, Value)>,
    rejected: Vec<String>,
    /// The methods to which the client never responds.
    unanswered: Vec<String>,
    /// The user's settings, which the editor sends on request.
    settings: Value,
    progress: Vec<Value>,
    statuses: Vec<Value>,
    unknown: Vec<Value>,
    ignored: BTreeSet<String>,
    /// The conditions for the last publication of a file.
    last: Vec<(String, String, Condition)>,
    conversation: Vec<String>,
    /// Publications and messages need not be claimed.
    ignores_all: bool,
    /// The test makes the server panic.
    panics: bool,
    ended: bool,
}

type Condition = Box<dyn Fn(&Shown) -> bool>;

/// An error response.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct ResponseError {
    pub(crate) code: i64,
    pub(crate) message: String,
}

/// A hover and the text of its range.
#[derive(Clone, Debug)]
pub(crate) struct Hover {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) covered: String,
}

impl Client {
    pub(super) fn initialize(
        world: World,
        editor: Editor,
        process: Process,
        params: Value,
        (rejected, unanswered): (Vec<String>, Vec<String>),
        settings: Value,
    ) -> Self {
        let mut client = Self {
            world,
            editor,
            encoding: editor.encoding(),
            documents: BTreeMap::new(),
            process,
            capabilities: params["capabilities"].clone(),
            initialized: Value::Null,
            next_id: editor.first_id(),
            responses: BTreeMap::new(),
            published: Vec::new(),
            messages: Vec::new(),
            server_requests: Vec::new(),
            rejected,
            unanswered,
            settings,
            progress: Vec::new(),
            statuses: Vec::new(),
            unknown: Vec::new(),
            ignored: BTreeSet::new(),
            last: Vec::new(),
            conversation: Vec::new(),
            ignores_all: false,
            panics: false,
            ended: false,
        };
        let result = client.request("initialize", params).expect("`initialize` succeeds");
        let chosen = result["capabilities"]["positionEncoding"].as_str().unwrap_or("utf-16");
        client.encoding = Encoding::of(chosen);
        client.initialized = result;
        client.notify("initialized", json!({}));
        client
    }

    /// The result of `initialize`.
    pub(crate) fn initialize_result(&self) -> &Value {
        &self.initialized
    }

    /// The capabilities of the editor.
    pub(crate) fn capabilities(&self) -> &Value {
        &self.capabilities
    }

    /// The file of a URI, relative to the user's folder.
    pub(crate) fn file_of(&self, uri: &str) -> String {
        self.world.with_placeholders(&path_of(uri)).replace("[work]/", "")
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        message["params"] = params;
        self.send(&message);
    }

    /// The user changes the settings, and the editor sends its notification.
    pub(crate) fn configure(&mut self, settings: Value) {
        let pushed = match self.editor {
            Editor::VsCode => Value::Null,
            Editor::Neovim | Editor::Helix => json!({"supercargo": settings}),
        };
        self.settings = settings;
        self.notify("workspace/didChangeConfiguration", json!({"settings": pushed}));
    }

    /// Sends a request; [`Self::response`] waits for the response.
    pub(crate) fn send_request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        id
    }

    /// The response to a request.
    pub(crate) fn response(&mut self, id: i64) -> Result<Value, ResponseError> {
        let mut response = self.wait("a response", |client| client.responses.remove(&id));
        match response.get_mut("error").map(Value::take) {
            Some(error) => Err(serde_json::from_value(error).expect("an error has a code")),
            None => Ok(response["result"].take()),
        }
    }

    /// Sends a request and waits for its response.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, ResponseError> {
        let id = self.send_request(method, params);
        self.response(id)
    }

    /// The hover on the first character of the only occurrence of `needle`.
    pub(crate) fn hover(&mut self, path: &str, needle: &str) -> Option<Hover> {
        let id = self.request_hover(path, needle);
        let mut hover = self.response(id).expect("a hover has no error");
        if hover.is_null() {
            return None;
        }
        let range: Range = serde_json::from_value(hover["range"].take()).expect("a range");
        let covered = self.encoding.covered(&self.text(path), range).to_owned();
        let text = |key: &str| hover["contents"][key].as_str().expect("a text").to_owned();
        Some(Hover { kind: text("kind"), value: text("value"), covered })
    }

    /// Requests the hover on the first character of the only occurrence of `needle`.
    pub(crate) fn request_hover(&mut self, path: &str, needle: &str) -> i64 {
        let at = self.find(path, needle);
        let position = self.position(path, at);
        let uri = self.world.uri(path);
        self.send_request(
            "textDocument/hover",
            json!({"textDocument": {"uri": uri}, "position": position}),
        )
    }

    /// The next publication for a file that was not claimed yet.
    pub(crate) fn diagnostics(&mut self, path: &str) -> Shown {
        self.diagnostics_when(path, "any diagnostics", |_| true)
    }

    /// Claims the publications for a file up to the first for which `holds`.
    pub(crate) fn diagnostics_when(
        &mut self,
        path: &str,
        what: &str,
        holds: impl Fn(&Shown) -> bool,
    ) -> Shown {
        let file = self.world.path(path);
        self.wait(&format!("{what} in `{path}`"), |client| {
            let unclaimed = client
                .published
                .iter_mut()
                .filter(|(published, _, claimed)| *published == file && !*claimed);
            for (_, shown, claimed) in unclaimed {
                *claimed = true;
                if holds(shown) {
                    return Some(shown.clone());
                }
            }
            None
        })
    }

    /// Claims the publications for a file up to one with this code.
    pub(crate) fn diagnostics_with(&mut self, path: &str, code: &str) -> Shown {
        self.diagnostics_when(path, code, |shown| shown.has(code))
    }

    /// Claims the publications for a file up to one without this code.
    pub(crate) fn diagnostics_without(&mut self, path: &str, code: &str) -> Shown {
        self.diagnostics_when(path, &format!("no {code}"), |shown| !shown.has(code))
    }

    /// Waits until the last publication for a file meets a condition, which must hold at the end, too.
    pub(crate) fn ends_with(
        &mut self,
        path: &str,
        what: &str,
        holds: impl Fn(&Shown) -> bool + 'static,
    ) {
        let file = self.world.path(path);
        self.ignored.insert(file.clone());
        self.wait(&format!("{what} in `{path}`"), |client| {
            client.last_of(&file).is_some_and(&holds).then_some(())
        });
        self.last.push((file, what.to_owned(), Box::new(holds)));
    }

    /// Waits until the last publication for a file meets a condition, and claims those before it.
    pub(crate) fn latest(&mut self, path: &str, what: &str, holds: impl Fn(&Shown) -> bool) {
        let file = self.world.path(path);
        self.wait(&format!("{what} in `{path}`"), |client| {
            client.last_of(&file).is_some_and(&holds).then_some(())
        });
        for (published, _, claimed) in &mut self.published {
            *claimed |= *published == file;
        }
    }

    fn last_of(&self, file: &str) -> Option<&Shown> {
        let mut newest_first = self.published.iter().rev();
        newest_first.find(|(published, ..)| published == file).map(|(_, shown, _)| shown)
    }

    /// All publications for a file so far, in order.
    pub(crate) fn history(&self, path: &str) -> Vec<&Shown> {
        let file = self.world.path(path);
        let ours = self.published.iter().filter(|(published, ..)| *published == file);
        ours.map(|(_, shown, _)| shown).collect()
    }

    /// The files with publications so far.
    pub(crate) fn published_files(&self) -> Vec<String> {
        let files: BTreeSet<_> = self.published.iter().map(|(file, ..)| file).collect();
        files.into_iter().map(|file| self.world.with_placeholders(file)).collect()
    }

    /// Ignores publications for a file.
    pub(crate) fn ignore(&mut self, path: &str) {
        self.ignored.insert(self.world.path(path));
    }

    /// Waits for a message to the user that contains a text.
    pub(crate) fn message(&mut self, text: &str) -> String {
        self.wait(&format!("a message with `{text}`"), |client| {
            let mut unclaimed = client.messages.iter_mut().filter(|(_, claimed)| !*claimed);
            let (message, claimed) = unclaimed.find(|(message, _)| message.contains(text))?;
            *claimed = true;
            Some(message.clone())
        })
    }

    /// The requests that the server has made so far.
    pub(crate) fn server_requests(&self, method: &str) -> Vec<&Value> {
        let requests = self.server_requests.iter().filter(|(name, _)| name == method);
        requests.map(|(_, params)| params).collect()
    }

    /// Waits until the server has made a request.
    pub(crate) fn wait_for_request(&mut self, method: &str) {
        self.wait_for_requests(method, 1);
    }

    /// Waits until the server has made a request that often.
    pub(crate) fn wait_for_requests(&mut self, method: &str, count: usize) {
        self.wait(&format!("{count} requests `{method}`"), |client| {
            (client.server_requests(method).len() >= count).then_some(())
        });
    }

    /// Waits for the error response to an invalid message.
    pub(crate) fn error_for_invalid_message(&mut self) {
        self.wait("the error for an invalid message", |client| {
            let at = client.unknown.iter().position(|one| one.get("id") == Some(&Value::Null))?;
            Some(client.unknown.remove(at))
        });
    }

    /// Waits for a progress notification of a kind: `begin`, `report` or `end`.
    pub(crate) fn progress(&mut self, kind: &str) -> Value {
        self.wait(&format!("progress `{kind}`"), |client| {
            client.progress.iter().find(|progress| progress["value"]["kind"] == kind).cloned()
        })
    }

    /// Waits until the last status has this state; returns it.
    pub(crate) fn status(&mut self, state: &str) -> Value {
        self.status_when(&format!("the state `{state}`"), |status| status["state"] == state)
    }

    /// Waits until the last status meets a condition; returns it.
    pub(crate) fn status_when(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.wait(what, |client| client.statuses.last().filter(|status| holds(status)).cloned())
    }

    /// The states of all statuses so far.
    pub(crate) fn states(&self) -> Vec<&str> {
        self.statuses.iter().filter_map(|status| status["state"].as_str()).collect()
    }

    /// How many progress notifications came so far.
    pub(crate) fn progress_count(&self) -> usize {
        self.progress.len()
    }

    /// The last state of a workspace, by its folder.
    pub(crate) fn state_of(&self, folder: &str) -> Option<&str> {
        self.status_of(folder)?["state"].as_str()
    }

    /// The last status of a workspace, by its folder.
    pub(crate) fn status_of(&self, folder: &str) -> Option<&Value> {
        let uri = self.world.uri(folder);
        let mut newest_first = self.statuses.iter().rev();
        newest_first.find(|status| status["workspace"] == uri.as_str())
    }

    /// The last state of each workspace, by its URI.
    pub(crate) fn last_states(&self) -> BTreeMap<&str, &str> {
        let states = self.statuses.iter();
        states
            .filter_map(|one| Some((one["workspace"].as_str()?, one["state"].as_str()?)))
            .collect()
    }

    /// Receives messages until a condition is true.
    pub(crate) fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        self.wait(what, |client| holds(client).then_some(()));
    }

    /// Receives messages until a deadline, and drops outdated publications.
    pub(crate) fn receive_until(&mut self, deadline: Instant) {
        loop {
            match self.process.receive(deadline) {
                Some(Incoming::Message(message)) => self.take(message),
                Some(other) => {
                    panic!("the server is to go on, got {other:?}; {}", self.process.state())
                }
                None => break,
            }
        }
        let last = self.last_published();
        let mut at = 0..;
        self.published.retain(|_| last.contains(&at.next().expect("there is no end")));
        for (_, _, claimed) in &mut self.published {
            *claimed = true;
        }
        for (_, claimed) in &mut self.messages {
            *claimed = true;
        }
        let outdated = self.conversation.len().saturating_sub(SHOWN_MESSAGES);
        self.conversation.drain(..outdated);
    }

    fn last_published(&self) -> BTreeSet<usize> {
        let all = self.published.iter().enumerate();
        let last: BTreeMap<_, _> = all.map(|(at, (file, ..))| (file, at)).collect();
        last.into_values().collect()
    }

    /// The shown diagnostics, by file.
    pub(crate) fn shown(&self) -> BTreeMap<&str, &Shown> {
        self.published.iter().map(|(file, shown, _)| (file.as_str(), shown)).collect()
    }

    /// Ignores all publications and messages.
    pub(crate) fn ignore_all(&mut self) {
        self.ignores_all = true;
    }

    /// The test makes the server panic.
    pub(crate) fn expect_panics(&mut self) {
        self.panics = true;
    }

    /// What the server wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Kills the server without the checks at the end.
    pub(crate) fn kill(mut self) {
        self.ended = true;
    }

    /// Ends the session as the editor does, while another session runs in the same world.
    pub(crate) fn end_while_another_runs(mut self) {
        self.shut_down();
        self.assert_nothing_unclaimed();
    }

    /// Ends the session as the editor does, with the checks at the end.
    pub(crate) fn end(&mut self) {
        if self.shut_down() {
            self.assert_clean_end();
        }
    }

    /// Ends two sessions in one world.
    pub(crate) fn end_both(mut self, mut other: Self) {
        self.shut_down();
        other.shut_down();
        self.assert_clean_end();
        other.assert_clean_end();
    }

    /// Shuts the server down; returns whether the session had not ended before.
    fn shut_down(&mut self) -> bool {
        if std::mem::replace(&mut self.ended, true) {
            return false;
        }
        let shut_down = self.request("shutdown", Value::Null);
        assert_eq!(shut_down, Ok(Value::Null), "`shutdown` has no error");
        if self.editor != Editor::Helix {
            // Helix may end without sending `exit`.
            self.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
        }
        self.process.close_input();
        let (status, last) = self.process.wait();
        for message in last {
            self.take(message);
        }
        assert_eq!(status.code(), Some(0), "the server wrote:\n{}", self.process.log());
        true
    }

    fn assert_clean_end(&mut self) {
        let ignores = |file: &String| self.ignores_all || self.ignored.contains(file);
        let unclaimed =
            self.published.iter().filter(|(file, _, claimed)| !claimed && !ignores(file));
        let publications: Vec<_> = unclaimed
            .map(|(file, shown, _)| format!("{file} {:?}\n{}", shown.version, shown.drawn()))
            .collect();
        for (file, what, holds) in &self.last {
            let shown = self.last_of(file).expect("something was published");
            assert!(holds(shown), "{file} no longer has {what}:\n{}", shown.drawn());
        }
        let messages: Vec<_> = self.messages.iter().filter(|(_, claimed)| !claimed).collect();
        let ignores_all = self.ignores_all;
        assert!(publications.is_empty(), "unclaimed: {}", publications.join("\n"));
        assert!(ignores_all || messages.is_empty(), "unclaimed messages: {messages:?}");
        self.assert_nothing_unclaimed();
        wait_until("no process of the server is left", || self.world.processes().is_empty());
        let left = self.world.temporary_files();
        assert!(left.is_empty(), "the server left in the temporary folder: {left:?}");
        self.world.assert_untouched();
    }

    fn assert_nothing_unclaimed(&self) {
        let responses = &self.responses;
        assert!(responses.is_empty(), "unclaimed responses: {responses:?}");
        assert!(self.unknown.is_empty(), "unexpected messages: {:?}", self.unknown);
        self.assert_progress_matches();
        let log = self.process.log();
        assert!(self.panics || !log.contains("panicked"), "the server panicked:\n{log}");
    }

    fn assert_progress_matches(&self) {
        let kinds = |kind: &str| -> Vec<&Value> {
            let of_kind = self.progress.iter().filter(|one| one["value"]["kind"] == kind);
            of_kind.map(|one| &one["token"]).collect()
        };
        for token in kinds("end") {
            assert!(kinds("begin").contains(&token), "{token} ended without having begun");
        }
    }

    /// Receives messages until `find` returns something.
    fn wait<T>(&mut self, what: &str, mut find: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + TEST_TIMEOUT;
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            match self.process.receive(deadline) {
                Some(Incoming::Message(message)) => self.take(message),
                Some(other) => {
                    panic!("waited for {what}, got {other:?}; {}", self.process.state())
                }
                None => panic!("timeout while waiting for {what}"),
            }
        }
    }

    /// Sends a message that need not be JSON.
    pub(super) fn send_raw(&mut self, body: &str) {
        let note: String = body.chars().take(600).collect();
        self.conversation.push(format!("-> {note}"));
        self.process.send_bytes(&frame(body));
    }

    fn send(&mut self, message: &Value) {
        self.note("->", message);
        self.process.send(message);
    }

    /// Records a message, and responds to it if it is a request.
    fn take(&mut self, message: Value) {
        self.note("<-", &message);
        let method = message["method"].as_str().map(str::to_owned);
        let id = message.get("id").cloned();
        match (method, id) {
            (Some(method), Some(id)) => {
                let is_rejected = self.rejected.contains(&method);
                let is_unanswered = self.unanswered.contains(&method);
                let (key, value) =
                    response(self.editor, &method, &message["params"], &self.settings, is_rejected);
                self.server_requests.push((method, message["params"].clone()));
                if !self.ended && !is_unanswered {
                    self.send(&json!({"jsonrpc": "2.0", "id": id, key: value}));
                }
            }
            (Some(method), None) => self.take_notification(&method, message),
            (None, Some(id)) if !id.is_null() => {
                let id = id.as_i64().expect("the ids of our requests are numbers");
                let earlier = self.responses.insert(id, message);
                assert!(earlier.is_none(), "two responses to the request {id}");
            }
            (None, _) => self.unknown.push(message),
        }
    }

    fn take_notification(&mut self, method: &str, mut message: Value) {
        let params = message["params"].take();
        match method {
            "textDocument/publishDiagnostics" => {
                let published =
                    serde_json::from_value(params).expect("diagnostics are as LSP defines them");
                self.take_published(published);
            }
            "window/showMessage" => {
                let text = params["message"].as_str().expect("a message has a text").to_owned();
                self.messages.push((text, false));
            }
            "window/logMessage" => {}
            "$/progress" => self.progress.push(params),
            "supercargo/status" => self.statuses.push(params),
            _ => self.unknown.push(json!({"method": method, "params": params})),
        }
    }

    /// Checks in every test: the version was sent, never decreases, is present if it was present before,
    /// and the ranges are in its text.
    fn take_published(&mut self, published: Published) {
        let file = path_of(&published.uri);
        let document = self.documents.get_mut(&file);
        let text = if let Some(version) = published.version {
            let document = document.expect("only open documents have versions");
            assert_eq!(document.uri, published.uri, "the URI is spelled as by the editor");
            let ranges = published.diagnostics.iter().map(|one| one.range);
            let ranges: Vec<_> = ranges.collect();
            let encoding = self.encoding;
            let fits = |text: &str| ranges.iter().all(|range| encoding.has(text, *range));
            document.publish(version, fits).to_owned()
        } else {
            let versioned = document
                .is_some_and(|document| document.is_versioned() && !document.had_invalid_change());
            assert!(!versioned, "{file} is open but its findings came without a version");
            // Reading a pipe would never end.
            let is_file = std::path::Path::new(&file).is_file();
            let text = is_file.then(|| std::fs::read_to_string(&file).unwrap_or_default());
            let text = text.unwrap_or_default();
            text.trim_start_matches('\u{feff}').to_owned()
        };
        let Published { version, diagnostics, .. } = published;
        let shown = Shown { version, diagnostics, text, encoding: self.encoding };
        self.published.push((file, shown, false));
    }

    fn note(&mut self, arrow: &str, message: &Value) {
        let mut line = format!("{arrow} {message}");
        if line.len() > 600 {
            let end = (0..=600).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
            line.truncate(end);
            line.push_str(" ..");
        }
        self.conversation.push(line);
    }
}

impl Drop for Client {
    #[expect(clippy::print_stderr, reason = "the conversation explains a failure")]
    fn drop(&mut self) {
        if thread::panicking() {
            let from = self.conversation.len().saturating_sub(SHOWN_MESSAGES);
            let conversation = self.conversation[from..].join("\n");
            eprintln!("the conversation as {:?}:\n{conversation}", self.editor);
            eprintln!("the server wrote:\n{}", self.process.log());
        } else {
            self.end();
        }
    }
}

/// Waits until `holds`.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "timeout while waiting until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
