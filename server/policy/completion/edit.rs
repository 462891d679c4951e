//! Where an item goes, with the quotes and commas that are there already.

use super::item::{Suggestion, SuggestionKind, Rank, SuggestionSubject, Snippet};
use crate::{
    policy::{
        cursor::{MissingCommas, KeyContext, TypedToken, ValueContext},
        syntax::Quote,
        rich_text::RichText,
    },
    text::Span,
};

/// The place of an item.
#[derive(Clone, Copy, Debug)]
pub(super) struct InsertionPoint<'p> {
    token: &'p TypedToken,
    commas: MissingCommas,
}

/// A change, and what it is found by.
#[derive(Clone, Debug)]
pub(super) struct SuggestionEdit {
    span: Span,
    template: Snippet,
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

    /// What stands between the quotes and before the cursor.
    pub(super) fn typed(&self) -> &'p str {
        &self.token.typed
    }

    /// A string that says `content`; `None` where the quotes that are there cannot hold it.
    pub(super) fn string(&self, content: &str) -> Option<SuggestionEdit> {
        if content.chars().any(char::is_control) {
            return None;
        }
        let (span, text) = match self.token.quote {
            None => (self.token.span.clone(), quoted(content)),
            Some(QuoteStyle::Literal) if content.contains('\'') => return None,
            Some(quote) => {
                let mark = if quote == QuoteStyle::Literal { "'" } else { "\"" };
                let inside =
                    if quote == QuoteStyle::Literal { content.to_owned() } else { escaped(content) };
                let closing = if self.token.is_closed { "" } else { mark };
                (self.token.inside.clone(), format!("{inside}{closing}"))
            }
        };
        let template = self.separated(Snippet::from(text.as_str()));
        Some(SuggestionEdit { span, template, filter: content.to_owned() })
    }

    /// A word of a string in `text`: the one that begins at byte `start` of what was typed.
    pub(super) fn word(&self, text: &str, start: usize, content: &str) -> Option<SuggestionEdit> {
        let mut edit = self.string(content)?;
        if self.token.quote.is_none() {
            // Without quotes there is one word.
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
            edit.template = Snippet::from(content);
        }
        Some(edit)
    }

    /// No string: what is there is replaced with its quotes.
    pub(super) fn literal(&self, template: Snippet, filter: &str) -> SuggestionEdit {
        let mark = match self.token.quote {
            None => "",
            Some(QuoteStyle::Literal) => "'",
            Some(_) => "\"",
        };
        let span = self.token.span.clone();
        SuggestionEdit { span, template: self.separated(template), filter: format!("{mark}{filter}") }
    }

    fn separated(&self, template: Snippet) -> Snippet {
        let before = if self.commas.before { ", " } else { "" };
        let behind = if self.commas.behind { "," } else { "" };
        if before.is_empty() && behind.is_empty() {
            return template;
        }
        Snippet::default().text(before).then(template).text(behind)
    }
}

impl SuggestionEdit {
    /// The item that makes it.
    pub(super) fn item(self, label: impl Into<String>, kind: SuggestionKind, rank: Rank) -> Suggestion {
        Suggestion {
            label: label.into(),
            kind,
            detail: String::new(),
            about: RichText::default(),
            span: self.span,
            template: self.template,
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
