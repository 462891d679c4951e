//! What we say about a policy besides cargo-deny's findings: entries that look away without a
//! reason, for longer than was meant, or from more than there is; checks that are turned off; files
//! that nobody reads.
//!
//! Hints and warnings, never errors; they count in no exit code but that of `check --strict`. A
//! reason is what the key `reason` says or, where there is none, a comment on the entry's line or
//! directly above it. `until YYYY-MM-DD` in either is the last day on which it holds.
//!
//! What an entry matches is taken from cargo-deny's own diagnostics as far as they tell.

mod broad;
mod dates;
mod entries;
mod files;
mod has_fix;
mod organisations;
mod reasons;
mod single;
mod turned_off;
mod yanked;

use std::collections::BTreeMap;

use jiff::civil::Date;
use semver::Version;
use toml::de::DeTable;

use super::syntax::Document;
use crate::{
    model::tree,
    text::{SourceText, Span},
    verdict::{Code, Finding, GraphFacts, PackageRef, PolicyText, Severity, own},
};
pub(crate) use dates::rewritten;
use entries::Entry;
pub(crate) use entries::is_id;
pub(crate) use files::{Beside, files};
pub(crate) use turned_off::mended as turned_on;

/// What a reason is, and until when it holds.
pub const CONVENTION: &str = "An entry says why it is there by its `reason` or, where it has none, by a comment on its line or \
     directly above it; the exceptions of `licenses`, which have no `reason`, may share a comment above their list. A check that is \
     turned off is explained by such a comment, too. `until YYYY-MM-DD` in a reason or a comment is the last day on which it holds. \
     What begins with `TODO` is still to be written.";

/// What the lints look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged<'j> {
    /// The policy.
    pub(crate) policy: &'j PolicyText,
    /// What was found by it.
    pub(crate) findings: &'j [Finding],
    /// What it was judged on.
    pub(crate) graph: &'j GraphFacts,
    /// Versions that requirements admit and ignored advisories do not concern, by advisory.
    pub(crate) reachable: &'j BTreeMap<String, (PackageRef, Version)>,
    /// Today.
    pub(crate) today: Date,
}

/// Everything that is to be said about the text of a policy.
pub(crate) fn lints(judged: &Judged<'_>) -> Vec<Finding> {
    if judged.policy.path.is_none() {
        return Vec::new();
    }
    let text = judged.policy.text.as_str();
    let (parsed, _) = tree::parse(text);
    let parsed = parsed.get_ref();
    let read = Read { judged, text, parsed, comments: Document::read(text, None).comments };
    let entries = read.entries();
    let mut all = Vec::new();
    all.extend(reasons::missing(&read, &entries));
    all.extend(dates::passed(&read, &entries));
    all.extend(broad::entries(&read, &entries));
    all.extend(yanked::not_ignored(&read, &entries));
    all.extend(has_fix::ignored(&read, &entries));
    all.extend(turned_off::checks(&read));
    all.extend(single::allowed(&read));
    all.extend(organisations::whole(&read));
    all
}

/// A policy that was read, as far as it can be.
struct Read<'r> {
    judged: &'r Judged<'r>,
    text: &'r str,
    parsed: &'r DeTable<'r>,
    comments: Vec<Span>,
}

impl Read<'_> {
    /// A finding at a span of the policy.
    fn said(&self, code: Code, severity: Severity, span: Span, message: String) -> Finding {
        own(code, severity, message, vec![self.judged.policy.place(span)])
    }

    /// The findings of that code which stand in a span of the policy.
    fn found(&self, code: Code, span: &Span) -> impl Iterator<Item = &Finding> {
        self.judged
            .findings
            .iter()
            .filter(move |finding| finding.code == Some(code) && self.stands_in(finding, span))
    }

    fn stands_in(&self, finding: &Finding, span: &Span) -> bool {
        finding.places.iter().any(|place| {
            place.file == self.judged.policy.name()
                && span.start <= place.span.start
                && place.span.end <= span.end
        })
    }

    /// Whether cargo-deny says of an entry that it has no effect.
    fn is_without_effect(&self, entry: &Entry) -> bool {
        let mut findings = self.judged.findings.iter();
        findings.any(|finding| {
            finding.code.is_some_and(Code::is_without_effect)
                && self.stands_in(finding, &entry.extent)
        })
    }

    /// The comments on the lines of these offsets, and those directly above the first; each without
    /// its `#` and blanks.
    fn comments(&self, offsets: &[usize]) -> Vec<Span> {
        let line_start = |at: usize| self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let line_of = |at: usize| {
            let end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
            line_start(at)..end
        };
        let on = |line: &Span| {
            let first = self.comments.partition_point(|comment| comment.start < line.start);
            self.comments.get(first).filter(|comment| comment.start < line.end).cloned()
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
        found.into_iter().map(|comment| self.words_of(comment)).collect()
    }

    /// A comment without what begins and ends it.
    fn words_of(&self, comment: Span) -> Span {
        let all = &self.text[comment.clone()];
        let words = all.trim_start_matches('#').trim_start();
        let start = comment.end - words.len();
        start..start + words.trim_end().len()
    }
}

/// The text of one place for a sentence.
fn shown(text: &str) -> String {
    crate::verdict::harmless(text.lines().next().unwrap_or_default())
}

/// A file whose text is not the policy's, for lints about files.
fn head(text: &SourceText) -> Span {
    let first = text.as_str().lines().next().unwrap_or_default();
    0..first.len()
}

#[cfg(test)]
pub(crate) mod samples;
