//! cargo-deny accepts the policy after every suggestion at every offset.
//!
//! The policies are generated from the schema in every layout, and truncated as if the user was typing.
//! `SUPERCARGO_POLICIES=2000` tests more of them.

use camino::Utf8PathBuf;

use super::world::World;
use crate::{
    policy::schema::{EntryForm, POLICY, SchemaKey, SchemaTable, StringKind, ValueType},
    text::SourceText,
    verdict::{Finding, PolicyText},
};

/// A small random number generator: the same policies on every run.
struct PolicyDice(u64);

impl PolicyDice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides.max(1) as u64).expect("small")
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

struct PolicyWriter {
    dice: PolicyDice,
    /// Unused names: cargo-deny rejects some duplicates.
    names: Vec<String>,
    others: Vec<String>,
    fresh: usize,
}

impl PolicyWriter {
    fn policy(&mut self) -> String {
        self.names =
            ["time@0.3.44", "time", "serde", "ring@0.17.9", "gpl"].map(str::to_owned).to_vec();
        self.others = ["llvm", "forked", "ours"].map(str::to_owned).to_vec();
        let (mut first, mut rest) = (String::new(), String::new());
        for key in POLICY.keys().filter(|key| key.is_current()) {
            let ValueType::Table(table) = key.value else { continue };
            match self.dice.roll(6) {
                0 => {}
                1 => {
                    for (name, value) in self.fields(table, true) {
                        first.push_str(&format!("{}.{name} = {value}{}", key.name, self.end()));
                    }
                }
                2 => {
                    let fields = self.inline(table);
                    first.push_str(&format!("{} = {fields}{}", key.name, self.end()));
                }
                _ => self.section(key.name, table, &mut rest),
            }
        }
        let text = first + &rest;
        if self.dice.roll(4) == 0 { text.replace('\n', "\r\n") } else { text }
    }

    fn section(&mut self, path: &str, table: &'static SchemaTable, text: &mut String) {
        text.push_str(&format!("[{path}]{}", self.end()));
        let mut below = String::new();
        for key in self.keys(table, true) {
            match key.value {
                ValueType::Table(table) if self.dice.roll(2) == 0 => {
                    self.section(&format!("{path}.{}", key.name), table, &mut below);
                }
                ValueType::List(ValueType::Table(table) | ValueType::Either(_, table))
                    if self.dice.roll(2) == 0 =>
                {
                    for _ in 0..=self.dice.roll(2) {
                        below.push_str(&format!("[[{path}.{}]]{}", key.name, self.end()));
                        for (name, value) in self.fields(table, true) {
                            below.push_str(&format!("{name} = {value}{}", self.end()));
                        }
                    }
                }
                value => {
                    let value = self.value(value, true);
                    text.push_str(&format!("{} = {value}{}", key.name, self.end()));
                }
            }
        }
        text.push_str(&below);
        text.push_str(self.dice.one(&["", "\n", "# between\n\n"]));
    }

