//! A policy for each key and value, for a comparison with other versions of cargo-deny.

use serde::Serialize;

use super::{KeyStatus, POLICY};

/// A policy with one key, and the versions of cargo-deny that accept it by the schema.
#[derive(Clone, Debug, Serialize)]
pub struct SchemaProbe {
    /// The path of the key, with dots, and the value where the key has a list of them.
    pub key: String,
    /// The policy.
    pub policy: String,
    /// The first version that accepts it.
    pub since: Option<&'static str>,
    /// The first version that rejects it again.
    pub until: Option<&'static str>,
}

/// The policies of all keys and values.
pub fn probes() -> Vec<SchemaProbe> {
    let mut probes = Vec::new();
    for (path, key) in POLICY.walk() {
        let name = path.join(".");
        // A key in a newer table is as new as the table.
        let above = (1..=path.len()).filter_map(|length| POLICY.at(&path[..length])?.since);
        let since = above.max_by_key(|version| version.parse::<semver::Version>().ok());
        let until = match key.status {
            KeyStatus::Removed { since, .. } => Some(since),
            _ => None,
        };
        // The example of a shared key has it in another table.
        let parsed = key.example.parse::<toml::Table>().map(toml::Value::Table);
        if !parsed.is_ok_and(|example| has(&example, &path)) {
            continue;
        }
        probes.push(SchemaProbe {
            key: name.clone(),
            policy: key.example.to_owned(),
            since,
            until,
        });
        for choice in key.value.choices() {
            let written = key.example.split(&format!("{} = \"", key.name)).nth(1);
            let Some((value, _)) = written.and_then(|rest| rest.split_once('"')) else { continue };
            let [from, to] =
                [value, choice.value].map(|value| format!("{} = \"{value}\"", key.name));
            let policy = key.example.replacen(&from, &to, 1);
            probes.push(SchemaProbe {
                key: format!("{name} = {}", choice.value),
                policy,
                since,
                until,
            });
        }
    }
    probes
}

/// Whether a value has a path, also in one of the tables of a list.
fn has(value: &toml::Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        toml::Value::Table(table) => table.get(*first).is_some_and(|value| has(value, rest)),
        toml::Value::Array(items) => items.iter().any(|item| has(item, path)),
        _ => false,
    }
}
