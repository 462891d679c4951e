//! The sources of settings, of which later ones override earlier ones: the defaults,
//! `initializationOptions`, and what the client sends while the server runs.

use serde_json::{Map, Value};

use crate::verdict::join_with_and;

use super::{
    AT_START_ONLY, Settings, WEAKENS, schema,
    validate::{ValidatedSettings, validate},
};

/// The settings of each source.
#[derive(Clone, Debug)]
pub(in crate::lsp) struct SettingsSources {
    schema: Value,
    /// `initializationOptions`.
    initial: Map<String, Value>,
    /// What the client has sent last.
    sent: Value,
    /// The settings that were ignored because the workspace is not trusted: logged once.
    ignored: Vec<String>,
    /// The errors in what was sent last: each is shown once.
    errors: Vec<String>,
}

impl Default for SettingsSources {
    fn default() -> Self {
        Self {
            schema: schema(),
            initial: Map::new(),
            sent: Value::Null,
            ignored: Vec::new(),
            errors: Vec::new(),
        }
    }
}

impl SettingsSources {
    /// Reads the `initializationOptions`. Returns the settings and a message for each error.
    pub(in crate::lsp) fn start(&mut self, options: &Value) -> (Settings, Vec<String>) {
        let ValidatedSettings { accepted, errors } = validate(options, &self.schema);
        self.initial = accepted;
        (settings_of(self.initial.clone()), errors)
    }

    /// Reads what the client sends while the server runs, instead of what it sent before. A repository
    /// may contain these settings, so the cargo program and trust are not read from them: `now` keeps
    /// its own. While the workspace is not trusted, settings that can hide a finding are not read
    /// either. Returns the settings and a message for each new error.
    pub(in crate::lsp) fn update(
        &mut self,
        sent: &Value,
        now: &Settings,
    ) -> (Settings, Vec<String>) {
        self.sent = sent.clone();
        self.reapply(now)
    }

    /// The same for what the client has sent last, after the trust has changed.
    pub(in crate::lsp) fn reapply(&mut self, now: &Settings) -> (Settings, Vec<String>) {
        let (mut sent, mut errors) = self.without_start_only(&self.sent, now);
        if now.trusted {
            self.ignored.clear();
        } else {
            self.remove_weakening(&mut sent);
        }
        let validated = validate(&sent, &self.schema);
        let mut merged = self.initial.clone();
        merge(&mut merged, validated.accepted);
        let settings = Settings { trusted: now.trusted, ..settings_of(merged) };
        errors.extend(validated.errors);
        let new_errors = errors.iter().filter(|one| !self.errors.contains(one));
        let new_errors = new_errors.cloned().collect();
        self.errors = errors;
        (settings, new_errors)
    }

    fn without_start_only(&self, sent: &Value, now: &Settings) -> (Value, Vec<String>) {
        let mut sent = sent.clone();
        let mut errors = Vec::new();
        let now = serde_json::to_value(now).unwrap_or_default();
        if let Some(section) = section_of(&mut sent) {
            for (name, rule) in self.schema["properties"].as_object().into_iter().flatten() {
                if rule[AT_START_ONLY] != true {
                    continue;
                }
                let ignored = section.remove(name).filter(|value| !value.is_null());
                if ignored.is_some_and(|value| now[name] != value) {
                    errors.push(format!(
                        "ignored setting `{name}`: set it in `initializationOptions`, which no \
                         repository can write"
                    ));
                }
            }
        }
        (sent, errors)
    }

    fn remove_weakening(&mut self, sent: &mut Value) {
        let Some(section) = section_of(sent) else { return };
        let rules = self.schema["properties"].as_object().into_iter().flatten();
        let weakening = rules.filter(|(_, rule)| rule[WEAKENS] == true).map(|(name, _)| name);
        let ignored: Vec<_> = weakening
            .filter(|name| section.remove(*name).is_some_and(|value| !value.is_null()))
            .map(|name| format!("`{name}`"))
            .collect();
        if !ignored.is_empty() && ignored != self.ignored {
            tracing::warn!(
                "ignored {}: in a workspace that is not trusted, these settings are read from \
                 `initializationOptions` only",
                join_with_and(&ignored)
            );
        }
        self.ignored = ignored;
    }
}

/// The object with our settings in what the client has sent.
fn section_of(sent: &mut Value) -> Option<&mut Map<String, Value>> {
    let at_root = sent.get("supercargo").is_none_or(|below| !below.is_object());
    let section = if at_root { Some(sent) } else { sent.get_mut("supercargo") };
    section?.as_object_mut()
}

fn settings_of(accepted: Map<String, Value>) -> Settings {
    serde_json::from_value(Value::Object(accepted)).unwrap_or_else(|error| {
        // Never for values that the schema accepts, as a test checks.
        tracing::error!("could not read the settings: {error}");
        Settings { trusted: false, offline: true, ..Settings::default() }
    })
}

