//! The open documents: their texts as the client has them, and what has changed since texts of
//! them were judged.

use std::collections::{HashMap, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{TextDocumentContentChangeEvent, Uri};

use super::convert::{self, Encoding, path_of};
use crate::{
    policy::schema::{EXCEPTIONS, POLICY, Table},
    text::{Edit, Edits, SourceText, Span, found_again},
    workspace::{is_exceptions, is_policy},
};

/// The files that we have to do with, known by their names whatever the client calls their
/// language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Lockfile,
    Policy,
    /// Further licence exceptions.
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
    pub(super) fn tables(self) -> Option<&'static Table> {
        match self {
            Self::Policy => Some(&POLICY),
            Self::Exceptions => Some(&EXCEPTIONS),
            Self::Manifest | Self::Lockfile => None,
        }
    }
}

/// How many older texts of a document are remembered.
const JUDGED: usize = 16;

/// One open document.
#[derive(Debug)]
pub(super) struct Document {
    /// The client's own spelling.
    pub(super) uri: Uri,
    /// The client's version, whatever its steps.
    pub(super) version: i32,
    text: SourceText,
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
        if self.judged.len() == JUDGED {
            self.judged.pop_front();
        }
        self.judged.push_back((self.text.clone(), self.edits.len()));
    }
}

/// All open documents that are ours.
#[derive(Debug, Default)]
pub(super) struct Documents(HashMap<Utf8PathBuf, Document>);

impl Documents {
    /// The path of the document if it is one of ours.
    pub(super) fn open(&mut self, uri: Uri, version: i32, text: &str) -> Option<Utf8PathBuf> {
        let path = path_of(&uri)?;
        Kind::of(&path)?;
        let text = SourceText::new(text);
        let (edits, judged) = (Edits::default(), VecDeque::new());
        let mut document = Document { uri, version, text, overtaken: false, edits, judged };
        document.remember();
        self.0.insert(path.clone(), document);
        Some(path)
    }

    /// Applies changes in their order.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        let document = self.0.get_mut(&path)?;
        document.version = version;
        document.overtaken = false;
        for change in changes {
            document.apply(&change, encoding);
        }
        if document.edits.len() > Edits::MANY {
            document.edits.clear();
            document.judged.clear();
            document.remember();
        }
        Some(path)
    }

    /// The text is now that of the file on disk.
    pub(super) fn save(&mut self, uri: &Uri) -> Option<Utf8PathBuf> {
        let path = path_of(uri)?;
        if let Some(document) = self.0.get_mut(&path) {
            document.overtaken = false;
            document.remember();
        }
        Kind::of(&path).map(|_| path)
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

    pub(super) fn get(&self, path: &Utf8Path) -> Option<&Document> {
        self.0.get(path)
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
        let judged = judged.filter(|(_, document)| !document.overtaken);
        let taken = judged.map(|(path, document)| {
            document.remember();
            (path.clone(), document.text.clone())
        });
        taken.collect()
    }
}

impl Document {
    fn apply(&mut self, change: &TextDocumentContentChangeEvent, encoding: Encoding) {
        let Some(range) = change.range else {
            let new = SourceText::new(&change.text);
            self.edits.push(Edit::between(self.text.as_str(), new.as_str()));
            self.text = new;
            return;
        };
        let start = convert::offset(&self.text, range.start, encoding);
        let end = convert::offset(&self.text, range.end, encoding).max(start);
        let mut text = self.text.as_str().to_owned();
        text.replace_range(start..end, &change.text);
        self.edits.push(Edit::new(self.text.as_str(), start..end, &change.text));
        self.text = SourceText::new(&text);
    }
}

#[cfg(test)]
mod tests {
    use tower_lsp::ls_types::{Position, Range};

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
        let path = documents.open(uri.clone(), 1, "time = \"0.1.45\"\n").expect("ours");
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
            assert_eq!(documents.open(name.parse().expect("a URI"), 0, ""), None);
        }
        for name in ["file:///w/deny.toml", "file:///w/.cargo/deny.toml", "file:///w/Cargo.lock"] {
            assert!(documents.open(name.parse().expect("a URI"), 0, "").is_some());
        }
    }

    #[test]
    fn a_whole_new_text_keeps_spans_where_they_were() {
        let uri: Uri = "file:///w/Cargo.toml".parse().expect("a URI");
        let mut documents = Documents::default();
        let path = documents.open(uri.clone(), 0, "a = 1\ntime = 2\n").expect("ours");
        let judged = documents.get(&path).expect("open").text().clone();
        documents.change(&uri, 1, vec![whole("# x\na = 1\ntime = 2\n")], Encoding::Utf8);
        let document = documents.get(&path).expect("open");
        let moved = document.moved(&judged, &(6..10)).expect("it is there");
        assert_eq!(&document.text().as_str()[moved], "time");
    }
}
