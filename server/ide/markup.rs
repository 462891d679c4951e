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
                Part::Text(text) => out.push_str(&escaped(text)),
                Part::Strong(text) => {
                    let _ = write!(out, "**{}**", escaped(text));
                }
                Part::Code(text) => {
                    let _ = write!(out, "`{}`", text.replace('`', "'"));
                }
                Part::Link { words, url } => {
                    let _ = write!(out, "[{}]({url})", escaped(words));
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

/// Markdown's own characters mean themselves.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>()#+!|~&".contains(c) {
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
            "\\!\\[x\\]\\(http://evil\\) \\<img\\> \\`a\\`bad[good](https://example.org/a)"
        );
        assert_eq!(markup.plain(), "![x](http://evil) <img> `a`badgood <https://example.org/a>");
    }
}
