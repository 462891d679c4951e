//! What a change of the settings concerns: that is done anew, and nothing else.

use super::Settings;

/// What has to be done after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::lsp) struct Change {
    /// Look for workspaces.
    pub(in crate::lsp) look: bool,
    /// Resolve and judge.
    pub(in crate::lsp) resolve: bool,
    /// Judge.
    pub(in crate::lsp) judge: bool,
    /// Publish.
    pub(in crate::lsp) publish: bool,
    /// Have inlay hints asked for.
    pub(in crate::lsp) hint: bool,
    /// Have code lenses asked for.
    pub(in crate::lsp) lens: bool,
}

impl Change {
    pub(in crate::lsp) fn between(old: &Settings, new: &Settings) -> Self {
        let resolve = old.offline != new.offline || old.cargo != new.cargo;
        Self {
            look: old.exclude != new.exclude,
            resolve,
            judge: resolve
                || old.workspace != new.workspace
                || old.db != new.db
                || (new.lists_helps() && !old.lists_helps()),
            publish: old.notes != new.notes || old.codes != new.codes || old.checks != new.checks,
            hint: old.hints != new.hints,
            lens: old.entry_lenses != new.entry_lenses,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(from: Value, to: Value) -> Change {
        let settings = |value| serde_json::from_value::<Settings>(value).expect("settings");
        Change::between(&settings(from), &settings(to))
    }

    #[test]
    fn only_what_is_concerned_is_done() {
        let nothing = Change::default();
        let same = json!({"notes": true, "offline": true});
        assert_eq!(change(same.clone(), same), nothing);
        let debounce = change(json!({}), json!({"debounce": 7}));
        assert_eq!(debounce, nothing);
        let off = change(json!({}), json!({"codes": {"yanked": "off"}}));
        assert_eq!(off, Change { publish: true, ..nothing });
        let checks = change(json!({}), json!({"checks": {"bans": false}}));
        assert_eq!(checks, Change { publish: true, ..nothing });
        let notes = change(json!({"notes": true}), json!({}));
        assert_eq!(notes, Change { publish: true, ..nothing });
        let hints = change(json!({}), json!({"hints": {"newest": false}}));
        assert_eq!(hints, Change { hint: true, ..nothing });
        let lenses = change(json!({}), json!({"entryLenses": false}));
        assert_eq!(lenses, Change { lens: true, ..nothing });
        let exclude = change(json!({}), json!({"exclude": []}));
        assert_eq!(exclude, Change { look: true, ..nothing });
    }

    #[test]
    fn what_was_not_listed_has_to_be_judged() {
        let nothing = Change::default();
        let notes = change(json!({}), json!({"notes": true}));
        assert_eq!(notes, Change { judge: true, publish: true, ..nothing });
        for (name, value) in [("workspace", json!(true)), ("db", json!("/db"))] {
            assert_eq!(
                change(json!({}), json!({ name: value })),
                Change { judge: true, ..nothing }
            );
        }
        let offline = change(json!({}), json!({"offline": true}));
        assert_eq!(offline, Change { judge: true, resolve: true, ..nothing });
    }
}
