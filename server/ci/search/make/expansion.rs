//! The values of make's variables and functions ("GNU make", 6 and 8).

use std::{cell::Cell, collections::BTreeMap};

use super::{MakeVariable, Makefile};
use crate::ci::shell::is_name;

/// How deep variables use each other.
const DEPTH: usize = 16;

/// Bytes of a text with its variables.
const LONGEST: usize = 1 << 16;

/// How many variables and functions are expanded in one text, and in a Makefile.
const STEPS: usize = 20_000;
const ALL_STEPS: usize = 1_000_000;

/// How many arguments of a called variable are known.
const ARGUMENTS: usize = 16;

/// The expansion of one text.
struct Expansion<'m> {
    makefile: &'m Makefile,
    steps: Cell<usize>,
}

/// Variables that hold for one target or call; their values are expanded when they are used.
pub(super) type OwnVariables = BTreeMap<String, String>;

/// A text with the values of make's variables. What is not known becomes `${{ .. }}`.
pub(super) fn expand(makefile: &Makefile, text: &str, own: &OwnVariables) -> String {
    let left = STEPS.min(ALL_STEPS.saturating_sub(makefile.expanded.get()));
    let expansion = Expansion { makefile, steps: Cell::new(left) };
    let result = expansion.text(text, own, DEPTH);
    makefile.expanded.set(makefile.expanded.get() + left - expansion.steps.get());
    result
}

/// A text that is its own expansion.
pub(super) fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

/// The part of a name that a pattern has `%` for.
pub(super) fn stem<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, behind) = pattern.split_once('%')?;
    name.strip_prefix(before)?.strip_suffix(behind)
}

