//! Positions in the negotiated encoding, and URIs of files.

use serde::{Deserialize, Serialize};

/// How columns are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) character: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Range {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

impl Encoding {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "utf-8" => Self::Utf8,
            "utf-16" => Self::Utf16,
            other => panic!("the server chose the encoding `{other}`, which was not offered"),
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
        }
    }

    /// The position of a byte offset.
    pub(crate) fn position(self, text: &str, offset: usize) -> Position {
        let lines = lines(text);
        let line = lines.iter().rposition(|line| line.start <= offset).expect("the first line");
        let before = &text[lines[line].start..offset];
        let character: usize = before.chars().map(|c| self.width(c)).sum();
        let number = |value: usize| u32::try_from(value).expect("texts of tests are small");
        Position { line: number(line), character: number(character) }
    }

    /// The byte offset of a position, which must be in the text.
    pub(crate) fn offset(self, text: &str, position: Position) -> usize {
        let offset = self.checked_offset(text, position);
        offset.unwrap_or_else(|| panic!("{position:?} is not in the text:\n{text}"))
    }

    /// The same; `None` below the last line, past the end of a line and inside a character.
    fn checked_offset(self, text: &str, position: Position) -> Option<usize> {
        let found = lines(text).get(position.line as usize)?.clone();
        let (start, line) = (found.start, &text[found]);
        let mut left = position.character as usize;
        for (at, c) in line.char_indices() {
            if left == 0 {
                return Some(start + at);
            }
            left = left.checked_sub(self.width(c))?;
        }
        (left == 0).then_some(start + line.len())
    }

    /// Whether both ends of a range are in the text, in order.
    pub(crate) fn has(self, text: &str, range: Range) -> bool {
        let ends = [range.start, range.end].map(|end| self.checked_offset(text, end));
        matches!(ends, [Some(start), Some(end)] if start <= end)
    }

    pub(crate) fn range(self, text: &str, span: std::ops::Range<usize>) -> Range {
        Range { start: self.position(text, span.start), end: self.position(text, span.end) }
    }

    /// The text of a range.
    pub(crate) fn covered(self, text: &str, range: Range) -> &str {
        &text[self.offset(text, range.start)..self.offset(text, range.end)]
    }
}

/// The lines without their endings: `\n`, `\r\n` and a lone `\r` (LSP, "Text Documents").
fn lines(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()) {
        // The second half of `\r\n`.
        if end < start {
            continue;
        }
        lines.push(start..end);
        start = end + if text[end..].starts_with("\r\n") { 2 } else { 1 };
    }
    lines.push(start..text.len());
    lines
}

/// The URI of an absolute path, escaped as by editors.
pub(crate) fn file_uri(path: &str) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// The path of a file's URI.
pub(crate) fn path_of(uri: &str) -> String {
    let escaped = uri.strip_prefix("file://").unwrap_or_else(|| panic!("`{uri}` is no file"));
    let mut bytes = Vec::new();
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next(), rest.next()].map(|digit| digit.expect("two digits"));
            let digits = std::str::from_utf8(&digits).expect("digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("paths of tests are UTF-8")
}
