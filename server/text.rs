//! Texts with their line index, byte spans, and how spans move when a text is edited. Reads files up to a size limit, and
//! replaces the user's files atomically (`write`).
//!
//! All offsets are bytes in one version of a text. Only [`LineColumn`] (for output) and `lsp::convert` (for clients) use
//! other units.

mod edits;
mod file_path;
mod files;
mod hunks;
mod relocation;
mod write;

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use line_index::{LineIndex, TextSize, WideEncoding};

use relocation::LineStarts;

pub(crate) use edits::{Edit, Edits};
pub use file_path::FilePath;
pub(crate) use files::{read, read_at_most, read_named, read_to_string, unusable, without_reading};
pub(crate) use hunks::hunks;
pub(crate) use relocation::relocate;
pub(crate) use write::{ExpectedContent, Replacement, delete_leftovers, write_all};
pub use write::{Links, WriteError, Written};

/// Byte offsets into one version of a text, end exclusive.
pub type Span = Range<usize>;

/// A value and its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its span; for strings without the quotes.
    pub span: Span,
}

/// A line and a column for output: both start at 1, the column counts characters.
///
/// Lines end with `\n` or `\r\n`, as in cargo, rustc, cargo-deny and git. A lone `\r` does not end a line in TOML either
/// (TOML 1.0, "Spec": a syntax error), but for LSP clients it does, see [`SourceText::client_lines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// A version of a text with its line index. Cheap to clone.
///
/// A byte order mark at the start is not part of the text: editors never send it, so positions in
/// a file on disk and in a buffer agree.
#[derive(Clone, Debug)]
pub struct SourceText {
    text: Arc<str>,
    lines: Arc<LineIndex>,
    client_lines: Arc<LineIndex>,
    line_starts: Arc<OnceLock<LineStarts>>,
}

impl SourceText {
    /// Takes the text, without a leading byte order mark.
    pub fn new(text: &str) -> Self {
        let text: Arc<str> = text.strip_prefix('\u{feff}').unwrap_or(text).into();
        let lines = Arc::new(LineIndex::new(&text));
        let client_lines = match lone_returns_as_line_feeds(&text) {
            Some(same) => Arc::new(LineIndex::new(&same)),
            None => Arc::clone(&lines),
        };
        Self { text, lines, client_lines, line_starts: Arc::default() }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lines of exactly this version as the Language Server Protocol counts them: `\n`, `\r\n`
    /// and a lone `\r` end one (LSP, "Text Documents").
    pub(crate) fn client_lines(&self) -> &LineIndex {
        &self.client_lines
    }

    /// The span of a line of [`Self::client_lines`], from 0, without its line ending; `None` below
    /// the last one.
    pub(crate) fn client_line(&self, line: u32) -> Option<Span> {
        let whole = self.client_lines.line(line)?;
        let start = usize::from(whole.start());
        let line = &self.text[start..usize::from(whole.end())];
        let ended = line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\n', '\r']));
        Some(start..start + ended.unwrap_or(line).len())
    }

    /// The line and column of a byte offset. An offset past the end or inside a character is moved back to the nearest valid
    /// one.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let at = self.lines.line_col(self.text_size(offset));
        let wide = self.lines.to_wide(WideEncoding::Utf32, at);
        LineColumn { line: at.line + 1, column: wide.map_or(at.col, |wide| wide.col) + 1 }
    }

    /// `offset`, moved back to the end of the text and to the start of the character it is in.
    pub(crate) fn text_size(&self, offset: usize) -> TextSize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        TextSize::try_from(offset).unwrap_or_else(|_| TextSize::of(&*self.text))
    }

    /// The span of the line that contains `offset`, as in [`LineColumn`], without its line ending.
    pub fn line_span(&self, offset: usize) -> Span {
        let offset = usize::from(self.text_size(offset));
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let Some(feed) = self.text[offset..].find('\n').map(|at| offset + at) else {
            return start..self.text.len();
        };
        start..if self.text[start..feed].ends_with('\r') { feed - 1 } else { feed }
    }
}

/// Replaces each lone carriage return by a line feed, which keeps all offsets; `None` if there is none.
fn lone_returns_as_line_feeds(text: &str) -> Option<String> {
    let ends_alone =
        |at: &usize| text.as_bytes()[*at] == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n');
    let mut lone = text.match_indices('\r').map(|(at, _)| at).filter(ends_alone).peekable();
    lone.peek()?;
    let mut bytes = text.as_bytes().to_vec();
    for at in lone {
        bytes[at] = b'\n';
    }
    String::from_utf8(bytes).ok()
}

impl Default for SourceText {
    /// The empty text.
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for SourceText {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text) || self.text == other.text
    }
}

impl Eq for SourceText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_with_either_line_ending() {
        let text = SourceText::new("a = 1\r\nä𝄞b = 2\r\n");
        let offset = text.as_str().find('b').expect("b");
        assert_eq!(text.line_column(offset), LineColumn { line: 2, column: 3 });
        assert_eq!(&text.as_str()[text.line_span(offset)], "ä𝄞b = 2");
        assert_eq!(&text.as_str()[text.line_span(2)], "a = 1");
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line_for_clients_only() {
        let text = SourceText::new("a\rä = 1\r\r\nb\n\rc\r\n");
        let line = |line| text.client_line(line).map(|span| &text.as_str()[span]);
        let lines: Vec<_> = (0..).map_while(line).collect();
        assert_eq!(lines, ["a", "ä = 1", "", "b", "", "c", ""]);
        let offset = text.as_str().find('b').expect("b");
        assert_eq!(text.line_column(offset), LineColumn { line: 2, column: 1 });
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let text = SourceText::new("\u{feff}a = 1");
        assert_eq!(text.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(text.as_str(), "a = 1");
    }

    #[test]
    fn offset_outside_of_the_text_is_moved_into_it() {
        let text = SourceText::new("ä");
        assert_eq!(text.line_column(1), LineColumn { line: 1, column: 1 });
        assert_eq!(text.line_column(99), LineColumn { line: 1, column: 2 });
    }
}