/// Merges `over` into `under`, objects key by key.
fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn started(options: &Value) -> (SettingsSources, Settings) {
        let mut sources = SettingsSources::default();
        let (settings, errors) = sources.start(options);
        assert!(errors.is_empty(), "{errors:?}");
        (sources, settings)
    }

    #[test]
    fn later_sources_override_earlier_ones_until_they_are_withdrawn() {
        let (mut sources, settings) =
            started(&json!({"notes": true, "codes": {"yanked": "off", "banned": "hint"}}));
        assert!(settings.notes && !settings.offline);
        let sent = json!({"offline": true, "notes": null, "codes": {"yanked": "error"}});
        let (settings, _) = sources.update(&sent, &settings);
        assert!(settings.notes && settings.offline);
        let codes = serde_json::to_value(&settings.codes).expect("JSON");
        assert_eq!(codes, json!({"yanked": "error", "banned": "hint"}));
        let (settings, _) = sources.update(&Value::Null, &settings);
        assert!(settings.notes && !settings.offline);
    }

    #[test]
    fn cargo_program_and_trust_are_not_read_from_a_repository() {
        let mine = json!({"trusted": false, "cargo": "/mine/cargo"});
        let theirs = json!({"trusted": true, "cargo": "/theirs/cargo"});
        for sent in [theirs.clone(), json!({ "supercargo": theirs })] {
            let (mut sources, settings) = started(&mine);
            let (after, errors) = sources.update(&sent, &settings);
            assert_eq!(after, settings);
            assert_eq!(errors.len(), 2, "{errors:?}");
            assert!(errors[1].contains("`trusted`"));
        }
        // The same value is no error.
        let (mut sources, settings) = started(&mine);
        assert_eq!(sources.update(&mine, &settings), (settings, Vec::new()));
    }

    #[test]
    fn weakening_settings_are_not_read_from_an_untrusted_repository() {
        let mine = json!({"trusted": false, "codes": {"banned": "hint"}, "exclude": ["mine"]});
        let weak = json!({
            "offline": true, "workspace": true, "db": "/theirs", "exclude": ["all"],
            "checks": {"bans": false}, "codes": {"yanked": "off"}, "allFeatures": true,
            "noDefaultFeatures": true, "features": ["a"], "targets": ["x86_64-pc-windows-msvc"],
            "excludePackages": ["a"], "excludeDev": true, "excludeUnpublished": true, "only": ["bans"],
            "levels": {"vulnerability": "allow"}, "config": "theirs.toml",
        });
        let sanitize = json!({
            "debounce": 7, "proveWhenIdle": false, "notes": true, "hints": {"newest": false},
            "entryLenses": false, "keyCompletion": false, "base": "main", "mergeBase": true,
        });
        let both = [&weak, &sanitize].map(|one| one.as_object().expect("an object").clone());
        let both = Value::Object(both.into_iter().flatten().collect());
        for sent in [both.clone(), json!({ "supercargo": both })] {
            let (mut sources, settings) = started(&mine);
            let (after, errors) = sources.update(&sent, &settings);
            assert!(errors.is_empty(), "{errors:?}");
            let (mut others, _) = started(&mine);
            assert_eq!(after, others.update(&sanitize, &settings).0);
            // When the workspace is trusted, these settings count.
            let trusted = Settings { trusted: true, ..after };
            let (after, _) = sources.reapply(&trusted);
            assert_eq!(after, sources.update(&sent, &trusted).0);
            assert_eq!(after.exclude, ["all"]);
            let distrusted = Settings { trusted: false, ..after };
            assert_eq!(sources.reapply(&distrusted).0.exclude, ["mine"]);
        }
    }

    #[test]
    fn error_is_returned_only_when_it_is_new() {
        let (mut sources, settings) = started(&Value::Null);
        let wrong = json!({"notes": 1});
        assert_eq!(sources.update(&wrong, &settings).1.len(), 1);
        assert_eq!(sources.update(&wrong, &settings).1.len(), 0);
        assert_eq!(sources.update(&json!({}), &settings).1.len(), 0);
        assert_eq!(sources.update(&wrong, &settings).1.len(), 1);
    }

    #[test]
    fn struct_accepts_what_the_schema_accepts() {
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(5000),
            json!(1.5),
            json!(""),
            json!("cargo"),
            json!("/a/path"),
            json!([]),
            json!(["a"]),
            json!([1]),
            json!({}),
            json!({"yanked": "off", "newest": false, "bans": true}),
            json!({"yanked": false, "bans": "off"}),
            json!({"yanked": "deny", "warnings": "allow"}),
            json!(["bans", "sources"]),
            json!(["x86_64-pc-windows-msvc"]),
        ];
        let schema = schema();
        for name in schema["properties"].as_object().expect("settings").keys() {
            for value in &values {
                let ValidatedSettings { accepted, .. } = validate(&json!({ name: value }), &schema);
                let taken: Result<Settings, _> = serde_json::from_value(Value::Object(accepted));
                assert!(taken.is_ok(), "{name}: {value}: {taken:?}");
            }
        }
    }

    #[test]
    fn defaults_are_those_of_the_schema() {
        let defaults = serde_json::to_value(Settings::default()).expect("JSON");
        for (name, rule) in schema()["properties"].as_object().expect("settings") {
            assert_eq!(rule["default"], defaults[name], "{name}");
            assert!(rule["description"].is_string(), "{name} has no description");
        }
    }
}
