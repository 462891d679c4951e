//! Converts between our byte offsets and paths and the client's positions and URIs; no other module
//! does.

use std::borrow::Cow;

use camino::{Utf8Path, Utf8PathBuf};
use line_index::{WideEncoding, WideLineCol};
use tower_lsp::ls_types::{
    ClientCapabilities, DiagnosticSeverity, Position, PositionEncodingKind, Range, Uri,
};

use super::settings::CodeLevel;
use crate::{
    text::{SourceText, Span},
    verdict::{Check, Code, Finding, Role, Severity},
};

/// How the client counts columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// Supported by every client.
    #[default]
    Utf16,
}

impl Encoding {
    /// UTF-8 where the client offers it.
    pub(super) fn negotiated(client: &ClientCapabilities) -> Self {
        let offered =
            client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        if offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8)) {
            Self::Utf8
        } else {
            Self::Utf16
        }
    }

    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }
}

/// The position of a byte offset. An offset between the two characters of a line ending is the end of
/// the line: there is no position inside a line ending (LSP, "Position").
pub(super) fn position(text: &SourceText, offset: usize, encoding: Encoding) -> Position {
    let mut at = text.client_lines().line_col(text.text_size(offset));
    if let Some(line) = text.client_line(at.line) {
        at.col = at.col.min(u32::try_from(line.len()).unwrap_or(u32::MAX));
    }
    let column = match encoding {
        Encoding::Utf8 => at.col,
        Encoding::Utf16 => {
            text.client_lines().to_wide(WideEncoding::Utf16, at).map_or(at.col, |wide| wide.col)
        }
    };
    Position::new(at.line, column)
}

/// The byte offset of a position. A column past the end of its line means the line's end, a line
/// past the end of the text means the text's end (LSP, "Position"), a column inside a character its
/// start.
pub(super) fn offset(text: &SourceText, position: Position, encoding: Encoding) -> usize {
    usize::from(text.text_size(units(text, position, encoding)))
}

/// The start or end of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Between characters, at this byte offset.
    Between(usize),
    /// Inside the surrogate pair at these bytes: editors that count in UTF-16 can split one.
    InPair(usize, usize),
}

/// The edge at a position, which is moved into the text as by [`offset`]; `None` inside the bytes of
/// a character, where no edit can start or end.
pub(super) fn edge(text: &SourceText, position: Position, encoding: Encoding) -> Option<Edge> {
    let exact = units(text, position, encoding);
    let start = usize::from(text.text_size(exact));
    if start == exact {
        return Some(Edge::Between(start));
    }
    let character = text.as_str()[start..].chars().next()?;
    (encoding == Encoding::Utf16).then_some(Edge::InPair(start, start + character.len_utf8()))
}

/// How many lines a text has: one more than it has line endings.
pub(super) fn line_count(text: &SourceText) -> u32 {
    text.client_lines().line_col(text.text_size(usize::MAX)).line + 1
}

/// The same as [`offset`], but possibly inside a character.
fn units(text: &SourceText, position: Position, encoding: Encoding) -> usize {
    let Some(line) = text.client_line(position.line) else { return text.as_str().len() };
    let column = match encoding {
        Encoding::Utf8 => Some(position.character),
        Encoding::Utf16 => {
            // A line has no more units than bytes, and the index counts without a limit.
            let longest = u32::try_from(line.len()).unwrap_or(u32::MAX);
            let wide = WideLineCol { line: position.line, col: position.character.min(longest) };
            text.client_lines().to_utf8(WideEncoding::Utf16, wide).map(|at| at.col)
        }
    };
    let within = column.and_then(|column| usize::try_from(column).ok());
    within.map_or(line.end, |within| line.start.saturating_add(within).min(line.end))
}

/// The range of a span.
pub(super) fn range(text: &SourceText, span: &Span, encoding: Encoding) -> Range {
    Range::new(position(text, span.start, encoding), position(text, span.end, encoding))
}

