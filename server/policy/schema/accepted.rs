//! Tests of the schema against cargo-deny.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use super::{
    EXCEPTIONS, EntryForm, KeyStatus, POLICY, SchemaKey, SchemaTable, StringKind, ValueType,
};
use crate::{
    text::SourceText,
    verdict::{ExceptionsFile, Finding, PolicyText, Severity},
};

/// Whether cargo-deny accepts a policy, and its findings.
fn load(text: &str) -> (bool, Vec<Finding>) {
    let path = Some(Utf8PathBuf::from("/w/deny.toml"));
    let policy = PolicyText { path, text: SourceText::new(text), exceptions: None };
    match policy.load() {
        Ok(loaded) => (true, loaded.findings),
        Err(findings) => (false, findings),
    }
}

fn messages(text: &str) -> Vec<String> {
    load(text).1.into_iter().map(|finding| finding.message).collect()
}

/// A policy with the value `x` at a path, and all required keys.
fn policy_with(path: &[&str], x: &str) -> String {
    let mut table = &POLICY;
    let mut text = String::new();
    let mut closing = String::new();
    for (index, name) in path.iter().enumerate() {
        let is_last = index + 1 == path.len();
        let key = table.key(name);
        let others = if index == 0 { String::new() } else { required_with(table, name) };
        text.push_str(&format!("{others}{name} = "));
        if index > 0 {
            closing.insert_str(0, " }");
        }
        if is_last {
            text.push_str(x);
            break;
        }
        let key = key.expect("a key");
        table = key.value.table().expect("a table");
        if matches!(key.value, ValueType::Table(_)) {
            text.push_str("{ ");
        } else {
            text.push_str("[{ ");
            closing.insert(0, ']');
        }
    }
    format!("{text}{closing}\n")
}

/// The required keys next to a key.
fn required_with(table: &SchemaTable, name: &str) -> String {
    let mut text = String::new();
    let identifies_entry = ["id", "crate", "name"].contains(&name);
    if table.form != EntryForm::Plain && !identifies_entry {
        text.push_str(if name == "version" { "name = \"x\", " } else { "crate = \"x\", " });
    }
    for key in table.keys().filter(|key| key.required && key.name != name) {
        text.push_str(&format!("{} = {}, ", key.name, sample(key.value)));
    }
    text
}

/// A value of this type.
fn sample(value: ValueType) -> String {
    match value {
        ValueType::Bool => "true".to_owned(),
        ValueType::Integer | ValueType::Anything => "1".to_owned(),
        ValueType::Float => "0.5".to_owned(),
        ValueType::Text(text) | ValueType::Either(text, _) => format!("\"{}\"", sample_text(text)),
        ValueType::Choice(choices) => format!("\"{}\"", choices[0].value),
        ValueType::List(item) => format!("[{}]", sample(*item)),
        ValueType::Table(table) => {
            let fields = required_with(table, "");
            format!("{{ {} }}", fields.trim_end_matches(", "))
        }
    }
}

fn sample_text(text: StringKind) -> String {
    match text {
        StringKind::Requirement => "1.2".to_owned(),
        StringKind::Advisory | StringKind::AdvisoryOrPackage => "RUSTSEC-2020-0001".to_owned(),
        StringKind::License | StringKind::Expression => "MIT".to_owned(),
        StringKind::Registry
        | StringKind::Git
        | StringKind::GitPrefix
        | StringKind::DatabaseUrl => "https://example.org/a".to_owned(),
        StringKind::Duration => "P1D".to_owned(),
        StringKind::RustVersion => "1.85.0".to_owned(),
        StringKind::Triple => "x86_64-unknown-linux-gnu".to_owned(),
        StringKind::Sha256 => "0".repeat(64),
        _ => "x".to_owned(),
    }
}

