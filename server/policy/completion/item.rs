//! A suggestion, the snippet that it inserts, and the order of suggestions.

use super::{Completions, MAX_SUGGESTIONS};
use crate::{policy::rich_text::RichText, text::Span, verdict::Code};

/// An item of the completion list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    pub(crate) label: String,
    pub(crate) kind: SuggestionKind,
    /// A short text next to the label; may be empty
    pub(crate) detail: String,
    /// The documentation
    pub(crate) about: RichText,
    /// The span that it replaces: a part of the line with the cursor
    pub(crate) span: Span,
    pub(crate) snippet: Snippet,
    /// The text to match with the typed text, from the start of the span to the cursor
    pub(crate) filter: String,
    pub(super) rank: Rank,
    /// What to document with facts from the graph, once the suggestion is in the list
    pub(super) subject: Option<SuggestionSubject>,
}

/// The package or license of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SuggestionSubject {
    /// The index of a package in the graph, and the codes of the findings that matter for the list
    Package(usize, &'static [Code]),
    /// The license or exception in the label
    License,
}

/// The kind of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuggestionKind {
    Key,
    Table,
    /// A value from the schema
    Value,
    Package,
    License,
    Advisory,
    Source,
    Target,
    Feature,
    File,
}

/// The order of suggestions, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// It resolves a finding
    Finding,
    /// It is required
    Required,
    /// It is in the graph, or common
    Usual,
    /// Any other
    Other,
    /// It would have no effect
    Unused,
}

/// A text to insert, with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snippet(Vec<SnippetPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum SnippetPart {
    Text(String),
    /// A placeholder with its default text
    Placeholder(String),
    /// A placeholder with choices; the first is the default
    Choice(Vec<String>),
    /// The final position of the cursor
    End,
}

impl Suggestion {
    /// Whether it would have no effect.
    #[cfg(test)]
    pub(crate) fn is_unused(&self) -> bool {
        self.rank == Rank::Unused
    }
}

impl Snippet {
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(SnippetPart::Text(text.into()));
        self
    }

    pub(super) fn placeholder(mut self, default: impl Into<String>) -> Self {
        self.0.push(SnippetPart::Placeholder(default.into()));
        self
    }

    pub(super) fn choice(mut self, choices: Vec<String>) -> Self {
        self.0.push(SnippetPart::Choice(choices));
        self
    }

    pub(super) fn end(mut self) -> Self {
        self.0.push(SnippetPart::End);
        self
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether it has no placeholders.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, SnippetPart::Text(_)))
    }

    /// The text with the defaults of the placeholders.
    pub(crate) fn plain(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            SnippetPart::Text(text) | SnippetPart::Placeholder(text) => text.as_str(),
            SnippetPart::Choice(choices) => choices.first().map_or("", String::as_str),
            SnippetPart::End => "",
        });
        parts.collect()
    }

    /// In the snippet syntax of the Language Server Protocol.
    pub(crate) fn lsp_snippet(&self) -> String {
        let mut out = String::new();
        let mut number = 0;
        for part in &self.0 {
            match part {
                SnippetPart::Text(text) => out.push_str(&escaped(text, "\\$}")),
                SnippetPart::Placeholder(text) => {
                    number += 1;
                    match text.as_str() {
                        "" => out.push_str(&format!("${number}")),
                        text => out.push_str(&format!("${{{number}:{}}}", escaped(text, "\\$}"))),
                    }
                }
                SnippetPart::Choice(choices) => {
                    number += 1;
                    let choices: Vec<_> =
                        choices.iter().map(|choice| escaped(choice, "\\$},|")).collect();
                    out.push_str(&format!("${{{number}|{}|}}", choices.join(",")));
                }
                SnippetPart::End => out.push_str("$0"),
            }
        }
        out
    }
}

impl From<&str> for Snippet {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

fn escaped(text: &str, special: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The suggestions that match the typed text, the best first, limited to [`MAX_SUGGESTIONS`].
pub(super) fn matching(items: Vec<Suggestion>, text: &str, offset: usize) -> Completions {
    let fitted = |item: Suggestion| {
        let typed = text.get(item.span.start..offset)?;
        Some((fit(&item.filter, typed)?, item))
    };
    let mut fitting: Vec<(FilterMatch, Suggestion)> =
        items.into_iter().filter_map(fitted).collect();
    // The sort is stable.
    fitting.sort_by_key(|(fit, item)| (item.rank, *fit));
    let mut items: Vec<Suggestion> = Vec::with_capacity(fitting.len().min(MAX_SUGGESTIONS + 1));
    for (_, item) in fitting {
        if items.len() > MAX_SUGGESTIONS {
            break;
        }
        items.push(item);
    }
    let is_incomplete = items.len() > MAX_SUGGESTIONS;
    items.truncate(MAX_SUGGESTIONS);
    Completions { items, is_incomplete }
}

/// How well a suggestion matches the typed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FilterMatch {
    Prefix,
    Substring,
    Scattered,
}

/// Matches like editors do: the letters in their order, ignoring case, leading quotes and brackets.
fn fit(filter: &str, typed: &str) -> Option<FilterMatch> {
    let bare = |text: &str| text.trim_start_matches(['"', '\'', '[', '{', ' ']).to_lowercase();
    let (name, typed) = (bare(filter), bare(typed));
    if name.starts_with(&typed) {
        return Some(FilterMatch::Prefix);
    }
    if name.contains(&typed) {
        return Some(FilterMatch::Substring);
    }
    // The first letter must start a word.
    let first = typed.chars().next()?;
    let words = name.char_indices().filter(|(at, _)| !name[..*at].ends_with(char::is_alphanumeric));
    let (start, _) = words.into_iter().find(|(_, letter)| *letter == first)?;
    let mut rest = name[start..].chars();
    typed.chars().all(|c| rest.any(|other| other == c)).then_some(FilterMatch::Scattered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippet_is_rendered_for_lsp_and_as_plain_text() {
        let snippet = Snippet::from("a = $}\\ \"")
            .placeholder("x}")
            .text("\", b = ")
            .choice(vec!["true".to_owned(), "a|,b".to_owned()])
            .placeholder("")
            .end();
        assert_eq!(snippet.plain(), "a = $}\\ \"x}\", b = true");
        assert_eq!(snippet.lsp_snippet(), r#"a = \$\}\\ "${1:x\}}", b = ${2|true,a\|\,b|}$3$0"#);
        assert!(!snippet.is_plain());
        assert!(Snippet::from("x").is_plain());
    }
}
