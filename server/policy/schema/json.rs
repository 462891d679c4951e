//! The schema as a JSON Schema, for TOML servers and validators.

use serde_json::{Map, Value as Json, json};

use super::{
    CARGO_DENY, EXCEPTIONS, EntryForm, KeyStatus, POLICY, SchemaKey, SchemaTable, StringKind,
    ValueType,
};

/// The JSON Schema of `deny.toml`. `definitions/exceptions` is the one of `deny.exceptions.toml`.
pub fn json_schema() -> Json {
    let mut schema = table(&POLICY);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("cargo-deny policy");
    schema["description"] = json!(format!("`deny.toml` of cargo-deny {CARGO_DENY}."));
    schema["definitions"] = json!({ "exceptions": table(&EXCEPTIONS) });
    schema
}

fn table(table: &SchemaTable) -> Json {
    let mut properties = Map::new();
    for key in table.keys() {
        properties.insert(key.name.to_owned(), property(key));
    }
    let required: Vec<_> = table.keys().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    match table.form {
        EntryForm::Plain => {}
        EntryForm::Package | EntryForm::PackageAndReason | EntryForm::PackageAlone => {
            schema["oneOf"] = json!([{ "required": ["crate"] }, { "required": ["name"] }]);
        }
        EntryForm::Ignore => {
            schema["oneOf"] = json!([{ "required": ["id"] }, { "required": ["crate"] }, { "required": ["name"] }]);
        }
    }
    // Keys that cargo-deny silently ignores are mistakes, too.
    schema["additionalProperties"] = json!(false);
    schema
}

fn property(key: &SchemaKey) -> Json {
    let mut schema = value(key.value);
    let mut description = key.about.to_owned();
    if let Some(note) = key.status_note() {
        description = format!("{description}\n\n{}.", capitalized(&note));
        schema["deprecated"] = json!(true);
    }
    if let Some(absent) = key.absent {
        description = format!("{description}\n\nDefault: {absent}.");
    }
    schema["description"] = json!(description);
    if matches!(key.status, KeyStatus::Removed { .. }) {
        schema["not"] = json!({});
        schema["x-taplo"] = json!({ "hidden": true });
    }
    let default = key.default.and_then(|default| json_of(&format!("x = {default}"), &["x"]));
    if let Some(default) = default {
        schema["default"] = default;
    }
    schema
}

fn value(value: ValueType) -> Json {
    match value {
        ValueType::Bool => json!({ "type": "boolean" }),
        ValueType::Integer => json!({ "type": "integer" }),
        ValueType::Float => json!({ "type": "number", "minimum": 0.0, "maximum": 1.0 }),
        ValueType::Text(text) => self::text(text),
        ValueType::Choice(choices) => {
            let values: Vec<_> = choices.iter().map(|choice| choice.value).collect();
            let descriptions: Vec<_> = choices.iter().map(|choice| choice.about).collect();
            json!({
                "type": "string",
                "enum": values,
                "x-taplo": { "docs": { "enumValues": descriptions } },
            })
        }
        ValueType::List(item) => json!({ "type": "array", "items": self::value(*item) }),
        ValueType::Table(table) => self::table(table),
        ValueType::Either(text, table) => {
            json!({ "anyOf": [self::text(text), self::table(table)] })
        }
        ValueType::Anything => json!({}),
    }
}

fn text(text: StringKind) -> Json {
    let mut schema = json!({ "type": "string" });
    match text {
        StringKind::Sha256 => schema["pattern"] = json!("^[0-9A-Fa-f]{64}$"),
        StringKind::Extension => schema["pattern"] = json!("^[0-9A-Za-z]*$"),
        StringKind::Duration => schema["pattern"] = json!("^P[0-9.YMDTHSW]+$"),
        _ => {}
    }
    schema
}

/// The value at a path of a TOML text.
fn json_of(toml: &str, path: &[&str]) -> Option<Json> {
    let table: toml::Table = toml.parse().ok()?;
    let (first, rest) = path.split_first()?;
    let found = rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))?;
    serde_json::to_value(found).ok()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
