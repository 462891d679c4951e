//! Entries that look away and do not say why.

use super::{Read, entries::Entry, shown};
use crate::{
    policy::entries::List,
    text::Span,
    verdict::{Code, Finding, Severity},
};

/// What a reason begins with that is still to be written.
const TO_DO: &str = "TODO";

enum Reason {
    Given,
    /// There is a place for it.
    Unwritten(Span),
    None,
}

/// A warning for each reason that is empty or still to be written, a hint where there is none.
pub(super) fn missing<'r>(
    read: &'r Read<'_>,
    entries: &'r [Entry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter_map(|entry| {
        let (severity, span, message) = match reason(read.text, entry) {
            Reason::Given => return None,
            Reason::Unwritten(span) => {
                let message = "the reason of this entry is still to be written".to_owned();
                (Severity::Warning, span, message)
            }
            // What has no effect needs no reason.
            Reason::None if read.is_without_effect(entry) => return None,
            Reason::None => {
                let what = shown(&entry.subject.value);
                let message = format!("the entry of `{what}` does not say why it is there");
                (Severity::Help, entry.subject.span.clone(), message)
            }
        };
        let mut finding = read.said(Code::MissingReason, severity, span, message);
        finding.remedy = Some(match entry.list {
            List::Exception => "say in a comment why it is acceptable".to_owned(),
            _ => "say why it is acceptable, and until when".to_owned(),
        });
        Some(finding)
    })
}

fn reason(text: &str, entry: &Entry) -> Reason {
    let is_written = |words: &str| !words.trim().is_empty() && !words.trim().starts_with(TO_DO);
    if let Some((reason, key)) = &entry.reason {
        if is_written(&reason.value) {
            return Reason::Given;
        }
        let empty = reason.span.is_empty();
        return Reason::Unwritten(if empty { key.clone() } else { reason.span.clone() });
    }
    let words = |comment: &&Span| !text[(*comment).clone()].is_empty();
    let comments: Vec<_> = entry.comments.iter().filter(words).collect();
    if comments.iter().any(|comment| is_written(&text[(*comment).clone()])) {
        return Reason::Given;
    }
    comments.first().map_or(Reason::None, |comment| Reason::Unwritten((*comment).clone()))
}

#[cfg(test)]
mod tests {
    use crate::{
        policy::lints::samples::check,
        verdict::{Code, Severity},
    };

    fn unwritten(policy: &str, expected: &[&str]) {
        check(policy, Code::MissingReason, Severity::Warning, expected);
    }

    fn none(policy: &str, expected: &[&str]) {
        check(policy, Code::MissingReason, Severity::Help, expected);
    }

    #[test]
    fn a_reason_that_is_empty_or_to_be_written_is_none() {
        unwritten(
            "[advisories]\nignore = [\n  { id = \"A-1\", reason = \"TODO: why\" },\n  { id = \"B-1\", \
             reason = \" \" },\n  { id = \"C-1\", reason = '' },\n  { id = \"D-1\", reason = \"no fix\" },\n  \"E-1\",\n]\n",
            &["TODO: why", " ", "reason"],
        );
        unwritten("[[bans.skip]]\ncrate = \"a\"\nreason = \"TODO\"\n", &["TODO"]);
        unwritten("[bans]\ndeny = [{ crate = \"a\", reason = \"TODO\" }]\n", &[]);
        unwritten("[bans]\nskip = [\"a\"] # TODO: why\n", &["TODO: why"]);
        // Half typed.
        unwritten("[advisories]\nignore = [{ id = \"A-1\", reason = \"TODO", &["TODO"]);
        unwritten("[advisories]\nignore = [{ reason = \"TODO\" }, { id = ", &[]);
    }

    #[test]
    fn an_entry_without_a_reason_is_a_hint() {
        none(
            "[advisories]\nignore = [\"RUSTSEC-2020-0001\", { id = 'RUSTSEC-2020-0002' }]\n\
             [bans]\nskip = [{ crate = \"a@1\" }]\nskip-tree = [\"b\"]\n\
             [licenses]\nexceptions = [{ name = \"c\", allow = [\"ISC\"] }]\n",
            &["RUSTSEC-2020-0001", "RUSTSEC-2020-0002", "a@1", "b", "c"],
        );
        none("[[bans.skip]]\ncrate = \"a\"\n", &["a"]);
        none("[bans]\nskip = [\"a", &["a"]);
        none("[bans]\nskip = [\"\", { }, 1", &[]);
    }

    #[test]
    fn a_comment_on_the_line_or_directly_above_is_a_reason() {
        none("[bans]\nskip = [\"a\", \"b\"] # both are going\n", &[]);
        none("[bans]\nskip = [\n  # goes with b 2\n  # in spring\n  \"a\",\n  \"b\",\n]\n", &["b"]);
        none("[bans]\nskip = [\n  \"a\", # why\n  \"b\",\n  { crate = \"c\" } # why\n]\n", &["b"]);
        none("# why\n[[bans.skip]]\ncrate = \"a\"\n\n[[bans.skip]]\ncrate = \"b\" # why\n", &[]);
        none("[bans]\nskip = [\"a#b\"]\n", &["a#b"]);
        none("[bans]\n# versions that may be there\nskip = [\n  \"a\",\n]\n", &["a"]);
        none("[bans]\nskip = [\n  #\n  \"a\",\n]\n", &["a"]);
    }

    #[test]
    fn exceptions_may_share_a_comment_since_they_have_no_reason() {
        none(
            "[licenses]\n# each looked at\nexceptions = [\n  { crate = \"a\", allow = [] },\n  { crate = \"b\", \
             allow = [] },\n]\n",
            &[],
        );
        none(
            "[licenses]\nallow = [] # ours\nexceptions = [\n  { crate = \"a\", allow = [] },\n]\n",
            &["a"],
        );
    }
    #[test]
    fn a_file_of_exceptions_is_looked_at_like_the_policy() {
        let two = "exceptions = [\n  { crate = \"a\", allow = [] },\n  { crate = \"b\", allow = [] }, # why\n]\n";
        none(two, &["a"]);
        none(&format!("# each looked at\n{two}"), &[]);
        unwritten("exceptions = [{ crate = \"a\", allow = [] }] # TODO: why\n", &["TODO: why"]);
        none(
            "[[exceptions]]\ncrate = \"a\"\nallow = []\n\n[[exceptions]]\ncrate = \"b\"\n",
            &["a", "b"],
        );
    }
}
