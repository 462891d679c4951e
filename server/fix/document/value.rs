//! New values, written in the style of their neighbors.

use crate::text::Span;

/// A value that a plan adds.
#[derive(Clone, Debug)]
pub(in crate::fix) enum Value {
    /// A string.
    Text(String),
    /// A string that the user has to replace.
    Placeholder(String),
    /// A hash, written in hexadecimal digits.
    Hash(u32),
    /// An array.
    List(Vec<Value>),
    /// An inline table, or the body of a `[[table]]`.
    Table(Vec<(&'static str, Value)>),
    /// A text from the file, with its value.
    Raw(String, toml::Value),
}

/// The text of a value, and the span that the user has to replace.
#[derive(Clone, Debug, Default)]
pub(in crate::fix) struct RenderedValue {
    pub(in crate::fix) text: String,
    pub(in crate::fix) placeholder: Option<Span>,
}

/// The style of values.
#[derive(Clone, Copy, Debug)]
pub(in crate::fix) struct ValueStyle {
    /// Strings in single quotes.
    pub(in crate::fix) literal: bool,
    /// `{ a = 1 }`, not `{a = 1}`.
    pub(in crate::fix) padded: bool,
    /// `a = 1`, not `a=1`.
    pub(in crate::fix) spaced: bool,
}

impl Default for ValueStyle {
    fn default() -> Self {
        Self { literal: false, padded: true, spaced: true }
    }
}

impl ValueStyle {
    /// The style of existing values.
    pub(in crate::fix) fn of<'t>(neighbors: impl Iterator<Item = &'t str>) -> Self {
        let mut style = Self::default();
        let (mut strings, mut literals) = (0, 0);
        for text in neighbors {
            if let Some(inside) = text.strip_prefix('{') {
                style.padded = inside.starts_with([' ', '\t']) || inside == "}";
                style.spaced = inside.contains(" =");
            }
            strings += usize::from(text.starts_with(['"', '\'']));
            literals += usize::from(text.starts_with('\'') && !text.starts_with("'''"));
        }
        style.literal = strings > 0 && strings == literals;
        style
    }

    fn equals(self) -> &'static str {
        if self.spaced { " = " } else { "=" }
    }
}

impl RenderedValue {
    pub(in crate::fix) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), placeholder: None }
    }

    /// Appends another.
    pub(in crate::fix) fn push(&mut self, other: &Self) {
        if let Some(placeholder) = &other.placeholder {
            self.placeholder =
                Some(self.text.len() + placeholder.start..self.text.len() + placeholder.end);
        }
        self.text.push_str(&other.text);
    }

    pub(in crate::fix) fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

impl Value {
    pub(in crate::fix) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(in crate::fix) fn boolean(boolean: bool) -> Self {
        Self::Raw(boolean.to_string(), boolean.into())
    }

    /// The value in the data model of TOML.
    pub(in crate::fix) fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) | Self::Placeholder(text) => toml::Value::String(text.clone()),
            Self::Hash(hash) => toml::Value::Integer((*hash).into()),
            Self::List(items) => toml::Value::Array(items.iter().map(Self::to_toml).collect()),
            Self::Table(fields) => {
                let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.to_toml()));
                toml::Value::Table(fields.collect())
            }
            Self::Raw(_, value) => value.clone(),
        }
    }

    /// On one line.
    pub(in crate::fix) fn inline(&self, style: ValueStyle) -> RenderedValue {
        match self {
            Self::Text(text) => RenderedValue::plain(quoted(text, style)),
            Self::Placeholder(text) => {
                let text = quoted(text, style);
                let placeholder = Some(1..text.len() - 1);
                RenderedValue { text, placeholder }
            }
            Self::Hash(hash) => RenderedValue::plain(format!("0x{hash:08x}")),
            Self::Raw(text, _) => RenderedValue::plain(text.clone()),
            Self::List(items) => {
                let mut rendered = RenderedValue::plain("[");
                for (index, item) in items.iter().enumerate() {
                    rendered.push_str(if index > 0 { ", " } else { "" });
                    rendered.push(&item.inline(style));
                }
                rendered.push_str("]");
                rendered
            }
            Self::Table(fields) => {
                let pad = if style.padded { " " } else { "" };
                let mut rendered = RenderedValue::plain(format!("{{{pad}"));
                for (index, (key, value)) in fields.iter().enumerate() {
                    rendered.push_str(if index > 0 { ", " } else { "" });
                    rendered.push_str(key);
                    rendered.push_str(style.equals());
                    rendered.push(&value.inline(style));
                }
                rendered.push_str(&format!("{pad}}}"));
                rendered
            }
        }
    }

    /// A list with a line for each item.
    pub(in crate::fix) fn lines(
        items: &[Self],
        style: ValueStyle,
        layout: &ListLayout<'_>,
    ) -> RenderedValue {
        let ListLayout { indent, unit, newline } = layout;
        let mut rendered = RenderedValue::plain("[");
        for item in items {
            rendered.push_str(&format!("{newline}{indent}{unit}"));
            rendered.push(&item.inline(style));
            rendered.push_str(",");
        }
        rendered.push_str(&format!("{newline}{indent}]"));
        rendered
    }

    /// The body of a `[[table]]`: a line for each field, without a final line break.
    pub(in crate::fix) fn body(&self, style: ValueStyle, layout: &ListLayout<'_>) -> RenderedValue {
        let Self::Table(fields) = self else { return self.inline(style) };
        let mut rendered = RenderedValue::default();
        for (index, (key, value)) in fields.iter().enumerate() {
            rendered.push_str(if index > 0 { layout.newline } else { "" });
            rendered.push_str(&format!("{}{key}{}", layout.indent, style.equals()));
            rendered.push(&match value {
                Self::List(items) if items.len() > 1 => Self::lines(items, style, layout),
                _ => value.inline(style),
            });
        }
        rendered
    }
}

/// The layout of lines.
#[derive(Clone, Copy, Debug)]
pub(in crate::fix) struct ListLayout<'t> {
    /// The indentation of the line of the key.
    pub(in crate::fix) indent: &'t str,
    /// The additional indentation of items.
    pub(in crate::fix) unit: &'t str,
    /// The line ending.
    pub(in crate::fix) newline: &'t str,
}

/// A key, quoted if necessary.
pub(in crate::fix) fn key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { basic(key) }
}

fn quoted(text: &str, style: ValueStyle) -> String {
    let sanitize = text.chars().all(|c| c != '\'' && !c.is_control());
    if style.literal && sanitize { format!("'{text}'") } else { basic(text) }
}

fn basic(text: &str) -> String {
    let mut result = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => result.extend(['\\', c]),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            c if c.is_control() => result.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_in_style_and_escaped() {
        let literal = ValueStyle { literal: true, ..ValueStyle::default() };
        assert_eq!(quoted("MIT", literal), "'MIT'");
        assert_eq!(quoted("it's", literal), "\"it's\"");
        assert_eq!(quoted("a\"b\\c\u{7}\n", ValueStyle::default()), r#""a\"b\\c\u0007\n""#);
    }

    #[test]
    fn placeholder_is_the_text_to_replace() {
        let value = Value::Table(vec![
            ("id", Value::text("X-1")),
            ("reason", Value::Placeholder("why".into())),
        ]);
        let RenderedValue { text, placeholder } =
            value.inline(ValueStyle::of(std::iter::once("{id='a'}")));
        assert_eq!(text, "{id=\"X-1\", reason=\"why\"}");
        assert_eq!(&text[placeholder.expect("a placeholder")], "why");
    }
}
