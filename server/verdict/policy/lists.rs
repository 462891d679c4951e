//! Lists of a policy that exceed [`limits::LIST_ENTRIES`].
//!
//! cargo-deny compares each entry with each package. A list beyond the limit is blanked before cargo-deny
//! reads the policy, so that all other spans stay valid, and its check is not run.

use std::{borrow::Cow, ops::Range};

use toml::de::{DeTable, DeValue};

use crate::{limits, model::tree, text::Span};

/// A list that is too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::verdict) struct LongList {
    /// Its path: `bans`, `skip`.
    pub(in crate::verdict) path: Vec<String>,
    /// Its key, or its first header.
    pub(in crate::verdict) location: Span,
    /// The number of entries.
    pub(in crate::verdict) count: usize,
    /// The span of its entries, if they are in one pair of brackets.
    inside: Option<Span>,
}

/// The policy with its long lists blanked, and those lists.
pub(in crate::verdict) fn without_long(text: &str) -> (Cow<'_, str>, Vec<LongList>) {
    let found = long(text);
    if found.is_empty() {
        return (text.into(), found);
    }
    let mut bytes = text.as_bytes().to_vec();
    for list in &found {
        match &list.inside {
            Some(inside) => blank(&mut bytes, inside.clone()),
            None => blank_tables(&mut bytes, text, &list.path),
        }
    }
    let emptied = String::from_utf8(bytes).unwrap_or_default();
    // If a list could not be blanked, nothing of the policy is used.
    if long(&emptied).is_empty() { (emptied.into(), found) } else { ("".into(), found) }
}

/// The lists of a text that are too long; empty if it is not TOML.
pub(in crate::verdict) fn long(text: &str) -> Vec<LongList> {
    // Each entry has at least a character and a comma.
    if text.len() < 2 * limits::LIST_ENTRIES {
        return Vec::new();
    }
    let (root, errors) = tree::parse(text);
    let mut found = Vec::new();
    if errors.is_empty() {
        search(text, root.get_ref(), &mut Vec::new(), &mut found);
    }
    found
}

fn search(text: &str, table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<LongList>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(table) => search(text, table, path, found),
            DeValue::Array(list) if list.len() > limits::LIST_ENTRIES => {
                let span = value.span();
                let is_one = text.get(span.clone()).is_some_and(|list| {
                    list.starts_with('[') && !list.starts_with("[[") && list.ends_with(']')
                });
                found.push(LongList {
                    path: path.clone(),
                    location: key.span(),
                    count: list.len(),
                    inside: is_one.then(|| span.start + 1..span.end - 1),
                });
            }
            DeValue::Array(list) => {
                for table in list.iter().filter_map(|one| one.get_ref().as_table()) {
                    search(text, table, path, found);
                }
            }
            _ => {}
        }
        path.pop();
    }
}

/// Blanks every line of these tables.
fn blank_tables(bytes: &mut [u8], text: &str, path: &[String]) {
    let (mut start, mut inside) = (0, false);
    for line in text.split_inclusive('\n') {
        if let Some(header) = line.trim_start().strip_prefix('[') {
            let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            let parts = name.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
            let mut parts = parts.take(path.len());
            inside = path.iter().all(|part| parts.next() == Some(part));
        }
        if inside {
            blank(bytes, start..start + line.len());
        }
        start += line.len();
    }
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    let bytes = bytes.get_mut(range).into_iter().flatten();
    bytes.filter(|byte| **byte != b'\n' && **byte != b'\r').for_each(|byte| *byte = b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emptied(text: &str) -> (String, Vec<String>) {
        let (emptied, found) = without_long(text);
        assert_eq!(emptied.len(), text.len());
        let shown = found.iter().map(|list| {
            format!("{} {} at {}", list.path.join("."), list.count, &text[list.location.clone()])
        });
        (emptied.split_whitespace().collect::<Vec<_>>().join(" "), shown.collect())
    }

    #[test]
    fn long_list_is_blanked_and_other_spans_stay() {
        let many = "\"ä\",\n".repeat(limits::LIST_ENTRIES + 1);
        let text = format!("[bans]\ndeny = [ {many} ]\nallow = [\"b\"]\n");
        let (rest, found) = emptied(&text);
        assert_eq!(rest, "[bans] deny = [ ] allow = [\"b\"]");
        assert_eq!(found, ["bans.deny 10001 at deny"]);
        assert_eq!(text.find("allow"), without_long(&text).0.find("allow"));
        let few = text.replacen("\"ä\",", "", 1);
        assert_eq!(without_long(&few), (few.as_str().into(), Vec::new()));
    }

    #[test]
    fn long_array_of_tables_is_blanked() {
        let many = "[[bans.skip]]\ncrate = \"a\"\n[bans.skip.x]\n".repeat(limits::LIST_ENTRIES + 1);
        let text = format!("[bans]\ndeny = []\n{many}[licenses]\nallow = []\n");
        let (rest, found) = emptied(&text);
        assert_eq!(rest, "[bans] deny = [] [licenses] allow = []");
        assert_eq!(found.len(), 1);
    }
}
