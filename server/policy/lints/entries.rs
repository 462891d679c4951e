//! The entries that look away from something.

use toml::{Spanned as TomlSpanned, de::DeValue};

use super::Read;
use crate::{
    model::tree,
    policy::{entries::is_id, spec::entry as spec},
    text::{Span, Spanned},
};

/// A list of such entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Ignore,
    Skip,
    SkipTree,
    Exceptions,
}

const LISTS: [(List, &str, &str); 4] = [
    (List::Ignore, "advisories", "ignore"),
    (List::Skip, "bans", "skip"),
    (List::SkipTree, "bans", "skip-tree"),
    (List::Exceptions, "licenses", "exceptions"),
];

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) list: List,
    /// All of it.
    pub(super) extent: Span,
    /// The advisory or the package that it names, without quotes.
    pub(super) subject: Option<Spanned<String>>,
    /// It names an advisory: as cargo-deny tells that.
    pub(super) is_advisory: bool,
    /// The package's name, and whether it is said which versions are meant.
    pub(super) package: Option<(String, bool)>,
    /// What `reason` says, without quotes, and where its key stands.
    pub(super) reason: Option<(Spanned<String>, Span)>,
    /// The words of the comments that speak of it.
    pub(super) comments: Vec<Span>,
}

impl Read<'_> {
    /// All entries, in the order of the lists.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for (list, section, key) in LISTS {
            let Some(section) = tree::table(self.parsed, section) else { continue };
            // `exceptions` have no `reason`: one comment may speak of all.
            let common = match tree::entry(section, key) {
                Some((key, _)) if list == List::Exceptions => {
                    let on_line = self.comments(&[key.span().start]);
                    on_line.into_iter().filter(|words| words.end < key.span().start).collect()
                }
                _ => Vec::new(),
            };
            for value in tree::array(section, key) {
                let mut entry = self.entry(list, value);
                entry.comments.extend(common.clone());
                all.push(entry);
            }
        }
        all
    }

    fn entry(&self, list: List, value: &TomlSpanned<DeValue<'_>>) -> Entry {
        let text = self.text;
        let table = value.get_ref().as_table();
        let id = table.and_then(|table| tree::string(text, table, "id"));
        let mut subject = match table {
            None => tree::string_value(text, value),
            Some(table) => {
                let crates = || tree::string(text, table, "crate");
                id.clone().or_else(crates).or_else(|| tree::string(text, table, "name"))
            }
        };
        subject = subject.filter(|subject| !subject.value.is_empty());
        let is_advisory = list == List::Ignore
            && match (&subject, table) {
                (Some(subject), None) => is_id(&subject.value),
                _ => id.is_some(),
            };
        let package = (!is_advisory).then(|| match table {
            None => spec::name(&toml::Value::String(subject.as_ref()?.value.clone())),
            Some(table) => {
                let versioned = table.get("version").is_some();
                let by_crate = tree::string(text, table, "crate");
                match by_crate {
                    Some(spec) => spec::name(&toml::Value::String(spec.value)),
                    None => Some((tree::string(text, table, "name")?.value, versioned)),
                }
            }
        });
        let reason = table.and_then(|table| {
            let (key, _) = tree::entry(table, "reason")?;
            Some((tree::string(text, table, "reason")?, key.span()))
        });
        let mut extent = value.span();
        // Of a `[[table]]` the header is told.
        for (key, inner) in table.into_iter().flat_map(|table| table.iter()) {
            extent.start = extent.start.min(key.span().start);
            extent.end = extent.end.max(inner.span().end);
        }
        extent.end = extent.end.min(text.len());
        let mut offsets = vec![extent.start, extent.end.saturating_sub(1).max(extent.start)];
        offsets.extend(subject.as_ref().map(|subject| subject.span.start));
        let comments = self.comments(&offsets);
        Entry { list, extent, subject, is_advisory, package: package.flatten(), reason, comments }
    }
}

impl Entry {
    /// Where something is said about it: what it names, else all of it.
    pub(super) fn span(&self) -> Span {
        self.subject.as_ref().map_or(self.extent.clone(), |subject| subject.span.clone())
    }
}
