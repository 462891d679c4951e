//! Validates the settings of a client against the schema: valid ones are used, others are errors.

use camino::Utf8Path;
use cfg_expr::targets::get_builtin_target_by_triple;
use serde_json::{Map, Value};

use crate::verdict::{is_unsafe_char, sanitize};

/// How many characters of an invalid value a message repeats.
const MAX_REPEATED: usize = 40;

/// How similar a name has to be to be suggested, from 0 to 1 (Jaro and Winkler).
const MIN_SIMILARITY: f64 = 0.85;

/// The settings of a client after validation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ValidatedSettings {
    /// The valid settings, without nulls.
    pub(super) accepted: Map<String, Value>,
    /// A message for each error.
    pub(super) errors: Vec<String>,
}

/// Validates an object of settings, alone or below the key `supercargo`.
pub(super) fn validate(given: &Value, schema: &Value) -> ValidatedSettings {
    let mut validated = ValidatedSettings::default();
    match given {
        Value::Null => {}
        Value::Object(given) => {
            let given = match given.get("supercargo") {
                Some(Value::Object(below)) => below,
                Some(Value::Null) => return validated,
                _ => given,
            };
            validated.accepted = object(given, schema, "", &mut validated.errors);
        }
        other => validated
            .errors
            .push(format!("invalid settings: expected an object, found `{}`", repeated(other))),
    }
    validated
}

fn object(
    given: &Map<String, Value>,
    rule: &Value,
    prefix: &str,
    errors: &mut Vec<String>,
) -> Map<String, Value> {
    let empty = Map::new();
    let known = rule["properties"].as_object().unwrap_or(&empty);
    let mut accepted = Map::new();
    for (key, value) in given {
        let name = format!("{prefix}{key}");
        let Some(rule) = known.get(key) else {
            errors.push(unknown(&name, key, known));
            continue;
        };
        if value.is_null() {
            continue;
        }
        let used = match value {
            Value::Object(given) if rule["properties"].is_object() => {
                Some(object(given, rule, &format!("{name}."), errors).into())
            }
            value if allows(rule, value) => Some(value.clone()),
            value => {
                let consequence = match name.as_str() {
                    "trusted" => "; the workspace is not trusted",
                    "offline" => "; the network is not used",
                    _ => "",
                };
                errors.push(format!(
                    "invalid setting `{name}`: expected {}, found `{}`{consequence}",
                    expected(rule),
                    repeated(value)
                ));
                safe_value(&name)
            }
        };
        accepted.extend(used.map(|value| (key.clone(), value)));
    }
    accepted
}

/// The value that replaces an invalid one, so that no program is started and no connection opened.
fn safe_value(name: &str) -> Option<Value> {
    match name {
        "trusted" => Some(false.into()),
        "offline" => Some(true.into()),
        _ => None,
    }
}

fn unknown(name: &str, key: &str, known: &Map<String, Value>) -> String {
    let code = name.starts_with("codes.") || name.starts_with("levels.");
    let (kind, name_or_key) = if code { ("code", key) } else { ("setting", name) };
    let shown = shortened(name_or_key);
    if code && key.starts_with("RUSTSEC-") {
        return format!(
            "`{}` does not accept the advisory `{shown}`: ignore it in `deny.toml`, with a reason",
            name.split('.').next().unwrap_or_default()
        );
    }
    let nearest = known
        .keys()
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => {
            let prefix = if code { "" } else { name.strip_suffix(key).unwrap_or_default() };
            format!("unknown {kind} `{shown}`: did you mean `{prefix}{nearest}`?")
        }
        None => format!("unknown {kind} `{shown}`"),
    }
}

/// Whether a rule of the schema accepts a value.
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
            // A relative path could name a program of the checked repository.
            Some("program") => {
                Utf8Path::new(text).is_absolute() || !text.is_empty() && is_name(text)
            }
            Some("file") => is_word(text),
            Some("gate") => super::is_gate(text),
            Some("revision") => text.is_empty() || super::is_revision(text),
            Some("feature" | "package") => is_word(text) && !text.contains(char::is_whitespace),
            Some("target") => get_builtin_target_by_triple(text).is_some(),
            _ => is_name(text),
        },
        ("array", Value::Array(items)) => items.iter().all(|item| allows(&rule["items"], item)),
        _ => false,
    }
}

/// Whether a text can be a value on a command line.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && !text.contains(is_unsafe_char)
}

/// Whether a text is a single name and not a path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\', ':']) && text != "." && text != ".."
}

