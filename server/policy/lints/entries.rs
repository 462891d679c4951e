//! The entries that suppress findings, with the comments that belong to them.

use super::LintContext;
use crate::{
    policy::entries::{self, PolicyList},
    text::Span,
};

/// A policy entry with its comments.
#[derive(Debug)]
pub(super) struct CommentedEntry {
    pub(super) entry: entries::PolicyEntry,
    /// The texts of the comments on its lines or directly above.
    pub(super) comments: Vec<Span>,
}

impl std::ops::Deref for CommentedEntry {
    type Target = entries::PolicyEntry;

    fn deref(&self) -> &Self::Target {
        &self.entry
    }
}

impl LintContext<'_> {
    /// All entries that suppress findings, in the order of the text.
    pub(super) fn entries(&self) -> Vec<CommentedEntry> {
        let mut all = entries::entries(self.text);
        all.retain(|entry| is_suppression(entry.list) && !entry.subject.value.is_empty());
        let shared = self.comments_above_exceptions(&all);
        let commented = all.into_iter().map(|entry| {
            let span = &entry.span;
            let last = span.end.saturating_sub(1).max(span.start);
            let mut comments = self.comments(&[span.start, last, entry.subject.span.start]);
            if entry.list == PolicyList::Exception {
                comments.extend(shared.iter().cloned());
            }
            CommentedEntry { entry, comments }
        });
        commented.collect()
    }

    /// The comments above the list of exceptions: exceptions have no `reason`, so one comment can explain all.
    fn comments_above_exceptions(&self, all: &[entries::PolicyEntry]) -> Vec<Span> {
        let lists: [&[&str]; 2] = [&["licenses", "exceptions"], &["exceptions"]];
        let key = lists.iter().find_map(|path| entries::key(self.text, path));
        let start = key.map(|key| key.start).or_else(|| {
            let mut exceptions = all.iter().filter(|entry| entry.list == PolicyList::Exception);
            exceptions.next().map(|first| first.span.start)
        });
        let Some(start) = start else { return Vec::new() };
        self.comments(&[start]).into_iter().filter(|comment| comment.end < start).collect()
    }
}

fn is_suppression(list: PolicyList) -> bool {
    matches!(
        list,
        PolicyList::Ignore | PolicyList::Skip | PolicyList::SkipTree | PolicyList::Exception
    )
}
