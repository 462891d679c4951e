//! A policy without the entries that cargo-deny refuses, so that it reads the others, too.

use toml::de::{DeTable, DeValue};

use crate::{model::tree, text::Span};

/// `text` with the entry at each of these offsets replaced by spaces: all other spans stay. `None` if one is in no entry that can
/// be left out.
pub(crate) fn without_entries(text: &str, offsets: &[usize]) -> Option<String> {
    let mut result = text.as_bytes().to_vec();
    for offset in offsets {
        let (root, _) = tree::parse(text);
        let entry = in_table(root.get_ref(), *offset)?;
        let mut blank = |span: Span| {
            let bytes = result.get_mut(span)?;
            bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            Some(())
        };
        if entry.is_item {
            // Exactly one of the two commas goes with it.
            let after = text.get(entry.span.end..)?;
            let next = after.len() - after.trim_start().len();
            let before = text.get(..entry.span.start)?.trim_end();
            if after[next..].starts_with(',') {
                blank(entry.span.end + next..entry.span.end + next + 1)?;
            } else if before.ends_with(',') {
                blank(before.len() - 1..before.len())?;
            }
        }
        blank(entry.span)?;
    }
    String::from_utf8(result).ok()
}

/// A key with its value, or an item of a list.
struct Entry {
    span: Span,
    /// Commas separate it from the others.
    is_item: bool,
}

fn in_table(table: &DeTable<'_>, offset: usize) -> Option<Entry> {
    table.iter().find_map(|(key, value)| {
        let inside = match value.get_ref() {
            DeValue::Table(table) => in_table(table, offset),
            DeValue::Array(items) => items.iter().find_map(|item| {
                let inside = match item.get_ref() {
                    DeValue::Table(table) => in_table(table, offset),
                    _ => None,
                };
                let span = item.span();
                inside.or_else(|| span.contains(&offset).then_some(Entry { span, is_item: true }))
            }),
            _ => None,
        };
        inside.or_else(|| {
            let (key, value) = (key.span(), value.span());
            // The value of a table with a header is elsewhere.
            let is_whole = key.end <= value.start && value.start - key.end < 256;
            let is_here = key.contains(&offset) || value.contains(&offset);
            (is_here && is_whole).then_some(Entry { span: key.start..value.end, is_item: false })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_replaced_by_spaces() {
        let text = "[licenses]\nallow = [\"MIT\", \"Apache2\"]\ncopyleft = \"deny\"\n";
        let at = |needle: &str| text.find(needle).expect("the text");
        let without = without_entries(text, &[at("Apache2"), at("copyleft")]).expect("a policy");
        assert_eq!(without, "[licenses]\nallow = [\"MIT\"           ]\n                 \n");
        let without = without_entries(text, &[at("MIT")]).expect("a policy");
        assert_eq!(&without[11..38], "allow = [       \"Apache2\"]\n".get(..27).expect("long"));
        assert_eq!(without_entries(text, &[0]), None);
    }
}