/// What a rule of the schema accepts, for messages.
fn expected(rule: &Value) -> String {
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
        ("string", Some("file")) => "a path".to_owned(),
        ("string", Some("gate")) => {
            "`auto`, `default` or options of cargo-deny, such as `--all-features check bans`"
                .to_owned()
        }
        ("string", Some("revision")) => "a branch, tag or commit, such as `origin/main`".to_owned(),
        ("array", _) => {
            let items = &rule["items"];
            let what = match items["format"].as_str() {
                Some("feature") => "features".to_owned(),
                Some("package") => "packages, such as `name` or `name@1.2.0`".to_owned(),
                Some("target") => "targets of the compiler".to_owned(),
                _ if items["enum"].is_array() => expected(items),
                _ => "folder names".to_owned(),
            };
            format!("a list of {what}")
        }
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
    let text = sanitize(text);
    match text.char_indices().nth(MAX_REPEATED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::schema, *};

    /// Compares the accepted settings and the errors.
    fn check(given: &Value, accepted: &Value, errors: &[&str]) {
        let validated = validate(given, &schema());
        assert_eq!(&Value::Object(validated.accepted), accepted);
        assert_eq!(validated.errors, errors);
    }

    #[test]
    fn invalid_values_are_errors_with_what_is_expected_and_valid_ones_are_used() {
        check(
            &json!({"offline": true, "notes": "yes", "db": "/adv", "workspace": null, "debounce": 9000}),
            &json!({"offline": true, "db": "/adv"}),
            &[
                "invalid setting `debounce`: expected a whole number from 0 to 5000, found `9000`",
                "invalid setting `notes`: expected true or false, found `\"yes\"`",
            ],
        );
        check(
            &json!({"codes": {"yanked": "hint", "banned": "loud"}, "exclude": ["a", "b/c"], "hints": 3}),
            &json!({"codes": {"yanked": "hint"}}),
            &[
                "invalid setting `codes.banned`: expected `off`, `error`, `warning`, `information` or \
                 `hint`, found `\"loud\"`",
                "invalid setting `exclude`: expected a list of folder names, found `[\"a\",\"b/c\"]`",
                "invalid setting `hints`: expected an object, found `3`",
            ],
        );
        check(&json!([1]), &json!({}), &["invalid settings: expected an object, found `[1]`"]);
    }

    #[test]
    fn unknown_names_are_errors_with_the_most_similar_name() {
        check(
            &json!({"color": 1, "oflfine": true, "hints": {"lockedversion": true}}),
            &json!({"hints": {}}),
            &[
                "unknown setting `color`",
                "unknown setting `hints.lockedversion`: did you mean `hints.lockedVersion`?",
                "unknown setting `oflfine`: did you mean `offline`?",
            ],
        );
        check(
            &json!({"codes": {"yankd": "off", "no-lock-file": "off", "RUSTSEC-2026-0009": "off"}}),
            &json!({"codes": {}}),
            &[
                "`codes` does not accept the advisory `RUSTSEC-2026-0009`: ignore it in `deny.toml`, \
                 with a reason",
                "unknown code `no-lock-file`",
                "unknown code `yankd`: did you mean `yanked`?",
            ],
        );
    }

    #[test]
    fn options_of_cargo_deny_are_checked_as_its_command_line() {
        let valid = json!({
            "features": ["a", "dep/b", "x.y"], "targets": ["x86_64-pc-windows-msvc"],
            "excludePackages": ["a", "a@1.0.0", "registry+https://example.org/x#a:1.0.0"],
            "only": ["bans"], "levels": {"banned": "warn", "warnings": "deny"}, "config": "../ci/my deny.toml",
        });
        check(&valid, &valid, &[]);
        check(
            &json!({
                "features": ["--x"], "targets": ["my-target"], "excludePackages": ["a b"], "only": ["ban"],
                "levels": {"bannd": "warn", "banned": "off", "policy-syntax": "deny"}, "config": "",
            }),
            &json!({"levels": {}}),
            &[
                "invalid setting `config`: expected a path, found `\"\"`",
                "invalid setting `excludePackages`: expected a list of packages, such as `name` or \
                 `name@1.2.0`, found `[\"a b\"]`",
                "invalid setting `features`: expected a list of features, found `[\"--x\"]`",
                "unknown code `bannd`: did you mean `banned`?",
                "invalid setting `levels.banned`: expected `allow`, `warn` or `deny`, found `\"off\"`",
                "unknown code `policy-syntax`",
                "invalid setting `only`: expected a list of `advisories`, `bans`, `licenses` or `sources`, \
                 found `[\"ban\"]`",
                "invalid setting `targets`: expected a list of targets of the compiler, found \
                 `[\"my-target\"]`",
            ],
        );
    }

    #[test]
    fn base_is_no_option_of_git_and_no_event_of_ci() {
        for base in ["", "origin/main", "v1.0.0", "HEAD~1", "@{upstream}", "main@{1 day ago}"] {
            check(&json!({ "base": base }), &json!({ "base": base }), &[]);
        }
        for base in ["--all", "auto", "a\nb"] {
            let validated = validate(&json!({ "base": base }), &schema());
            assert!(validated.accepted.is_empty(), "{base}");
            let error =
                "invalid setting `base`: expected a branch, tag or commit, such as `origin/main`";
            assert!(validated.errors[0].starts_with(error), "{:?}", validated.errors);
        }
    }

    #[test]
    fn section_key_is_optional() {
        check(&json!({"supercargo": {"notes": true}}), &json!({"notes": true}), &[]);
        check(&json!({"supercargo": null}), &json!({}), &[]);
        check(&Value::Null, &json!({}), &[]);
    }

    #[test]
    fn invalid_trust_and_offline_start_no_program_and_open_no_connection() {
        check(
            &json!({"trusted": "yes", "offline": 0}),
            &json!({"trusted": false, "offline": true}),
            &[
                "invalid setting `offline`: expected true or false, found `0`; the network is not used",
                "invalid setting `trusted`: expected true or false, found `\"yes\"`; the workspace is not \
                 trusted",
            ],
        );
    }

    #[test]
    fn cargo_program_cannot_be_in_the_checked_folder() {
        for cargo in ["cargo", "cargo-nightly", "/usr/bin/cargo"] {
            check(&json!({ "cargo": cargo }), &json!({ "cargo": cargo }), &[]);
        }
        for cargo in ["", ".", "..", "./cargo", "bin/cargo", "..\\cargo", "c:cargo"] {
            let validated = validate(&json!({ "cargo": cargo }), &schema());
            assert!(validated.accepted.is_empty(), "{cargo}");
            assert_eq!(validated.errors.len(), 1, "{cargo}");
        }
    }

    #[test]
    fn long_values_are_shortened() {
        let validated = validate(&json!({"db": "x".repeat(1000)}), &schema());
        assert!(validated.errors[0].chars().count() < 120, "{:?}", validated.errors);
    }
}
