//! The open documents: their texts, and the edits since a text was checked.
//!
//! An edit that cannot be applied makes the text of its document unknown: all later edits would be at
//! wrong positions. Then the file on disk is checked, and [`Documents::get`] does not return the
//! document, until the client sends the whole text: with an edit, with a save, or when the document is
//! opened again. (The protocol has no request for it.)

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{Range, TextDocumentContentChangeEvent, Uri};

use super::{
    convert::{self, Edge, Encoding, path_of},
    frames::spelled,
};
use crate::{
    policy::schema::{EXCEPTIONS, POLICY, SchemaTable},
    text::{Edit, Edits, SourceText, Span, relocate},
    workspace::{is_exceptions, is_policy},
};

/// The kinds of files that the server handles, recognized by name and not by the client's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    Manifest,
    Lockfile,
    Policy,
    /// A file with license exceptions next to a policy.
    Exceptions,
}

impl DocumentKind {
    pub(super) fn of(path: &Utf8Path) -> Option<Self> {
        match path.file_name()? {
            "Cargo.toml" => Some(Self::Manifest),
            "Cargo.lock" => Some(Self::Lockfile),
            _ if is_policy(path) => Some(Self::Policy),
            _ if is_exceptions(path) => Some(Self::Exceptions),
            _ => None,
        }
    }

    /// Whether it is a policy or a file of exceptions.
    pub(super) fn is_policy(self) -> bool {
        matches!(self, Self::Policy | Self::Exceptions)
    }

    /// The schema of a policy or of a file of exceptions.
    pub(super) fn schema_tables(self) -> Option<&'static SchemaTable> {
        match self {
            Self::Policy => Some(&POLICY),
            Self::Exceptions => Some(&EXCEPTIONS),
            Self::Manifest | Self::Lockfile => None,
        }
    }
}

/// How many older texts of a document are kept.
const MAX_OLD_TEXTS: usize = 16;

/// How many bytes they have together, except for the newest. Where the checked text was dropped, a
/// finding is located by its line.
const MAX_OLD_TEXTS_SIZE: usize = 4 << 20;

/// One open document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// As the client spells it.
    pub(super) uri: Uri,
    /// The client's version number.
    pub(super) version: i32,
    text: SourceText,
    /// An edit could not be applied, so `text` differs from the client's.
    is_unknown: bool,
    /// The file has changed on disk while the document had no edits: the file counts until the client
    /// sends the next change.
    disk_is_newer: bool,
    /// All edits, in order.
    edits: Edits,
    /// Texts that may have been checked, each with the number of edits before it.
    old_texts: VecDeque<(SourceText, usize)>,
}

impl Document {
    pub(super) fn text(&self) -> &SourceText {
        &self.text
    }

    /// Where a span of a checked text of this file is now; `None` where its line is gone.
    pub(super) fn current_span(&self, checked: &SourceText, span: &Span) -> Option<Span> {
        if *checked == self.text {
            return Some(span.clone());
        }
        let old = self.old_texts.iter().rev().find(|(text, _)| text == checked);
        old.and_then(|(_, done)| self.edits.followed(*done, span))
            .or_else(|| relocate(checked, &self.text, span))
    }

    /// Whether the text is kept as one that may be checked.
    fn is_remembered(&self) -> bool {
        self.old_texts.back().is_some_and(|(text, _)| *text == self.text)
    }

    /// Keeps the text as one that may be checked.
    fn remember(&mut self) {
        if self.is_remembered() {
            return;
        }
        self.old_texts.push_back((self.text.clone(), self.edits.len()));
        let mut size: usize = self.old_texts.iter().map(|(text, _)| text.as_str().len()).sum();
        while self.old_texts.len() > MAX_OLD_TEXTS
            || (self.old_texts.len() > 1 && size > MAX_OLD_TEXTS_SIZE)
        {
            let dropped = self.old_texts.pop_front();
            size -= dropped.map_or(0, |(text, _)| text.as_str().len());
        }
    }

    /// Drops all edits and older texts.
    fn reset_history(&mut self) {
        self.edits.clear();
        self.old_texts.clear();
        self.remember();
    }

    /// Sets the whole text.
    fn set(&mut self, text: SourceText) {
        if std::mem::take(&mut self.is_unknown) {
            tracing::info!("the text of {} is known again", spelled(&self.uri));
            self.text = text;
            self.reset_history();
        } else {
            self.edits.push(Edit::between(self.text.as_str(), text.as_str()));
            self.text = text;
        }
    }

