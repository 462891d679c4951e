//! A policy's text as a tree of spans, also while the user is typing.
//!
//! The parser accepts every text. It closes what is open: a string at the end of its line or before
//! the next bracket or comma, an inline table at the end of its line, an array before the next line
//! that starts with a header or a key.

use crate::{limits, text::Span};

/// The maximum nesting depth of brackets.
const MAX_DEPTH: usize = 32;

/// The headers, statements and comments of a text.
#[derive(Debug, Default)]
pub(crate) struct PolicyDocument {
    pub(crate) lines: Vec<SyntaxLine>,
    /// From `#` to the line's end.
    pub(crate) comments: Vec<Span>,
}

#[derive(Debug)]
pub(crate) enum SyntaxLine {
    Header(TableHeader),
    Statement(Statement),
}

/// `[a.b]` or `[[a.b]]`
#[derive(Debug)]
pub(crate) struct TableHeader {
    /// From its first bracket to its last, or to the end of the typed text
    pub(crate) span: Span,
    pub(crate) parts: Vec<KeyPart>,
    /// `[[a.b]]`
    pub(crate) is_array: bool,
    /// Whether it has its closing brackets
    pub(crate) is_closed: bool,
}

/// `a.b = value`
#[derive(Debug)]
pub(crate) struct Statement {
    /// From the key to the end of the value, or to the end of the typed text
    pub(crate) span: Span,
    pub(crate) parts: Vec<KeyPart>,
    /// The offset of `=`
    pub(crate) equals: Option<usize>,
    pub(crate) value: Option<ValueNode>,
}

/// A part of a dotted key. Empty after a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPart {
    /// With quotes
    pub(crate) span: Span,
    /// Without quotes
    pub(crate) name: Span,
}

#[derive(Debug)]
pub(crate) struct ValueNode {
    pub(crate) span: Span,
    pub(crate) kind: ValueKind,
}

#[derive(Debug)]
pub(crate) enum ValueKind {
    Text(QuotedText),
    /// A number, boolean, date, or an incomplete word
    Bare,
    Array {
        items: Vec<ValueNode>,
        /// The offsets of its commas
        commas: Vec<usize>,
        is_closed: bool,
    },
    Table {
        statements: Vec<Statement>,
        commas: Vec<usize>,
        is_closed: bool,
    },
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuotedText {
    /// Between the quotes
    pub(crate) inside: Span,
    pub(crate) quote: QuoteStyle,
    pub(crate) is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuoteStyle {
    /// `"`
    Basic,
    /// `'`
    Literal,
    /// Three quotes
    Long,
}

impl PolicyDocument {
    /// Parses a text. A text longer than [`limits::EDITED_POLICY`] gives an empty document. An
    /// unclosed string extends at least to `cursor`, if that is on its line.
    pub(crate) fn read(text: &str, cursor: Option<usize>) -> Self {
        if text.len() > limits::EDITED_POLICY {
            return Self::default();
        }
        let mut reader = PolicyParser { text, at: 0, cursor, comments: Vec::new() };
        let lines = reader.lines();
        Self { lines, comments: reader.comments }
    }

    /// Whether an offset is in a comment.
    pub(crate) fn in_comment(&self, offset: usize) -> bool {
        let before = self.comments.partition_point(|comment| comment.start < offset);
        let last = before.checked_sub(1).and_then(|index| self.comments.get(index));
        last.is_some_and(|comment| offset <= comment.end)
    }
}

impl KeyPart {
    pub(crate) fn name<'t>(&self, text: &'t str) -> &'t str {
        &text[self.name.clone()]
    }
}

impl ValueNode {
    /// The content of a string, without replacing escapes.
    pub(crate) fn string_value<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.kind {
            ValueKind::Text(quoted) => Some(&text[quoted.inside.clone()]),
            _ => None,
        }
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            ValueKind::Array { items, .. } => items,
            _ => &[],
        }
    }
}

struct PolicyParser<'t> {
    text: &'t str,
    at: usize,
    cursor: Option<usize>,
    comments: Vec<Span>,
}

