//! Helpers for the recovering TOML parser, which keeps what it can of a file with syntax errors.

use toml::{
    Spanned as TomlSpanned,
    de::{DeTable, DeValue},
};

use crate::{
    limits,
    text::{Span, Spanned},
};

/// A key of a table with its value.
pub(crate) type TomlEntry<'t, 'i> =
    (&'t TomlSpanned<std::borrow::Cow<'i, str>>, &'t TomlSpanned<DeValue<'i>>);

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The parser's message, on one line.
    pub message: String,
    /// Where the parser stopped.
    pub span: Span,
}

/// Parses as much of `text` as possible.
pub(crate) fn parse(text: &str) -> (TomlSpanned<DeTable<'_>>, Vec<SyntaxError>) {
    if let Some(at) = too_many_values(text) {
        let message = format!("more than {} values", limits::VALUES);
        let error = SyntaxError { message, span: at..at };
        return (DeTable::parse_recoverable("").0, vec![error]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .iter()
        .map(|error| SyntaxError {
            message: error.message().lines().collect::<Vec<_>>().join(", "),
            span: error.span().unwrap_or(0..0),
        })
        .collect();
    (table, errors)
}

/// Where a text exceeds [`limits::VALUES`].
pub(crate) fn too_many_values(text: &str) -> Option<usize> {
    if text.len() <= limits::VALUES {
        return None;
    }
    let begun = text.bytes().enumerate().filter(|(_, byte)| b",=[{".contains(byte));
    begun.map(|(at, _)| at).nth(limits::VALUES)
}

/// `text` with the lines that have syntax errors replaced by spaces, so that all other lines can be parsed.
/// `None` if there are no errors, or if that does not help.
pub(crate) fn without_broken_lines(text: &str, errors: &[SyntaxError]) -> Option<String> {
    const ROUNDS: usize = 16;
    let mut text = text.as_bytes().to_vec();
    let mut error = errors.first()?.span.start;
    for _ in 0..ROUNDS {
        let at = error.min(text.len());
        let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |n| at + n);
        if text[start..end].iter().all(|byte| *byte == b' ') {
            return None;
        }
        text[start..end].fill(b' ');
        let cleaned = String::from_utf8(text).ok()?;
        match parse(&cleaned).1.first() {
            None => return Some(cleaned),
            Some(next) => error = next.span.start,
        }
        text = cleaned.into_bytes();
    }
    None
}

/// The entry `key` of `table`.
pub(crate) fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<TomlEntry<'t, 'i>> {
    table.get_key_value(key)
}

/// The table under `key`.
pub(crate) fn table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// The array under `key`, or an empty one.
pub(crate) fn array<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> &'t [TomlSpanned<DeValue<'i>>] {
    table.get(key).and_then(|value| value.get_ref().as_array()).map_or(&[], |array| &**array)
}

/// The string under `key`, its span without the quotes.
pub(crate) fn string(text: &str, table: &DeTable<'_>, key: &str) -> Option<Spanned<String>> {
    string_value(text, table.get(key)?)
}

/// `value` as a string, its span without the quotes.
pub(crate) fn string_value(
    text: &str,
    value: &TomlSpanned<DeValue<'_>>,
) -> Option<Spanned<String>> {
    let string = value.get_ref().as_str()?;
    Some(Spanned { value: string.to_owned(), span: unquoted(text, value.span()) })
}

/// The strings of the array under `key`.
pub(crate) fn strings(text: &str, table: &DeTable<'_>, key: &str) -> Vec<Spanned<String>> {
    array(table, key).iter().filter_map(|value| string_value(text, value)).collect()
}

/// `span` without the quotes that it starts and ends with, whichever kind they are.
pub(crate) fn unquoted(text: &str, span: Span) -> Span {
    let Some(raw) = text.get(span.clone()) else { return span };
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        if raw.starts_with(quote) && raw.ends_with(quote) && raw.len() >= 2 * quote.len() {
            return span.start + quote.len()..span.end - quote.len();
        }
    }
    span
}
