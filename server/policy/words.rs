//! Words with a little layout, for who shows them.

use super::schema::{Piece, pieces};

/// Words in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Words of anybody.
    Text(String),
    Code(String),
    /// TOML of our own.
    Toml(String),
    Paragraph,
}

impl Words {
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Text(text.into()));
        self
    }

    pub(crate) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Code(text.into()));
        self
    }

    /// Words of ours, with code between backticks.
    pub(crate) fn ours(mut self, words: &str) -> Self {
        self.0.extend(pieces(words).map(|piece| match piece {
            Piece::Text(text) => Word::Text(text.to_owned()),
            Piece::Code(code) => Word::Code(code.to_owned()),
        }));
        self
    }

    pub(crate) fn toml(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Toml(text.into()));
        self
    }

    pub(crate) fn paragraph(mut self) -> Self {
        if !self.0.is_empty() {
            self.0.push(Word::Paragraph);
        }
        self
    }
}
