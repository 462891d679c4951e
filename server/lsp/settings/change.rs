//! Which work a change of the settings affects: only that is repeated.

use camino::Utf8Path;

use super::Settings;
use crate::{verdict::DenyOptions, workspace::Workspace};

/// The work to repeat after a change of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::lsp) struct SettingsChange {
    /// Search for workspaces.
    pub(in crate::lsp) find_workspaces: bool,
    /// Resolve and check.
    pub(in crate::lsp) resolve: bool,
    /// Check.
    pub(in crate::lsp) check: bool,
    /// Compare with another base.
    pub(in crate::lsp) compare: bool,
    /// Publish.
    pub(in crate::lsp) publish: bool,
    /// Make the client request inlay hints.
    pub(in crate::lsp) refresh_hints: bool,
    /// Make the client request code lenses.
    pub(in crate::lsp) refresh_lenses: bool,
}

impl SettingsChange {
    pub(in crate::lsp) fn between(old: &Settings, new: &Settings) -> Self {
        let resolve = old.offline != new.offline || old.cargo != new.cargo;
        Self {
            find_workspaces: old.exclude != new.exclude,
            resolve,
            check: resolve
                || options(old) != options(new)
                || old.gate != new.gate
                || old.db != new.db
                || (new.lists_helps() && !old.lists_helps()),
            compare: old.base != new.base || old.merge_base != new.merge_base,
            publish: old.notes != new.notes
                || old.other_dependencies != new.other_dependencies
                || old.codes != new.codes
                || old.checks != new.checks,
            refresh_hints: old.hints != new.hints,
            refresh_lenses: old.entry_lenses != new.entry_lenses,
        }
    }
}

/// The options of cargo-deny, apart from where a relative policy starts.
fn options(settings: &Settings) -> DenyOptions {
    settings.deny_options(&Workspace::of_manifest(Utf8Path::new("/Cargo.toml")), &[])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(from: Value, to: Value) -> SettingsChange {
        let settings = |value| serde_json::from_value::<Settings>(value).expect("settings");
        SettingsChange::between(&settings(from), &settings(to))
    }

    #[test]
    fn only_affected_work_is_repeated() {
        let nothing = SettingsChange::default();
        let same = json!({"notes": true, "offline": true});
        assert_eq!(change(same.clone(), same), nothing);
        let debounce = change(json!({}), json!({"debounce": 7}));
        assert_eq!(debounce, nothing);
        let off = change(json!({}), json!({"codes": {"yanked": "off"}}));
        assert_eq!(off, SettingsChange { publish: true, ..nothing });
        let checks = change(json!({}), json!({"checks": {"bans": false}}));
        assert_eq!(checks, SettingsChange { publish: true, ..nothing });
        let notes = change(json!({"notes": true}), json!({}));
        assert_eq!(notes, SettingsChange { publish: true, ..nothing });
        let others = change(json!({}), json!({"otherDependencies": false}));
        assert_eq!(others, SettingsChange { publish: true, ..nothing });
        let hints = change(json!({}), json!({"hints": {"newest": false}}));
        assert_eq!(hints, SettingsChange { refresh_hints: true, ..nothing });
        let lenses = change(json!({}), json!({"entryLenses": false}));
        assert_eq!(lenses, SettingsChange { refresh_lenses: true, ..nothing });
        for compared in [json!({"base": "main"}), json!({"mergeBase": true})] {
            let compared = change(json!({}), compared);
            assert_eq!(compared, SettingsChange { compare: true, ..nothing });
        }
        let exclude = change(json!({}), json!({"exclude": []}));
        assert_eq!(exclude, SettingsChange { find_workspaces: true, ..nothing });
    }

    #[test]
    fn check_is_repeated_for_findings_that_were_not_listed() {
        let nothing = SettingsChange::default();
        let notes = change(json!({}), json!({"notes": true}));
        assert_eq!(notes, SettingsChange { check: true, publish: true, ..nothing });
        for (name, value) in [
            ("workspace", json!(true)),
            ("db", json!("/db")),
            ("allFeatures", json!(true)),
            ("noDefaultFeatures", json!(true)),
            ("features", json!(["a"])),
            ("targets", json!(["x86_64-pc-windows-msvc"])),
            ("excludePackages", json!(["a"])),
            ("excludeDev", json!(true)),
            ("excludeUnpublished", json!(true)),
            ("only", json!(["bans"])),
            ("levels", json!({"banned": "warn"})),
            ("config", json!("ci/deny.toml")),
        ] {
            assert_eq!(
                change(json!({}), json!({ name: value })),
                SettingsChange { check: true, ..nothing }
            );
        }
        let offline = change(json!({}), json!({"offline": true}));
        assert_eq!(offline, SettingsChange { check: true, resolve: true, ..nothing });
    }
}
