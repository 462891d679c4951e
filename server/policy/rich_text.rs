//! Text with a little layout, which clients render as Markdown or plain text.

use super::schema::{TextPiece, pieces};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RichText(pub(crate) Vec<RichTextPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RichTextPart {
    /// Text that may come from a repository
    Text(String),
    Code(String),
    /// A TOML example of ours
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

    /// Our own text, with code between backticks.
    pub(crate) fn with_code(mut self, text: &str) -> Self {
        self.0.extend(pieces(text).map(|piece| match piece {
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
