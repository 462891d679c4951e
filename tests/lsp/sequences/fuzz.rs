//! Messages that no editor sends: invalid edits, requests with random parameters, notifications about
//! missing files, unusual line ends and characters, settings of wrong types.
//!
//! They are mixed with the steps of sequences. No thread of the server may panic, every request gets a
//! response, every published range is in its document, and when the server has the whole texts again, it
//! shows the findings of a fresh one.
//!
//! ```text
//! SUPERCARGO_FUZZ_SECONDS=3600 cargo test --test lsp fuzz   that long
//! SUPERCARGO_SEED=17 ..         the world of a failure again, as the first one
//! ```

use std::{
    env,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Cargo, run::Run, shorter, steps::Step};
use crate::dice::Dice;
use crate::harness::Change;

/// How many sequences one server runs.
const IN_ONE_WORLD: usize = 20;

/// Replaced by half of a surrogate pair, which no JSON value can contain.
const HALF: &str = "@HALF@";

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |number| number.parse().expect("a number"))
}

#[test]
fn messages_that_no_editor_sends_end_like_a_fresh_server() {
    let start = Instant::now();
    let length = Duration::from_secs(number("SUPERCARGO_FUZZ_SECONDS", 5));
    for seed in number("SUPERCARGO_SEED", 9000).. {
        let mut dice = Dice(seed);
        #[cfg(unix)]
        let cargo = if dice.once_in(4) { Cargo::Real } else { Cargo::Recorded };
        #[cfg(not(unix))]
        let cargo = Cargo::Real;
        let mut run = Run::start(seed, cargo);
        let mut done = Vec::new();
        for _ in 0..IN_ONE_WORLD {
            let steps = Step::fuzz_sequence(&mut dice);
            done.extend(steps.iter().copied());
            if let Err(why) = shorter::attempt(|| run.go(&steps)) {
                shorter::fail(seed, cargo, &done, &run, &why);
            }
            if start.elapsed() > length {
                run.end();
                return;
            }
        }
        run.end();
    }
}

impl Run {
    /// Sends the whole text of the documents whose text the server does not know.
    pub(super) fn send_whole_texts(&mut self) {
        for file in std::mem::take(&mut self.odd) {
            if self.client.open_documents().contains(&file) {
                let text = self.client.text(&file);
                self.note(&format!("  the whole `{file}`"));
                self.client.change(&file, &[Change::whole(&text)]);
            }
        }
    }

    pub(super) fn invalid_edit(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        let changes: Vec<_> = (0..=dice.roll(3)).map(|_| invalid_change(dice)).collect();
        let version = self.client.version(&file);
        let version = match dice.roll(8) {
            0 => version,
            1 => version - 1,
            2 => version + 1000,
            _ => version + 1,
        };
        self.note(&format!("  change `{file}` to {version}: {}", shown(&json!(changes))));
        let spoil = |message: String| message.replace(HALF, "\\ud83e");
        self.client.invalid_change(&file, version, &changes, spoil);
        self.odd.insert(file);
    }

    pub(super) fn invalid_request(&mut self, dice: &mut Dice) {
        let mut asked = Vec::new();
        for _ in 0..=dice.roll(4) {
            let (method, params) = self.invalid_request_params(dice);
            self.note(&format!("  request {method} {}", shown(&params)));
            asked.push(self.client.send_request(method, params));
            if dice.once_in(6) {
                let id = asked[dice.roll(asked.len())];
                self.client.notify("$/cancelRequest", json!({"id": id}));
            }
        }
        for id in asked {
            // An error is a response, too.
            let _: Result<Value, _> = self.client.response(id);
        }
    }

    fn invalid_request_params(&mut self, dice: &mut Dice) -> (&'static str, Value) {
        const METHODS: [&str; 14] = [
            "textDocument/hover",
            "textDocument/completion",
            "textDocument/definition",
            "textDocument/references",
            "textDocument/codeAction",
            "textDocument/documentLink",
            "textDocument/documentSymbol",
            "textDocument/codeLens",
            "textDocument/inlayHint",
            "textDocument/foldingRange",
            "codeAction/resolve",
            "completionItem/resolve",
            "workspace/executeCommand",
            "textDocument/nothingOfTheKind",
        ];
        let method = *dice.pick(&METHODS);
        let uri = self.random_uri(dice);
        let params = match method {
            "codeAction/resolve" => json!({
                "title": "t", "data": *dice.pick(&["", "0", "[]"]), "kind": "quickfix",
            }),
            "completionItem/resolve" => json!({"label": "x", "data": {"id": position(dice)}}),
            "workspace/executeCommand" => json!({
                "command": *dice.pick(&["supercargo.server.fillIn", "supercargo.nothing", ""]),
                "arguments": [uri, position(dice), null],
            }),
            _ => {
                let (start, end) = (position(dice), position(dice));
                json!({
                    "textDocument": {"uri": uri},
                    "position": start,
                    "range": {"start": start, "end": end},
                    "context": {"diagnostics": [], "includeDeclaration": true},
                })
            }
        };
        (method, params)
    }

