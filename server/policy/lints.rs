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
mod organizations;
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
    limits,
    model::tree,
    text::{SourceText, Span},
    verdict::{Code, Finding, GraphFacts, PackageRef, PolicyText, Severity, own},
};
pub(crate) use dates::rewritten;
use entries::Entry;

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
    // Without its comments it would seem to give no reasons.
    if text.len() > limits::EDITED_POLICY {
        return Vec::new();
    }
    let (parsed, _) = tree::parse(text);
    let parsed = parsed.get_ref();
    let comments = Document::read(text, None).comments;
    let read = Read { judged, text, parsed, comments, placed: placed(judged) };
    let entries = read.entries();
    let mut all = Vec::new();
    all.extend(reasons::missing(&read, &entries));
    all.extend(dates::passed(&read, &entries));
    all.extend(broad::entries(&read, &entries));
    all.extend(yanked::not_ignored(&read, &entries));
    all.extend(has_fix::ignored(&read, &entries));
    all.extend(turned_off::checks(&read));
    all.extend(single::allowed(&read));
    all.extend(organizations::whole(&read));
    all
}

/// A policy that was read, as far as it can be.
struct Read<'r> {
    judged: &'r Judged<'r>,
    text: &'r str,
    parsed: &'r DeTable<'r>,
    comments: Vec<Span>,
    /// Where findings begin in the policy, each with its index, in the order of the text.
    placed: Vec<(usize, usize)>,
}

fn placed(judged: &Judged<'_>) -> Vec<(usize, usize)> {
    let findings = judged.findings.iter().enumerate();
    let locations = findings.flat_map(|(index, finding)| {
        let here =
            finding.locations.iter().filter(|location| location.file == judged.policy.name());
        here.map(move |location| (location.span.start, index))
    });
    let mut placed: Vec<_> = locations.collect();
    placed.sort_unstable();
    placed
}

impl Read<'_> {
    /// A finding at a span of the policy.
    fn said(&self, code: Code, severity: Severity, span: Span, message: String) -> Finding {
        own(code, severity, message, vec![self.judged.policy.location(span)])
    }

    /// The findings of that code which stand in a span of the policy.
    fn found(&self, code: Code, span: &Span) -> impl Iterator<Item = &Finding> {
        self.standing_in(span).filter(move |finding| finding.code == Some(code))
    }

    /// The findings that stand in a span of the policy.
    fn standing_in(&self, span: &Span) -> impl Iterator<Item = &Finding> {
        let first = self.placed.partition_point(|(start, _)| *start < span.start);
        let end = span.end;
        let from_there = self.placed[first..].iter().take_while(move |(start, _)| *start < end);
        from_there.map(|(_, finding)| &self.judged.findings[*finding])
    }

    /// Whether cargo-deny says of an entry that it has no effect.
    fn is_without_effect(&self, entry: &Entry) -> bool {
        let mut findings = self.standing_in(&entry.span);
        findings.any(|finding| finding.code.is_some_and(Code::is_without_effect))
    }

    /// The comments on the lines of these offsets, and those directly above the first; each without
    /// its `#` and blanks.
    fn comments(&self, offsets: &[usize]) -> Vec<Span> {
        // An offset may stand within a character.
        let bytes = self.text.as_bytes();
        let line_start =
            |at: usize| bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line_of = |at: usize| {
            let end = bytes[at..].iter().position(|byte| *byte == b'\n');
            line_start(at)..end.map_or(bytes.len(), |end| at + end)
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

#[cfg(test)]
mod tests {
    use super::samples::Sample;

    #[test]
    fn no_text_is_too_broken_to_be_looked_at() {
        let whole = "[advisories]\nyanked = \"allow\" # until 2020-01-01\nignore = [\n  { id = \"A-1\", reason = \
                     \"until 2020/1/1\" }, # é\n  \"rustsec-2020-0001\",\n]\n[[bans.skip]]\nname = \"single\"\n\
                     [licenses]\nallow = [\"ISC\"]\nexceptions = [{ crate = \"single\", allow = [] }]\n";
        let ends = whole.char_indices().map(|(at, _)| at);
        for end in ends {
            let text = &whole[..end];
            for finding in Sample::new(text).lints() {
                let span = &finding.locations[0].span;
                assert!(text.get(span.clone()).is_some(), "{span:?} of {text}");
            }
            // What stands behind a gap is read, too.
            let gap = &whole[(end + 3..whole.len())
                .find(|at| whole.is_char_boundary(*at))
                .unwrap_or(whole.len())..];
            Sample::new(&format!("{text}{gap}")).lints();
        }
    }

    #[test]
    fn thousands_of_entries_are_looked_at_at_once() {
        let entries = |quote: &str| -> String {
            let lines = (0..5_000).map(|number| format!("    {quote}a{number}{quote},\n"));
            lines.collect::<Vec<_>>().concat()
        };
        let text = format!(
            "[advisories]\nignore = [\n{}]\n[bans]\nskip = [\n{}]\n",
            entries("\""),
            entries("'")
        );
        let began = std::time::Instant::now();
        assert_eq!(Sample::new(&text).lints().len(), 10_000);
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }

    #[test]
    fn without_a_policy_nothing_is_said() {
        let judged = Sample::new("[bans]\nskip = [\"a\"]\n");
        assert!(!judged.lints().is_empty());
        assert!(judged.without_path().is_empty());
    }
}
