//! The documents that the editor has open, and what each version of them says.

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
    /// What every version said; several texts when it was opened again.
    versions: BTreeMap<i32, Vec<String>>,
    /// Versions of which only the server may know what they say.
    odd: BTreeSet<i32>,
    /// The version of the last publication.
    published: Option<i32>,
    opened_again: bool,
    /// The server cannot know its text: findings come without a version.
    lost: bool,
}

impl Document {
    fn set(&mut self, version: i32, text: String) {
        self.version = version;
        self.versions.entry(version).or_default().push(text.clone());
        self.text = text;
    }

    /// Whether findings of this document came with a version before.
    pub(super) fn is_versioned(&self) -> bool {
        self.open && !self.opened_again && !self.lost && self.published.is_some()
    }

    /// Whether anything that was sent about it was no edit of its text.
    pub(super) fn was_odd(&self) -> bool {
        !self.odd.is_empty()
    }

    /// Takes note of a publication, and returns the text that it is about: the newest of those that
    /// had this version and in which `fits`.
    pub(super) fn publish(&mut self, version: i32, fits: impl Fn(&str) -> bool) -> &str {
        if self.odd.contains(&version) {
            return &self.text;
        }
        // What was on its way when a document was opened again counts from its earlier versions.
        let backwards = self.published > Some(version) && !self.opened_again;
        assert!(!backwards, "{} went back to version {version}", self.uri);
        self.published = Some(version);
        let texts = self.versions.get(&version).map_or(&[][..], Vec::as_slice);
        let mut fitting = texts.iter().rev().filter(|text| fits(text));
        let uri = &self.uri;
        fitting.next().unwrap_or_else(|| panic!("{uri} had no version {version} like this"))
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Client {
    /// Opens a file with its text on disk. Editors keep the byte order mark to themselves.
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

    /// Opens a file by the editor's own spelling of its URI.
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

    /// Sends changes that may be none of this text, as the bytes that `spoilt` makes of the message.
    /// What the text is then only a whole one tells: [`Change::whole`].
    pub(crate) fn invalid_change(
        &mut self,
        path: &str,
        version: i32,
        changes: &[Value],
        spoilt: impl Fn(String) -> String,
    ) {
        let document = self.document(path);
        document.odd.insert(version);
        document.version = document.version.max(version);
        let identity = json!({"uri": document.uri, "version": version});
        let message = json!({
            "jsonrpc": "2.0", "method": "textDocument/didChange",
            "params": {"textDocument": identity, "contentChanges": changes},
        });
        self.send_raw(&spoilt(message.to_string()));
    }

    /// Takes note of a version that was sent in another way.
    pub(crate) fn assume(&mut self, path: &str, version: i32, text: &str) {
        self.document(path).set(version, text.to_owned());
    }

    /// From now on the server cannot know the text, or can again: its findings may come without a
    /// version meanwhile.
    pub(crate) fn lost(&mut self, path: &str, lost: bool) {
        self.document(path).lost = lost;
    }

    /// Tells that a file was saved, with its text.
    pub(crate) fn notify_saved_with_text(&mut self, path: &str) {
        let (uri, text) = (self.world.uri(path), self.text(path));
        self.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}, "text": text}));
    }

    /// Replaces the only occurrence of `old` as this editor does it.
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

    /// Writes the buffer to disk and tells so.
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

    /// Tells that a file was saved.
    pub(crate) fn notify_saved(&mut self, path: &str) {
        let uri = self.world.uri(path);
        self.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}}));
    }

    /// Tells that a file was created (1), changed (2) or deleted (3) on disk.
    pub(crate) fn notify_changed(&mut self, path: &str, kind: u8) {
        let uri = self.world.uri(path);
        self.notify(
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": uri, "type": kind}]}),
        );
    }

    /// Closes a document; what was not saved is gone.
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
        let mut found = text.match_indices(needle);
        let (at, _) = found.next().unwrap_or_else(|| panic!("no `{needle}` in:\n{text}"));
        assert!(found.next().is_none(), "`{needle}` stands more than once in:\n{text}");
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
