//! Text with a little layout that can be written as Markdown or plainly. Texts from outside are
//! escaped in the first.

use std::fmt::Write as _;

/// A text in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Words of anybody.
    Text(String),
    Strong(String),
    Code(String),
    Link {
        words: String,
        url: String,
    },
    /// TOML of our own.
    Block(String),
    Line,
    Paragraph,
}

impl Markup {
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    pub(crate) fn strong(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Strong(text.into()));
        self
    }

    pub(crate) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Code(text.into()));
        self
    }

    /// Only web addresses become links.
    pub(crate) fn link(mut self, words: impl Into<String>, url: impl Into<String>) -> Self {
        let (words, url) = (words.into(), url.into());
        let safe = (url.starts_with("https://") || url.starts_with("http://"))
            && !url.contains(['(', ')', ' ', '<', '>', '\n']);
        self.0.push(if safe { Part::Link { words, url } } else { Part::Text(words) });
        self
    }

    /// Lines of TOML, which stand alone.
    pub(crate) fn block(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Block(text.into()));
        self
    }

    pub(crate) fn line(mut self) -> Self {
        self.0.push(Part::Line);
        self
    }

    pub(crate) fn paragraph(mut self) -> Self {
        self.0.push(Part::Paragraph);
        self
    }

    pub(crate) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => {
                    let at_start = out.is_empty() || out.ends_with('\n');
                    out.push_str(&escaped(text, at_start));
                }
                Part::Strong(text) => {
                    let _ = write!(out, "**{}**", escaped(text, false));
                }
                Part::Code(text) => {
                    let _ = write!(out, "`{}`", text.replace('`', "'").replace('\n', " "));
                }
                Part::Link { words, url } => {
                    let _ = write!(out, "[{}]({url})", escaped(words, false));
                }
                Part::Block(text) => {
                    // Longer than any fence in it.
                    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
                    let fence = "`".repeat(longest.max(2) + 1);
                    let _ = write!(out, "{fence}toml\n{}\n{fence}", text.trim_end());
                }
                Part::Line => out.push_str("  \n"),
                Part::Paragraph => out.push_str("\n\n"),
            }
        }
        out
    }

    pub(crate) fn plain(&self) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) | Part::Strong(text) | Part::Code(text) => out.push_str(text),
                Part::Block(text) => out.push_str(text.trim_end()),
                Part::Link { words, url } => {
                    let _ = write!(out, "{words} <{url}>");
                }
                Part::Line => out.push('\n'),
                Part::Paragraph => out.push_str("\n\n"),
            }
        }
        out
    }
}

/// Text in which Markdown's own characters mean themselves. Only what would be read as markup is
/// escaped: some editors show every backslash. `at_start` tells whether it begins a line.
///
/// `CommonMark` and the tables, tildes and lists of GitHub's Markdown are thought of. What follows
/// the text is not known, so its last character is taken for the worst.
fn escaped(text: &str, at_start: bool) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    // The characters of the line so far: what is before the text stands for a word.
    let mut line_from = if at_start { Some(0) } else { None };
    for (at, &c) in text.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| text[at]);
        let after = text.get(at + 1).copied();
        if c == '\n' {
            out.push('\n');
            line_from = Some(at + 1);
            continue;
        }
        let starts = line_from == Some(at);
        if starts && matches!(c, ' ' | '\t') {
            // Much of it would be a block of code.
            line_from = Some(at + 1);
            continue;
        }
        let numbered = || {
            line_from
                .is_some_and(|from| from < at && text[from..at].iter().all(char::is_ascii_digit))
        };
        let ends_or = |wanted: fn(char) -> bool| after.is_none_or(wanted);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let means_something = match c {
            '`' | '*' | '[' | ']' => true,
            '\\' => ends_or(|c| c.is_ascii_punctuation() || c == '\n'),
            '_' => !(is_word(before) && is_word(after)),
            '<' => ends_or(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')),
            '!' => ends_or(|c| c == '['),
            '&' => ends_or(|c| c.is_ascii_alphanumeric() || c == '#'),
            '~' => ends_or(|c| c == '~') || before.is_some_and(|c| !c.is_whitespace()),
            '>' | '#' | '|' | '=' => starts,
            '+' | '-' => starts && ends_or(|c| c.is_whitespace() || matches!(c, '-' | '|' | ':')),
            ':' => starts && ends_or(|c| c == '-'),
            '.' | ')' => numbered() && ends_or(char::is_whitespace),
            _ => false,
        };
        if means_something {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_text() {
        let markup = Markup::default()
            .text("![x](http://evil) <img> `a`")
            .link("bad", "command:rm")
            .link("good", "https://example.org/a");
        assert_eq!(
            markup.markdown(),
            "\\!\\[x\\](http://evil) \\<img> \\`a\\`bad[good](https://example.org/a)"
        );
        assert_eq!(markup.plain(), "![x](http://evil) <img> `a`badgood <https://example.org/a>");
    }

    #[test]
    fn only_what_markdown_would_read_otherwise_is_escaped() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Markup::default().text(text).markdown(), expected, "{text}");
        };
        for same in [
            "patched: >=0.3.47 · unaffected: <0.3.6",
            "a -> b (7.5), c + d - e = f.",
            "serde_json, x_y_z",
            "~1.2 or ~1.3",
            "1.0.0 is 2) no list",
            "a & b, {c}, 50 #1!x | y",
            "C:\\dir",
        ] {
            check(same, same);
        }
        check("> quote", "\\> quote");
        check(">=0.3.47", "\\>=0.3.47");
        check("# heading", "\\# heading");
        check("- item", "\\- item");
        check("  + item", "\\+ item");
        check("1. one", "1\\. one");
        check("23) two", "23\\) two");
        check("a\n===", "a\n\\===");
        check("a\n---", "a\n\\---");
        check("a | b\n--|--", "a | b\n\\--|--");
        check("a | b\n:-|-:", "a | b\n\\:-|-:");
        check("~~gone~~.", "\\~\\~gone\\~\\~.");
        check("```sh", "\\`\\`\\`sh");
        check("_a_ *b*.", "\\_a\\_ \\*b\\*.");
        check("&lt;b", "\\&lt;b");
        check("<!-- x", "\\<!-- x");
        check("\\[x", "\\\\\\[x");
        check("    code", "code");
    }

    #[test]
    fn parts_make_no_markup_together() {
        let markup =
            Markup::default().text("!").link("x", "https://example.org").text("<").text("img>");
        assert_eq!(markup.markdown(), "\\![x](https://example.org)\\<img>");
        let markup = Markup::default().text("a").line().text("# b").paragraph().text("> c");
        assert_eq!(markup.markdown(), "a  \n\\# b\n\n\\> c");
    }

    #[test]
    fn a_block_ends_where_it_is_meant_to() {
        let markup = Markup::default().block("a = '```'\n");
        assert_eq!(markup.markdown(), "````toml\na = '```'\n````");
        assert_eq!(markup.plain(), "a = '```'");
    }
}
