//! Escapes texts of a repository for a terminal. Characters that could move the cursor, change colors, hide
//! text or change its direction are written as in Rust (`\u{202e}`).
//!
//! Output for programs is not escaped: JSON, and the policy of `init --print`.

use std::borrow::Cow;

use crate::verdict::is_unsafe_char;

/// Escapes a text of several lines: line feeds, tabs, and a carriage return before a line feed stay.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    escaped_but(text, |c, next| match c {
        '\n' | '\t' => true,
        '\r' => next == Some('\n'),
        _ => false,
    })
}

/// Escapes a part of one line: a name, a version, a path.
pub(super) fn escaped_line(text: &str) -> Cow<'_, str> {
    escaped_but(text, |_, _| false)
}

/// Replaces unsafe characters in the output of a renderer by U+FFFD. The renderer escapes control characters
/// itself and uses them for colors, but does not know the other unsafe ones.
pub(super) fn replace_unsafe(text: &str) -> String {
    let shown =
        |c: char| if is_unsafe_char(c) && !c.is_ascii() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

fn escaped_but(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    if !text.contains(is_unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_unsafe_char(c) && !stays(c, rest.peek().copied()) {
            // Such as `\n`.
            let letters = c.is_ascii().then(|| c.escape_default().to_string());
            escaped.push_str(&letters.unwrap_or_else(|| c.escape_unicode().to_string()));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unsafe_characters_are_escaped() {
        let text = "é\t\u{1b}[2J\u{202e}\u{9b}\u{7f}\u{200f}\r\n\ra\n";
        let shown = "é\t\\u{1b}[2J\\u{202e}\\u{9b}\\u{7f}\\u{200f}\r\n\\ra\n";
        assert_eq!(escaped(text), shown);
        assert_eq!(escaped_line("a\tb\r\n"), "a\\tb\\r\\n");
        assert!(matches!(escaped_line("a b"), Cow::Borrowed("a b")));
        assert!(matches!(escaped("日本 𝄞 \u{200d}"), Cow::Borrowed(_)));
        assert_eq!(replace_unsafe("\u{1b}[31mé\u{9b}\u{200e}\n"), "\u{1b}[31mé\u{fffd}\u{fffd}\n");
    }
}
