//! Values of variables, and words with their values.

use std::collections::BTreeMap;

use super::{
    UnresolvedReason,
    shell::{Word, WordPart},
};

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VariableValue {
    Text(String),
    List(Vec<String>),
    /// Not known, with the reason.
    Unknown(UnresolvedReason),
}

/// Variables by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, VariableValue>,
    /// `$1`, `$2`, ..
    pub(super) arguments: Vec<String>,
    /// What `$( .. )` gives for commands that only ask for a folder, by their words.
    folders: BTreeMap<String, String>,
}

/// How deep `$( .. )` is nested that is understood.
const SUBSTITUTIONS: usize = 4;

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExpandedWord {
    Known(String),
    /// A part of it is not known: how it is written, and why.
    Unknown {
        written: String,
        reason: UnresolvedReason,
    },
}

impl ExpandedWord {
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Unknown { .. } => None,
        }
    }

    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Known(text) | Self::Unknown { written: text, .. } => text,
        }
    }
}

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: VariableValue) {
        self.values.insert(name.to_owned(), value);
    }

    pub(super) fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, VariableValue::Text(text.to_owned()));
    }

    pub(super) fn get(&self, name: &str) -> Option<&VariableValue> {
        self.values.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            VariableValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sets what `pwd` prints.
    pub(super) fn set_current_folder(&mut self, folder: Option<&str>) {
        if let Some(folder) = folder {
            self.folders.insert("pwd".to_owned(), folder.to_owned());
            self.set_text("PWD", folder);
        } else {
            self.folders.remove("pwd");
            self.values.remove("PWD");
        }
    }

    /// Sets what `dirname $0` prints.
    pub(super) fn set_script(&mut self, script: &str, folder: &str) {
        for name in ["$0", "$BASH_SOURCE", "${BASH_SOURCE[0]}", "${BASH_SOURCE}"] {
            self.folders.insert(format!("dirname {name}"), folder.to_owned());
        }
        self.set_text("0", script);
    }

    /// Sets what `git rev-parse --show-toplevel` prints.
    pub(super) fn set_root(&mut self, root: &str) {
        self.folders.insert("git rev-parse --show-toplevel".to_owned(), root.to_owned());
    }

    /// What a command in `$( .. )` prints, if it asks for a folder.
    fn folder(&self, script: &str, depth: usize) -> Option<String> {
        let words = script.replace(['"', '\''], "").replace(" -- ", " ");
        let words = words.replace("2>/dev/null", "").replace("> /dev/null", "");
        let words = words.replace(">/dev/null", "").replace("2>&1", "").replace("&>", "");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(folder) = self.folders.get(&words) {
            return Some(folder.clone());
        }
        // `cd X && pwd`
        let inner = words.strip_prefix("cd ")?;
        let inner = inner.strip_suffix("&& pwd -P").or_else(|| inner.strip_suffix("&& pwd"))?;
        let list = super::shell::parse(&format!("\"{}\"", inner.trim()));
        let super::shell::ShellCommand::Simple { words, .. } = &list.first()?.command else {
            return None;
        };
        let depth = depth.checked_sub(1)?;
        let VariableValue::Text(path) = self.expand_within(words.first()?, depth) else {
            return None;
        };
        let base = self.folders.get("pwd").map_or("", String::as_str);
        let path = crate::workspace::lexical(&camino::Utf8Path::new(base).join(path));
        Some(path.into_string())
    }

    /// Variables that other branches of a script may have set are no longer known.
    pub(super) fn merge(&mut self, other: &Self) {
        for (name, value) in &other.values {
            if self.values.get(name) != Some(value) {
                let reason = UnresolvedReason::Condition(name.clone());
                self.set(name, VariableValue::Unknown(reason));
            }
        }
    }

    fn value(&self, name: &str, default: Option<&str>) -> VariableValue {
        if name == "@" || name == "*" {
            return VariableValue::List(self.arguments.clone());
        }
        if let Some(number) = name.parse::<usize>().ok().filter(|number| *number > 0) {
            let argument = number.checked_sub(1).and_then(|index| self.arguments.get(index));
            return match (argument, default) {
                (Some(text), _) => VariableValue::Text(text.clone()),
                (None, Some(default)) => VariableValue::Text(default.to_owned()),
                (None, None) => VariableValue::Text(String::new()),
            };
        }
        match (self.values.get(name.trim_end_matches("[@]")), default) {
            (Some(VariableValue::Text(text)), Some(default)) if text.is_empty() => {
                VariableValue::Text(default.to_owned())
            }
            (Some(value), _) => value.clone(),
            (None, Some(default)) => VariableValue::Text(default.to_owned()),
            (None, None) => VariableValue::Unknown(UnresolvedReason::Value(format!("${name}"))),
        }
    }

    /// The words that a word becomes: none for an empty variable, several for one with spaces.
    pub(super) fn expand(&self, word: &Word) -> Vec<ExpandedWord> {
        self.expanded(word, SUBSTITUTIONS)
    }

    fn expanded(&self, word: &Word, depth: usize) -> Vec<ExpandedWord> {
        let mut builder = WordBuilder { exists: word.quoted, ..WordBuilder::default() };
        let alone = word.parts.len() == 1;
        for part in &word.parts {
            match part {
                WordPart::Text(text) => builder.push(text),
                WordPart::Variable { name, default, quoted } => {
                    match self.value(name, default.as_deref()) {
                        VariableValue::Text(text) if *quoted => builder.push(&text),
                        VariableValue::Text(text) => builder.push_split(&text),
                        VariableValue::List(items) => {
                            if alone && items.is_empty() {
                                builder.exists = false;
                            }
                            for (index, item) in items.iter().enumerate() {
                                if index > 0 {
                                    builder.end();
                                }
                                builder.push(item);
                            }
                        }
                        VariableValue::Unknown(reason) => {
                            builder.push_unknown(&format!("${name}"), reason);
                        }
                    }
                }
                WordPart::Substitution { script, .. } => {
                    if let Some(folder) = self.folder(script, depth) {
                        builder.push(&folder);
                        continue;
                    }
                    let written = format!("$({script})");
                    let reason = UnresolvedReason::NotRun(shorten(&written));
                    builder.push_unknown(&written, reason);
                }
                WordPart::Unknown(written) => {
                    let reason = UnresolvedReason::Value(shorten(written));
                    builder.push_unknown(written, reason);
                }
            }
        }
        builder.end();
        builder.words
    }

    /// The word as one text, as after `name=`.
    pub(super) fn expand_to_text(&self, word: &Word) -> VariableValue {
        self.expand_within(word, SUBSTITUTIONS)
    }

    fn expand_within(&self, word: &Word, depth: usize) -> VariableValue {
        let mut texts = Vec::new();
        let quoted = Word {
            quoted: true,
            parts: word
                .parts
                .iter()
                .map(|part| match part {
                    WordPart::Variable { name, default, .. } => WordPart::Variable {
                        name: name.clone(),
                        default: default.clone(),
                        quoted: true,
                    },
                    other => other.clone(),
                })
                .collect(),
            at: word.at,
        };
        for word in self.expanded(&quoted, depth) {
            match word {
                ExpandedWord::Known(text) => texts.push(text),
                ExpandedWord::Unknown { reason, .. } => return VariableValue::Unknown(reason),
            }
        }
        VariableValue::Text(texts.join(" "))
    }
}

