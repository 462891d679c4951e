//! The open documents of the editor, with the text of each version.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range as Span,
};

use serde_json::{Value, json};

use super::{
    Client,
    text::{Encoding, Position, Range},
};

/// One element of `contentChanges`.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    range: Option<Range>,
    text: String,
}

impl Change {
    /// Replaces from one line and column to another.
    pub(crate) fn at(from: (u32, u32), to: (u32, u32), text: &str) -> Self {
        let position = |(line, character)| Position { line, character };
        let range = Range { start: position(from), end: position(to) };
        Self { range: Some(range), text: text.to_owned() }
    }

    /// Replaces everything.
    pub(crate) fn whole(text: &str) -> Self {
        Self { range: None, text: text.to_owned() }
    }

    fn applied(&self, text: &str, encoding: Encoding) -> String {
        let Some(range) = self.range else { return self.text.clone() };
        let mut new = text.to_owned();
        let span = encoding.offset(text, range.start)..encoding.offset(text, range.end);
        new.replace_range(span, &self.text);
        new
    }

    fn to_json(&self) -> Value {
        match self.range {
            Some(range) => json!({"range": range, "text": self.text}),
            None => json!({"text": self.text}),
        }
    }
}

/// A document that is or was open.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub(super) uri: String,
    pub(super) open: bool,
    pub(super) version: i32,
    pub(super) text: String,
    /// The text of each version; several texts when it was opened again.
    versions: BTreeMap<i32, Vec<String>>,
    /// Versions of invalid changes, whose text the test does not know.
    invalid: BTreeSet<i32>,
    /// The version of the last publication.
    published: Option<i32>,
    opened_again: bool,
    /// The server does not know its text: findings come without a version.
    text_unknown: bool,
}

impl Document {
    fn set(&mut self, version: i32, text: String) {
        self.version = version;
        self.versions.entry(version).or_default().push(text.clone());
        self.text = text;
    }

    /// Whether findings of this document came with a version before.
    pub(super) fn is_versioned(&self) -> bool {
        self.open && !self.opened_again && !self.text_unknown && self.published.is_some()
    }

    /// Whether an invalid change was sent.
    pub(super) fn had_invalid_change(&self) -> bool {
        !self.invalid.is_empty()
    }

    /// Records a publication, and returns its text: the newest text with this version that `fits`.
    pub(super) fn publish(&mut self, version: i32, fits: impl Fn(&str) -> bool) -> &str {
        if self.invalid.contains(&version) {
            return &self.text;
        }
        // After a document is opened again, publications of its earlier versions may come.
        let backwards = self.published > Some(version) && !self.opened_again;
        assert!(!backwards, "{} went back to version {version}", self.uri);
        self.published = Some(version);
        let texts = self.versions.get(&version).map_or(&[][..], Vec::as_slice);
        let mut fitting = texts.iter().rev().filter(|text| fits(text));
        let uri = &self.uri;
        fitting.next().unwrap_or_else(|| panic!("{uri} has no version {version} with these ranges"))
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Client {
    /// Opens a file with its text on disk. Editors do not send the byte order mark.
    pub(crate) fn open(&mut self, path: &str) {
        let text = self.world.read(path);
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text).to_owned();
        self.open_with(path, "toml", &text);
    }

    /// Opens a file with any text and language.
    pub(crate) fn open_with(&mut self, path: &str, language: &str, text: &str) {
        let uri = self.world.uri(path);
        self.open_uri(path, &uri, language, text);
    }

    /// Opens a file with any spelling of its URI.
    pub(crate) fn open_uri(&mut self, path: &str, uri: &str, language: &str, text: &str) {
        let version = self.editor.first_version();
        let document = self.documents.entry(self.world.path(path)).or_default();
        document.opened_again = !document.uri.is_empty();
        uri.clone_into(&mut document.uri);
        document.open = true;
        document.set(version, text.to_owned());
        self.notify(
            "textDocument/didOpen",
            json!({"textDocument": {
                "uri": uri, "languageId": language, "version": version, "text": text,
            }}),
        );
    }

    /// Sends changes in one notification.
    pub(crate) fn change(&mut self, path: &str, changes: &[Change]) {
        let (editor, encoding) = (self.editor, self.encoding);
        let document = self.document(path);
        let text = changes
            .iter()
            .fold(document.text.clone(), |text, change| change.applied(&text, encoding));
        document.set(editor.next_version(document.version), text);
        let identity = json!({"uri": document.uri, "version": document.version});
        let changes: Vec<_> = changes.iter().map(Change::to_json).collect();
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": identity, "contentChanges": changes}),
        );
    }

