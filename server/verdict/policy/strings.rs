//! Strings in lists of tables, on which cargo-deny panics.

use toml::de::{DeTable, DeValue};

use crate::text::Span;

/// The lists of a policy whose entries have to be tables.
const TABLES: [&[&str]; 4] = [
    &["licenses", "clarify"],
    &["licenses", "exceptions"],
    &["bans", "features"],
    &["bans", "build", "bypass"],
];

/// The first string in place of a table, without its quotes; `None` if the text is not TOML.
pub(super) fn in_policy(text: &str) -> Option<Span> {
    let table = DeTable::parse(text).ok()?;
    TABLES.iter().find_map(|path| first(text, table.get_ref(), path))
}

/// The same in an exceptions file.
pub(super) fn in_exceptions(text: &str) -> Option<Span> {
    let table = DeTable::parse(text).ok()?;
    first(text, table.get_ref(), &["exceptions"])
}

fn first(text: &str, table: &DeTable<'_>, path: &[&str]) -> Option<Span> {
    let (name, rest) = path.split_first()?;
    match (table.get(*name)?.get_ref(), rest) {
        (DeValue::Table(table), [_, ..]) => first(text, table, rest),
        (DeValue::Array(items), []) => {
            let strings = items.iter().filter(|item| matches!(item.get_ref(), DeValue::String(_)));
            let span = strings.map(toml::Spanned::span).next()?;
            let inside = text.get(span.clone())?;
            let bare = inside.trim_matches(['"', '\'']);
            let start = span.start + inside.find(bare)?;
            Some(if bare.is_empty() { span } else { start..start + bare.len() })
        }
        _ => None,
    }
}
