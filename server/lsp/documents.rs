//! The open documents: their texts as the client has them, and what has changed since texts of
//! them were judged.
//!
//! An edit that cannot be applied makes the text of its document unknown: whatever came after it
//! would land elsewhere. From then on the file on disk is what is checked, and nobody gets the text
//! of the document ([`Documents::get`]), until the whole text comes: with an edit, with a save, or
//! when it is opened again. (The protocol has no request for it.)

use std::collections::{HashMap, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{Range, TextDocumentContentChangeEvent, Uri};

use super::convert::{self, Edge, Encoding, path_of};
use crate::{
    policy::schema::{EXCEPTIONS, POLICY, SchemaTable},
    text::{Edit, Edits, SourceText, Span, found_again, read_to_string},
    workspace::{is_exceptions, is_policy},
};

/// The files that we have to do with, known by their names whatever the client calls their
/// language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Lockfile,
    Policy,
    /// Further license exceptions.
    Exceptions,
}

impl Kind {
    pub(super) fn of(path: &Utf8Path) -> Option<Self> {
        match path.file_name()? {
            "Cargo.toml" => Some(Self::Manifest),
            "Cargo.lock" => Some(Self::Lockfile),
            _ if is_policy(path) => Some(Self::Policy),
            _ if is_exceptions(path) => Some(Self::Exceptions),
            _ => None,
        }
    }

    /// Whether it says what is judged, not what it is judged of.
    pub(super) fn rules(self) -> bool {
        matches!(self, Self::Policy | Self::Exceptions)
    }

    /// The tables of a policy or of a file of exceptions.
    pub(super) fn tables(self) -> Option<&'static SchemaTable> {
        match self {
            Self::Policy => Some(&POLICY),
            Self::Exceptions => Some(&EXCEPTIONS),
            Self::Manifest | Self::Lockfile => None,
        }
    }
}

/// How many older texts of a document are remembered at most.
const JUDGED: usize = 16;

/// How many bytes all of them have at most, but for the newest: in larger texts a finding is looked
/// for by its line where the text that it was found in is forgotten.
const JUDGED_SIZE: usize = 4 << 20;

/// One open document.
#[derive(Debug)]
pub(super) struct Document {
    /// The client's own spelling.
    pub(super) uri: Uri,
    /// The client's version, whatever its steps.
    pub(super) version: i32,
    text: SourceText,
    /// An edit could not be applied, so `text` is not what the client has.
    unknown: bool,
    /// The file has changed on disk below a text that was not edited: what stands on disk rules
    /// until the client says otherwise.
    overtaken: bool,
    /// All that was edited, in order.
    edits: Edits,
    /// Texts that may have been judged, each with how many edits had been made by then.
    judged: VecDeque<(SourceText, usize)>,
}

impl Document {
    pub(super) fn text(&self) -> &SourceText {
        &self.text
    }

    /// Where a span of a judged text of this file stands now; `None` when its line is gone.
    pub(super) fn moved(&self, judged: &SourceText, span: &Span) -> Option<Span> {
        if *judged == self.text {
            return Some(span.clone());
        }
        let known = self.judged.iter().rev().find(|(text, _)| text == judged);
        known
            .and_then(|(_, done)| self.edits.followed(*done, span))
            .or_else(|| found_again(judged, &self.text, span))
    }

    /// Remembers the text as one that may be judged.
    fn remember(&mut self) {
        if self.judged.back().is_some_and(|(text, _)| *text == self.text) {
            return;
        }
        self.judged.push_back((self.text.clone(), self.edits.len()));
        let mut size: usize = self.judged.iter().map(|(text, _)| text.as_str().len()).sum();
        while self.judged.len() > JUDGED || (self.judged.len() > 1 && size > JUDGED_SIZE) {
            let forgotten = self.judged.pop_front();
            size -= forgotten.map_or(0, |(text, _)| text.as_str().len());
        }
    }

    /// Forgets what was edited.
    fn start_anew(&mut self) {
        self.edits.clear();
        self.judged.clear();
        self.remember();
    }

    /// Takes the whole text.
    fn set(&mut self, text: SourceText) {
        if std::mem::take(&mut self.unknown) {
            tracing::info!("the text of {} is known again", self.uri.as_str());
            self.text = text;
            self.start_anew();
        } else {
            self.edits.push(Edit::between(self.text.as_str(), text.as_str()));
            self.text = text;
        }
    }

    /// From now on the text is unknown.
    fn lose(&mut self, why: &str) {
        tracing::error!(
            "an edit of {} could not be applied: {why}; the file on disk is checked until the whole \
             text comes",
            self.uri.as_str()
        );
        self.unknown = true;
    }

    fn apply(&mut self, change: &TextDocumentContentChangeEvent, encoding: Encoding) {
        let Some(range) = change.range else {
            return self.set(counted(&change.text, encoding));
        };
        if self.unknown {
            return;
        }
        match replacement(&self.text, range, &change.text, encoding) {
            Ok((span, new)) => {
                let mut text = self.text.as_str().to_owned();
                text.replace_range(span.clone(), &new);
                self.edits.push(Edit::new(self.text.as_str(), span, &new));
                self.text = counted(&text, encoding);
            }
            Err(why) => self.lose(why),
        }
    }
}

