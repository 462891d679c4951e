//! The sources of settings, later ones over earlier ones: the defaults, `initializationOptions`,
//! and what the client says while it runs.

use serde_json::{Map, Value};

use crate::verdict::listed;

use super::{
    AT_START_ONLY, Settings, WEAKENS,
    read::{Read, read},
    schema,
};

/// What each source said.
#[derive(Debug)]
pub(in crate::lsp) struct Layers {
    schema: Value,
    /// `initializationOptions`.
    at_start: Map<String, Value>,
    /// What the client said last.
    said: Value,
    /// Those of what it said that were ignored for want of trust: logged once.
    ignored: Vec<String>,
    /// What is wrong with what was said last: said once.
    complaints: Vec<String>,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            schema: schema(),
            at_start: Map::new(),
            said: Value::Null,
            ignored: Vec::new(),
            complaints: Vec::new(),
        }
    }
}

impl Layers {
    /// Reads the `initializationOptions`: the settings, and a sentence for each mistake.
    pub(in crate::lsp) fn start(&mut self, options: &Value) -> (Settings, Vec<String>) {
        let Read { accepted, complaints } = read(options, &self.schema);
        self.at_start = accepted;
        (together(self.at_start.clone()), complaints)
    }

    /// Reads what the client says while it runs, in place of what it said before. A repository may
    /// have written it, so programs and trust are not taken from it: `now` keeps its own. While it
    /// is not trusted, neither is what can keep a finding from being seen. The second value is a
    /// sentence for each mistake that is new.
    pub(in crate::lsp) fn say(&mut self, said: &Value, now: &Settings) -> (Settings, Vec<String>) {
        self.said = said.clone();
        self.say_again(now)
    }

    /// The same for what the client said last, when the trust of `now` is another one.
    pub(in crate::lsp) fn say_again(&mut self, now: &Settings) -> (Settings, Vec<String>) {
        let (mut said, mut complaints) = self.without_those_at_start_only(&self.said, now);
        if now.trusted {
            self.ignored.clear();
        } else {
            self.leave_out_what_weakens(&mut said);
        }
        let read = read(&said, &self.schema);
        let mut merged = self.at_start.clone();
        merge(&mut merged, read.accepted);
        let settings = Settings { trusted: now.trusted, ..together(merged) };
        complaints.extend(read.complaints);
        let news = complaints.iter().filter(|one| !self.complaints.contains(one));
        let news = news.cloned().collect();
        self.complaints = complaints;
        (settings, news)
    }

    fn without_those_at_start_only(&self, said: &Value, now: &Settings) -> (Value, Vec<String>) {
        let mut said = said.clone();
        let mut complaints = Vec::new();
        let now = serde_json::to_value(now).unwrap_or_default();
        if let Some(section) = section_of(&mut said) {
            for (name, rule) in self.schema["properties"].as_object().into_iter().flatten() {
                if rule[AT_START_ONLY] != true {
                    continue;
                }
                let ignored = section.remove(name).filter(|value| !value.is_null());
                if ignored.is_some_and(|value| now[name] != value) {
                    complaints.push(format!(
                        "the setting `{name}` is taken from `initializationOptions` only, which no \
                         repository can write"
                    ));
                }
            }
        }
        (said, complaints)
    }

    fn leave_out_what_weakens(&mut self, said: &mut Value) {
        let Some(section) = section_of(said) else { return };
        let rules = self.schema["properties"].as_object().into_iter().flatten();
        let weakening = rules.filter(|(_, rule)| rule[WEAKENS] == true).map(|(name, _)| name);
        let ignored: Vec<_> = weakening
            .filter(|name| section.remove(*name).is_some_and(|value| !value.is_null()))
            .map(|name| format!("`{name}`"))
            .collect();
        if !ignored.is_empty() && ignored != self.ignored {
            tracing::warn!(
                "in a workspace that is not trusted {} is taken from `initializationOptions` only",
                listed(&ignored)
            );
        }
        self.ignored = ignored;
    }
}

/// Where the settings are in what the client says.
fn section_of(said: &mut Value) -> Option<&mut Map<String, Value>> {
    let at_root = said.get("supercargo").is_none_or(|below| !below.is_object());
    let section = if at_root { Some(said) } else { said.get_mut("supercargo") };
    section?.as_object_mut()
}

fn together(accepted: Map<String, Value>) -> Settings {
    serde_json::from_value(Value::Object(accepted)).unwrap_or_else(|error| {
        // What the schema accepts the struct accepts: a test holds them together.
        tracing::error!("the settings cannot be used: {error}");
        Settings { trusted: false, offline: true, ..Settings::default() }
    })
}

