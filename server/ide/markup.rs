//! Text with simple layout that can be rendered as Markdown or plain text. Untrusted text is escaped in
//! Markdown.

use std::fmt::Write as _;

/// A text with layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Plain text, possibly untrusted.
    Text(String),
    Strong(String),
    Code(String),
    Link {
        label: String,
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
    pub(crate) fn link(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        let (label, url) = (label.into(), url.into());
        let safe = (url.starts_with("https://") || url.starts_with("http://"))
            && !url.contains(['(', ')', ' ', '<', '>', '\n']);
        self.0.push(if safe { Part::Link { label, url } } else { Part::Text(label) });
        self
    }

    /// A link that runs a command of the editor with one text as argument. The name has no characters of markup.
    pub(crate) fn command(mut self, label: impl Into<String>, name: &str, argument: &str) -> Self {
        let arguments = serde_json::json!([argument]).to_string();
        let encoded = arguments.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        let url = format!("command:{name}?{}", encoded.collect::<String>());
        self.0.push(Part::Link { label: label.into(), url });
        self
    }

    /// A code block of TOML.
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
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    let next = self.0[at + 1..].iter().find_map(Part::first).unwrap_or('\n');
                    let around = TextContext { before: out.chars().last(), next, in_link: false };
                    out.push_str(&escaped(text, &around));
                }
                Part::Strong(text) => {
                    let around = TextContext { before: Some('*'), next: '*', in_link: false };
                    let _ = write!(out, "**{}**", escaped(text, &around));
                }
                Part::Code(text) => {
                    let _ = write!(out, "`{}`", text.replace('`', "'").replace('\n', " "));
                }
                Part::Link { label, url } => {
                    let around = TextContext { before: Some('['), next: ']', in_link: true };
                    let _ = write!(out, "[{}]({url})", escaped(label, &around));
                }
                Part::Block(text) => {
                    // Longer than any fence in the text.
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
                Part::Link { label, url } => {
                    let _ = write!(out, "{label} <{url}>");
                }
                Part::Line => out.push('\n'),
                Part::Paragraph => out.push_str("\n\n"),
            }
        }
        out
    }
}

impl Part {
    /// The first character of its Markdown; `None` of an empty text.
    fn first(&self) -> Option<char> {
        match self {
            Self::Text(text) => text.chars().next(),
            Self::Strong(_) => Some('*'),
            Self::Code(_) | Self::Block(_) => Some('`'),
            Self::Link { .. } => Some('['),
            Self::Line => Some(' '),
            Self::Paragraph => Some('\n'),
        }
    }
}

/// The surroundings of a text.
struct TextContext {
    /// `None` at the start.
    before: Option<char>,
    next: char,
    /// The text is the label of a link, which ends at a bracket.
    in_link: bool,
}