impl Expansion<'_> {
    fn text(&self, text: &str, own: &OwnVariables, depth: usize) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if result.len() > LONGEST || self.steps.get() == 0 {
                return "${{ a very long variable }}".to_owned();
            }
            let Some(c) = rest.chars().next() else { break };
            if c == '$' {
                result.push('$');
                rest = &rest[1..];
                continue;
            }
            let (name, after) = match c {
                '(' | '{' => {
                    let close = if c == '(' { ')' } else { '}' };
                    match closing(&rest[1..], c, close) {
                        Some(end) => (&rest[1..=end], &rest[end + 2..]),
                        None => (&rest[1..], ""),
                    }
                }
                _ => rest.split_at(c.len_utf8()),
            };
            rest = after;
            self.steps.set(self.steps.get() - 1);
            result.push_str(&self.reference(name, own, depth));
        }
        result.push_str(rest);
        result
    }

    /// What is between the parentheses of `$( .. )`.
    fn reference(&self, inside: &str, own: &OwnVariables, depth: usize) -> String {
        let unknown = || format!("${{{{ $({}) }}}}", inside.trim().replace('}', " "));
        let Some(depth) = depth.checked_sub(1) else { return unknown() };
        let inside = inside.trim_start();
        if let Some((function, arguments)) = inside.split_once([' ', '\t']) {
            let value = self.function(function, arguments.trim_start(), own, depth);
            return value.unwrap_or_else(unknown);
        }
        let computed;
        let mut name = inside.trim_end();
        if name.contains('$') {
            computed = self.text(name, own, depth);
            name = &computed;
        }
        if let Some((variable, change)) = name.split_once(':')
            && let Some((from, to)) = change.split_once('=')
        {
            let value = self.variable(variable, own, depth);
            let value = value.and_then(|value| replace_each(&value, from, to));
            return value.unwrap_or_else(unknown);
        }
        self.variable(name, own, depth).unwrap_or_else(unknown)
    }

    /// The value of a variable; `None` if it is not known.
    fn variable(&self, name: &str, own: &OwnVariables, depth: usize) -> Option<String> {
        if let Some(value) = own.get(name) {
            return Some(self.text(value, own, depth));
        }
        if let Some(of) = name.strip_suffix(['D', 'F']).filter(|of| ["@", "<", "*"].contains(of)) {
            let value = self.text(own.get(of)?, own, depth);
            let is_folder = name.ends_with('D');
            let folder = value.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
            let file = value.rsplit('/').next().unwrap_or_default().to_owned();
            return Some(if is_folder { folder } else { file });
        }
        match self.makefile.variables.get(name) {
            Some(MakeVariable::Text(value)) => Some(self.text(value, own, depth)),
            Some(MakeVariable::Unknown) => None,
            None => match name {
                "CARGO" => Some("cargo".to_owned()),
                "MAKE" => Some("make".to_owned()),
                "CURDIR" | "PWD" => Some("$PWD".to_owned()),
                "Q" | "V" | "AT" | "MAKEFLAGS" | "MFLAGS" => Some(String::new()),
                // A variable of the environment.
                _ if is_name(name) => Some(format!("${{{name}}}")),
                _ => None,
            },
        }
    }

    /// The value of a function; `None` for one that depends on more than the Makefile.
    fn function(
        &self,
        name: &str,
        arguments: &str,
        own: &OwnVariables,
        depth: usize,
    ) -> Option<String> {
        let raw = split_arguments(arguments);
        let argument = |index: usize| {
            raw.get(index).map(|text| self.text(text, own, depth)).unwrap_or_default()
        };
        // The last argument of a function may have commas.
        let from = |index: usize| {
            raw.get(index..)
                .map(|texts| self.text(&texts.join(","), own, depth))
                .unwrap_or_default()
        };
        let each = |list: &str, change: &dyn Fn(&str) -> String| {
            list.split_whitespace().map(change).collect::<Vec<_>>().join(" ")
        };
        let is_known = |text: &str| !text.contains("${");
        Some(match name {
            "call" => {
                let name = argument(0).trim().to_owned();
                let mut own = own.clone();
                own.retain(|name, _| name.parse::<usize>().is_err());
                own.insert("0".to_owned(), escaped(&name));
                for index in 1..=ARGUMENTS {
                    own.insert(index.to_string(), escaped(&argument(index)));
                }
                self.makefile.variables.get(&name)?;
                return self.variable(&name, &own, depth);
            }
            "foreach" => {
                let (variable, list) = (argument(0), argument(1));
                let body = raw.get(2..)?.join(",");
                let mut result = String::new();
                for item in list.split_whitespace() {
                    if self.steps.get() == 0 || result.len() > LONGEST {
                        return None;
                    }
                    self.steps.set(self.steps.get() - 1);
                    let mut own = own.clone();
                    own.insert(variable.trim().to_owned(), escaped(item));
                    if !result.is_empty() {
                        result.push(' ');
                    }
                    result.push_str(&self.text(&body, &own, depth));
                }
                result
            }
            "addprefix" => {
                let (prefix, list) = (argument(0), from(1));
                if_short(list.split_whitespace().count(), prefix.len())?;
                each(&list, &|word| format!("{prefix}{word}"))
            }
            "addsuffix" => {
                let (suffix, list) = (argument(0), from(1));
                if_short(list.split_whitespace().count(), suffix.len())?;
                each(&list, &|word| format!("{word}{suffix}"))
            }
            "patsubst" => return replace_each(&from(2), &argument(0), &argument(1)),
            "subst" => match (argument(0), argument(1), from(2)) {
                (what, _, text) if what.is_empty() => text,
                (what, new, text) => {
                    if_short(text.matches(&what).count(), new.len())?;
                    text.replace(&what, &new)
                }
            },
            "strip" | "sort" => {
                let text = from(0);
                let mut words: Vec<_> = text.split_whitespace().collect();
                if name == "sort" {
                    words.sort_unstable();
                    words.dedup();
                }
                words.join(" ")
            }
            "dir" => each(&from(0), &|word| {
                word.rsplit_once('/').map_or("./".to_owned(), |(folder, _)| format!("{folder}/"))
            }),
            "notdir" => {
                each(&from(0), &|word| word.rsplit('/').next().unwrap_or_default().to_owned())
            }
            "basename" => each(&from(0), &|word| {
                let file = word.rfind('/').map_or(0, |at| at + 1);
                word[file..].rfind('.').map_or(word, |at| &word[..file + at]).to_owned()
            }),
            "firstword" => from(0).split_whitespace().next().unwrap_or_default().to_owned(),
            "lastword" => from(0).split_whitespace().last().unwrap_or_default().to_owned(),
            "word" => {
                let index = argument(0).trim().parse::<usize>().ok()?.checked_sub(1)?;
                from(1).split_whitespace().nth(index).unwrap_or_default().to_owned()
            }
            "filter" | "filter-out" => {
                let (patterns, text) = (argument(0), from(1));
                if_short(text.split_whitespace().count(), patterns.split_whitespace().count())?;
                let matches = |word: &&str| {
                    patterns
                        .split_whitespace()
                        .any(|pattern| pattern == *word || stem(pattern, word).is_some())
                };
                let kept =
                    text.split_whitespace().filter(|word| matches(word) == (name == "filter"));
                kept.collect::<Vec<_>>().join(" ")
            }
            "if" => {
                let condition = argument(0);
                if !is_known(&condition) {
                    return None;
                }
                if condition.trim().is_empty() { from(2) } else { argument(1) }
            }
            "or" => {
                let mut values = (0..raw.len()).map(argument);
                let value = values.find(|value| !value.trim().is_empty()).unwrap_or_default();
                return is_known(&value).then_some(value);
            }
            "abspath" | "realpath" => each(&from(0), &|word| {
                let is_relative = !word.starts_with('/') && is_known(word);
                if is_relative { format!("$PWD/{word}") } else { word.to_owned() }
            }),
            "value" => return self.variable(argument(0).trim(), own, depth),
            "info" | "warning" | "error" | "eval" => String::new(),
            _ => return None,
        })
    }
}

/// `None` if something is repeated so often that the text would be too long.
fn if_short(times: usize, each: usize) -> Option<()> {
    (times.saturating_mul(each) <= LONGEST).then_some(())
}

/// The words of a text, changed where they match a pattern; one without `%` is a suffix.
fn replace_each(text: &str, from: &str, to: &str) -> Option<String> {
    if_short(text.split_whitespace().count(), to.len())?;
    let (from, to) = if from.contains('%') {
        (from.to_owned(), to.to_owned())
    } else {
        (format!("%{from}"), format!("%{to}"))
    };
    let words = text.split_whitespace().map(|word| match stem(&from, word) {
        Some(stem) => to.replacen('%', stem, 1),
        None => word.to_owned(),
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

/// Arguments of a function, which commas outside of parentheses separate.
fn split_arguments(text: &str) -> Vec<&str> {
    let mut arguments = Vec::new();
    let (mut begin, mut open) = (0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' => open += 1,
            ')' | '}' => open = open.saturating_sub(1),
            ',' if open == 0 => {
                arguments.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    arguments.push(&text[begin..]);
    arguments
}

/// The offset of what closes a parenthesis that is open.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}