/// Puts `over` over `under`, objects key by key.
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

    fn started(options: &Value) -> (Layers, Settings) {
        let mut layers = Layers::default();
        let (settings, complaints) = layers.start(options);
        assert!(complaints.is_empty(), "{complaints:?}");
        (layers, settings)
    }

    #[test]
    fn later_sources_stand_over_earlier_ones_and_what_they_take_back_is_gone() {
        let (mut layers, settings) =
            started(&json!({"notes": true, "codes": {"yanked": "off", "banned": "hint"}}));
        assert!(settings.notes && !settings.offline);
        let said = json!({"offline": true, "notes": null, "codes": {"yanked": "error"}});
        let (settings, _) = layers.say(&said, &settings);
        assert!(settings.notes && settings.offline);
        let codes = serde_json::to_value(&settings.codes).expect("JSON");
        assert_eq!(codes, json!({"yanked": "error", "banned": "hint"}));
        let (settings, _) = layers.say(&Value::Null, &settings);
        assert!(settings.notes && !settings.offline);
    }

    #[test]
    fn programs_and_trust_are_not_taken_from_what_a_repository_can_write() {
        let mine = json!({"trusted": false, "cargo": "/mine/cargo"});
        let theirs = json!({"trusted": true, "cargo": "/theirs/cargo"});
        for said in [theirs.clone(), json!({ "supercargo": theirs })] {
            let (mut layers, settings) = started(&mine);
            let (after, complaints) = layers.say(&said, &settings);
            assert_eq!(after, settings);
            assert_eq!(complaints.len(), 2, "{complaints:?}");
            assert!(complaints[1].contains("`trusted`"));
        }
        // Saying the same is no mistake.
        let (mut layers, settings) = started(&mine);
        assert_eq!(layers.say(&mine, &settings), (settings, Vec::new()));
    }

    #[test]
    fn what_weakens_is_not_taken_from_a_repository_that_is_not_trusted() {
        let mine = json!({"trusted": false, "codes": {"banned": "hint"}, "exclude": ["mine"]});
        let weak = json!({
            "offline": true, "workspace": true, "db": "/theirs", "exclude": ["all"],
            "checks": {"bans": false}, "codes": {"yanked": "off"},
        });
        let harmless = json!({
            "debounce": 7, "proveWhenIdle": false, "notes": true, "hints": {"newest": false},
            "entryLenses": false, "keyCompletion": false,
        });
        let both = [&weak, &harmless].map(|one| one.as_object().expect("an object").clone());
        let both = Value::Object(both.into_iter().flatten().collect());
        for said in [both.clone(), json!({ "supercargo": both })] {
            let (mut layers, settings) = started(&mine);
            let (after, complaints) = layers.say(&said, &settings);
            assert!(complaints.is_empty(), "{complaints:?}");
            let (mut others, _) = started(&mine);
            assert_eq!(after, others.say(&harmless, &settings).0);
            // When it is trusted, what was said counts.
            let trusted = Settings { trusted: true, ..after };
            let (after, _) = layers.say_again(&trusted);
            assert_eq!(after, layers.say(&said, &trusted).0);
            assert_eq!(after.exclude, ["all"]);
            let distrusted = Settings { trusted: false, ..after };
            assert_eq!(layers.say_again(&distrusted).0.exclude, ["mine"]);
        }
    }

    #[test]
    fn a_mistake_is_said_when_it_is_new() {
        let (mut layers, settings) = started(&Value::Null);
        let wrong = json!({"notes": 1});
        assert_eq!(layers.say(&wrong, &settings).1.len(), 1);
        assert_eq!(layers.say(&wrong, &settings).1.len(), 0);
        assert_eq!(layers.say(&json!({}), &settings).1.len(), 0);
        assert_eq!(layers.say(&wrong, &settings).1.len(), 1);
    }

    #[test]
    fn what_the_schema_accepts_the_struct_accepts() {
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
        ];
        let schema = schema();
        for name in schema["properties"].as_object().expect("settings").keys() {
            for value in &values {
                let Read { accepted, .. } = read(&json!({ name: value }), &schema);
                let taken: Result<Settings, _> = serde_json::from_value(Value::Object(accepted));
                assert!(taken.is_ok(), "{name}: {value}: {taken:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_schema() {
        let defaults = serde_json::to_value(Settings::default()).expect("JSON");
        for (name, rule) in schema()["properties"].as_object().expect("settings") {
            assert_eq!(rule["default"], defaults[name], "{name}");
            assert!(rule["description"].is_string(), "{name} is not explained");
        }
    }
}
