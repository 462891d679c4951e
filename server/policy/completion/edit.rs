//! Where a suggestion is inserted, with the existing quotes and commas.

use super::item::{Rank, Snippet, Suggestion, SuggestionKind, SuggestionSubject};
use crate::{
    policy::{
        cursor::{KeyContext, MissingCommas, TypedToken, ValueContext},
        rich_text::RichText,
        syntax::QuoteStyle,
    },
    text::Span,
};

/// Where a suggestion is inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct InsertionPoint<'p> {
    token: &'p TypedToken,
    commas: MissingCommas,
}

/// An edit, and the text to match with what the user types.
#[derive(Clone, Debug)]
pub(super) struct SuggestionEdit {
    span: Span,
    snippet: Snippet,
    filter: String,
}

impl<'p> InsertionPoint<'p> {
    pub(super) fn of(context: &'p ValueContext) -> Self {
        let commas = context.list.as_ref().map(|list| list.commas).unwrap_or_default();
        Self { token: &context.token, commas }
    }

    pub(super) fn of_key(context: &'p KeyContext) -> Self {
        Self { token: &context.token, commas: context.commas }
    }

    /// The text between the opening quote and the cursor.
    pub(super) fn typed(&self) -> &'p str {
        &self.token.typed
    }

    /// Inserts a string; `None` if it cannot be written in the existing quotes.
    pub(super) fn string(&self, content: &str) -> Option<SuggestionEdit> {
        if content.chars().any(char::is_control) {
            return None;
        }
        let (span, text) = match self.token.quote {
            None => (self.token.span.clone(), quoted(content)),
            Some(QuoteStyle::Literal) if content.contains('\'') => return None,
            Some(quote) => {
                let mark = if quote == QuoteStyle::Literal { "'" } else { "\"" };
                let inside = if quote == QuoteStyle::Literal {
                    content.to_owned()
                } else {
                    escaped(content)
                };
                let closing = if self.token.is_closed { "" } else { mark };
                (self.token.inside.clone(), format!("{inside}{closing}"))
            }
        };
        let snippet = self.separated(Snippet::from(text.as_str()));
        Some(SuggestionEdit { span, snippet, filter: content.to_owned() })
    }

    /// Replaces the word of a string that starts at byte `start` of the typed text.
    pub(super) fn word(&self, text: &str, start: usize, content: &str) -> Option<SuggestionEdit> {
        let mut edit = self.string(content)?;
        if self.token.quote.is_none() {
            // Without quotes, there is only one word.
            return (start == 0).then_some(edit);
        }
        let cursor = self.token.inside.start + self.token.typed.len();
        let behind = text.get(cursor..self.token.inside.end)?;
        edit.span.start += start;
        if let Some(end) = behind.find([' ', '(', ')']) {
            if behind[end..].starts_with('(') {
                return None;
            }
            edit.span.end = cursor + end;
            edit.snippet = Snippet::from(content);
        }
        Some(edit)
    }

    /// Inserts a value that is not a string. Replaces the existing quotes, too.
    pub(super) fn literal(&self, snippet: Snippet, filter: &str) -> SuggestionEdit {
        let mark = match self.token.quote {
            None => "",
            Some(QuoteStyle::Literal) => "'",
            Some(_) => "\"",
        };
        let span = self.token.span.clone();
        SuggestionEdit { span, snippet: self.separated(snippet), filter: format!("{mark}{filter}") }
    }

    fn separated(&self, snippet: Snippet) -> Snippet {
        let before = if self.commas.before { ", " } else { "" };
        let behind = if self.commas.behind { "," } else { "" };
        if before.is_empty() && behind.is_empty() {
            return snippet;
        }
        Snippet::default().text(before).then(snippet).text(behind)
    }
}

impl SuggestionEdit {
    /// The suggestion with this edit.
    pub(super) fn item(
        self,
        label: impl Into<String>,
        kind: SuggestionKind,
        rank: Rank,
    ) -> Suggestion {
        Suggestion {
            label: label.into(),
            kind,
            detail: String::new(),
            about: RichText::default(),
            span: self.span,
            snippet: self.snippet,
            filter: self.filter,
            rank,
            subject: None,
        }
    }
}

impl Suggestion {
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub(super) fn of(mut self, subject: SuggestionSubject) -> Self {
        self.subject = Some(subject);
        self
    }

    pub(super) fn about(mut self, about: RichText) -> Self {
        self.about = about;
        self
    }
}

/// A string in quotes.
pub(super) fn quoted(content: &str) -> String {
    format!("\"{}\"", escaped(content))
}

fn escaped(content: &str) -> String {
    content.replace('\\', "\\\\").replace('"', "\\\"")
}
