//! The entries that look away from something, with the comments that speak of them.

use super::Read;
use crate::{
    policy::entries::{self, List},
    text::Span,
};

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) entry: entries::Entry,
    /// The words of the comments that speak of it.
    pub(super) comments: Vec<Span>,
}

impl std::ops::Deref for Entry {
    type Target = entries::Entry;

    fn deref(&self) -> &Self::Target {
        &self.entry
    }
}

impl Read<'_> {
    /// All entries, in the order of the text.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut all = entries::entries(self.text);
        all.retain(|entry| looks_away(entry.list) && !entry.subject.value.is_empty());
        let common = self.above_exceptions(&all);
        let commented = all.into_iter().map(|entry| {
            let span = &entry.span;
            let last = span.end.saturating_sub(1).max(span.start);
            let mut comments = self.comments(&[span.start, last, entry.subject.span.start]);
            if entry.list == List::Exception {
                comments.extend(common.iter().cloned());
            }
            Entry { entry, comments }
        });
        commented.collect()
    }

    /// What is said above all exceptions: they have no `reason`, and one comment may speak of all.
    fn above_exceptions(&self, all: &[entries::Entry]) -> Vec<Span> {
        let lists: [&[&str]; 2] = [&["licenses", "exceptions"], &["exceptions"]];
        let key = lists.iter().find_map(|path| entries::key(self.text, path));
        let start = key.map(|key| key.start).or_else(|| {
            let mut exceptions = all.iter().filter(|entry| entry.list == List::Exception);
            exceptions.next().map(|first| first.span.start)
        });
        let Some(start) = start else { return Vec::new() };
        self.comments(&[start]).into_iter().filter(|words| words.end < start).collect()
    }
}

fn looks_away(list: List) -> bool {
    matches!(list, List::Ignore | List::Skip | List::SkipTree | List::Exception)
}