    /// Sends changes that may be invalid, in a message that `damage` may change. The text is then unknown
    /// until [`Change::whole`].
    pub(crate) fn invalid_change(
        &mut self,
        path: &str,
        version: i32,
        changes: &[Value],
        damage: impl Fn(String) -> String,
    ) {
        let document = self.document(path);
        document.invalid.insert(version);
        document.version = document.version.max(version);
        let identity = json!({"uri": document.uri, "version": version});
        let message = json!({
            "jsonrpc": "2.0", "method": "textDocument/didChange",
            "params": {"textDocument": identity, "contentChanges": changes},
        });
        self.send_raw(&damage(message.to_string()));
    }

    /// Records a version that was sent in another way.
    pub(crate) fn record_version(&mut self, path: &str, version: i32, text: &str) {
        self.document(path).set(version, text.to_owned());
    }

    /// Sets whether the server does not know the text: then its findings may come without a version.
    pub(crate) fn set_text_unknown(&mut self, path: &str, unknown: bool) {
        self.document(path).text_unknown = unknown;
    }

    /// Sends `didSave` with the text.
    pub(crate) fn notify_saved_with_text(&mut self, path: &str) {
        let (uri, text) = (self.world.uri(path), self.text(path));
        self.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}, "text": text}));
    }

    /// Replaces the only occurrence of `old` as this editor does.
    pub(crate) fn replace(&mut self, path: &str, old: &str, new: &str) {
        let at = self.find(path, old);
        let changes = self.editor.changes(old, new);
        let changes: Vec<_> = changes
            .into_iter()
            .map(|(span, text)| self.replacement(path, at + span.start..at + span.end, text))
            .collect();
        self.change(path, &changes);
    }

    /// Inserts text before the only occurrence of `needle`.
    pub(crate) fn insert(&mut self, path: &str, needle: &str, text: &str) {
        let at = self.find(path, needle);
        let change = self.replacement(path, at..at, text.to_owned());
        self.change(path, &[change]);
    }

    /// Writes the buffer to disk and sends `didSave`.
    pub(crate) fn save(&mut self, path: &str) {
        self.write(path);
        self.notify_saved(path);
    }

    /// Writes the buffer to disk.
    pub(crate) fn write(&mut self, path: &str) {
        let text = self.document(path).text.clone();
        let mark = self.world.try_read(path).is_some_and(|old| old.starts_with(BYTE_ORDER_MARK));
        self.world.write(path, if mark { format!("{BYTE_ORDER_MARK}{text}") } else { text });
    }

    /// Sends `didSave`.
    pub(crate) fn notify_saved(&mut self, path: &str) {
        let uri = self.world.uri(path);
        self.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}}));
    }

    /// Sends that a file was created (1), changed (2) or deleted (3) on disk.
    pub(crate) fn notify_changed(&mut self, path: &str, kind: u8) {
        let uri = self.world.uri(path);
        self.notify(
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": uri, "type": kind}]}),
        );
    }

    /// Closes a document without saving it.
    pub(crate) fn close(&mut self, path: &str) {
        let document = self.document(path);
        document.open = false;
        let uri = document.uri.clone();
        self.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    }

    /// The version of an open document.
    pub(crate) fn version(&mut self, path: &str) -> i32 {
        self.document(path).version
    }

    /// The text of an open document.
    pub(crate) fn text(&mut self, path: &str) -> String {
        self.document(path).text.clone()
    }

    /// The open documents, relative to the user's folder.
    pub(crate) fn open_documents(&self) -> Vec<String> {
        let open = self.documents.iter().filter(|(_, document)| document.open);
        let relative = |path: &str| path.replace("[work]/", "").replace("[world]/", "../");
        open.map(|(path, _)| relative(&self.world.with_placeholders(path))).collect()
    }

    /// The offset of the only occurrence of `needle` in an open document.
    pub(crate) fn find(&mut self, path: &str, needle: &str) -> usize {
        let text = &self.document(path).text;
        let mut found = memchr::memmem::find_iter(text.as_bytes(), needle);
        let at = found.next().unwrap_or_else(|| panic!("no `{needle}` in:\n{text}"));
        assert!(found.next().is_none(), "more than one `{needle}` in:\n{text}");
        at
    }

    pub(crate) fn position(&mut self, path: &str, offset: usize) -> Position {
        let encoding = self.encoding;
        encoding.position(&self.document(path).text, offset)
    }

    fn replacement(&mut self, path: &str, span: Span<usize>, text: String) -> Change {
        let encoding = self.encoding;
        Change { range: Some(encoding.range(&self.document(path).text, span)), text }
    }

    fn document(&mut self, path: &str) -> &mut Document {
        let key = self.world.path(path);
        let document = self.documents.get_mut(&key).filter(|document| document.open);
        document.unwrap_or_else(|| panic!("`{path}` is not open"))
    }
}
