//! The levels that the settings give to codes, as `-A`, `-W` and `-D` of cargo-deny do.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value, json};

use crate::verdict::{LintLevel, LintLevels};

/// The levels of codes and groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lsp) struct LevelSettings(pub(super) LintLevels);

impl Serialize for LevelSettings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LevelSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut levels = LintLevels::default();
        for (word, level) in BTreeMap::<String, LintLevel>::deserialize(deserializer)? {
            levels.set(&word, level).map_err(D::Error::custom)?;
        }
        Ok(Self(levels))
    }
}

impl JsonSchema for LevelSettings {
    fn schema_name() -> Cow<'static, str> {
        "Levels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = LintLevels::known().map(|(word, description)| {
            let levels = LintLevel::ALL.map(LintLevel::name);
            (word.to_owned(), json!({"description": description, "enum": levels}))
        });
        let properties: Map<String, Value> = words.collect();
        schemars::json_schema!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
