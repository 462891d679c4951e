//! Values that the schema lists, and what a value begins with.

use super::{
    Maker,
    edit::{Spot, quoted},
    item::{ItemKind, Rank, Template},
};
use crate::policy::{
    UNTOLD,
    schema::{Key, Text, Value},
    words::Words,
};

/// What an entry says that excludes something else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conflicts {
    /// `deny-multiple-versions = true`
    pub(super) one_version: bool,
    /// There are `wrappers`.
    pub(super) wrapped: bool,
}

impl Maker<'_> {
    /// A value that is no free text.
    pub(super) fn plain(&mut self, key: &'static Key, value: Value, spot: &Spot<'_>) {
        if !self.wanted.keys {
            return;
        }
        let default = |text: &str| if key.default == Some(text) { "default" } else { "" };
        match value {
            Value::Choice(choices) => {
                for choice in choices {
                    let Some(edit) = spot.string(choice.value) else { continue };
                    let item = edit.item(choice.value, ItemKind::Value, Rank::Known);
                    let item = item.detail(default(&quoted(choice.value)));
                    self.items.push(item.about(Words::default().ours(choice.about)));
                }
            }
            Value::Bool => {
                let conflicts = Conflicts::of(self.cursor.level());
                for word in ["true", "false"] {
                    if word == "true" && key.name == "deny-multiple-versions" && conflicts.wrapped {
                        continue;
                    }
                    let edit = spot.literal(Template::from(word), word);
                    let item = edit.item(word, ItemKind::Value, Rank::Known).detail(default(word));
                    self.items.push(item.about(Words::default().ours(key.about)));
                }
            }
            Value::Integer if key.name == "hash" => self.hashes(spot),
            Value::Integer | Value::Float => {
                let number = number(key.value, key.default);
                let edit = spot.literal(Template::from(number), number);
                let item = edit.item(number, ItemKind::Value, Rank::Known).detail(default(number));
                self.items.push(item.about(Words::default().ours(key.about)));
            }
            Value::List(_) | Value::Table(_) => {
                let label = if matches!(value, Value::List(_)) { "[ ]" } else { "{ }" };
                let edit = spot.literal(template(value, key.default), label);
                let item = edit.item(label, ItemKind::Value, Rank::Known);
                self.items.push(item.about(Words::default().ours(key.about)));
            }
            Value::Text(_) | Value::Either(..) | Value::Anything => {}
        }
    }

    /// What is usual for a string that nothing is known of.
    pub(super) fn example(&mut self, text: Text, spot: &Spot<'_>, key: &'static Key) {
        if !self.wanted.keys {
            return;
        }
        let usual: &[(&str, &str)] = match text {
            Text::Duration => &[
                ("P1D", "a day"),
                ("P7D", "a week"),
                ("P30D", "30 days"),
                ("P90D", "90 days"),
                ("P1Y", "a year"),
            ],
            Text::Folder => &[
                ("$CARGO_HOME/advisory-dbs", "where cargo-deny keeps them"),
                ("~/.cargo/advisory-dbs", ""),
            ],
            _ => &[],
        };
        for (value, detail) in usual {
            let Some(edit) = spot.string(value) else { continue };
            let item = edit.item(*value, ItemKind::Value, Rank::Known).detail(*detail);
            self.items.push(item.about(Words::default().ours(key.about)));
        }
    }
}

/// A value to begin with.
pub(super) fn template(value: Value, default: Option<&'static str>) -> Template {
    match value {
        Value::Bool => {
            let words = if default == Some("true") { ["true", "false"] } else { ["false", "true"] };
            Template::default().choice(words.map(str::to_owned).to_vec())
        }
        Value::Integer | Value::Float => Template::default().stop(number(value, default)),
        Value::Text(text) | Value::Either(text, _) => {
            Template::from("\"").stop(placeholder(text)).text("\"")
        }
        Value::Choice(choices) => {
            let mut words: Vec<_> = choices.iter().map(|choice| quoted(choice.value)).collect();
            // The default first.
            if let Some(at) = words.iter().position(|word| Some(word.as_str()) == default) {
                let first = words.remove(at);
                words.insert(0, first);
            }
            Template::default().choice(words)
        }
        Value::List(_) => {
            let items = default.unwrap_or("[]").trim_start_matches('[').trim_end_matches(']');
            Template::from("[").text(items).end().text("]")
        }
        Value::Table(_) => Template::from("{ ").end().text("}"),
        Value::Anything => Template::default(),
    }
}

fn number(value: Value, default: Option<&'static str>) -> &'static str {
    match value {
        Value::Float => default.unwrap_or("0.8"),
        _ => default.unwrap_or("1"),
    }
}

/// What a string says until somebody writes it.
fn placeholder(text: Text) -> &'static str {
    match text {
        Text::Requirement => "*",
        Text::Expression => UNTOLD,
        Text::Duration => "P90D",
        Text::RustVersion => "1.85.0",
        Text::Folder => "$CARGO_HOME/advisory-dbs",
        Text::Sha256 => "0000000000000000000000000000000000000000000000000000000000000000",
        Text::Triple => "x86_64-unknown-linux-gnu",
        _ => "",
    }
}

/// Whether a value that is written is of the kind that a key takes.
pub(super) fn is_alike(value: Value, written: &str) -> bool {
    let is_text = written.starts_with(['"', '\'']);
    match value {
        Value::Bool => matches!(written, "true" | "false"),
        Value::Integer => written.parse::<i64>().is_ok() || written.starts_with("0x"),
        Value::Float => written.contains('.') && written.parse::<f64>().is_ok(),
        Value::Text(Text::Words | Text::Package | Text::PackageName | Text::Advisory) => is_text,
        Value::Choice(choices) => {
            is_text
                && choices.iter().any(|choice| choice.value == written.trim_matches(['"', '\'']))
        }
        Value::List(_) => written.trim_start_matches('[').trim_start().starts_with(']'),
        _ => false,
    }
}
