//! Validates JSON by a JSON Schema (draft 7), as far as the schema of SARIF uses it: a keyword that is not known here fails the
//! test. The validators on crates.io would add ten to thirty packages to the build, some of them in a second version.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that only describe.
const DESCRIPTIONS: [&str; 6] =
    ["$schema", "$id", "title", "description", "default", "definitions"];

/// The errors of a value, each with its path.
pub(super) fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    validate(schema, schema, value, "", &mut errors);
    errors
}

fn validate(root: &Value, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    let schema = schema.as_object().expect("a schema is an object");
    if let Some(reference) = schema.get("$ref") {
        let pointer = reference.as_str().and_then(|it| it.strip_prefix('#')).expect("a local one");
        let target = root.pointer(pointer).unwrap_or_else(|| panic!("no `{pointer}`"));
        // In draft 7, everything beside a reference is ignored.
        return validate(root, target, value, at, errors);
    }
    for (keyword, rule) in schema {
        if DESCRIPTIONS.contains(&keyword.as_str()) {
            continue;
        }
        let mut check = |holds: bool| {
            if !holds {
                errors.push(format!("{at}: `{keyword}` {rule} does not hold for {value}"));
            }
        };
        match keyword.as_str() {
            "type" => check(has_type(rule.as_str().expect("one type"), value)),
            "enum" => check(rule.as_array().expect("values").contains(value)),
            "minimum" => check(value.as_f64().is_none_or(|it| it >= number(rule))),
            "maximum" => check(value.as_f64().is_none_or(|it| it <= number(rule))),
            "minItems" => {
                check(
                    value
                        .as_array()
                        .is_none_or(|items| items.len() as u64 >= rule.as_u64().expect("a number")),
                );
            }
            "uniqueItems" => {
                let items = value.as_array().filter(|_| rule == &Value::Bool(true));
                check(items.is_none_or(|items| {
                    items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
                }));
            }
            "pattern" => {
                let pattern = Regex::new(rule.as_str().expect("a text")).expect("a pattern");
                check(value.as_str().is_none_or(|text| pattern.is_match(text)));
            }
            "format" => {
                check(
                    value
                        .as_str()
                        .is_none_or(|text| has_format(rule.as_str().expect("a name"), text)),
                );
            }
            "required" => {
                let names = rule.as_array().expect("names").iter().filter_map(Value::as_str);
                let object = value.as_object();
                check(
                    object.is_none_or(|object| names.clone().all(|name| object.contains_key(name))),
                );
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, item, &format!("{at}/{index}"), errors);
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().expect("schemas") {
                    if let Some(value) = value.get(name) {
                        validate(root, rule, value, &format!("{at}/{name}"), errors);
                    }
                }
            }
            "additionalProperties" => {
                additional(root, schema, rule, value, at, errors);
            }
            "anyOf" => check(fitting(root, rule, value) > 0),
            "oneOf" => check(fitting(root, rule, value) == 1),
            other => panic!("the keyword `{other}` is not known"),
        }
    }
}

fn additional(
    root: &Value,
    schema: &Map<String, Value>,
    rule: &Value,
    value: &Value,
    at: &str,
    errors: &mut Vec<String>,
) {
    let known = schema.get("properties").and_then(Value::as_object);
    for (name, value) in value.as_object().into_iter().flatten() {
        if known.is_some_and(|known| known.contains_key(name)) {
            continue;
        }
        match rule {
            Value::Bool(true) => {}
            Value::Bool(false) => errors.push(format!("{at}: unknown property `{name}`")),
            _ => validate(root, rule, value, &format!("{at}/{name}"), errors),
        }
    }
}

fn fitting(root: &Value, schemas: &Value, value: &Value) -> usize {
    let fits = |schema: &&Value| {
        let mut errors = Vec::new();
        validate(root, schema, value, "", &mut errors);
        errors.is_empty()
    };
    schemas.as_array().expect("schemas").iter().filter(fits).count()
}

fn number(rule: &Value) -> f64 {
    rule.as_f64().expect("a number")
}

fn has_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type `{other}` is not known"),
    }
}

fn has_format(name: &str, text: &str) -> bool {
    // What RFC 3986 allows in a URI.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    match name {
        "uri" => text.chars().all(is_plain) && url::Url::parse(text).is_ok(),
        "uri-reference" => text.chars().all(is_plain),
        "date-time" => text.contains('T'),
        other => panic!("the format `{other}` is not known"),
    }
}

#[test]
fn mistakes_are_found() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "additionalProperties": false,
        "properties": {
            "a": { "$ref": "#/definitions/a" },
            "b": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "integer", "minimum": 1 } },
            "c": { "enum": ["x"] },
            "d": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
            "e": { "type": "string", "format": "uri" },
        },
        "definitions": { "a": { "type": "string", "pattern": "^a" } },
    });
    let count = |text: &str| errors(&schema, &serde_json::from_str(text).expect("JSON")).len();
    assert_eq!(count(r#"{"a": "a", "b": [1, 2], "c": "x", "d": 1, "e": "file:///a"}"#), 0);
    for wrong in [
        "[]",
        "{}",
        r#"{"a": 1}"#,
        r#"{"a": "b"}"#,
        r#"{"a": "a", "z": 1}"#,
        r#"{"a": "a", "b": []}"#,
        r#"{"a": "a", "b": [1, 1]}"#,
        r#"{"a": "a", "b": [0]}"#,
        r#"{"a": "a", "c": "y"}"#,
        r#"{"a": "a", "d": []}"#,
        r#"{"a": "a", "e": "a b"}"#,
    ] {
        assert!(count(wrong) > 0, "{wrong}");
    }
}