    /// Marks the text as unknown.
    fn mark_unknown(&mut self, why: &str) {
        tracing::error!(
            "could not apply an edit of {}: {why}; the file on disk is checked until the client sends \
             the whole text",
            spelled(&self.uri)
        );
        self.is_unknown = true;
    }

    fn apply(&mut self, change: &TextDocumentContentChangeEvent, encoding: Encoding) {
        let Some(range) = change.range else {
            return self.set(with_client_positions(&change.text, encoding));
        };
        if self.is_unknown {
            return;
        }
        match replacement(&self.text, range, &change.text, encoding) {
            Ok((span, new)) => {
                let mut text = self.text.as_str().to_owned();
                text.replace_range(span.clone(), &new);
                self.edits.push(Edit::new(self.text.as_str(), span, &new));
                self.text = with_client_positions(&text, encoding);
            }
            Err(why) => self.mark_unknown(why),
        }
    }
}

/// The span that an edit replaces and its new text; or why the edit does not fit the text.
///
/// An end past its line or past the text is moved into the text (LSP, "Position"). A start more than
/// one line below the text is an error. (One line below is the end of the text for clients that count
/// only lines with an ending.)
fn replacement(
    text: &SourceText,
    range: Range,
    new: &str,
    encoding: Encoding,
) -> Result<(Span, String), &'static str> {
    /// Replaces half of a surrogate pair; it is one unit of UTF-16 as well.
    const HALF: &str = "\u{fffd}";

    if range.end < range.start {
        return Err("its range ends before it starts");
    }
    if range.start.line > convert::line_count(text) {
        return Err("its range starts below the text");
    }
    let edge = |position| convert::edge(text, position, encoding);
    let (Some(start), Some(end)) = (edge(range.start), edge(range.end)) else {
        return Err("its range splits a character");
    };
    let (start, before) = match start {
        Edge::Between(at) => (at, ""),
        Edge::InPair(start, _) => (start, HALF),
    };
    let (end, after) = match end {
        Edge::Between(at) => (at, ""),
        Edge::InPair(_, end) => (end, HALF),
    };
    Ok((start..end.max(start), format!("{before}{new}{after}")))
}

/// A text in which positions are those of the client. If the client keeps a byte order mark, spaces of
/// the same length replace it, because [`SourceText`] has none.
fn with_client_positions(text: &str, encoding: Encoding) -> SourceText {
    let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) else { return SourceText::new(text) };
    let width = match encoding {
        Encoding::Utf8 => BYTE_ORDER_MARK.len_utf8(),
        Encoding::Utf16 => BYTE_ORDER_MARK.len_utf16(),
    };
    SourceText::new(&format!("{}{rest}", " ".repeat(width)))
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// All open documents that the server handles. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    open: HashMap<Utf8PathBuf, Arc<Document>>,
    /// Closed documents with the text of the file: a verdict on an older text may still be shown.
    closed: HashMap<Utf8PathBuf, Arc<Document>>,
}

impl Documents {
    /// Opens a document; returns its path if the server handles it.
    pub(super) fn open(
        &mut self,
        uri: Uri,
        version: i32,
        text: &str,
        encoding: Encoding,
    ) -> Option<Utf8PathBuf> {
        let path = path_of(&uri)?;
        DocumentKind::of(&path)?;
        let text = with_client_positions(text, encoding);
        let mut document = Document {
            uri,
            version,
            text,
            is_unknown: false,
            disk_is_newer: false,
            edits: Edits::default(),
            old_texts: VecDeque::new(),
        };
        document.remember();
        self.closed.remove(&path);
        self.open.insert(path.clone(), Arc::new(document));
        Some(path)
    }

