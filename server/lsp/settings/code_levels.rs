//! The severities that the settings give to codes.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value, json};
use tower_lsp::ls_types::DiagnosticSeverity;

use crate::verdict::Code;

/// The severity with which findings of a code are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::lsp) enum CodeLevel {
    /// They are hidden.
    Off,
    Error,
    Warning,
    Information,
    Hint,
}

impl CodeLevel {
    const ALL: [Self; 5] = [Self::Off, Self::Error, Self::Warning, Self::Information, Self::Hint];

    /// The severity; `None` for hidden findings.
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

/// The levels of the codes that the user has set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in crate::lsp) struct CodeLevels(BTreeMap<&'static str, CodeLevel>);

impl CodeLevels {
    pub(super) fn get(&self, code: Code) -> Option<CodeLevel> {
        self.0.get(code.name()).copied()
    }

    /// Whether any code has a severity: it may be one of notes or helps.
    pub(super) fn any_shown(&self) -> bool {
        self.0.values().any(|level| *level != CodeLevel::Off)
    }
}

impl<'de> Deserialize<'de> for CodeLevels {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, CodeLevel>::deserialize(deserializer)?;
        let levels = given.into_iter().map(|(name, level)| {
            let code = Code::by_name(&name);
            let code = code.ok_or_else(|| D::Error::custom(format!("unknown code `{name}`")))?;
            Ok((code.name(), level))
        });
        Ok(Self(levels.collect::<Result<_, _>>()?))
    }
}

impl JsonSchema for CodeLevels {
    fn schema_name() -> Cow<'static, str> {
        "Codes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes = Code::ALL.iter().map(|code| {
            let rule = json!({"description": code.description(), "enum": CodeLevel::ALL});
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
