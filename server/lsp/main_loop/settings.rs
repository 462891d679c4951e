//! Settings in the main loop: shows errors in them, and repeats the work that a change of a setting
//! or of the trust affects.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use tower_lsp::ls_types::MessageType;

use super::{CheckReason, MainLoop, verdicts::files_of};
use crate::{
    lsp::{comparisons::BaseChoice, settings::SettingsChange},
    threads::{self, Activity},
    workspace::Workspace,
};

impl MainLoop {
    /// Shows errors in the settings.
    pub(super) async fn show_setting_errors(&mut self) {
        let errors = self.session.update(|state| std::mem::take(&mut state.setting_errors));
        if !errors.is_empty() {
            let message = format!("supercargo: {}", errors.join("; "));
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }

    /// Shows once what is checked in an untrusted workspace.
    pub(super) async fn show_trust_message(&mut self) {
        if !self.session.snapshot().settings.trusted {
            self.show_once(
                "supercargo: the workspace is not trusted, so no program is started: only known \
                 vulnerabilities in `Cargo.lock` are checked, other findings are from the last \
                 trusted session",
            )
            .await;
        }
    }

    /// Checks every workspace again.
    pub(super) async fn trust_changed(&mut self) {
        self.show_trust_message().await;
        let trusted = self.session.snapshot().settings.trusted;
        for workspace_state in self.workers.values_mut().filter(|_| !trusted) {
            workspace_state.children.end();
            workspace_state.children = self.session.children.in_own_scope();
        }
        let all: Vec<_> = self.workers.keys().cloned().collect();
        for workspace in all {
            self.request_check(&workspace, CheckReason::Graph);
        }
        // Without trust no program may be started, and git is one.
        self.base_chosen().await;
    }

    pub(super) async fn settings_changed(&mut self, change: SettingsChange) {
        self.show_setting_errors().await;
        if change.find_workspaces {
            self.remove_excluded().await;
            self.folders_changed().await;
        }
        if change.compare {
            self.session.update(|state| state.base_choice = BaseChoice::OfSettings);
            self.base_chosen().await;
        }
        if change.check {
            let reason = if change.resolve { CheckReason::Graph } else { CheckReason::Policy };
            let all: Vec<_> = self.workers.keys().cloned().collect();
            for workspace in all {
                self.request_check(&workspace, reason);
            }
        }
        if change.publish {
            let mut files: BTreeSet<_> = self.published.keys().cloned().collect();
            let state = self.session.snapshot();
            files.extend(state.verdicts.values().flat_map(|one| files_of(one)));
            self.publish(files).await;
        }
        if change.refresh_hints {
            self.refresh_hints();
        }
        if change.refresh_lenses {
            self.refresh_lenses();
        }
    }

    /// Makes the client request inlay hints again, where it supports that: by itself it does so only
    /// after edits.
    pub(super) fn refresh_hints(&self) {
        if !self.session.snapshot().features.refreshes_hints {
            return;
        }
        let client = self.session.client.clone();
        // The main loop never waits for the client.
        threads::task(Activity::just("asking the client"), async move {
            // The client may return an error.
            let _ = client.inlay_hint_refresh().await;
        });
    }

    /// Removes the workspaces in excluded folders that have no open file.
    async fn remove_excluded(&mut self) {
        let (folders, excluded) = {
            let state = self.session.snapshot();
            (state.folders.clone(), state.settings.exclude.clone())
        };
        let idle =
            self.workers.iter().filter(|(_, workspace_state)| workspace_state.open.is_empty());
        let excluded = idle
            .map(|(workspace, _)| workspace)
            .filter(|workspace| is_excluded(workspace, &folders, &excluded))
            .cloned()
            .collect();
        self.remove(excluded).await;
    }
}

/// Whether the path from every open folder that contains the workspace leads through an excluded
/// folder.
pub(super) fn is_excluded(
    workspace: &Workspace,
    folders: &[Utf8PathBuf],
    excluded: &[String],
) -> bool {
    let mut paths =
        folders.iter().filter_map(|folder| workspace.root.strip_prefix(folder).ok()).peekable();
    paths.peek().is_some()
        && paths.all(|path| path.iter().any(|name| excluded.iter().any(|one| one == name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_below_an_open_folder_is_checked_for_excluded_names() {
        let excluded = ["fixtures".to_owned()];
        let check = |root: &str, folders: &[&str]| {
            let manifest = Utf8PathBuf::from(root).join("Cargo.toml");
            let folders: Vec<_> = folders.iter().map(|&folder| folder.into()).collect();
            is_excluded(&Workspace::of_manifest(&manifest), &folders, &excluded)
        };
        assert!(check("/w/fixtures/one", &["/w"]));
        assert!(!check("/w/apps/fixtures-two", &["/w"]));
        assert!(!check("/w/fixtures/one", &["/w/fixtures"]));
        assert!(!check("/w/fixtures/one", &["/w", "/w/fixtures/one"]));
        // A folder inside the workspace does not contain it.
        assert!(!check("/w/fixtures/one", &["/w/fixtures/one/src"]));
    }
}
