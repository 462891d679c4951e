//! Values from the schema, and default values.

use super::{
    CompletionBuilder,
    edit::{InsertionPoint, quoted},
    item::{Rank, Snippet, SuggestionKind},
};
use crate::policy::{
    LICENSE_PLACEHOLDER,
    rich_text::RichText,
    schema::{SchemaKey, StringKind, ValueType},
};

/// Keys of an entry that exclude others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conflicts {
    /// `deny-multiple-versions = true`
    pub(super) one_version: bool,
    /// `wrappers` has items
    pub(super) wrapped: bool,
}

impl CompletionBuilder<'_> {
    /// Suggests values that are not free text.
    pub(super) fn plain(
        &mut self,
        key: &'static SchemaKey,
        value: ValueType,
        insertion: &InsertionPoint<'_>,
    ) {
        if !self.request.keys {
            return;
        }
        let default = |text: &str| if key.default == Some(text) { "default" } else { "" };
        match value {
            ValueType::Choice(choices) => {
                for choice in choices {
                    let Some(edit) = insertion.string(choice.value) else { continue };
                    let item = edit.item(choice.value, SuggestionKind::Value, Rank::Usual);
                    let item = item.detail(default(&quoted(choice.value)));
                    self.items.push(item.about(RichText::default().with_code(choice.about)));
                }
            }
            ValueType::Bool => {
                let conflicts = Conflicts::of(self.cursor.level());
                for word in ["true", "false"] {
                    if word == "true" && key.name == "deny-multiple-versions" && conflicts.wrapped {
                        continue;
                    }
                    let edit = insertion.literal(Snippet::from(word), word);
                    let item =
                        edit.item(word, SuggestionKind::Value, Rank::Usual).detail(default(word));
                    self.items.push(item.about(RichText::default().with_code(key.about)));
                }
            }
            ValueType::Integer if key.name == "hash" => self.hashes(insertion),
            ValueType::Integer | ValueType::Float => {
                let number = number(key.value, key.default);
                let edit = insertion.literal(Snippet::from(number), number);
                let item =
                    edit.item(number, SuggestionKind::Value, Rank::Usual).detail(default(number));
                self.items.push(item.about(RichText::default().with_code(key.about)));
            }
            ValueType::List(_) | ValueType::Table(_) => {
                let label = if matches!(value, ValueType::List(_)) { "[ ]" } else { "{ }" };
                let edit = insertion.literal(default_snippet(value, key.default), label);
                let item = edit.item(label, SuggestionKind::Value, Rank::Usual);
                self.items.push(item.about(RichText::default().with_code(key.about)));
            }
            ValueType::Text(_) | ValueType::Either(..) | ValueType::Anything => {}
        }
    }

    /// Suggests common values for a string.
    pub(super) fn example(
        &mut self,
        text: StringKind,
        insertion: &InsertionPoint<'_>,
        key: &'static SchemaKey,
    ) {
        if !self.request.keys {
            return;
        }
        let common: &[(&str, &str)] = match text {
            StringKind::Duration => &[
                ("P1D", "a day"),
                ("P7D", "a week"),
                ("P30D", "30 days"),
                ("P90D", "90 days"),
                ("P1Y", "a year"),
            ],
            StringKind::Folder => &[
                ("$CARGO_HOME/advisory-dbs", "cargo-deny's default"),
                ("~/.cargo/advisory-dbs", ""),
            ],
            _ => &[],
        };
        for (value, detail) in common {
            let Some(edit) = insertion.string(value) else { continue };
            let item = edit.item(*value, SuggestionKind::Value, Rank::Usual).detail(*detail);
            self.items.push(item.about(RichText::default().with_code(key.about)));
        }
    }
}

/// A default value.
pub(super) fn default_snippet(value: ValueType, default: Option<&'static str>) -> Snippet {
    match value {
        ValueType::Bool => {
            let words = if default == Some("true") { ["true", "false"] } else { ["false", "true"] };
            Snippet::default().choice(words.map(str::to_owned).to_vec())
        }
        ValueType::Integer | ValueType::Float => {
            Snippet::default().placeholder(number(value, default))
        }
        ValueType::Text(text) | ValueType::Either(text, _) => {
            Snippet::from("\"").placeholder(placeholder(text)).text("\"")
        }
        ValueType::Choice(choices) => {
            let mut words: Vec<_> = choices.iter().map(|choice| quoted(choice.value)).collect();
            // The default first.
            if let Some(at) = words.iter().position(|word| Some(word.as_str()) == default) {
                let first = words.remove(at);
                words.insert(0, first);
            }
            Snippet::default().choice(words)
        }
        ValueType::List(_) => {
            let items = default.unwrap_or("[]").trim_start_matches('[').trim_end_matches(']');
            Snippet::from("[").text(items).end().text("]")
        }
        ValueType::Table(_) => Snippet::from("{ ").end().text("}"),
        ValueType::Anything => Snippet::default(),
    }
}

fn number(value: ValueType, default: Option<&'static str>) -> &'static str {
    match value {
        ValueType::Float => default.unwrap_or("0.8"),
        _ => default.unwrap_or("1"),
    }
}

/// The placeholder of a string.
fn placeholder(text: StringKind) -> &'static str {
    match text {
        StringKind::Requirement => "*",
        StringKind::Expression => LICENSE_PLACEHOLDER,
        StringKind::Duration => "P90D",
        StringKind::RustVersion => "1.85.0",
        StringKind::Folder => "$CARGO_HOME/advisory-dbs",
        StringKind::Sha256 => "0000000000000000000000000000000000000000000000000000000000000000",
        StringKind::Triple => "x86_64-unknown-linux-gnu",
        _ => "",
    }
}

/// Whether a written value has the type of a key.
pub(super) fn has_type(value: ValueType, written: &str) -> bool {
    let is_text = written.starts_with(['"', '\'']);
    match value {
        ValueType::Bool => matches!(written, "true" | "false"),
        ValueType::Integer => written.parse::<i64>().is_ok() || written.starts_with("0x"),
        ValueType::Float => written.contains('.') && written.parse::<f64>().is_ok(),
        ValueType::Text(
            StringKind::FreeText
            | StringKind::Package
            | StringKind::PackageName
            | StringKind::Advisory,
        ) => is_text,
        ValueType::Choice(choices) => {
            is_text
                && choices.iter().any(|choice| choice.value == written.trim_matches(['"', '\'']))
        }
        ValueType::List(_) => written.trim_start_matches('[').trim_start().starts_with(']'),
        _ => false,
    }
}