/// What an edit replaces, and with what; or why it cannot be one of this text.
///
/// An end past its line or past the text is moved into the text (LSP, "Position"). A start more than
/// one line below the text is not: nothing stands there that could be replaced. (One line below is
/// its end for those who count only lines that have an ending.)
fn replacement(
    text: &SourceText,
    range: Range,
    new: &str,
    encoding: Encoding,
) -> Result<(Span, String), &'static str> {
    /// Half of a surrogate pair, for whoever has no place for it: one unit of UTF-16, as it was.
    const HALF: &str = "\u{fffd}";

    if range.end < range.start {
        return Err("its range ends before it starts");
    }
    if range.start.line > convert::line_count(text) {
        return Err("its range starts below the text");
    }
    let edge = |position| convert::edge(text, position, encoding);
    let (Some(start), Some(end)) = (edge(range.start), edge(range.end)) else {
        return Err("its range cuts a character in two");
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

/// A text as the client counts it. A byte order mark that the client has kept in it counts, while
/// [`SourceText`] has none: blanks that count as much take its place.
fn counted(text: &str, encoding: Encoding) -> SourceText {
    let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) else { return SourceText::new(text) };
    let width = match encoding {
        Encoding::Utf8 => BYTE_ORDER_MARK.len_utf8(),
        Encoding::Utf16 => BYTE_ORDER_MARK.len_utf16(),
    };
    SourceText::new(&format!("{}{rest}", " ".repeat(width)))
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// All open documents that are ours.
#[derive(Debug, Default)]
pub(super) struct Documents(HashMap<Utf8PathBuf, Document>);

impl Documents {
    /// The path of the document if it is one of ours.
    pub(super) fn open(
        &mut self,
        uri: Uri,
        version: i32,
        text: &str,
        encoding: Encoding,
    ) -> Option<Utf8PathBuf> {
        let path = path_of(&uri)?;
        Kind::of(&path)?;
        let text = counted(text, encoding);
        let (edits, judged) = (Edits::default(), VecDeque::new());
        let (unknown, overtaken) = (false, false);
        let mut document = Document { uri, version, text, unknown, overtaken, edits, judged };
        document.remember();
        self.0.insert(path.clone(), document);
        Some(path)
    }

    /// Applies changes in their order. After one that cannot be applied the text is unknown until a
    /// whole one comes.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        let Some(document) = self.0.get_mut(&path) else {
            if Kind::of(&path).is_some() {
                tracing::warn!("an edit of {}, which is not open, is ignored", uri.as_str());
            }
            return None;
        };
        document.version = version;
        document.overtaken = false;
        for change in changes {
            document.apply(&change, encoding);
        }
        if document.edits.len() > Edits::MANY {
            document.start_anew();
        }
        Some(path)
    }

    /// Messages about these documents could not be read, and an edit may be lost with them: their
    /// texts are unknown. Without a name it may have been any document. Returns those that were known.
    pub(super) fn lose(&mut self, uris: &[String], why: &str) -> Vec<Utf8PathBuf> {
        let named: Vec<_> = uris.iter().filter_map(|uri| path_of(&uri.parse().ok()?)).collect();
        let mut lost = Vec::new();
        for (path, document) in &mut self.0 {
            let is_meant = uris.is_empty()
                || named.contains(path)
                || uris.iter().any(|uri| uri == document.uri.as_str());
            if is_meant && !document.unknown {
                document.lose(why);
                lost.push(path.clone());
            }
        }
        lost
    }

    /// The text is now that of the file on disk: `text`, where the client says it. The second value
    /// is whether it was unknown before and is known now.
    pub(super) fn save(
        &mut self,
        uri: &Uri,
        text: Option<&str>,
        encoding: Encoding,
    ) -> Option<(Utf8PathBuf, bool)> {
        let path = path_of(uri)?;
        let mut found = false;
        if let Some(document) = self.0.get_mut(&path) {
            document.overtaken = false;
            let whole = || match text {
                Some(text) => Some(counted(text, encoding)),
                None => read_to_string(&path).ok().map(|text| SourceText::new(&text)),
            };
            if document.unknown
                && let Some(whole) = whole()
            {
                document.set(whole);
                found = true;
            }
            document.remember();
        }
        Kind::of(&path).map(|_| (path, found))
    }

    /// The file on disk has changed. A text that `was_on_disk` before holds nothing of the user's.
    pub(super) fn overtake(&mut self, path: &Utf8Path, was_on_disk: impl Fn(&str) -> bool) {
        if let Some(document) = self.0.get_mut(path) {
            document.overtaken |= was_on_disk(document.text.as_str());
        }
    }

    pub(super) fn close(&mut self, uri: &Uri) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        self.0.remove(&path).map(|_| path)
    }

    /// An open document whose text is known.
    pub(super) fn get(&self, path: &Utf8Path) -> Option<&Document> {
        self.0.get(path).filter(|document| !document.unknown)
    }

    /// Whether a document is open, whatever is known of its text.
    pub(super) fn is_open(&self, path: &Utf8Path) -> bool {
        self.0.contains_key(path)
    }

    /// Whether a document is open and nobody knows its text.
    pub(super) fn is_unknown(&self, path: &Utf8Path) -> bool {
        self.0.get(path).is_some_and(|document| document.unknown)
    }

    /// The client's own spelling of the URI of an open document.
    pub(super) fn uri(&self, path: &Utf8Path) -> Option<Uri> {
        self.0.get(path).map(|document| document.uri.clone())
    }

    /// The paths of all open documents.
    pub(super) fn paths(&self) -> Vec<Utf8PathBuf> {
        self.0.keys().cloned().collect()
    }

    /// The texts of the wanted files as they are in the buffers, to be judged.
    pub(super) fn texts(
        &mut self,
        wanted: impl Fn(&Utf8Path) -> bool,
    ) -> HashMap<Utf8PathBuf, SourceText> {
        let judged = self.0.iter_mut().filter(|(path, _)| wanted(path));
        let judged = judged.filter(|(_, document)| !document.overtaken && !document.unknown);
        let taken = judged.map(|(path, document)| {
            document.remember();
            (path.clone(), document.text.clone())
        });
        taken.collect()
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
    fn changes_are_applied_in_order_and_spans_follow() {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path =
            documents.open(uri.clone(), 1, "time = \"0.1.45\"\n", Encoding::Utf16).expect("ours");
        let judged = documents.get(&path).expect("open").text().clone();
        // What one client sends for one replacement: two single characters, the last first.
        documents.change(
            &uri,
            7,
            vec![change(0, 12, 14, "7"), change(0, 10, 11, "3"), change(0, 0, 0, "# ü\n")],
            Encoding::Utf16,
        );
        let document = documents.get(&path).expect("open");
        assert_eq!(document.text().as_str(), "# ü\ntime = \"0.3.7\"\n");
        let moved = document.moved(&judged, &(8..14)).expect("it is there");
        assert_eq!(&document.text().as_str()[moved], "0.3.7");
    }

    #[test]
    fn other_files_are_not_ours() {
        let mut documents = Documents::default();
        for name in ["file:///w/other.toml", "file:///w/pyproject.toml", "untitled:Cargo.toml"] {
            assert_eq!(documents.open(name.parse().expect("a URI"), 0, "", Encoding::Utf8), None);
        }
        for name in ["file:///w/deny.toml", "file:///w/.cargo/deny.toml", "file:///w/Cargo.lock"] {
            assert!(documents.open(name.parse().expect("a URI"), 0, "", Encoding::Utf8).is_some());
        }
    }

    #[test]
    fn a_whole_new_text_keeps_spans_where_they_were() {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path =
            documents.open(uri.clone(), 0, "a = 1\ntime = 2\n", Encoding::Utf8).expect("ours");
        let judged = documents.get(&path).expect("open").text().clone();
        documents.change(&uri, 1, vec![whole("# x\na = 1\ntime = 2\n")], Encoding::Utf8);
        let document = documents.get(&path).expect("open");
        let moved = document.moved(&judged, &(6..10)).expect("it is there");
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
    fn edits_are_moved_into_the_text_or_make_it_unknown() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let after = |start, end| edited("a\rb\r\nc", encoding, between(start, end, "x"));
            assert_eq!(after((0, 9), (1, 9)).as_deref(), Some("ax\r\nc"));
            assert_eq!(after((2, 1), (u32::MAX, u32::MAX)).as_deref(), Some("a\rb\r\ncx"));
            // Neovim may speak of the line behind the last one.
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
        // No unit of UTF-8 is half a character.
        assert_eq!(edited("a𝄞b", Encoding::Utf8, between((0, 2), (0, 5), "x")), None);
    }

    #[test]
    fn an_unknown_text_is_nobodys_until_it_comes_whole() {
        let lost = || between((9, 0), (9, 0), "x");
        let (mut documents, uri, path) = opened("a = 1\n", Encoding::Utf16);
        let change = |documents: &mut Documents, changes| {
            documents.change(&uri, 7, changes, Encoding::Utf16);
        };
        change(&mut documents, vec![lost(), between((0, 0), (0, 1), "b")]);
        assert!(documents.is_unknown(&path) && documents.is_open(&path));
        assert!(documents.texts(|_| true).is_empty());
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
        assert!(documents.lose(&["file:///w/deny.toml".to_owned()], "it is lost").is_empty());
        assert_eq!(
            documents.lose(&[uri.as_str().to_owned()], "it is lost"),
            std::slice::from_ref(&path)
        );
        assert!(documents.is_unknown(&path));
        documents.open(uri.clone(), 1, "h", Encoding::Utf16);
        assert_eq!(documents.lose(&[], "it is lost"), std::slice::from_ref(&path));
        // The file on disk cannot be read.
        assert_eq!(documents.save(&uri, None, Encoding::Utf16), Some((path.clone(), false)));
        assert!(documents.is_unknown(&path));
        documents.close(&uri);
        assert!(!documents.is_open(&path));
    }

    #[test]
    fn a_byte_order_mark_that_the_client_counts_is_counted() {
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
