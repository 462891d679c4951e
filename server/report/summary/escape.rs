//! Untrusted texts in GitHub's Markdown. Everything that could be markup is a character reference, which never is
//! (`CommonMark` 0.31, 2.5), so the texts can be in tables and in HTML, too.

use std::fmt::Write as _;

use crate::report::text;

/// A text on one line.
pub(super) fn escaped(text: &str) -> String {
    let text = text::line(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Within a word, an underscore is no markup.
        let is_in_word = c == '_'
            && before.is_alphanumeric()
            && rest.peek().is_some_and(|next| next.is_alphanumeric());
        let is_address = c == ':' && rest.peek() == Some(&'/') || c == '.' && before == 'w';
        match c {
            // No one is notified where the summary is posted as a comment.
            '@' => out.push_str("&#64;<!-- -->"),
            _ if is_address => reference(&mut out, c),
            ' ' | ',' | '.' | ':' | ';' | '(' | ')' | '/' | '=' | '+' | '-' | '\'' | '"' | '%'
            | '?' => {
                out.push(c);
            }
            _ if c.is_ascii_punctuation() && !is_in_word => reference(&mut out, c),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// A message of ours: names are in backticks.
pub(super) fn message(message: &str) -> String {
    let parts: Vec<_> = message.split('`').collect();
    // Backticks that do not match are no quotes.
    if parts.len().is_multiple_of(2) {
        return escaped(message);
    }
    let shown = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => escaped(part),
        _ => code_span(part),
    });
    shown.collect()
}

/// A name as code.
pub(super) fn code_span(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// A text of several lines in HTML.
pub(super) fn html(text: &str) -> String {
    let text = text::lines(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A web address as the target of a link; `None` for others.
pub(super) fn address(link: &str) -> Option<String> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    (is_web && link.chars().all(is_plain)).then(|| link.replace('|', "%7C"))
}

fn reference(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        assert_eq!(escaped("a|b <img>\n# *x*"), "a&#124;b &#60;img&#62; &#35; &#42;x&#42;");
        assert_eq!(escaped("a_b _c_ d__e"), "a_b &#95;c&#95; d&#95;&#95;e");
        assert_eq!(escaped("@rust-lang"), "&#64;<!-- -->rust-lang");
        assert_eq!(escaped("https://a www.b"), "https&#58;//a www&#46;b");
        assert_eq!(message("`a|b` 1.0.0 is `x`"), "<code>a&#124;b</code> 1.0.0 is <code>x</code>");
        assert_eq!(message("`a` ` b"), "&#96;a&#96; &#96; b");
        assert_eq!(html("</pre>&"), "&lt;/pre&gt;&amp;");
        assert_eq!(address("javascript:x"), None);
        assert_eq!(address("https://x.org/a)b"), None);
    }
}