    /// Applies changes in order. After one that cannot be applied the text is unknown until the client
    /// sends the whole text.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        let Some(document) = self.open.get_mut(&path).map(Arc::make_mut) else {
            if DocumentKind::of(&path).is_some() {
                tracing::warn!("ignored an edit of {}, which is not open", spelled(uri));
            }
            return None;
        };
        document.version = version;
        document.disk_is_newer = false;
        for change in changes {
            document.apply(&change, encoding);
        }
        if document.edits.len() > Edits::MAX_EDITS {
            document.reset_history();
        }
        Some(path)
    }

    /// Marks the texts of these documents as unknown, because an edit may be lost; without URIs those
    /// of all documents. Returns the documents whose text was known before.
    pub(super) fn mark_unknown(&mut self, uris: &[String], why: &str) -> Vec<Utf8PathBuf> {
        let named: Vec<_> = uris.iter().filter_map(|uri| path_of(&uri.parse().ok()?)).collect();
        let mut lost = Vec::new();
        for (path, document) in &mut self.open {
            let is_affected = uris.is_empty()
                || named.contains(path)
                || uris.iter().any(|uri| uri == document.uri.as_str());
            if is_affected && !document.is_unknown {
                Arc::make_mut(document).mark_unknown(why);
                lost.push(path.clone());
            }
        }
        lost
    }

    /// A document was saved; `text` is its text, if the client sends it or the file was read. The second value is whether
    /// the text was unknown before and is known now.
    pub(super) fn save(
        &mut self,
        uri: &Uri,
        text: Option<&str>,
        encoding: Encoding,
    ) -> Option<(Utf8PathBuf, bool)> {
        let path = path_of(uri)?;
        let mut is_known_again = false;
        if let Some(document) = self.open.get_mut(&path).map(Arc::make_mut) {
            document.disk_is_newer = false;
            if document.is_unknown
                && let Some(text) = text
            {
                document.set(with_client_positions(text, encoding));
                is_known_again = true;
            }
            document.remember();
        }
        DocumentKind::of(&path).map(|_| (path, is_known_again))
    }

    /// The file on disk has changed. A text that `was_on_disk` before has no unsaved edits. Returns whether findings have
    /// to be shown again, because those of a closed document were moved to a text that the file no longer has.
    pub(super) fn file_changed(
        &mut self,
        path: &Utf8Path,
        was_on_disk: impl Fn(&str) -> bool,
        is_on_disk: impl Fn(&str) -> bool,
    ) -> bool {
        if let Some(document) = self.open.get_mut(path)
            && was_on_disk(document.text.as_str())
        {
            Arc::make_mut(document).disk_is_newer = true;
        }
        let is_other = |document: &Arc<Document>| !is_on_disk(document.text.as_str());
        self.closed.get(path).is_some_and(is_other) && self.closed.remove(path).is_some()
    }

    pub(super) fn close(&mut self, uri: &Uri) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        let document = self.open.remove(&path)?;
        self.closed.insert(path.clone(), document);
        Some(path)
    }

    /// The text on disk of a document that was closed, where it can be read: unsaved edits are gone.
    pub(super) fn closed_file_read(&mut self, path: &Utf8Path, file: Option<&str>) {
        let Some(file) = file else {
            self.closed.remove(path);
            return;
        };
        if let Some(closed) = self.closed.get_mut(path).map(Arc::make_mut) {
            closed.remember();
            closed.set(SourceText::new(file));
        }
    }

    /// A closed document with the text of the file, if `checked` is an older one of its texts.
    pub(super) fn closed(&self, path: &Utf8Path, checked: &SourceText) -> Option<&Document> {
        let document = self.closed.get(path)?;
        document.old_texts.iter().any(|(text, _)| text == checked).then_some(document)
    }

    /// An open document whose text is known.
    pub(super) fn get(&self, path: &Utf8Path) -> Option<&Document> {
        self.open.get(path).map(Arc::as_ref).filter(|document| !document.is_unknown)
    }

    /// Whether a document is open, even with an unknown text.
    pub(super) fn is_open(&self, path: &Utf8Path) -> bool {
        self.open.contains_key(path)
    }

    /// Whether a document is open and its text is unknown.
    pub(super) fn is_unknown(&self, path: &Utf8Path) -> bool {
        self.open.get(path).is_some_and(|document| document.is_unknown)
    }

    /// The URI of an open document, as the client spells it.
    pub(super) fn uri(&self, path: &Utf8Path) -> Option<Uri> {
        self.open.get(path).map(|document| document.uri.clone())
    }

    /// The paths of all open documents.
    pub(super) fn paths(&self) -> Vec<Utf8PathBuf> {
        self.open.keys().cloned().collect()
    }

    /// The version of each open document.
    pub(super) fn versions(&self) -> BTreeMap<Utf8PathBuf, i32> {
        self.open.iter().map(|(path, document)| (path.clone(), document.version)).collect()
    }

    /// The texts of these documents, as far as they are known and newer than the files, for a check.
    pub(super) fn texts(&mut self, paths: &[Utf8PathBuf]) -> HashMap<Utf8PathBuf, SourceText> {
        let documents = paths.iter().filter_map(|path| self.open.get_key_value(path));
        let used = documents.filter(|(_, one)| !one.disk_is_newer && !one.is_unknown);
        let texts: HashMap<_, _> =
            used.map(|(path, document)| (path.clone(), document.text.clone())).collect();
        for path in texts.keys() {
            if let Some(document) = self.open.get_mut(path)
                && !document.is_remembered()
            {
                Arc::make_mut(document).remember();
            }
        }
        texts
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use tower_lsp::ls_types::Position;

    use super::*;

    fn change(line: u32, from: u32, to: u32, text: &str) -> TextDocumentContentChangeEvent {
        TextDocumentContentChangeEvent {
            range: Some(Range::new(Position::new(line, from), Position::new(line, to))),
            range_length: None,
            text: text.to_owned(),
        }
    }

    fn whole(text: &str) -> TextDocumentContentChangeEvent {
        TextDocumentContentChangeEvent { range: None, range_length: None, text: text.to_owned() }
    }

    #[test]
    fn changes_are_applied_in_order_and_spans_move() {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path =
            documents.open(uri.clone(), 1, "time = \"0.1.45\"\n", Encoding::Utf16).expect("ours");
        let checked = documents.get(&path).expect("open").text().clone();
        // Some clients send one replacement as several changes, the last character first.
        documents.change(
            &uri,
            7,
            vec![change(0, 12, 14, "7"), change(0, 10, 11, "3"), change(0, 0, 0, "# ü\n")],
            Encoding::Utf16,
        );
        let document = documents.get(&path).expect("open");
        assert_eq!(document.text().as_str(), "# ü\ntime = \"0.3.7\"\n");
        let moved = document.current_span(&checked, &(8..14)).expect("it is there");
        assert_eq!(&document.text().as_str()[moved], "0.3.7");
    }

    #[test]
    fn other_files_are_not_opened() {
        let mut documents = Documents::default();
        for name in ["file:///w/other.toml", "file:///w/pyproject.toml", "untitled:Cargo.toml"] {
            assert_eq!(documents.open(name.parse().expect("a URI"), 0, "", Encoding::Utf8), None);
        }
        for name in ["file:///w/deny.toml", "file:///w/.cargo/deny.toml", "file:///w/Cargo.lock"] {
            assert!(documents.open(name.parse().expect("a URI"), 0, "", Encoding::Utf8).is_some());
        }
    }

    #[test]
    fn whole_new_text_keeps_spans() {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path =
            documents.open(uri.clone(), 0, "a = 1\ntime = 2\n", Encoding::Utf8).expect("ours");
        let checked = documents.get(&path).expect("open").text().clone();
        documents.change(&uri, 1, vec![whole("# x\na = 1\ntime = 2\n")], Encoding::Utf8);
        let document = documents.get(&path).expect("open");
        let moved = document.current_span(&checked, &(6..10)).expect("it is there");
        assert_eq!(&document.text().as_str()[moved], "time");
    }

    fn opened(text: &str, encoding: Encoding) -> (Documents, Uri, Utf8PathBuf) {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path = documents.open(uri.clone(), 0, text, encoding).expect("ours");
        (documents, uri, path)
    }

    fn between(start: (u32, u32), end: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let position = |(line, column)| Position::new(line, column);
        let range = Some(Range::new(position(start), position(end)));
        TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() }
    }

    /// The text after an edit; `None` where it is unknown.
    fn edited(
        text: &str,
        encoding: Encoding,
        change: TextDocumentContentChangeEvent,
    ) -> Option<String> {
        let (mut documents, uri, path) = opened(text, encoding);
        documents.change(&uri, 1, vec![change], encoding);
        assert_eq!(documents.get(&path).is_none(), documents.is_unknown(&path));
        documents.get(&path).map(|document| document.text().as_str().to_owned())
    }

    #[test]
    fn edits_outside_the_text_are_moved_into_it_or_make_it_unknown() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let after = |start, end| edited("a\rb\r\nc", encoding, between(start, end, "x"));
            assert_eq!(after((0, 9), (1, 9)).as_deref(), Some("ax\r\nc"));
            assert_eq!(after((2, 1), (u32::MAX, u32::MAX)).as_deref(), Some("a\rb\r\ncx"));
            // Neovim may use the line after the last one.
            assert_eq!(after((3, 0), (3, 0)).as_deref(), Some("a\rb\r\ncx"));
            assert_eq!(after((4, 0), (4, 0)), None);
            assert_eq!(after((1, 1), (1, 0)), None);
            assert_eq!(after((1, 0), (0, 1)), None);
        }
    }

    #[test]
    fn half_a_surrogate_pair_stays_one_unit() {
        let after =
            |start, end, text| edited("a𝄞b", Encoding::Utf16, between((0, start), (0, end), text));
        assert_eq!(after(2, 3, "x").as_deref(), Some("a\u{fffd}xb"));
        assert_eq!(after(1, 2, "x").as_deref(), Some("ax\u{fffd}b"));
        assert_eq!(after(2, 2, "x").as_deref(), Some("a\u{fffd}x\u{fffd}b"));
        assert_eq!(after(1, 3, "x").as_deref(), Some("axb"));
        // In UTF-8 a range cannot split a character.
        assert_eq!(edited("a𝄞b", Encoding::Utf8, between((0, 2), (0, 5), "x")), None);
    }

    #[test]
    fn unknown_text_is_not_returned_until_the_whole_text_comes() {
        let lost = || between((9, 0), (9, 0), "x");
        let (mut documents, uri, path) = opened("a = 1\n", Encoding::Utf16);
        let change = |documents: &mut Documents, changes| {
            documents.change(&uri, 7, changes, Encoding::Utf16);
        };
        change(&mut documents, vec![lost(), between((0, 0), (0, 1), "b")]);
        assert!(documents.is_unknown(&path) && documents.is_open(&path));
        assert!(documents.texts(std::slice::from_ref(&path)).is_empty());
        assert_eq!(documents.uri(&path), Some(uri.clone()));
        change(&mut documents, vec![between((0, 0), (0, 0), "x")]);
        assert!(documents.is_unknown(&path));
        change(&mut documents, vec![lost(), whole("c = 3\n"), between((0, 0), (0, 1), "d")]);
        assert_eq!(documents.get(&path).expect("known").text().as_str(), "d = 3\n");
        change(&mut documents, vec![whole("e"), lost()]);
        assert!(documents.is_unknown(&path));
        assert_eq!(documents.save(&uri, Some("f"), Encoding::Utf16), Some((path.clone(), true)));
        assert_eq!(documents.get(&path).expect("known").text().as_str(), "f");
        // A known text is not replaced: it may have been edited since it was written.
        assert_eq!(documents.save(&uri, Some("g"), Encoding::Utf16), Some((path.clone(), false)));
        assert_eq!(documents.get(&path).expect("known").text().as_str(), "f");
        assert!(
            documents
                .mark_unknown(&["file:///w/deny.toml".to_owned()], "the edit is lost")
                .is_empty()
        );
        assert_eq!(
            documents.mark_unknown(&[uri.as_str().to_owned()], "the edit is lost"),
            std::slice::from_ref(&path)
        );
        assert!(documents.is_unknown(&path));
        documents.open(uri.clone(), 1, "h", Encoding::Utf16);
        assert_eq!(documents.mark_unknown(&[], "the edit is lost"), std::slice::from_ref(&path));
        // The file on disk cannot be read.
        assert_eq!(documents.save(&uri, None, Encoding::Utf16), Some((path.clone(), false)));
        assert!(documents.is_unknown(&path));
        documents.close(&uri);
        assert!(!documents.is_open(&path));
    }

    #[test]
    fn byte_order_mark_of_the_client_keeps_its_length() {
        for (encoding, width) in [(Encoding::Utf8, 3), (Encoding::Utf16, 1)] {
            let (mut documents, uri, path) = opened("\u{feff}a = 1\n", encoding);
            let (from, to) = (width + 4, width + 5);
            documents.change(&uri, 1, vec![between((0, from), (0, to), "22")], encoding);
            let text = documents.get(&path).expect("known").text().as_str().to_owned();
            assert_eq!(text.trim_start(), "a = 22\n");
            documents.change(&uri, 2, vec![between((0, 0), (0, width), "")], encoding);
            assert_eq!(documents.get(&path).expect("known").text().as_str(), "a = 22\n");
        }
    }
}
