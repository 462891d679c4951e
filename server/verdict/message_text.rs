//! The text of messages: untrusted text is sanitized, quotes and lists have one style.

use std::any::Any;

/// The maximum length of a text from an advisory, a registry or another program.
const LONGEST: usize = 2000;

/// Whether a character can make a terminal or an editor show a misleading text: control and bidirectional
/// characters (those with the property `Bidi_Control`), and the separators of lines and paragraphs.
pub(crate) fn is_unsafe_char(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without unsafe characters and capped, so that terminals and editors can show it.
pub(crate) fn sanitize(text: &str) -> String {
    let kept = |c: &char| *c == '\n' || !is_unsafe_char(*c);
    let mut result: String = text.chars().filter(kept).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        result.push('…');
    }
    result
}

/// The message of a caught panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    sanitize(text)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn join_with_and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Converts a message of cargo-deny to our style: `name = version` becomes `` `name` version``.
pub(crate) fn format_deny_message(message: &str, packages: &[super::PackageRef]) -> String {
    let mut message = message.to_owned();
    for package in packages {
        let ours = format!("`{}` {}", package.name, package.version);
        let theirs = format!("{} = {}", package.name, package.version);
        message = message.replace(&format!("'{theirs}'"), &ours).replace(&theirs, &ours);
    }
    names_and_versions(&quotes_to_backticks(&sanitize(&message)))
}

/// Converts each `` `name = version` `` in backticks to `` `name` version``.
fn names_and_versions(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // Backticks that do not match are no quotes.
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let shown = parts.iter().enumerate().map(|(index, part)| match part.split_once(" = ") {
        _ if index % 2 == 0 => (*part).to_owned(),
        Some((name, version)) if semver::Version::parse(version).is_ok() => {
            format!("`{name}` {version}")
        }
        _ => format!("`{part}`"),
    });
    shown.collect()
}

/// Replaces quotes by backticks, but not apostrophes.
pub(crate) fn quotes_to_backticks(text: &str) -> String {
    let within_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut before = None;
    let mut rest = text.chars().peekable();
    let mut result = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        let apostrophe = within_word(before) && within_word(rest.peek().copied());
        result.push(if c == '"' || c == '\'' && !apostrophe { '`' } else { c });
        before = Some(c);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_removed() {
        assert_eq!(sanitize("a\u{1b}[31mb\u{202e}c\r\n"), "a[31mbc\n");
        assert_eq!(sanitize(&"x".repeat(LONGEST + 1)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn quotes_become_backticks_and_apostrophes_stay() {
        assert_eq!(
            quotes_to_backticks("it doesn't know 'a' or \"b\""),
            "it doesn't know `a` or `b`"
        );
    }

    #[test]
    fn names_with_versions_are_shown_as_everywhere() {
        let theirs = "direct parent 'domain = 0.1.0' of banned crate 'memchr = 2.8.3', 'a = b'";
        assert_eq!(
            format_deny_message(theirs, &[]),
            "direct parent `domain` 0.1.0 of banned crate `memchr` 2.8.3, `a = b`"
        );
        assert_eq!(names_and_versions("a ` b = 1.0.0"), "a ` b = 1.0.0");
    }

    #[test]
    fn lists_end_with_and() {
        let join_with_and = |items: &[&str]| {
            join_with_and(&items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(join_with_and(&["a", "b", "c"]), "a, b and c");
        assert_eq!(join_with_and(&["a"]), "a");
    }
}