/// Escapes the characters that Markdown would interpret.
///
/// Escapes only what is markup at its position, with an entity where possible: Neovim shows the
/// backslash of an escape, but decodes `&lt;`, `&gt;` and `&amp;`; VS Code and Helix support both. An
/// opening bracket is always escaped, because Neovim renders any pair of brackets as a link; then the
/// closing one has no meaning.
///
/// Covers `CommonMark` and the tables, strikethrough and lists of GitHub's Markdown.
fn escaped(text: &str, around: &TextContext) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at_start = around.before.is_none_or(|c| c == '\n');
    // Where the line starts; `None` if other text comes before it on the line.
    let mut line_from = if at_start { Some(0) } else { None };
    for (at, &c) in text.iter().enumerate() {
        let before = match at {
            0 => around.before.unwrap_or('\n'),
            _ => text[at - 1],
        };
        let after = text.get(at + 1).copied().unwrap_or(around.next);
        if c == '\n' {
            out.push('\n');
            line_from = Some(at + 1);
            continue;
        }
        let starts = line_from == Some(at);
        if starts && matches!(c, ' ' | '\t') {
            // Four spaces would start a code block.
            line_from = Some(at + 1);
            continue;
        }
        let entity = match c {
            '<' if after.is_ascii_alphabetic() || matches!(after, '/' | '!' | '?') => "&lt;",
            '&' if after.is_ascii_alphanumeric() || after == '#' => "&amp;",
            '>' if starts => "&gt;",
            _ => "",
        };
        if !entity.is_empty() {
            out.push_str(entity);
            continue;
        }
        let numbered = || {
            line_from
                .is_some_and(|from| from < at && text[from..at].iter().all(char::is_ascii_digit))
        };
        let is_isolated = before.is_whitespace() && after.is_whitespace();
        let is_markup = match c {
            '`' | '[' => true,
            ']' => around.in_link,
            '*' => starts || !is_isolated,
            '\\' => after.is_ascii_punctuation() || after == '\n',
            '_' => starts || !(is_isolated || before.is_alphanumeric() && after.is_alphanumeric()),
            // Before a link it would make an image.
            '!' => at + 1 == text.len() && after == '[',
            '~' => after == '~' || !before.is_whitespace(),
            '#' | '|' | '=' => starts,
            '+' | '-' => starts && (after.is_whitespace() || matches!(after, '-' | '|' | ':')),
            ':' => starts && after == '-',
            '.' | ')' => numbered() && after.is_whitespace(),
            _ => false,
        };
        if is_markup {
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
    fn untrusted_text_is_escaped() {
        let markup = Markup::default()
            .text("![x](http://evil) <img> `a`")
            .link("bad", "command:rm")
            .link("good", "https://example.org/a");
        assert_eq!(
            markup.markdown(),
            "!\\[x](http://evil) &lt;img> \\`a\\`bad[good](https://example.org/a)"
        );
        assert_eq!(markup.plain(), "![x](http://evil) <img> `a`badgood <https://example.org/a>");
        let markup = Markup::default().command("run", "a.b", "x:(/)\"");
        assert_eq!(markup.markdown(), "[run](command:a.b?%5B%22x%3A%28%2F%29%5C%22%22%5D)");
    }

    #[test]
    fn only_markup_is_escaped() {
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
            "2 * 3 _ 4",
            "wow!",
            "a] b](c)",
        ] {
            check(same, same);
        }
        check("> quote", "&gt; quote");
        check(">=0.3.47", "&gt;=0.3.47");
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
        check("&lt;b", "&amp;lt;b");
        check("<!-- x", "&lt;!-- x");
        check("![x](y)", "!\\[x](y)");
        check("* item", "\\* item");
        check("\\[x", "\\\\\\[x");
        check("    code", "code");
    }

    #[test]
    fn adjacent_parts_do_not_form_markup() {
        let markup =
            Markup::default().text("!").link("x", "https://example.org").text("<").text("img>");
        assert_eq!(markup.markdown(), "\\![x](https://example.org)&lt;img>");
        let markup = Markup::default().text("a").line().text("# b").paragraph().text("> c");
        assert_eq!(markup.markdown(), "a  \n\\# b\n\n&gt; c");
    }

    /// The text that `CommonMark` and the extensions of editors render, without whitespace; `None` if there
    /// is markup.
    fn read(markdown: &str) -> Option<String> {
        use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

        let additions = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_FOOTNOTES;
        let mut label = String::new();
        for event in Parser::new_ext(markdown, additions) {
            match event {
                Event::Text(text) => label.push_str(&text),
                Event::Code(code) => label.extend(["{", code.as_ref(), "}"]),
                Event::Start(Tag::Paragraph)
                | Event::End(TagEnd::Paragraph)
                | Event::SoftBreak
                | Event::HardBreak => {}
                _ => return None,
            }
        }
        label.retain(|c| !c.is_whitespace());
        Some(label)
    }

    #[test]
    fn every_text_is_rendered_unchanged() {
        const PIECES: [&str; 24] = [
            "a", "1.", " ", "\n", "`", "*", "_", "[", "](b)", "]:", "!", "<", ">", "<b>", "&lt;",
            "#", "-", "+", "~", "|", ":-", "=", "\\", "^",
        ];
        let check = |markup: &Markup, expected: String| {
            let expected: String = expected.split_whitespace().collect();
            let markdown = markup.markdown();
            assert_eq!(read(&markdown), Some(expected), "{markup:?} as {markdown:?}");
        };
        for number in 0..PIECES.len().pow(4) {
            let piece = |at: u32| PIECES[number / PIECES.len().pow(at) % PIECES.len()];
            let text = [0, 1, 2, 3].map(piece).concat();
            check(&Markup::default().text(&text), text.clone());
            let (first, second) = (piece(0).to_owned() + piece(1), piece(2).to_owned() + piece(3));
            check(&Markup::default().text(&first).text(&second), text);
            let between = Markup::default().code("x").text(&first).code("y").text(&second);
            check(&between, format!("{{x}}{first}{{y}}{second}"));
        }
    }

    #[test]
    fn block_with_fences_ends_at_its_own_fence() {
        let markup = Markup::default().block("a = '```'\n");
        assert_eq!(markup.markdown(), "````toml\na = '```'\n````");
        assert_eq!(markup.plain(), "a = '```'");
    }
}
