//! Published diagnostics as values, and as text with the source of each.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::{Encoding, Range};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Diagnostic {
    pub(crate) range: Range,
    pub(crate) severity: u8,
    pub(crate) code: Option<String>,
    pub(crate) code_description: Option<CodeDescription>,
    pub(crate) source: String,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) tags: Vec<u8>,
    #[serde(default)]
    pub(crate) related_information: Vec<Related>,
    pub(crate) data: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeDescription {
    pub(crate) href: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Related {
    pub(crate) location: Location,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Location {
    pub(crate) uri: String,
    pub(crate) range: Range,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    pub(super) uri: String,
    pub(super) version: Option<i32>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The diagnostics of one file after one notification, with their text.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) version: Option<i32>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(super) text: String,
    pub(super) encoding: Encoding,
}

impl Shown {
    /// The codes in the order of their locations.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.diagnostics.iter().filter_map(|diagnostic| diagnostic.code.as_deref()).collect()
    }

    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes().contains(&code)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// The only diagnostic with a code.
    pub(crate) fn only(&self, code: &str) -> &Diagnostic {
        let mut found =
            self.diagnostics.iter().filter(|diagnostic| diagnostic.code.as_deref() == Some(code));
        let first = found.next().unwrap_or_else(|| panic!("no {code} in:\n{}", self.drawn()));
        assert!(found.next().is_none(), "more than one {code} in:\n{}", self.drawn());
        first
    }

    /// The text in the range of the only diagnostic with a code.
    pub(crate) fn covered(&self, code: &str) -> &str {
        self.encoding.covered(&self.text, self.only(code).range)
    }

    /// Its line, from 0.
    pub(crate) fn line(&self, code: &str) -> u32 {
        self.only(code).range.start.line
    }

    /// Compares the drawn diagnostics with an indented text. (A snapshot of a test that runs with several
    /// editors could not be updated.)
    pub(crate) fn assert_drawn(&self, expected: &str) {
        let expected = expected.trim_start_matches('\n');
        let indent = expected.len() - expected.trim_start().len();
        let lines = expected.lines().map(|line| line.get(indent..).unwrap_or_default());
        let expected: Vec<_> = lines.collect();
        let drawn = self.drawn();
        assert_eq!(drawn.trim_end(), expected.join("\n").trim_end(), "drawn:\n{drawn}");
    }

    /// The source lines with their diagnostics below them.
    pub(crate) fn drawn(&self) -> String {
        let mut drawn = String::new();
        let mut last = None;
        for diagnostic in &self.diagnostics {
            let line = diagnostic.range.start.line;
            if last != Some(line) {
                let source = self.text.lines().nth(line as usize).unwrap_or_default();
                let _ = writeln!(drawn, "{}| {source}", line + 1);
                last = Some(line);
            }
            let severity = match diagnostic.severity {
                1 => "error",
                2 => "warning",
                3 => "information",
                4 => "hint",
                other => panic!("severity {other} does not exist"),
            };
            let code = diagnostic.code.as_deref().unwrap_or("(no code)");
            let covered = self.encoding.covered(&self.text, diagnostic.range);
            let message = &diagnostic.message;
            let _ = writeln!(drawn, "   `{}` {severity} {code}: {message}", covered.escape_debug());
        }
        drawn
    }
}