    /// Some of the keys, and all required ones.
    fn keys(&mut self, table: &'static SchemaTable, first: bool) -> Vec<&'static SchemaKey> {
        let mut keys: Vec<&SchemaKey> = Vec::new();
        let which = match (table.form, self.dice.roll(3)) {
            (EntryForm::Plain, _) => "",
            (EntryForm::Ignore, 0 | 1) => "id",
            (_, 0) => "name",
            _ => "crate",
        };
        for key in table.keys().filter(|key| key.is_current()) {
            let identifies_entry = ["id", "crate", "name", "version"].contains(&key.name);
            let is_chosen = if table.form != EntryForm::Plain && identifies_entry {
                key.name == which || key.name == "version" && which == "name"
            } else {
                let rare = if first { 3 } else { 2 };
                key.required || self.dice.roll(rare) > 0
            };
            // It excludes `wrappers`.
            if is_chosen && key.name != "deny-multiple-versions" {
                keys.push(key);
            }
        }
        keys
    }

    fn fields(&mut self, table: &'static SchemaTable, lines: bool) -> Vec<(&'static str, String)> {
        let keys = self.keys(table, lines);
        keys.into_iter().map(|key| (key.name, self.value(key.value, lines))).collect()
    }

    fn inline(&mut self, table: &'static SchemaTable) -> String {
        let fields = self.fields(table, false).into_iter();
        let fields: Vec<_> = fields.map(|(name, value)| format!("{name} = {value}")).collect();
        let pad = self.dice.one(&["", " "]);
        format!("{{{pad}{}{pad}}}", fields.join(", "))
    }

    fn value(&mut self, value: ValueType, lines: bool) -> String {
        match value {
            ValueType::Bool => self.dice.one(&["true", "false"]).to_owned(),
            ValueType::Integer => self.dice.one(&["1", "2"]).to_owned(),
            ValueType::Float => self.dice.one(&["0.5", "1.0"]).to_owned(),
            ValueType::Text(text) => self.string(text),
            ValueType::Choice(choices) => {
                let choice = choices[self.dice.roll(choices.len())].value;
                let quote = self.dice.one(&["\"", "'"]);
                format!("{quote}{choice}{quote}")
            }
            ValueType::Table(table) => self.inline(table),
            ValueType::Either(text, table) => match self.dice.roll(2) {
                0 => self.string(text),
                _ => self.inline(table),
            },
            ValueType::Anything => "1".to_owned(),
            ValueType::List(item) => self.list(*item, lines),
        }
    }

    fn list(&mut self, item: ValueType, lines: bool) -> String {
        let count = self.dice.roll(4);
        let items: Vec<String> = (0..count).map(|_| self.value(item, false)).collect();
        let comma = if count > 0 { self.dice.one(&["", ","]) } else { "" };
        if lines && self.dice.roll(2) == 0 {
            let indent = self.dice.one(&["    ", "\t", ""]);
            let mut text =
                String::from(self.dice.one(&["[\n", "[ # first\n", "[\n    # none\n\n"]));
            for (index, item) in items.iter().enumerate() {
                let comma = if index + 1 == count { comma } else { "," };
                let behind = self.dice.one(&["", " # why, [y]", " "]);
                text.push_str(&format!("{indent}{item}{comma}{behind}\n"));
            }
            return text + "]";
        }
        let pad = self.dice.one(&["", " "]);
        let separator = self.dice.one(&[", ", ",", " , "]);
        format!("[{pad}{}{comma}{pad}]", items.join(separator))
    }

    fn string(&mut self, text: StringKind) -> String {
        self.fresh += 1;
        let fresh = self.fresh;
        let content = match text {
            StringKind::PackageName => {
                let at = self.dice.roll(self.others.len() + 2);
                if at < self.others.len() { self.others.remove(at) } else { format!("p{fresh}") }
            }
            StringKind::Package => {
                let at = self.dice.roll(self.names.len() + 2);
                if at < self.names.len() { self.names.remove(at) } else { format!("p{fresh}") }
            }
            StringKind::Requirement => self.dice.one(&["*", "1.2", "=0.3.44"]).to_owned(),
            StringKind::Advisory => format!("RUSTSEC-2020-{fresh:04}"),
            StringKind::AdvisoryOrPackage => {
                self.dice.one(&["RUSTSEC-2026-0009", "time@0.1.45", "x"]).to_owned()
            }
            StringKind::License => {
                self.dice.one(&["MIT", "Apache-2.0 WITH LLVM-exception", "GPL-3.0"]).to_owned()
            }
            StringKind::Expression => self
                .dice
                .one(&["MIT", "MIT AND (ISC OR Zlib)", "Apache-2.0 WITH LLVM-exception"])
                .to_owned(),
            StringKind::Triple => "x86_64-unknown-linux-gnu".to_owned(),
            StringKind::Registry
            | StringKind::Git
            | StringKind::GitPrefix
            | StringKind::DatabaseUrl => {
                format!("https://example.org/{fresh}")
            }
            StringKind::Duration => "P1D".to_owned(),
            StringKind::RustVersion => "1.85.0".to_owned(),
            StringKind::Folder => "~/advisories".to_owned(),
            StringKind::Sha256 => "0".repeat(64),
            StringKind::Feature => format!("f{fresh}"),
            StringKind::FreeText => self.dice.one(&["a # b", "x, [y] é", ""]).to_owned(),
            _ => "x".to_owned(),
        };
        let quote = self.dice.one(&["\"", "'"]);
        format!("{quote}{content}{quote}")
    }

    fn end(&mut self) -> &'static str {
        self.dice.one(&["\n", "\n", " # a comment, [x]\n", "\n# own line\n", "\n\n", " \n"])
    }
}