    pub(super) fn invalid_notification(&mut self, dice: &mut Dice) {
        let uri = self.random_uri(dice);
        // Other steps close and change open documents.
        let is_open =
            self.client.open_documents().iter().any(|file| self.client.world.uri(file) == uri);
        let document = json!({"uri": uri, "version": 7});
        let (method, params) = match dice.roll(6) {
            0 if !is_open => ("textDocument/didClose", json!({"textDocument": document})),
            1 if !is_open => (
                "textDocument/didChange",
                json!({"textDocument": document, "contentChanges": [invalid_change(dice)]}),
            ),
            2 => ("textDocument/didSave", json!({"textDocument": document})),
            3 => (
                "workspace/didChangeWatchedFiles",
                json!({"changes": [{"uri": uri, "type": 1 + dice.roll(3)}]}),
            ),
            4 => (
                "workspace/didChangeWorkspaceFolders",
                json!({"event": {"added": [], "removed": [{"uri": "file:///not/open", "name": ""}]}}),
            ),
            _ => ("$/setTrace", json!({"value": *dice.pick(&["off", "verbose", "loud"])})),
        };
        let params: Value = match serde_json::from_str(&params.to_string().replace(HALF, "?")) {
            Ok(params) => params,
            Err(_) => return,
        };
        self.note(&format!("  notify {method} {}", shown(&params)));
        self.client.notify(method, params);
    }

    /// A whole text with unusual characters, which both sides know.
    pub(super) fn unusual_text(&mut self, dice: &mut Dice) {
        let Some(file) = self.one_open(dice) else { return };
        let text = self.client.text(&file);
        let new = match dice.roll(7) {
            0 => text.replace('\n', "\r"),
            1 => text.replace('\n', "\r\n"),
            2 => text.replacen('\n', "\r# \u{1f980} ü\r\n", 2),
            3 => format!("# {}\n{text}", "long ".repeat(40_000)),
            4 => text.replacen("name", "na\u{0}me", 1),
            5 => format!("{text}\n# \u{2028}\u{85}\u{202e}\u{10ffff}\n"),
            _ => text.replace(' ', "\u{a0}"),
        };
        self.note(&format!("  replace `{file}` by {}", shown(&json!(new))));
        self.client.change(&file, &[Change::whole(&new)]);
        self.see_whole(&file);
    }

    pub(super) fn random_settings(&mut self, dice: &mut Dice) {
        let settings = [
            Value::Null,
            json!({"workspace": true}),
            json!({"checks": ["advisories", "bans"]}),
            json!({"codes": {"duplicate": "hint", "rejected": "off"}}),
            json!({"hints": {"newest": false, "lockedVersion": false}}),
            json!({"proveWhenIdle": false}),
            json!({"checks": 7, "codes": [], "hints": "all", "nothing": {}}),
            json!([1, 2]),
        ];
        self.settings = dice.pick(&settings).clone();
        self.note(&format!("  settings {}", self.settings));
        self.client.configure(self.settings.clone());
    }

    /// Mostly the URI of a file of the world.
    fn random_uri(&mut self, dice: &mut Dice) -> String {
        let files = self.files();
        match dice.roll(10) {
            0 => "untitled:Untitled-1".to_owned(),
            1 => "file:///nowhere/Cargo.toml".to_owned(),
            2 => self.client.world.uri("src"),
            3 => "file:///".to_owned(),
            _ => self.client.world.uri(dice.pick::<String>(&files)),
        }
    }
}

/// A position in the text, at its end, or far from it.
fn position(dice: &mut Dice) -> Value {
    const FAR: [u64; 7] = [0, 1, 255, 65_536, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff];
    let mut number = || if dice.once_in(4) { *dice.pick(&FAR) } else { dice.roll(40) as u64 };
    json!({"line": number(), "character": number()})
}

fn invalid_change(dice: &mut Dice) -> Value {
    let texts = [
        "",
        "x",
        "\n",
        "\r",
        "\r\n",
        "\u{0}",
        "\u{1d11e}",
        "\u{feff}",
        "[",
        "\"",
        "\"\"\"",
        HALF,
        "time = \"0.3\"\n",
        "[dependencies]\n",
        "= { version = \"",
    ];
    let text = *dice.pick(&texts);
    let text = if dice.once_in(12) { text.repeat(20_000) } else { text.to_owned() };
    match dice.roll(12) {
        0 => json!({"text": text}),
        1 => {
            let at = position(dice);
            json!({"range": {"start": at, "end": at}, "text": text, "rangeLength": 9})
        }
        _ => {
            let (start, end) = (position(dice), position(dice));
            json!({"range": {"start": start, "end": end}, "text": text})
        }
    }
}

/// The start of a value.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut start: String = text.chars().take(300).collect();
    if start.len() < text.len() {
        start.push_str(" ..");
    }
    start
}
