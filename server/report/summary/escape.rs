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
    text::names_as_code(message, escaped, code_span)
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

    /// The text of a table's cells, which has no markup.
    fn cells(markdown: &str) -> Vec<String> {
        use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_GFM;
        let mut cells = Vec::new();
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Start(Tag::TableCell) => cells.push(String::new()),
                Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow)
                | Event::End(
                    TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell,
                ) => {}
                Event::Text(text) => cells.last_mut().expect("a cell").push_str(&text),
                Event::InlineHtml(html) if *html == *"<!-- -->" => {}
                other => panic!("{other:?} in {markdown}"),
            }
        }
        cells
    }

    #[test]
    fn made_names_stay_text_in_a_table() {
        const PARTS: [&str; 40] = [
            "a",
            "b_",
            "_",
            "*",
            "**",
            "~",
            "~~",
            "`",
            "``",
            "|",
            "\\",
            "\\|",
            "<",
            "<b>",
            "</code>",
            "<!--",
            "-->",
            "&",
            "&lt;",
            "&#35;",
            "[",
            "]",
            "](",
            "x)",
            "!",
            "![",
            "http://",
            "https://x",
            "www.",
            "@a",
            "#1",
            "\n",
            "\n\n",
            "---",
            "1.",
            "- ",
            " ",
            "$",
            "[^1]",
            ":smile:",
        ];
        let mut state: u64 = 1;
        for _ in 0..20_000 {
            let mut name = String::from("x");
            for _ in 0..8 {
                // Knuth's MMIX generator.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).expect("31 bits") % PARTS.len();
                name.push_str(PARTS[at]);
            }
            name.push('y');
            let table = format!("| a | b |\n|---|---|\n| {} | z |\n", escaped(&name));
            assert_eq!(cells(&table), ["a", "b", &text::line(&name), "z"], "{table}");
        }
    }
}
