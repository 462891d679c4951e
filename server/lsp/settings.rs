//! The settings that the client sends with `initialize`.

use camino::Utf8PathBuf;
use serde_json::Value;

/// What the user has chosen.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Programs may be started and connections opened for the workspace.
    pub(super) trusted: bool,
    /// No network.
    pub(super) offline: bool,
    /// Judge all members, also where the root is a package.
    pub(super) workspace: bool,
    /// Show notes and helps as hints.
    pub(super) notes: bool,
    /// A folder of advisories to use instead of the databases of the policy.
    pub(super) db: Option<Utf8PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { trusted: true, offline: false, workspace: false, notes: false, db: None }
    }
}

impl Settings {
    /// Reads the `initializationOptions`. What is wrong is said, not ignored: the second value is
    /// a sentence for each mistake.
    pub(super) fn from_options(options: Option<&Value>) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut complaints = Vec::new();
        let Some(Value::Object(options)) = options else { return (settings, complaints) };
        for (key, value) in options {
            let flag = match key.as_str() {
                "trusted" => &mut settings.trusted,
                "offline" => &mut settings.offline,
                "workspace" => &mut settings.workspace,
                "notes" => &mut settings.notes,
                "db" => {
                    match value {
                        Value::Null => {}
                        Value::String(path) if !path.is_empty() => settings.db = Some(path.into()),
                        _ => complaints.push("the setting `db` has to be a path".to_owned()),
                    }
                    continue;
                }
                _ => {
                    complaints.push(format!("the setting `{key}` is not known"));
                    continue;
                }
            };
            match value {
                Value::Null => {}
                Value::Bool(value) => *flag = *value,
                _ => {
                    // What cannot be understood must not start programs.
                    *flag &= key != "trusted";
                    complaints.push(format!("the setting `{key}` has to be true or false"));
                }
            }
        }
        (settings, complaints)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_values_are_said_and_right_ones_used() {
        let options = json!({"offline": true, "notes": "yes", "colour": 1, "db": "/adv"});
        let (settings, complaints) = Settings::from_options(Some(&options));
        assert!(settings.offline && !settings.notes && settings.trusted);
        assert_eq!(settings.db.as_deref(), Some("/adv".into()));
        assert_eq!(
            complaints,
            ["the setting `colour` is not known", "the setting `notes` has to be true or false"]
        );
    }

    #[test]
    fn trust_that_cannot_be_understood_is_none() {
        let trusted = |value| Settings::from_options(Some(&json!({ "trusted": value }))).0.trusted;
        assert!(trusted(json!(null)) && trusted(json!(true)));
        assert!(!trusted(json!(false)) && !trusted(json!("false")) && !trusted(json!({})));
    }
}
