//! What a policy says about its entries that suppress findings.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{comments::PolicyComments, dates::until, entries::suppressions, reasons::is_written};
use crate::{limits, text::Span};

/// Why an entry is there, and until when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The value of `reason` or, without it, its comments on one line. Empty if there is neither.
    pub(crate) reason: String,
    /// The last day on which it is valid.
    pub(crate) until: Option<Date>,
}

/// The explanations in a policy, by the starts of the subjects of their entries. None if the text is too long.
pub(crate) fn explanations(text: &str) -> BTreeMap<usize, Explanation> {
    if text.len() > limits::EDITED_POLICY {
        return BTreeMap::new();
    }
    let words = |span: &Span| text[span.clone()].to_owned();
    let all = suppressions(&PolicyComments::read(text)).into_iter().map(|entry| {
        let comments: Vec<_> = entry.comments.iter().map(words).collect();
        let above: Vec<_> = entry.group.iter().map(words).collect();
        let key = entry.reason.as_ref().map(|(reason, _)| reason.value.clone());
        let dated = key.iter().chain(&comments);
        let until = dated.filter_map(|text| until(text)).find_map(|(_, date)| date);
        let own = if comments.is_empty() { above.join(" ") } else { comments.join(" ") };
        let reason = key.unwrap_or(own);
        let reason = if is_written(&reason) { reason } else { String::new() };
        (entry.subject.span.start, Explanation { reason, until })
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn reason_is_the_key_or_else_the_comments() {
        let text = "[advisories]\nignore = [\n  { id = \"A-1\", reason = \"macros, until 2030-01-02\" }, # x\n\n  \
                    # build only\n  \"A-2\", # until 2031-01-01\n\n  \"A-3\",\n\n  { id = \"A-4\", reason = \"TODO\" },\n]\n";
        let all: Vec<_> = explanations(text).into_values().collect();
        let explained = |reason: &str, until| Explanation { reason: reason.to_owned(), until };
        assert_eq!(
            all,
            [
                explained("macros, until 2030-01-02", Some(date(2030, 1, 2))),
                explained("build only until 2031-01-01", Some(date(2031, 1, 1))),
                explained("", None),
                explained("", None),
            ]
        );
    }
}
