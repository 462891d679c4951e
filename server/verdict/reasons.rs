//! Entries of the policy that look away and do not say why yet.

use toml::de::DeTable;

use super::{Code, Finding, PolicyText, Severity, own};
use crate::{
    model::tree,
    text::{Span, Spanned},
};

/// Where a reason stands for something that is not looked at.
const LOOK_AWAY: [(&str, &str); 3] =
    [("advisories", "ignore"), ("bans", "skip"), ("bans", "skip-tree")];

/// What a reason begins with that is still to be written.
const TO_DO: &str = "TODO";

/// A finding for each reason that is empty or still to be written.
pub(super) fn missing(policy: &PolicyText) -> Vec<Finding> {
    let text = policy.text.as_str();
    let (parsed, _) = tree::parse(text);
    let entries = LOOK_AWAY.into_iter().filter_map(|(section, list)| {
        Some(tree::array(tree::table(parsed.get_ref(), section)?, list))
    });
    let tables = entries.flatten().filter_map(|entry| entry.get_ref().as_table());
    tables
        .filter_map(|entry| unwritten(text, entry))
        .map(|span| {
            let message = "the reason of this entry is still to be written".to_owned();
            let places = vec![policy.place(span)];
            let mut finding = own(Code::MissingReason, Severity::Warning, message, places);
            finding.remedy = Some("say why it is acceptable, and until when".to_owned());
            finding
        })
        .collect()
}

fn unwritten(text: &str, entry: &DeTable<'_>) -> Option<Span> {
    let Spanned { value, span } = tree::string(text, entry, "reason")?;
    let is_written = !value.trim().is_empty() && !value.trim_start().starts_with(TO_DO);
    let key = || tree::entry(entry, "reason").map_or(span.clone(), |(key, _)| key.span());
    (!is_written).then(|| if span.is_empty() { key() } else { span.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceText;

    fn check(policy: &str, expected: &[&str]) {
        let policy = PolicyText { text: SourceText::new(policy), ..PolicyText::none(None) };
        let found = missing(&policy);
        let covered: Vec<_> = found
            .iter()
            .map(|finding| &policy.text.as_str()[finding.places[0].span.clone()])
            .collect();
        assert_eq!(covered, expected);
    }

    #[test]
    fn a_reason_that_is_empty_or_to_be_written_is_none() {
        check(
            "[advisories]\nignore = [\n  { id = \"A\", reason = \"TODO: why\" },\n  { id = \"B\", \
             reason = \" \" },\n  { id = \"C\", reason = '' },\n  { id = \"D\", reason = \"no fix\" },\n  \"E\",\n]\n",
            &["TODO: why", " ", "reason"],
        );
        check("[[bans.skip]]\ncrate = \"a\"\nreason = \"TODO\"\n", &["TODO"]);
        check("[bans]\ndeny = [{ crate = \"a\", reason = \"TODO\" }]\n", &[]);
        // Half typed.
        check("[advisories]\nignore = [{ reason = \"TODO", &["\"TODO"]);
        check("[advisories]\nignore = [{ reason = ", &["reason"]);
        check("[advisories]\nignore = [{ id = ", &[]);
    }
}