/// The names in a message after a text.
fn names_in(message: &str, after: &str) -> Option<BTreeSet<String>> {
    let (_, list) = message.split_once(after)?;
    Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn cargo_deny_lists_exactly_the_keys_of_each_table() {
    let mut tables: Vec<(Vec<&str>, &SchemaTable)> = vec![(Vec::new(), &POLICY)];
    for (path, key) in POLICY.walk() {
        tables.extend(key.value.table().map(|table| (path, table)));
    }
    for (mut path, table) in tables {
        path.push("unknown-key");
        let messages = messages(&policy_with(&path, "1"));
        let known = messages.iter().find_map(|message| names_in(message, "expected one of "));
        let which = ["crate", "name", "version"];
        let ours: BTreeSet<_> = table.keys().map(|key| key.name.to_owned()).collect();
        match table.form {
            EntryForm::Plain => assert_eq!(known, Some(ours), "{path:?}: {messages:?}"),
            EntryForm::Package => {
                let ours = ours.into_iter().filter(|name| !which.contains(&name.as_str()));
                let mut ours: BTreeSet<_> = ours.collect();
                let known = known.unwrap_or_else(|| panic!("{path:?}: {messages:?}"));
                // cargo-deny parses this `reason` separately.
                if path.contains(&"skip-tree") {
                    ours.remove("reason");
                }
                assert_eq!(known, ours, "{path:?}");
            }
            EntryForm::PackageAndReason => {
                assert!(
                    messages.iter().any(|one| one.contains("reason")),
                    "{path:?}: {messages:?}"
                );
            }
            EntryForm::PackageAlone => assert!(
                messages.iter().all(|one| one.contains("deprecated")),
                "{path:?}: {messages:?}"
            ),
            EntryForm::Ignore => {
                assert!(
                    messages.iter().any(|one| one.contains("reason")),
                    "{path:?}: {messages:?}"
                );
                let with_id =
                    self::messages("[advisories]\nignore = [{ id = 'X-1', unknown = 1 }]");
                let known =
                    with_id.iter().find_map(|message| names_in(message, "expected one of "));
                let ours = ["id", "reason"].map(str::to_owned);
                assert_eq!(known, Some(BTreeSet::from(ours)), "{with_id:?}");
            }
        }
    }
}

#[test]
fn cargo_deny_lists_exactly_the_values_of_each_choice() {
    for (path, key) in POLICY.walk() {
        let choices = key.value.choices();
        if choices.is_empty() {
            continue;
        }
        let messages = messages(&policy_with(&path, "\"unknown\""));
        let known = messages.iter().find_map(|message| names_in(message, "expected one of "));
        let ours: BTreeSet<_> = choices.iter().map(|choice| choice.value.to_owned()).collect();
        assert_eq!(known, Some(ours), "{path:?}: {messages:?}");
    }
}

#[test]
fn cargo_deny_accepts_exactly_the_types_of_each_key() {
    for (path, key) in POLICY.walk() {
        let is_removed = matches!(key.status, KeyStatus::Removed { .. });
        let text = policy_with(&path, &sample(key.value));
        assert_eq!(load(&text).0, !is_removed, "{text}: {:?}", messages(&text));
        for probe in ["true", "1", "0.5", "\"x\"", "[]", "{}"] {
            let Some(is_accepted) = accepts(key, probe) else { continue };
            let text = policy_with(&path, probe);
            assert_eq!(load(&text).0, is_accepted, "{text}: {:?}", messages(&text));
        }
    }
}

/// Whether a key accepts a value of another type; `None` if that depends on the value.
fn accepts(key: &SchemaKey, probe: &str) -> Option<bool> {
    Some(match (key.value, probe) {
        (ValueType::Bool, "true")
        | (ValueType::Integer, "1")
        | (ValueType::Float, "0.5")
        | (ValueType::List(_), "[]") => true,
        (ValueType::Text(_) | ValueType::Either(..), "\"x\"") => return None,
        (ValueType::Table(table) | ValueType::Either(_, table), "{}") => {
            table.form == EntryForm::Plain && !table.keys().any(|key| key.required)
        }
        _ => false,
    })
}

#[test]
fn cargo_deny_rejects_tables_without_required_keys() {
    for (path, key) in POLICY.walk().into_iter().filter(|(_, key)| key.required) {
        let whole = policy_with(&path, "VALUE");
        let statement = format!("{} = VALUE", key.name);
        let missing = whole.replace(&format!(", {statement}"), "").replace(&statement, "");
        let messages = messages(&missing);
        let names = |message: &String| message.contains(&format!("missing field `{}`", key.name));
        assert!(messages.iter().any(names), "{path:?}: {missing}: {messages:?}");
    }
}

#[test]
fn cargo_deny_accepts_every_example_without_findings() {
    for (path, key) in POLICY.walk() {
        if matches!(key.status, KeyStatus::Removed { .. }) {
            assert!(key.example.is_empty(), "{path:?}");
            continue;
        }
        // The example of a shared key may have it in another table.
        let table: toml::Table =
            key.example.parse().unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert!(format!("{table:?}").contains(&format!("{:?}", key.name)), "{path:?}");
        let (is_accepted, findings) = load(key.example);
        let messages: Vec<_> = findings.iter().map(|finding| &finding.message).collect();
        assert!(is_accepted, "{path:?}: {messages:?}");
        let is_moved = matches!(key.status, KeyStatus::Moved { .. });
        assert_eq!(findings.len(), usize::from(is_moved), "{path:?}: {messages:?}");
        assert!(findings.iter().all(|finding| finding.severity <= Severity::Warning), "{path:?}");
    }
}

#[test]
fn cargo_deny_accepts_every_default() {
    for (path, key) in POLICY.walk() {
        let Some(default) = key.default else { continue };
        let (is_accepted, findings) = load(&policy_with(&path, default));
        assert!(is_accepted, "{path:?}: {findings:?}");
    }
}

#[test]
fn exceptions_file_has_one_key() {
    let keys: Vec<_> = EXCEPTIONS.keys().map(|key| key.name).collect();
    assert_eq!(keys, ["exceptions"]);
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = Utf8PathBuf::from_path_buf(temp.path().join("deny.exceptions.toml")).expect("UTF-8");
    let is_accepted = |text: &str| {
        std::fs::write(&file, text).expect("written");
        let exceptions = Some(ExceptionsFile::on_disk(file.clone()));
        PolicyText { path: None, text: SourceText::new(""), exceptions }.load().is_ok()
    };
    assert!(is_accepted(EXCEPTIONS.key("exceptions").expect("the key").example));
    assert!(!is_accepted(""));
    assert!(!is_accepted("exceptions = []\nother = 1\n"));
}
