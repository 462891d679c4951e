//! The entries that suppress findings, with the comments that belong to them.

use super::PolicyComments;
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
    /// The texts of the comments directly above the first entry of its group, which explain the whole group.
    pub(super) group: Vec<Span>,
}

impl std::ops::Deref for CommentedEntry {
    type Target = entries::PolicyEntry;

    fn deref(&self) -> &Self::Target {
        &self.entry
    }
}

/// All entries that suppress findings, in the order of the text.
pub(super) fn suppressions(policy: &PolicyComments<'_>) -> Vec<CommentedEntry> {
    let mut all = entries::entries(policy.text);
    all.retain(|entry| is_suppression(entry.list) && !entry.subject.value.is_empty());
    let shared = policy.comments_above_exceptions(&all);
    let mut before: Option<CommentedEntry> = None;
    let mut commented = Vec::with_capacity(all.len());
    for entry in all {
        let span = &entry.span;
        let last = span.end.saturating_sub(1).max(span.start);
        let mut comments = policy.at(&[span.start, last, entry.subject.span.start]);
        if entry.list == PolicyList::Exception {
            comments.extend(shared.iter().cloned());
        }
        let above = policy.comments_above(span.start);
        let group = match &before {
            _ if !above.is_empty() => above,
            Some(before) if policy.are_grouped(before, &entry) => before.group.clone(),
            _ => Vec::new(),
        };
        commented.extend(before.replace(CommentedEntry { entry, comments, group }));
    }
    commented.extend(before);
    commented
}

impl PolicyComments<'_> {
    /// The comments that are directly above an entry, in lines of their own.
    fn comments_above(&self, start: usize) -> Vec<Span> {
        let line = self.text.as_bytes()[..start].iter().rposition(|byte| *byte == b'\n');
        let line = line.map_or(0, |at| at + 1);
        self.at(&[start]).into_iter().filter(|comment| comment.end < line).collect()
    }

    /// Whether two entries of a list follow each other without a blank line.
    fn are_grouped(&self, before: &CommentedEntry, entry: &entries::PolicyEntry) -> bool {
        let between = self.text.get(before.span.end..entry.span.start);
        let between = between.unwrap_or_default().split('\n');
        // The ends of both lines, and whole lines between them.
        let is_blank = |line: &str| line.trim().is_empty();
        let whole_lines = between.clone().count().saturating_sub(2);
        before.list == entry.list && !between.skip(1).take(whole_lines).any(is_blank)
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
        self.at(&[start]).into_iter().filter(|comment| comment.end < start).collect()
    }
}

fn is_suppression(list: PolicyList) -> bool {
    matches!(
        list,
        PolicyList::Ignore | PolicyList::Skip | PolicyList::SkipTree | PolicyList::Exception
    )
}
