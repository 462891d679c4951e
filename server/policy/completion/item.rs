//! An item, what it inserts, and the order of items.

use super::{Completions, MOST};
use crate::{policy::rich_text::RichText, text::Span, verdict::Code};

/// Something that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// What it is called.
    pub(crate) label: String,
    pub(crate) kind: SuggestionKind,
    /// A few words beside it; may be empty.
    pub(crate) detail: String,
    /// What is told of it.
    pub(crate) about: RichText,
    /// What it replaces: a part of one line that holds the cursor.
    pub(crate) span: Span,
    pub(crate) template: Snippet,
    /// What is compared with the text from the start of the span to the cursor.
    pub(crate) filter: String,
    pub(super) rank: Rank,
    /// What is told of it, where that takes a look at the graph: for those that are told only.
    pub(super) subject: Option<SuggestionSubject>,
}

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SuggestionSubject {
    /// A package of the graph by its number, and which findings concern the list.
    Package(usize, &'static [Code]),
    /// The license or exception that the item is called by.
    License,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuggestionKind {
    Key,
    Table,
    /// One of the values that the schema lists.
    Value,
    Package,
    License,
    Advisory,
    Source,
    Target,
    Feature,
    File,
}

/// What is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// It answers a finding.
    Finding,
    /// It has to be there.
    Required,
    /// It is in the graph, or usual.
    Usual,
    /// It is known besides.
    Other,
    /// It would have no effect now.
    Unused,
}

/// What is inserted, with places to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Vec<SnippetPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum SnippetPart {
    Text(String),
    /// A place to fill in, with what stands there until then.
    Placeholder(String),
    /// A place for one of several, the first until then.
    Choice(Vec<String>),
    /// Where the cursor ends.
    End,
}

impl Suggestion {
    /// Whether it would have no effect now; its details say so.
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

    pub(super) fn stop(mut self, default: impl Into<String>) -> Self {
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

    /// Whether there is nothing to fill in.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, SnippetPart::Text(_)))
    }

    /// With what stands in the places until they are filled in.
    pub(crate) fn plain(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            SnippetPart::Text(text) | SnippetPart::Placeholder(text) => text.as_str(),
            SnippetPart::Choice(choices) => choices.first().map_or("", String::as_str),
            SnippetPart::End => "",
        });
        parts.collect()
    }

    /// In the snippet syntax of the Language Server Protocol.
    pub(crate) fn snippet(&self) -> String {
        let mut out = String::new();
        let mut stops = 0;
        for part in &self.0 {
            match part {
                SnippetPart::Text(text) => out.push_str(&escaped(text, "\\$}")),
                SnippetPart::Placeholder(text) => {
                    stops += 1;
                    match text.as_str() {
                        "" => out.push_str(&format!("${stops}")),
                        text => out.push_str(&format!("${{{stops}:{}}}", escaped(text, "\\$}"))),
                    }
                }
                SnippetPart::Choice(choices) => {
                    stops += 1;
                    let choices: Vec<_> =
                        choices.iter().map(|choice| escaped(choice, "\\$},|")).collect();
                    out.push_str(&format!("${{{stops}|{}|}}", choices.join(",")));
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

/// Those that fit what was typed, the best first, no more than can be told at once.
pub(super) fn told(items: Vec<Suggestion>, text: &str, offset: usize) -> Completions {
    let fitted = |item: Suggestion| {
        let typed = text.get(item.span.start..offset)?;
        Some((fit(&item.filter, typed)?, item))
    };
    let mut fitting: Vec<(FilterMatch, Suggestion)> = items.into_iter().filter_map(fitted).collect();
    // Equals stay in their order.
    fitting.sort_by_key(|(fit, item)| (item.rank, *fit));
    let mut items: Vec<Suggestion> = Vec::with_capacity(fitting.len().min(MOST + 1));
    for (_, item) in fitting {
        if items.len() > MOST {
            break;
        }
        items.push(item);
    }
    let is_incomplete = items.len() > MOST;
    items.truncate(MOST);
    Completions { items, is_incomplete }
}

/// How well an item fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FilterMatch {
    Beginning,
    Inside,
    Scattered,
}

/// As clients compare: the letters in their order, whatever their case. Quotes and brackets that an
/// entry begins with do not count.
fn fit(filter: &str, typed: &str) -> Option<FilterMatch> {
    let bare = |text: &str| text.trim_start_matches(['"', '\'', '[', '{', ' ']).to_lowercase();
    let (name, typed) = (bare(filter), bare(typed));
    if name.starts_with(&typed) {
        return Some(FilterMatch::Beginning);
    }
    if name.contains(&typed) {
        return Some(FilterMatch::Inside);
    }
    // The first letter begins a word.
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
    fn a_template_is_a_snippet_or_a_text() {
        let template = Snippet::from("a = $}\\ \"")
            .stop("x}")
            .text("\", b = ")
            .choice(vec!["true".to_owned(), "a|,b".to_owned()])
            .stop("")
            .end();
        assert_eq!(template.plain(), "a = $}\\ \"x}\", b = true");
        assert_eq!(template.snippet(), r#"a = \$\}\\ "${1:x\}}", b = ${2|true,a\|\,b|}$3$0"#);
        assert!(!template.is_plain());
        assert!(Snippet::from("x").is_plain());
    }
}
