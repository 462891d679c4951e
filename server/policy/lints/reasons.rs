//! Entries that suppress findings without a reason.

use super::{LintContext, entries::CommentedEntry, shown};
use crate::{
    policy::{REASON_PLACEHOLDER, entries::PolicyList},
    text::Span,
    verdict::{Code, Finding, Severity},
};

/// The start of a placeholder.
const TO_DO: &str = "TODO";

enum Reason {
    Given,
    /// Empty, or a placeholder.
    Unwritten(Span),
    None,
}

/// A warning for each reason that is empty or a placeholder, a hint for each that is missing.
pub(super) fn missing<'r>(
    context: &'r LintContext<'_>,
    entries: &'r [CommentedEntry],
) -> impl Iterator<Item = Finding> + 'r {
    entries.iter().filter_map(|entry| {
        let list = entry.list.key();
        let subject = shown(&entry.subject.value);
        let (severity, span, message) = match reason(context.text, entry) {
            Reason::Given => return None,
            Reason::Unwritten(span) => {
                let message = format!(
                    "the reason of this `{list}` entry for `{subject}` is empty or a `TODO`"
                );
                (Severity::Warning, span, message)
            }
            // cargo-deny reports the entry itself.
            Reason::None if context.is_without_effect(entry) => return None,
            Reason::None => {
                let missing = match entry.list {
                    PolicyList::Exception => "no comment that explains it",
                    _ => "no `reason`",
                };
                let message = format!("this `{list}` entry for `{subject}` has {missing}");
                (Severity::Help, entry.subject.span.clone(), message)
            }
        };
        let mut finding = context.finding(Code::MissingReason, severity, span, message);
        finding.remedy = Some(match entry.list {
            PolicyList::Exception => "explain in a comment why it is acceptable".to_owned(),
            _ => "state why it is acceptable, and until when".to_owned(),
        });
        Some(finding)
    })
}

fn reason(text: &str, entry: &CommentedEntry) -> Reason {
    if let Some((reason, key)) = &entry.reason {
        if is_written(&reason.value) {
            return Reason::Given;
        }
        let empty = reason.span.is_empty();
        return Reason::Unwritten(if empty { key.clone() } else { reason.span.clone() });
    }
    let words = |comment: &&Span| !text[(*comment).clone()].is_empty();
    let comments: Vec<_> = entry.comments.iter().chain(&entry.group).filter(words).collect();
    if comments.iter().any(|comment| is_written(&text[(*comment).clone()])) {
        return Reason::Given;
    }
    comments.first().map_or(Reason::None, |comment| Reason::Unwritten((*comment).clone()))
}

/// Whether a reason says more than that it is to be written.
pub(super) fn is_written(reason: &str) -> bool {
    let reason = reason.trim();
    if reason == REASON_PLACEHOLDER {
        return false;
    }
    let Some(rest) = reason.strip_prefix(TO_DO) else { return !reason.is_empty() };
    // `TODO(name): ..`
    let after_name = rest.strip_prefix('(').and_then(|rest| Some(rest.split_once(')')?.1));
    let words = after_name.unwrap_or(rest).trim_matches(|c: char| !c.is_alphanumeric());
    !words.is_empty() && words != "why"
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
    fn empty_or_todo_reason_is_a_warning() {
        unwritten(
            "[advisories]\nignore = [\n  { id = \"A-1\", reason = \"TODO: why\" },\n  { id = \"B-1\", \
             reason = \" \" },\n  { id = \"C-1\", reason = '' },\n  { id = \"D-1\", reason = \"no fix\" },\n  \"E-1\",\n]\n",
            &["TODO: why", " ", "reason"],
        );
        unwritten("[[bans.skip]]\ncrate = \"a\"\nreason = \"TODO\"\n", &["TODO"]);
        unwritten("[bans]\ndeny = [{ crate = \"a\", reason = \"TODO\" }]\n", &[]);
        unwritten("[bans]\nskip = [\"a\"] # TODO: why\n", &["TODO: why"]);
        unwritten("[bans]\nskip = [\n  # TODO(me):\n  \"a\",\n]\n", &["TODO(me):"]);
        unwritten("[bans]\nskip = [\n  # TODO: until the parser is rewritten\n  \"a\",\n]\n", &[]);
        unwritten("[bans]\nskip = [{ crate = \"a\", reason = \"TODO ask upstream\" }]\n", &[]);
        // Half typed
        unwritten("[advisories]\nignore = [{ id = \"A-1\", reason = \"TODO", &["TODO"]);
        unwritten("[advisories]\nignore = [{ reason = \"TODO\" }, { id = ", &[]);
    }

    #[test]
    fn entry_without_reason_is_a_hint() {
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
    fn comment_on_the_line_or_directly_above_is_a_reason() {
        none("[bans]\nskip = [\"a\", \"b\"] # both are going\n", &[]);
        none("[bans]\nskip = [\n  # goes with b 2\n  # in spring\n  \"a\",\n  \"b\",\n]\n", &[]);
        none("[bans]\nskip = [\n  \"a\", # why\n  \"b\",\n  { crate = \"c\" } # why\n]\n", &["b"]);
        none("# why\n[[bans.skip]]\ncrate = \"a\"\n\n[[bans.skip]]\ncrate = \"b\" # why\n", &[]);
        none("[bans]\nskip = [\"a#b\"]\n", &["a#b"]);
        none("[bans]\n# versions that may be there\nskip = [\n  \"a\",\n]\n", &["a"]);
        none("[bans]\nskip = [\n  #\n  \"a\",\n]\n", &["a"]);
    }

    #[test]
    fn comment_above_a_group_is_a_reason_for_each_of_its_entries() {
        none(
            "[bans]\nskip = [\n  # the old ones\n  { crate = \"a\" },\n  # and this\n  \"b\", \"c\",\n\n  \"d\",\n]\n",
            &["d"],
        );
        none(
            "# old\n[[bans.skip]]\ncrate = \"a\"\n[[bans.skip]]\ncrate = \"b\"\n\n[[bans.skip]]\ncrate = \"c\"\n",
            &["c"],
        );
        // Another list.
        none("[bans]\nskip = [\n  # old\n  \"a\",\n]\nskip-tree = [\"b\"]\n", &["b"]);
        unwritten("[bans]\nskip = [\n  # TODO\n  \"a\",\n  \"b\",\n]\n", &["TODO", "TODO"]);
    }

    #[test]
    fn exceptions_can_share_a_comment() {
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
    fn exceptions_file_is_linted_like_the_policy() {
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
