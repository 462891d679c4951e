//! Texts of a repository for a terminal: what could move the cursor, color or hide what is shown, or turn
//! its direction is escaped as Rust writes it (`\u{202e}`).
//!
//! What a program reads is left as it is: JSON, and the policy of `init --print`.

use std::borrow::Cow;

use crate::verdict::is_harmful;

/// A text of several lines: line feeds and tabs stay, and the carriage return before a line feed.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    escaped_but(text, |c, next| match c {
        '\n' | '\t' => true,
        '\r' => next == Some('\n'),
        _ => false,
    })
}

/// A name, a version, a path: what is part of one line.
pub(super) fn escaped_line(text: &str) -> Cow<'_, str> {
    escaped_but(text, |_, _| false)
}

/// What a renderer has drawn that escapes control characters itself and writes its colors with
/// them, but knows fewer harmful characters than we do: U+FFFD stands for the others.
pub(super) fn drawn(text: &str) -> String {
    let shown =
        |c: char| if is_harmful(c) && !c.is_ascii() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

fn escaped_but(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_harmful(c) && !stays(c, rest.peek().copied()) {
            // `\n` and the like by their letters.
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
    fn what_could_harm_is_escaped_and_nothing_else() {
        let text = "é\t\u{1b}[2J\u{202e}\u{9b}\u{7f}\u{200f}\r\n\ra\n";
        let shown = "é\t\\u{1b}[2J\\u{202e}\\u{9b}\\u{7f}\\u{200f}\r\n\\ra\n";
        assert_eq!(escaped(text), shown);
        assert_eq!(escaped_line("a\tb\r\n"), "a\\tb\\r\\n");
        assert!(matches!(escaped_line("a b"), Cow::Borrowed("a b")));
        assert!(matches!(escaped("日本 𝄞 \u{200d}"), Cow::Borrowed(_)));
        assert_eq!(drawn("\u{1b}[31mé\u{9b}\u{200e}\n"), "\u{1b}[31mé\u{fffd}\u{fffd}\n");
    }
}