impl<'t> PolicyParser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn eat(&mut self, c: char) -> bool {
        let eaten = self.peek() == Some(c);
        if eaten {
            self.skip();
        }
        eaten
    }

    fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !is_skipped(c)).unwrap_or(rest.len());
    }

    fn blanks(&mut self) {
        self.skip_while(is_blank);
    }

    fn comment(&mut self) {
        if self.peek() == Some('#') {
            let start = self.at;
            self.at = line_end(self.text, start);
            self.comments.push(start..self.at);
        }
    }

    /// Moves to the next line, skipping text that is not understood.
    fn next_line(&mut self) {
        self.blanks();
        if !matches!(self.peek(), None | Some('\n' | '#')) {
            let end = line_end(self.text, self.at);
            // A comment follows, unless the `#` may be part of a string.
            let skipped = &self.text[self.at..end];
            let comment = skipped.find('#').filter(|at| !skipped[..*at].contains(['"', '\'']));
            self.at = comment.map_or(end, |at| self.at + at);
        }
        self.comment();
        self.eat('\n');
    }

    fn lines(&mut self) -> Vec<SyntaxLine> {
        let mut lines = Vec::new();
        loop {
            self.skip_while(|c| is_blank(c) || c == '\n');
            match self.peek() {
                None => return lines,
                Some('#') => self.comment(),
                Some('[') => lines.push(SyntaxLine::Header(self.header())),
                Some(_) => {
                    let statement = self.statement(0);
                    if !statement.parts.is_empty() || statement.equals.is_some() {
                        lines.push(SyntaxLine::Statement(statement));
                    }
                }
            }
            self.next_line();
        }
    }

    fn header(&mut self) -> TableHeader {
        let start = self.at;
        self.skip();
        let is_array = self.eat('[');
        self.blanks();
        let parts = self.parts();
        self.blanks();
        let is_closed = self.eat(']') && (!is_array || self.eat(']'));
        TableHeader { span: start..self.at, parts, is_array, is_closed }
    }

    /// The parts of a key and the whitespace after them.
    fn parts(&mut self) -> Vec<KeyPart> {
        let mut parts = Vec::new();
        loop {
            let start = self.at;
            let name = if let Some(quote @ ('"' | '\'')) = self.peek() {
                self.skip();
                let inside = self.at;
                self.skip_while(|c| c != quote && !matches!(c, '\n' | '=' | ']'));
                let end = self.at;
                self.eat(quote);
                inside..end
            } else {
                self.skip_while(is_bare_key);
                start..self.at
            };
            let is_empty = self.at == start;
            if is_empty && parts.is_empty() && self.peek() != Some('.') {
                return parts;
            }
            parts.push(KeyPart { span: start..self.at, name });
            let end = self.at;
            self.blanks();
            if !self.eat('.') {
                self.at = end;
                return parts;
            }
            self.blanks();
        }
    }

    fn statement(&mut self, depth: usize) -> Statement {
        let start = self.at;
        let parts = self.parts();
        let mut end = self.at;
        self.blanks();
        let mut statement = Statement { span: start..end, parts, equals: None, value: None };
        if self.peek() == Some('=') {
            statement.equals = Some(self.at);
            self.skip();
            end = self.at;
            self.blanks();
            statement.value = self.value(depth);
            if let Some(value) = &statement.value {
                end = value.span.end;
            }
        }
        statement.span.end = end;
        self.at = end;
        statement
    }

    fn value(&mut self, depth: usize) -> Option<ValueNode> {
        let start = self.at;
        let kind = match self.peek()? {
            '"' | '\'' => ValueKind::Text(self.quoted()),
            '[' if depth < MAX_DEPTH => self.array(depth + 1),
            '{' if depth < MAX_DEPTH => self.table(depth + 1),
            '[' | '{' => {
                // Too deep to parse
                self.at = line_end(self.text, self.at);
                ValueKind::Bare
            }
            ',' | ']' | '}' | '#' | '\n' | '=' => return None,
            _ => {
                self.skip_while(|c| !is_blank(c) && !matches!(c, ',' | ']' | '}' | '#' | '\n'));
                ValueKind::Bare
            }
        };
        Some(ValueNode { span: start..self.at, kind })
    }

    fn quoted(&mut self) -> QuotedText {
        let rest = self.rest();
        let (quote, marks) = match rest {
            _ if rest.starts_with("\"\"\"") => (QuoteStyle::Long, "\"\"\""),
            _ if rest.starts_with("'''") => (QuoteStyle::Long, "'''"),
            _ if rest.starts_with('"') => (QuoteStyle::Basic, "\""),
            _ => (QuoteStyle::Literal, "'"),
        };
        let start = self.at + marks.len();
        let escapes = marks.starts_with('"');
        let closing = closing(&self.text[start..], marks, quote == QuoteStyle::Long, escapes);
        let closing = closing.map(|at| start + at);
        // The quote may belong to the next string; then this one is unclosed.
        let closing = closing
            .filter(|at| quote == QuoteStyle::Long || may_follow(&self.text[at + marks.len()..]));
        if let Some(end) = closing {
            self.at = end + marks.len();
            return QuotedText { inside: start..end, quote, is_closed: true };
        }
        let line = line_end(self.text, start);
        let inside = &self.text[start..line];
        let end = inside.find([',', ']', '}', '#', '"', '\'']).unwrap_or(inside.len());
        let mut end = start + inside[..end].trim_end().len();
        if let Some(cursor) = self.cursor
            && (start..=line).contains(&cursor)
        {
            end = end.max(cursor);
        }
        self.at = end;
        QuotedText { inside: start..end, quote, is_closed: false }
    }

    fn array(&mut self, depth: usize) -> ValueKind {
        self.skip();
        let (mut items, mut commas) = (Vec::new(), Vec::new());
        loop {
            self.blanks();
            match self.peek() {
                None => return ValueKind::Array { items, commas, is_closed: false },
                Some('\n') => {
                    let line = self.at;
                    self.skip();
                    self.blanks();
                    if self.begins_line() {
                        self.at = line;
                        return ValueKind::Array { items, commas, is_closed: false };
                    }
                }
                Some('#') => self.comment(),
                Some(',') => {
                    commas.push(self.at);
                    self.skip();
                }
                Some(']') => {
                    self.skip();
                    return ValueKind::Array { items, commas, is_closed: true };
                }
                Some(_) => match self.value(depth) {
                    Some(item) => items.push(item),
                    None => self.skip(),
                },
            }
        }
    }

    fn table(&mut self, depth: usize) -> ValueKind {
        self.skip();
        let (mut statements, mut commas) = (Vec::new(), Vec::new());
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | '#' | ']') => {
                    return ValueKind::Table { statements, commas, is_closed: false };
                }
                Some(',') => {
                    commas.push(self.at);
                    self.skip();
                }
                Some('}') => {
                    self.skip();
                    return ValueKind::Table { statements, commas, is_closed: true };
                }
                // The next table starts.
                Some('{') => return ValueKind::Table { statements, commas, is_closed: false },
                Some(_) => {
                    let before = self.at;
                    let statement = self.statement(depth);
                    if self.at == before {
                        self.skip();
                    } else {
                        statements.push(statement);
                    }
                }
            }
        }
    }

    /// Whether a header or a statement starts here.
    fn begins_line(&self) -> bool {
        let line = &self.text[self.at..line_end(self.text, self.at)];
        if let Some(inside) = line.strip_prefix('[') {
            let inside = inside.strip_prefix('[').unwrap_or(inside);
            let Some((name, behind)) = inside.split_once(']') else { return false };
            let name = name.trim();
            let behind = behind.trim_start_matches(']').trim_start();
            return !name.is_empty()
                && name.chars().all(|c| is_bare_key(c) || matches!(c, '.' | '"' | '\'' | ' '))
                && (behind.is_empty() || behind.starts_with('#'));
        }
        let key = line.trim_start_matches(|c| is_bare_key(c) || c == '.');
        key.len() < line.len() && key.trim_start().starts_with('=')
    }
}

/// Whether this text can follow a string, even if a comma is missing.
fn may_follow(text: &str) -> bool {
    let rest = text.trim_start_matches(is_blank);
    match rest.chars().next() {
        None | Some(',' | ']' | '}' | '#' | '\n') => true,
        Some('"' | '\'' | '{') => rest.len() < text.len(),
        Some(_) => false,
    }
}

/// The offset of the closing quotes of a string.
fn closing(text: &str, marks: &str, is_long: bool, escapes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 1,
            b'\n' if !is_long => return None,
            _ if bytes[at..].starts_with(marks.as_bytes()) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The end of the line, before the line break.
fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    if end > at && text[at..end].ends_with('\r') { end - 1 } else { end }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

fn is_bare_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests;
