//! What a client sends, checked against the schema: what is right is used, what is wrong is said.

use camino::Utf8Path;
use serde_json::{Map, Value};

use crate::verdict::harmless;

/// How much of a wrong value is repeated, in characters.
const LONGEST: usize = 40;

/// How alike a name has to be to be suggested, from 0 to 1 (Jaro and Winkler).
const ALIKE: f64 = 0.85;

/// What was sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Read {
    /// What is right, without nulls.
    pub(super) accepted: Map<String, Value>,
    /// A sentence for everything that is wrong.
    pub(super) complaints: Vec<String>,
}

/// Reads an object of settings, alone or below the key `supercargo`.
pub(super) fn read(given: &Value, schema: &Value) -> Read {
    let mut read = Read::default();
    match given {
        Value::Null => {}
        Value::Object(given) => {
            let given = match given.get("supercargo") {
                Some(Value::Object(below)) => below,
                Some(Value::Null) => return read,
                _ => given,
            };
            read.accepted = object(given, schema, "", &mut read.complaints);
        }
        other => read
            .complaints
            .push(format!("the settings have to be an object, not `{}`", repeated(other))),
    }
    read
}

fn object(
    given: &Map<String, Value>,
    rule: &Value,
    prefix: &str,
    complaints: &mut Vec<String>,
) -> Map<String, Value> {
    let empty = Map::new();
    let known = rule["properties"].as_object().unwrap_or(&empty);
    let mut accepted = Map::new();
    for (key, value) in given {
        let name = format!("{prefix}{key}");
        let Some(rule) = known.get(key) else {
            complaints.push(unknown(&name, key, known));
            continue;
        };
        if value.is_null() {
            continue;
        }
        let used = match value {
            Value::Object(given) if rule["properties"].is_object() => {
                Some(object(given, rule, &format!("{name}."), complaints).into())
            }
            value if allows(rule, value) => Some(value.clone()),
            value => {
                let cautious = cautious(&name);
                let consequence = match name.as_str() {
                    "trusted" => ": the workspace is taken as not trusted",
                    "offline" => ": there will be no network",
                    _ => "",
                };
                complaints.push(format!(
                    "the setting `{name}` has to be {}, not `{}`{consequence}",
                    allowed(rule),
                    repeated(value)
                ));
                cautious
            }
        };
        accepted.extend(used.map(|value| (key.clone(), value)));
    }
    accepted
}

/// What a value that cannot be understood must not start: programs and connections.
fn cautious(name: &str) -> Option<Value> {
    match name {
        "trusted" => Some(false.into()),
        "offline" => Some(true.into()),
        _ => None,
    }
}

fn unknown(name: &str, key: &str, known: &Map<String, Value>) -> String {
    let code = name.starts_with("codes.");
    let (kind, said) = if code { ("code", key) } else { ("setting", name) };
    let said = shortened(said);
    if code && key.starts_with("RUSTSEC-") {
        return format!(
            "`codes` cannot name the advisory `{said}`: ignore it in `deny.toml`, with a reason"
        );
    }
    let nearest = known
        .keys()
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => {
            let prefix = if code { "" } else { name.strip_suffix(key).unwrap_or_default() };
            format!("there is no {kind} `{said}`: did you mean `{prefix}{nearest}`?")
        }
        None => format!("there is no {kind} `{said}`"),
    }
}

/// Whether a value is as its rule wants it.
fn allows(rule: &Value, value: &Value) -> bool {
    if let Some(choices) = rule["enum"].as_array() {
        return choices.contains(value);
    }
    match (kind(rule), value) {
        ("boolean", Value::Bool(_)) => true,
        ("integer", Value::Number(number)) => number.as_u64().is_some_and(|number| {
            let (least, most) = bounds(rule);
            (least..=most).contains(&number)
        }),
        ("string", Value::String(text)) => match rule["format"].as_str() {
            Some("path") => Utf8Path::new(text).is_absolute(),
            // A relative path would lead into the folder that is judged.
            Some("program") => {
                Utf8Path::new(text).is_absolute() || !text.is_empty() && is_name(text)
            }
            _ => is_name(text),
        },
        ("array", Value::Array(items)) => items.iter().all(|item| allows(&rule["items"], item)),
        _ => false,
    }
}

/// Whether a text is one name and no path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\', ':']) && text != "." && text != ".."
}