fn load(text: &str) -> Result<(), Vec<Finding>> {
    let path = Some(Utf8PathBuf::from("/w/deny.toml"));
    let policy = PolicyText { path, text: SourceText::new(text), exceptions: None };
    policy.load().map(drop)
}

fn policy_count() -> usize {
    let count = std::env::var("SUPERCARGO_POLICIES").ok().and_then(|count| count.parse().ok());
    count.unwrap_or(100)
}

/// Accepts some of the suggestions at an offset; returns the number of suggestions.
fn try_items(world: &World, text: &str, offset: usize, dice: &mut PolicyDice) -> usize {
    let items = world.complete(text, offset).items;
    let few = items.len() <= 8;
    let picked: Vec<usize> = if few {
        (0..items.len()).collect()
    } else {
        (0..8).map(|_| dice.roll(items.len())).collect()
    };
    for at in picked {
        let item = &items[at];
        let mut after = text.to_owned();
        after.replace_range(item.span.clone(), &item.snippet.plain());
        if let Err(findings) = load(&after) {
            panic!(
                "`{}` at {offset}: {findings:?}\n--- before\n{}$0{}\n--- after\n{after}",
                item.label,
                &text[..offset],
                &text[offset..]
            );
        }
    }
    items.len()
}

#[test]
fn suggestions_in_complete_policies_are_accepted() {
    let world = World::new();
    let mut writer =
        PolicyWriter { dice: PolicyDice(3), names: Vec::new(), others: Vec::new(), fresh: 0 };
    let (mut policies, mut suggestions) = (0, 0);
    while policies < policy_count() {
        let text = writer.policy();
        if let Err(findings) = load(&text) {
            panic!("{findings:?}\n{text}");
        }
        policies += 1;
        for _ in 0..40 {
            let offset = writer.dice.roll(text.len() + 1);
            if text.is_char_boundary(offset) {
                suggestions += try_items(&world, &text, offset, &mut writer.dice);
            }
        }
    }
    assert!(suggestions > 100 * policies, "{suggestions} suggestions in {policies} policies");
}

/// The rest of a word is removed, and sometimes its closing quote.
#[test]
fn suggestions_in_incomplete_policies_are_accepted() {
    let world = World::new();
    let mut writer =
        PolicyWriter { dice: PolicyDice(5), names: Vec::new(), others: Vec::new(), fresh: 0 };
    let (mut policies, mut suggestions) = (0, 0);
    while policies < policy_count() {
        let text = writer.policy();
        policies += 1;
        for _ in 0..30 {
            let offset = writer.dice.roll(text.len() + 1);
            if !text.is_char_boundary(offset) || !is_in_word(&text, offset) {
                continue;
            }
            let word = |c: char| c.is_ascii_alphanumeric() || "-_@./:".contains(c);
            let length = text[offset..].find(|c| !word(c)).unwrap_or(0);
            let mut half = text.clone();
            half.replace_range(offset..offset + length, "");
            if half[offset..].starts_with(['"', '\'']) && writer.dice.roll(2) == 0 {
                half.remove(offset);
            }
            suggestions += try_items(&world, &half, offset, &mut writer.dice);
        }
    }
    assert!(suggestions > 20 * policies, "{suggestions} suggestions in {policies} policies");
}

fn is_in_word(text: &str, offset: usize) -> bool {
    text[..offset].ends_with(|c: char| c.is_ascii_alphanumeric())
}
