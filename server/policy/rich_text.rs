//! Words with a little layout, for who shows them.

use super::schema::{TextPiece, pieces};

/// Words in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<RichTextPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RichTextPart {
    /// Words of anybody.
    Text(String),
    Code(String),
    /// TOML of our own.
    Toml(String),
    Paragraph,
}

impl RichText {
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(RichTextPart::Text(text.into()));
        self
    }

    pub(crate) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(RichTextPart::Code(text.into()));
        self
    }

    /// Words of ours, with code between backticks.
    pub(crate) fn with_code(mut self, words: &str) -> Self {
        self.0.extend(pieces(words).map(|piece| match piece {
            TextPiece::Text(text) => RichTextPart::Text(text.to_owned()),
            TextPiece::Code(code) => RichTextPart::Code(code.to_owned()),
        }));
        self
    }

    pub(crate) fn toml(mut self, text: impl Into<String>) -> Self {
        self.0.push(RichTextPart::Toml(text.into()));
        self
    }

    pub(crate) fn paragraph(mut self) -> Self {
        if !self.0.is_empty() {
            self.0.push(RichTextPart::Paragraph);
        }
        self
    }
}
