//! Expressions of workflows, evaluated as far as their values are known.

use std::collections::{BTreeMap, BTreeSet};

use crate::ci::script_text::ScriptText;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ci) enum ExpressionValue {
    Text(String),
    Bool(bool),
    /// Missing, which is the same as an empty text
    Null,
}

impl ExpressionValue {
    fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty() && text != "0",
            Self::Bool(value) => *value,
            Self::Null => false,
        }
    }

    pub(in crate::ci) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Null => String::new(),
        }
    }
}

/// The values that expressions can name: `matrix.target`, `env.NAME`, `inputs.features`.
#[derive(Clone, Debug, Default)]
pub(in crate::ci) struct Context {
    values: BTreeMap<String, String>,
    /// The parts of which all names are known: another one is empty.
    known: BTreeSet<String>,
    /// Names that are not known nevertheless.
    unknown: BTreeSet<String>,
}

/// How deep an expression is nested that is evaluated.
const DEPTH: usize = 32;

impl Context {
    pub(super) fn set_text(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_ascii_lowercase(), value.to_owned());
        if let Some(variable) = name.strip_prefix("env.") {
            // Variables of a shell are case-sensitive.
            self.values.insert(format!("ENV {variable}"), value.to_owned());
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(&name.to_ascii_lowercase())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// All names of this part are set.
    pub(super) fn know(&mut self, part: &str) {
        self.known.insert(part.to_owned());
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.unknown.insert(name.to_ascii_lowercase());
    }

    /// The variables of `env`.
    pub(super) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.values.iter();
        all.filter_map(|(name, value)| Some((name.strip_prefix("ENV ")?, value.as_str())))
    }

    fn value(&self, name: &str) -> Option<ExpressionValue> {
        let name = name.to_ascii_lowercase();
        if let Some(text) = self.values.get(&name) {
            return (!text.contains("${{")).then(|| ExpressionValue::Text(text.clone()));
        }
        let part = name.split('.').next().unwrap_or_default();
        let is_known = self.known.contains(part) && !self.unknown.contains(&name);
        is_known.then_some(ExpressionValue::Null)
    }

    /// The value of an expression; `None` if it is not known.
    pub(in crate::ci) fn evaluate(&self, expression: &str) -> Option<ExpressionValue> {
        let mut parser = ExpressionParser { rest: expression.trim(), context: self, depth: 0 };
        let value = parser.or();
        if parser.rest.trim().is_empty() { value } else { None }
    }

    /// The value of `if` or `continue-on-error`, which need no `${{ }}`.
    pub(super) fn condition(&self, text: &str) -> Option<bool> {
        let text = text.trim();
        let inside = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}"));
        self.evaluate(inside.unwrap_or(text)).map(|value| value.is_true())
    }

    /// A text with the values of its expressions; those that are not known stay.
    pub(super) fn substituted(&self, text: &str) -> String {
        self.substituted_script(&ScriptText::at(1, text)).text
    }

    pub(super) fn substituted_script(&self, script: &ScriptText) -> ScriptText {
        script.replaced(["${{", "}}"], |expression| {
            self.evaluate(expression).map(|value| value.text())
        })
    }
}

struct ExpressionParser<'e> {
    rest: &'e str,
    context: &'e Context,
    depth: usize,
}

type Value = Option<ExpressionValue>;