/// A text for a message.
pub(super) fn shorten(text: &str) -> String {
    const LENGTH: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH {
        return line;
    }
    let start: String = line.chars().take(LENGTH - 2).collect();
    format!("{start}..")
}

#[derive(Default)]
struct WordBuilder {
    words: Vec<ExpandedWord>,
    text: String,
    unknown: Option<UnresolvedReason>,
    exists: bool,
}

impl WordBuilder {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.exists |= !text.is_empty();
    }

    fn push_split(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.end();
        }
        for (index, word) in text.split_whitespace().enumerate() {
            if index > 0 {
                self.end();
            }
            self.push(word);
        }
        if text.ends_with(char::is_whitespace) {
            self.end();
        }
    }

    fn push_unknown(&mut self, written: &str, reason: UnresolvedReason) {
        self.push(written);
        self.unknown.get_or_insert(reason);
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let unknown = self.unknown.take();
        if std::mem::take(&mut self.exists) {
            self.words.push(match unknown {
                Some(reason) => ExpandedWord::Unknown { written: text, reason },
                None => ExpandedWord::Known(text),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::shell::{self, ShellCommand};

    fn expand(variables: &Variables, text: &str) -> Vec<String> {
        let list = shell::parse(text);
        let ShellCommand::Simple { words, .. } = &list[0].command else { panic!("{list:?}") };
        let words = words.iter().flat_map(|word| variables.expand(word));
        words
            .map(|word| match word {
                ExpandedWord::Known(text) => text,
                ExpandedWord::Unknown { reason, .. } => format!("? {reason}"),
            })
            .collect()
    }

    #[test]
    fn variables_are_expanded_and_split_as_in_a_shell() {
        let mut variables = Variables::default();
        variables.set_text("a", "one two");
        variables.set_text("none", "");
        variables.set("list", VariableValue::List(vec!["x y".to_owned(), "z".to_owned()]));
        variables.arguments = vec!["first".to_owned(), "2".to_owned()];
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(expand(&variables, text), expected, "{text}");
        };
        check("c $a \"$a\" x$a", &["c", "one", "two", "one two", "xone", "two"]);
        check("c $none \"$none\" ''", &["c", "", ""]);
        check("c \"${list[@]}\" ${none:-d} ${other-e}", &["c", "x y", "z", "d", "e"]);
        check("c \"$@\" $1 ${3:-three}", &["c", "first", "2", "first", "three"]);
        check("c $b", &["c", "? the value of `$b` is not known"]);
        check(
            "c ${{ x.y }} $(d  e)",
            &["c", "? the value of `${{ x.y }}` is not known", "? `$(d e)` is not run"],
        );
    }
}
