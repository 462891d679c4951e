//! Our own findings about a policy, next to cargo-deny's: entries that suppress findings without a
//! reason, past their date, or too broadly; disabled checks; policy files that are not used.
//!
//! They are hints and warnings, never errors; only `check --strict` counts them in its exit code. A
//! reason is the key `reason` or, without it, a comment on the line of the entry or directly above.
//! `until YYYY-MM-DD` in either is the last day on which the entry is valid.
//!
//! What an entry matches comes from cargo-deny's diagnostics.

mod broad;
mod comments;
mod dates;
mod entries;
mod explanations;
mod files;
mod has_fix;
mod organizations;
mod reasons;
mod single;
mod turned_off;
mod versions;
mod yanked;

use std::collections::BTreeMap;

use jiff::civil::Date;
use semver::Version;
use toml::de::DeTable;

use crate::{
    limits,
    model::tree,
    text::{SourceText, Span},
    verdict::{Code, Finding, GraphFacts, PackageRef, PolicyText, Severity, own_finding},
};
use comments::PolicyComments;
pub(crate) use dates::rewritten;
use entries::{CommentedEntry, suppressions};
pub(crate) use explanations::{Explanation, explanations};
pub(crate) use files::{SiblingPolicy, files};
pub(crate) use turned_off::enabling_value;
pub use versions::GateVersion;
pub(crate) use versions::newer_than_gates;

/// What counts as a reason, and how an entry expires.
pub const CONVENTION: &str = "The reason for an entry is its `reason` key or, without one, a comment on its line or directly above it; \
     one above a group without blank lines explains each of its entries. `licenses.exceptions` entries have no `reason` key; one comment above the list can explain all of them. A comment also \
     explains a disabled check. `until YYYY-MM-DD` in a reason or a comment is the last day on which the entry is valid. \
     A reason that is only a `TODO` counts as missing.";

/// The input of the lints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LintInput<'j> {
    pub(crate) policy: &'j PolicyText,
    /// The findings of the check with this policy
    pub(crate) findings: &'j [Finding],
    /// The graph that was checked
    pub(crate) graph: &'j GraphFacts,
    /// By id of an ignored advisory: a package that has it, and a version that fixes it and satisfies the
    /// requirements.
    pub(crate) reachable: &'j BTreeMap<String, (PackageRef, Version)>,
    pub(crate) today: Date,
}

/// All lint findings about the text of a policy.
pub(crate) fn lints(input: &LintInput<'_>) -> Vec<Finding> {
    if input.policy.path.is_none() {
        return Vec::new();
    }
    let text = input.policy.text.as_str();
    // The comments of a longer text are not read, so its reasons would seem to be missing.
    if text.len() > limits::EDITED_POLICY {
        return Vec::new();
    }
    let (parsed, _) = tree::parse(text);
    let parsed = parsed.get_ref();
    let comments = PolicyComments::read(text);
    let context = LintContext { input, text, parsed, comments, starts: starts(input) };
    let entries = suppressions(&context.comments);
    let mut all = Vec::new();
    all.extend(reasons::missing(&context, &entries));
    all.extend(dates::expired(&context, &entries));
    all.extend(broad::entries(&context, &entries));
    all.extend(yanked::not_ignored(&context, &entries));
    all.extend(has_fix::ignored(&context, &entries));
    all.extend(turned_off::checks(&context));
    all.extend(single::allowed(&context));
    all.extend(organizations::whole(&context));
    all
}

/// A parsed policy with its comments and findings.
struct LintContext<'r> {
    input: &'r LintInput<'r>,
    text: &'r str,
    parsed: &'r DeTable<'r>,
    comments: PolicyComments<'r>,
    /// The start of each location in the policy with the index of its finding, in the order of the text.
    starts: Vec<(usize, usize)>,
}

fn starts(input: &LintInput<'_>) -> Vec<(usize, usize)> {
    let findings = input.findings.iter().enumerate();
    let locations = findings.flat_map(|(index, finding)| {
        let here = finding.locations.iter().filter(|location| location.file == input.policy.name());
        here.map(move |location| (location.span.start, index))
    });
    let mut starts: Vec<_> = locations.collect();
    starts.sort_unstable();
    starts
}

impl LintContext<'_> {
    /// A lint finding at a span of the policy.
    fn finding(&self, code: Code, severity: Severity, span: Span, message: String) -> Finding {
        own_finding(code, severity, message, vec![self.input.policy.location(span)])
    }

    /// The findings with this code in a span of the policy.
    fn with_code(&self, code: Code, span: &Span) -> impl Iterator<Item = &Finding> {
        self.in_span(span).filter(move |finding| finding.code == Some(code))
    }

    /// The findings in a span of the policy.
    fn in_span(&self, span: &Span) -> impl Iterator<Item = &Finding> {
        let first = self.starts.partition_point(|(start, _)| *start < span.start);
        let end = span.end;
        let from_there = self.starts[first..].iter().take_while(move |(start, _)| *start < end);
        from_there.map(|(_, finding)| &self.input.findings[*finding])
    }

    /// Whether cargo-deny reports that an entry has no effect.
    fn is_without_effect(&self, entry: &CommentedEntry) -> bool {
        let mut findings = self.in_span(&entry.span);
        findings.any(|finding| finding.code.is_some_and(Code::is_without_effect))
    }
}

/// The first line of a text, safe to show in a message.
fn shown(text: &str) -> String {
    crate::verdict::sanitize(text.lines().next().unwrap_or_default())
}

/// The first line of a file, for lints about the whole file.
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
    fn every_prefix_of_a_policy_is_linted_without_panic() {
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
            // The text after a gap is read, too.
            let gap = &whole[(end + 3..whole.len())
                .find(|at| whole.is_char_boundary(*at))
                .unwrap_or(whole.len())..];
            Sample::new(&format!("{text}{gap}")).lints();
        }
    }

    #[test]
    fn thousands_of_entries_are_linted_quickly() {
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
    fn no_policy_has_no_lints() {
        let sample = Sample::new("[bans]\nskip = [\"a\"]\n");
        assert!(!sample.lints().is_empty());
        assert!(sample.without_path().is_empty());
    }
}
