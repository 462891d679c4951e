//! How findings of each code are shown.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value, json};
use tower_lsp::ls_types::DiagnosticSeverity;

use crate::verdict::Code;

/// How a finding is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::lsp) enum Shown {
    /// Not at all.
    Off,
    Error,
    Warning,
    Information,
    Hint,
}

impl Shown {
    const ALL: [Self; 5] = [Self::Off, Self::Error, Self::Warning, Self::Information, Self::Hint];

    /// The severity; `None` for what is not shown.
    pub(in crate::lsp) fn severity(self) -> Option<DiagnosticSeverity> {
        match self {
            Self::Off => None,
            Self::Error => Some(DiagnosticSeverity::ERROR),
            Self::Warning => Some(DiagnosticSeverity::WARNING),
            Self::Information => Some(DiagnosticSeverity::INFORMATION),
            Self::Hint => Some(DiagnosticSeverity::HINT),
        }
    }
}

/// The codes that are not shown as cargo-deny's level says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in crate::lsp) struct Codes(BTreeMap<&'static str, Shown>);

impl Codes {
    pub(super) fn get(&self, code: Code) -> Option<Shown> {
        self.0.get(code.name()).copied()
    }

    /// Whether any code is given a severity: it may be that of notes.
    pub(super) fn show_any(&self) -> bool {
        self.0.values().any(|shown| *shown != Shown::Off)
    }
}

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, Shown>::deserialize(deserializer)?;
        let known = given.into_iter().map(|(name, shown)| {
            let code = Code::by_name(&name);
            let code = code.ok_or_else(|| D::Error::custom(format!("no code `{name}`")))?;
            Ok((code.name(), shown))
        });
        Ok(Self(known.collect::<Result<_, _>>()?))
    }
}

impl JsonSchema for Codes {
    fn schema_name() -> Cow<'static, str> {
        "Codes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes = Code::ALL.iter().map(|code| {
            let rule = json!({"description": code.words(), "enum": Shown::ALL});
            (code.name().to_owned(), rule)
        });
        let properties: Map<String, Value> = codes.collect();
        schemars::json_schema!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