/// The words for what a rule wants.
pub(super) fn allowed(rule: &Value) -> String {
    if let Some(choices) = rule["enum"].as_array() {
        let mut choices: Vec<_> =
            choices.iter().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
        let last = choices.pop().unwrap_or_default();
        return format!("{} or {last}", choices.join(", "));
    }
    match (kind(rule), rule["format"].as_str()) {
        ("boolean", _) => "true or false".to_owned(),
        ("integer", _) => {
            let (least, most) = bounds(rule);
            format!("a whole number from {least} to {most}")
        }
        ("string", Some("path")) => "an absolute path".to_owned(),
        ("string", Some("program")) => "an absolute path or the name of a program".to_owned(),
        ("array", _) => "a list of names of folders".to_owned(),
        _ => "an object".to_owned(),
    }
}

/// The type, without the null that every setting may be.
fn kind(rule: &Value) -> &str {
    match &rule["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn bounds(rule: &Value) -> (u64, u64) {
    (rule["minimum"].as_u64().unwrap_or(0), rule["maximum"].as_u64().unwrap_or(u64::MAX))
}

fn repeated(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    let text = harmless(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::schema, *};

    /// What is accepted and what is said.
    fn check(given: &Value, accepted: &Value, complaints: &[&str]) {
        let read = read(given, &schema());
        assert_eq!(&Value::Object(read.accepted), accepted);
        assert_eq!(read.complaints, complaints);
    }

    #[test]
    fn wrong_values_are_said_with_what_is_allowed_and_right_ones_used() {
        check(
            &json!({"offline": true, "notes": "yes", "db": "/adv", "workspace": null, "debounce": 9000}),
            &json!({"offline": true, "db": "/adv"}),
            &[
                "the setting `debounce` has to be a whole number from 0 to 5000, not `9000`",
                "the setting `notes` has to be true or false, not `\"yes\"`",
            ],
        );
        check(
            &json!({"codes": {"yanked": "hint", "banned": "loud"}, "exclude": ["a", "b/c"], "hints": 3}),
            &json!({"codes": {"yanked": "hint"}}),
            &[
                "the setting `codes.banned` has to be `off`, `error`, `warning`, `information` or \
                 `hint`, not `\"loud\"`",
                "the setting `exclude` has to be a list of names of folders, not `[\"a\",\"b/c\"]`",
                "the setting `hints` has to be an object, not `3`",
            ],
        );
        check(&json!([1]), &json!({}), &["the settings have to be an object, not `[1]`"]);
    }

    #[test]
    fn unknown_names_are_said_with_the_nearest_one() {
        check(
            &json!({"color": 1, "oflfine": true, "hints": {"lockedversion": true}}),
            &json!({"hints": {}}),
            &[
                "there is no setting `color`",
                "there is no setting `hints.lockedversion`: did you mean `hints.lockedVersion`?",
                "there is no setting `oflfine`: did you mean `offline`?",
            ],
        );
        check(
            &json!({"codes": {"yankd": "off", "no-lock-file": "off", "RUSTSEC-2026-0009": "off"}}),
            &json!({"codes": {}}),
            &[
                "`codes` cannot name the advisory `RUSTSEC-2026-0009`: ignore it in `deny.toml`, \
                 with a reason",
                "there is no code `no-lock-file`",
                "there is no code `yankd`: did you mean `yanked`?",
            ],
        );
    }

    #[test]
    fn the_key_of_the_section_may_be_there_or_not() {
        check(&json!({"supercargo": {"notes": true}}), &json!({"notes": true}), &[]);
        check(&json!({"supercargo": null}), &json!({}), &[]);
        check(&Value::Null, &json!({}), &[]);
    }

    #[test]
    fn what_is_not_understood_starts_no_programs_and_no_connections() {
        check(
            &json!({"trusted": "yes", "offline": 0}),
            &json!({"trusted": false, "offline": true}),
            &[
                "the setting `offline` has to be true or false, not `0`: there will be no network",
                "the setting `trusted` has to be true or false, not `\"yes\"`: the workspace is \
                 taken as not trusted",
            ],
        );
    }

    #[test]
    fn a_program_is_never_one_of_the_folder_that_is_judged() {
        for cargo in ["cargo", "cargo-nightly", "/usr/bin/cargo"] {
            check(&json!({ "cargo": cargo }), &json!({ "cargo": cargo }), &[]);
        }
        for cargo in ["", ".", "..", "./cargo", "bin/cargo", "..\\cargo", "c:cargo"] {
            let read = read(&json!({ "cargo": cargo }), &schema());
            assert!(read.accepted.is_empty(), "{cargo}");
            assert_eq!(read.complaints.len(), 1, "{cargo}");
        }
    }

    #[test]
    fn long_values_are_not_repeated_whole() {
        let read = read(&json!({"db": "x".repeat(1000)}), &schema());
        assert!(read.complaints[0].chars().count() < 120, "{:?}", read.complaints);
    }
}