/// The file of a URI; `None` where it names no file.
pub(super) fn path_of(uri: &Uri) -> Option<Utf8PathBuf> {
    if !uri.scheme().as_str().eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match uri.to_file_path()? {
        Cow::Borrowed(path) => path.to_owned(),
        Cow::Owned(path) => path,
    };
    Utf8PathBuf::from_path_buf(path).ok()
}

/// The URI of a file.
pub(super) fn uri_of(path: &Utf8Path) -> Option<Uri> {
    Uri::from_file_path(path.as_std_path())
}

/// The severity of a finding at one of its locations; `None` where it is hidden. `chosen` is the level
/// in the settings for its code.
pub(super) fn severity(
    finding: &Finding,
    role: Role,
    notes: bool,
    chosen: Option<CodeLevel>,
) -> Option<DiagnosticSeverity> {
    if let Some(chosen) = chosen {
        let severity = chosen.severity()?;
        // An inherited location is never more severe than information; 1 is the most severe.
        return Some(match role {
            Role::Inherited => severity.max(DiagnosticSeverity::INFORMATION),
            Role::Primary => severity,
        });
    }
    if finding.check == Check::Supercargo {
        return Some(match (finding.code, finding.severity) {
            // A missing network or database is no problem of the manifest.
            (Some(Code::NoAdvisoryDatabase), _) | (_, Severity::Note) => {
                DiagnosticSeverity::INFORMATION
            }
            (_, Severity::Error) => DiagnosticSeverity::ERROR,
            (_, Severity::Warning) => DiagnosticSeverity::WARNING,
            (_, Severity::Help) => DiagnosticSeverity::HINT,
        });
    }
    match finding.severity {
        Severity::Note | Severity::Help => notes.then_some(DiagnosticSeverity::HINT),
        _ if role == Role::Inherited => Some(DiagnosticSeverity::INFORMATION),
        Severity::Error => Some(DiagnosticSeverity::ERROR),
        Severity::Warning => Some(DiagnosticSeverity::WARNING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_the_encoding_of_the_client() {
        let text = SourceText::new("é𝄞 = \"1\"\r\nnext");
        let at = text.as_str().find('"').expect("a quote");
        assert_eq!(position(&text, at, Encoding::Utf16), Position::new(0, 6));
        assert_eq!(position(&text, at, Encoding::Utf8), Position::new(0, 9));
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let there = position(&text, at, encoding);
            assert_eq!(offset(&text, there, encoding), at);
        }
    }

    #[test]
    fn chosen_severity_applies_to_the_primary_location_and_never_exceeds_information_elsewhere() {
        let finding =
            crate::verdict::own_finding(Code::NoLockFile, Severity::Note, String::new(), vec![]);
        let shown = |role, chosen| severity(&finding, role, false, Some(chosen));
        assert_eq!(shown(Role::Primary, CodeLevel::Error), Some(DiagnosticSeverity::ERROR));
        assert_eq!(shown(Role::Primary, CodeLevel::Hint), Some(DiagnosticSeverity::HINT));
        assert_eq!(shown(Role::Inherited, CodeLevel::Error), Some(DiagnosticSeverity::INFORMATION));
        assert_eq!(shown(Role::Inherited, CodeLevel::Hint), Some(DiagnosticSeverity::HINT));
        assert_eq!(shown(Role::Primary, CodeLevel::Off), None);
        assert_eq!(shown(Role::Inherited, CodeLevel::Off), None);
    }

    #[test]
    fn positions_outside_the_text_are_moved_into_it() {
        let text = SourceText::new("ab\r\ncd");
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            assert_eq!(offset(&text, Position::new(0, 99), encoding), 2);
            assert_eq!(offset(&text, Position::new(99, 0), encoding), 6);
            assert_eq!(offset(&text, Position::new(1, 2), encoding), 6);
        }
    }

    #[test]
    fn paths_with_spaces_and_percent_signs_survive_conversion() {
        let path = Utf8Path::new("/tmp/a b/100%/ü/Cargo.toml");
        let uri = uri_of(path).expect("a URI");
        assert_eq!(path_of(&uri).as_deref(), Some(path));
        let other: Uri = "untitled:Untitled-1".parse().expect("a URI");
        assert_eq!(path_of(&other), None);
    }
}
