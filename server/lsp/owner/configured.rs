//! What the owner does when the settings have changed.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use super::{Owner, files_of};
use crate::{lsp::settings::Change, workspace::Workspace};

impl Owner {
    pub(super) async fn configured(&mut self, change: Change) {
        self.complain().await;
        if change.look {
            self.forget_excluded().await;
            self.folders_changed().await;
        }
        if change.judge {
            let all: Vec<_> = self.workers.keys().cloned().collect();
            for workspace in all {
                self.wish(&workspace, change.resolve);
            }
        }
        if change.publish {
            let mut files: BTreeSet<_> = self.published.keys().cloned().collect();
            files.extend(self.session.state().verdicts.values().flat_map(|one| files_of(one)));
            self.publish(&files.into_iter().collect::<Vec<_>>()).await;
        }
        if change.hint {
            self.refresh_hints();
        }
    }

    /// Has the client ask for inlay hints again, where it can: it asks by itself only after edits.
    pub(super) fn refresh_hints(&self) {
        if !self.session.state().features.refreshes_hints {
            return;
        }
        let client = self.session.client.clone();
        // A request to the client is never awaited here.
        tokio::spawn(async move { client.inlay_hint_refresh().await });
    }

    /// Forgets the workspaces in folders that are left out now, unless a file of theirs is open.
    async fn forget_excluded(&mut self) {
        let (folders, excluded) = {
            let state = self.session.state();
            (state.folders.clone(), state.settings.exclude.clone())
        };
        let idle = self.workers.iter().filter(|(_, busy)| busy.open.is_empty());
        let left_out = idle
            .map(|(workspace, _)| workspace)
            .filter(|workspace| is_excluded(workspace, &folders, &excluded))
            .cloned()
            .collect();
        self.forget(left_out).await;
    }
}

/// Whether the way from each folder that holds a workspace leads through an excluded one.
pub(super) fn is_excluded(
    workspace: &Workspace,
    folders: &[Utf8PathBuf],
    excluded: &[String],
) -> bool {
    let mut around =
        folders.iter().filter_map(|folder| workspace.root.strip_prefix(folder).ok()).peekable();
    around.peek().is_some()
        && around.all(|way| way.iter().any(|name| excluded.iter().any(|out| out == name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_below_an_opened_folder_counts() {
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
        // A folder inside of the workspace is not one that holds it.
        assert!(!check("/w/fixtures/one", &["/w/fixtures/one/src"]));
    }
}