impl ExpressionParser<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.starts_with(sign);
        if found {
            self.rest = &rest[sign.len()..];
        }
        found
    }

    /// Each operand is read, whether or not it decides.
    fn or(&mut self) -> Value {
        let mut value = self.and();
        while self.takes("||") {
            let other = self.and();
            value = match value {
                Some(value) if value.is_true() => Some(value),
                Some(_) => other,
                None => None,
            };
        }
        value
    }

    fn and(&mut self) -> Value {
        let mut value = self.comparison();
        while self.takes("&&") {
            let other = self.comparison();
            value = match (value, other) {
                (Some(value), _) if !value.is_true() => Some(value),
                (Some(_), other) => other,
                (None, Some(other)) if !other.is_true() => Some(other),
                (None, _) => None,
            };
        }
        value
    }

    fn comparison(&mut self) -> Value {
        let value = self.unary();
        for (sign, equal) in [("==", true), ("!=", false)] {
            if self.takes(sign) {
                let other = self.unary();
                let (value, other) = (value?, other?);
                let same = value.text().eq_ignore_ascii_case(&other.text());
                return Some(ExpressionValue::Bool(same == equal));
            }
        }
        value
    }

    fn unary(&mut self) -> Value {
        if self.depth > DEPTH {
            self.rest = "";
            return None;
        }
        self.depth += 1;
        let value = if self.rest.trim_start().starts_with("!=") {
            None
        } else if self.takes("!") {
            self.unary().map(|value| ExpressionValue::Bool(!value.is_true()))
        } else {
            self.primary()
        };
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Value {
        if self.takes("(") {
            let value = self.or();
            return if self.takes(")") { value } else { None };
        }
        if self.takes("'") {
            return self.string();
        }
        let rest = self.rest.trim_start();
        let is_name = |c: char| c.is_alphanumeric() || "_-.*".contains(c);
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(length);
        self.rest = rest;
        if name.is_empty() {
            self.rest = "";
            return None;
        }
        if self.takes("(") {
            return self.function(name);
        }
        let mut name = name.to_owned();
        while self.takes("[") {
            let inside = self.or();
            if !self.takes("]") {
                return None;
            }
            name = format!("{name}.{}", inside?.text());
            let rest = self.rest;
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            name.push_str(&rest[..length]);
            self.rest = &rest[length..];
        }
        match name.as_str() {
            "true" => Some(ExpressionValue::Bool(true)),
            "false" => Some(ExpressionValue::Bool(false)),
            "null" => Some(ExpressionValue::Null),
            _ if name.parse::<f64>().is_ok() => Some(ExpressionValue::Text(name)),
            _ => self.context.value(&name),
        }
    }

    /// After its first quote; two quotes are one.
    fn string(&mut self) -> Value {
        let mut text = String::new();
        loop {
            let end = self.rest.find('\'')?;
            text.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            if !self.rest.starts_with('\'') {
                return Some(ExpressionValue::Text(text));
            }
            text.push('\'');
            self.rest = &self.rest[1..];
        }
    }

    fn function(&mut self, name: &str) -> Value {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(self.or());
            if !self.takes(",") {
                if !self.takes(")") {
                    return None;
                }
                break;
            }
        }
        let texts: Option<Vec<String>> =
            arguments.into_iter().map(|value| Some(value?.text())).collect();
        let texts = texts?;
        let lower: Vec<_> = texts.iter().map(|text| text.to_lowercase()).collect();
        match (name.to_ascii_lowercase().as_str(), lower.as_slice()) {
            ("contains", [text, part]) => Some(ExpressionValue::Bool(text.contains(part.as_str()))),
            ("startswith", [text, start]) => {
                Some(ExpressionValue::Bool(text.starts_with(start.as_str())))
            }
            ("endswith", [text, end]) => Some(ExpressionValue::Bool(text.ends_with(end.as_str()))),
            ("format", [_, ..]) => {
                let mut text = texts[0].clone();
                for (index, value) in texts[1..].iter().enumerate() {
                    text = text.replace(&format!("{{{index}}}"), value);
                }
                Some(ExpressionValue::Text(text))
            }
            ("always", []) => Some(ExpressionValue::Bool(true)),
            ("fromjson", [_]) => match texts[0].as_str() {
                "true" => Some(ExpressionValue::Bool(true)),
                "false" => Some(ExpressionValue::Bool(false)),
                text => Some(ExpressionValue::Text(text.to_owned())),
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_evaluated_as_far_as_they_are_known() {
        let mut context = Context::default();
        context.set_text("matrix.target", "wasm32");
        context.set_text("matrix.job.args", "--locked");
        context.know("matrix");
        context.set_text("env.NAME", "x");
        for (expression, expected) in [
            ("matrix.target", Some("wasm32")),
            ("matrix['target']", Some("wasm32")),
            ("matrix.job.args", Some("--locked")),
            ("matrix.none", Some("")),
            ("env.NAME", Some("x")),
            ("env.OTHER", None),
            ("github.ref", None),
            ("matrix.target == 'wasm32' && '--a' || '--b'", Some("--a")),
            ("matrix.target != 'wasm32' && '--a' || '--b'", Some("--b")),
            ("!(matrix.target == 'x')", Some("true")),
            ("github.ref == 'x' && false", Some("false")),
            ("github.ref || 'x'", None),
            ("matrix.none || 'it''s'", Some("it's")),
            ("contains(matrix.target, 'WASM')", Some("true")),
            ("format('{0}-{1}', matrix.target, 1)", Some("wasm32-1")),
            ("secrets.TOKEN", None),
            ("hashFiles('x')", None),
            ("", None),
            ("'", None),
            ("((", None),
            ("a b", None),
        ] {
            let value = context.evaluate(expression).map(|value| value.text());
            assert_eq!(value.as_deref(), expected, "{expression}");
        }
        context.evaluate(&"(".repeat(100_000));
        context.evaluate(&"!".repeat(100_000));
        assert_eq!(context.substituted("a ${{ env.NAME }} ${{ b }}"), "a x ${{ b }}");
        assert_eq!(context.condition("${{ matrix.none }}"), Some(false));
    }
}
