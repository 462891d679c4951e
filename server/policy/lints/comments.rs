//! The comments of a policy.

use crate::{policy::syntax::PolicyDocument, text::Span};

/// A policy with the spans of its comments.
pub(super) struct PolicyComments<'t> {
    pub(super) text: &'t str,
    spans: Vec<Span>,
}

impl<'t> PolicyComments<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        Self { text, spans: PolicyDocument::read(text, None).comments }
    }

    /// The comments on the lines of these offsets and directly above the first, without `#` and
    /// surrounding whitespace.
    pub(super) fn at(&self, offsets: &[usize]) -> Vec<Span> {
        // An offset may be inside a character.
        let bytes = self.text.as_bytes();
        let line_start =
            |at: usize| bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line_of = |at: usize| {
            let end = bytes[at..].iter().position(|byte| *byte == b'\n');
            line_start(at)..end.map_or(bytes.len(), |end| at + end)
        };
        let on = |line: &Span| {
            let first = self.spans.partition_point(|comment| comment.start < line.start);
            self.spans.get(first).filter(|comment| comment.start < line.end).cloned()
        };
        let mut found: Vec<Span> = Vec::new();
        for offset in offsets {
            found.extend(on(&line_of(*offset)));
        }
        let mut above = offsets.first().map_or(0, |first| line_start(*first));
        while let Some(before) = above.checked_sub(1) {
            let line = line_of(before);
            let Some(comment) = on(&line) else { break };
            if !self.text[line.start..comment.start].trim().is_empty() {
                break;
            }
            found.push(comment);
            above = line.start;
        }
        found.sort_by_key(|comment| comment.start);
        found.dedup();
        found.into_iter().map(|comment| self.trimmed(comment)).collect()
    }

    /// A comment without `#` and surrounding whitespace.
    fn trimmed(&self, comment: Span) -> Span {
        let all = &self.text[comment.clone()];
        let words = all.trim_start_matches('#').trim_start();
        let start = comment.end - words.len();
        start..start + words.trim_end().len()
    }
}
