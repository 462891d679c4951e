//! Entries with an expiry date: `until YYYY-MM-DD` in a reason or a comment.

use jiff::civil::Date;

use super::{LintContext, entries::CommentedEntry, turned_off};
use crate::{
    text::Span,
    verdict::{Code, Finding, Severity},
};

/// A warning for each date that has passed, and for each that cannot be parsed.
pub(super) fn expired(context: &LintContext<'_>, entries: &[CommentedEntry]) -> Vec<Finding> {
    let of_entries = entries.iter().flat_map(|entry| {
        let reason = entry.reason.iter().map(|(reason, _)| reason.span.clone());
        reason.chain(entry.comments.iter().cloned())
    });
    let of_checks = turned_off::comments(context);
    let mut spans: Vec<Span> = of_entries.chain(of_checks).collect();
    // Several entries can share a comment.
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    spans.into_iter().filter_map(|span| finding(context, span)).collect()
}

fn finding(context: &LintContext<'_>, span: Span) -> Option<Finding> {
    let (until, date) = until(&context.text[span.clone()])?;
    let span = span.start + until.start..span.start + until.end;
    let words = &context.text[span.clone()];
    match date {
        Some(date) if date >= context.input.today => None,
        Some(date) => {
            let message = format!("this entry expired on {date}");
            let mut finding = context.finding(Code::PastDue, Severity::Warning, span, message);
            finding.remedy = Some("remove it, or review it and set a new date".to_owned());
            Some(finding)
        }
        None => {
            let message = format!("invalid date `{words}`");
            let mut finding =
                context.finding(Code::UnreadableDate, Severity::Warning, span, message);
            finding.remedy = Some("write `until YYYY-MM-DD`".to_owned());
            Some(finding)
        }
    }
}

/// The span of the date after `until`, and the date itself if it can be parsed; `None` if there is no date.
pub(super) fn until(words: &str) -> Option<(Span, Option<Date>)> {
    let lower = words.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find("until") {
        let end = from + found + "until".len();
        from = end;
        let before = lower[..end - "until".len()].chars().next_back();
        let rest = &words[end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', ':']).len();
        if blanks == 0 || before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let start = end + blanks;
        let token = words[start..].split(|c: char| !is_part(c)).next().unwrap_or_default();
        let token = token.trim_end_matches(['.', '-', '/']);
        if is_date_like(token) {
            return Some((start..start + token.len(), date(token)));
        }
    }
    None
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.')
}

/// A year followed by more, or numbers with slashes. A version is not like a date.
fn is_date_like(token: &str) -> bool {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    let behind = token.as_bytes().get(digits);
    let year = digits == 4 && matches!(behind, None | Some(b'-' | b'/'))
        || digits == 8 && behind.is_none();
    let parts: Vec<&str> = token.split(['/', '.', '-']).collect();
    let numbers = parts.len() == 3
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let ends_in_year = numbers && parts[2].len() == 4;
    year || ends_in_year || numbers && token.contains('/')
}

/// Only `YYYY-MM-DD`.
fn date(token: &str) -> Option<Date> {
    let is_iso = token.len() == 10 && token.as_bytes()[4] == b'-' && token.as_bytes()[7] == b'-';
    is_iso.then(|| token.parse().ok()).flatten()
}

/// The date as `YYYY-MM-DD`, if the text is not ambiguous.
pub(crate) fn rewritten(token: &str) -> Option<String> {
    let parts: Vec<&str> = token.split(['/', '.', '-']).collect();
    let number = |part: &str| part.parse::<i16>().ok();
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => (number(year)?, number(month)?, number(day)?),
        // With dots, the day comes first.
        [day, month, year] if year.len() == 4 && token.contains('.') => {
            (number(year)?, number(month)?, number(day)?)
        }
        [all] if all.len() == 8 => (number(&all[..4])?, number(&all[4..6])?, number(&all[6..])?),
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::lints::samples::check;

    #[test]
    fn dates_are_distinguished_from_other_words() {
        let read =
            |words: &str| until(words).map(|(span, date)| (words[span].to_owned(), date.is_some()));
        let day = |words: &str, valid| Some((words.to_owned(), valid));
        assert_eq!(read("no fix yet; until 2026-03-01."), day("2026-03-01", true));
        assert_eq!(read("Until: 2026-03-01, then again"), day("2026-03-01", true));
        assert_eq!(read("until 2026-13-01"), day("2026-13-01", false));
        assert_eq!(read("until 2026-3-1"), day("2026-3-1", false));
        assert_eq!(read("until 2026/03/01"), day("2026/03/01", false));
        assert_eq!(read("until 01.03.2026"), day("01.03.2026", false));
        assert_eq!(read("until 2026-Q3"), day("2026-Q3", false));
        assert_eq!(read("until 2026"), day("2026", false));
        assert_eq!(read("until upstream has a release"), None);
        assert_eq!(read("until 1.2.3 is out, until 0.17"), None);
        assert_eq!(read("until v2 or until 2026-03-01"), day("2026-03-01", true));
        assert_eq!(read("untils 2026-03-01"), None);
        assert_eq!(read("runtil 2026-03-01 until"), None);
    }

    #[test]
    fn unambiguous_dates_are_rewritten() {
        assert_eq!(rewritten("2026/3/1").as_deref(), Some("2026-03-01"));
        assert_eq!(rewritten("01.03.2026").as_deref(), Some("2026-03-01"));
        assert_eq!(rewritten("20260301").as_deref(), Some("2026-03-01"));
        assert_eq!(rewritten("01/03/2026"), None);
        assert_eq!(rewritten("2026-13-01"), None);
        assert_eq!(rewritten("2026-Q3"), None);
    }

    #[test]
    fn expired_and_invalid_dates_are_warnings() {
        let policy = "[advisories]\nyanked = \"allow\" # until 2025-06-30\nignore = [\n\
                      { id = \"A-1\", reason = \"until 2025-12-31: no fix\" },\n\
                      { id = \"A-2\", reason = \"until 2026-01-01\" },\n\
                      { id = \"A-3\", reason = \"until 2026-06-31\" },\n\
                      \"A-4\", # until 2024-02-29\n]\n";
        check(
            policy,
            Code::PastDue,
            Severity::Warning,
            &["2025-06-30", "2025-12-31", "2024-02-29"],
        );
        check(policy, Code::UnreadableDate, Severity::Warning, &["2026-06-31"]);
        // Half typed
        check("[bans]\nskip = [{ reason = \"until 2", Code::UnreadableDate, Severity::Warning, &[]);
    }
}
