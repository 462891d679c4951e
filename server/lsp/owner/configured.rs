//! What the owner does with settings: says what is wrong with them, and does anew what a change of
//! them or of the user's trust concerns.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use tower_lsp::ls_types::MessageType;

use super::{Owner, verdicts::files_of};
use crate::{
    lsp::settings::Change,
    threads::{self, Doing},
    workspace::Workspace,
};

impl Owner {
    /// Tells what is wrong with the settings.
    pub(super) async fn complain(&mut self) {
        let complaints = std::mem::take(&mut self.session.state().complaints);
        if !complaints.is_empty() {
            let message = format!("supercargo: {}", complaints.join("; "));
            self.session.client.show_message(MessageType::WARNING, message).await;
        }
    }

    /// Says once what an untrusted workspace is judged by.
    pub(super) async fn say_trust(&mut self) {
        if !self.session.state().settings.trusted {
            self.say(
                "supercargo starts no program in a workspace that is not trusted: vulnerabilities \
                 are judged by `Cargo.lock`, everything else as it was when it was last trusted",
            )
            .await;
        }
    }

    /// Judges everything again, in place.
    pub(super) async fn trust_changed(&mut self) {
        self.say_trust().await;
        let trusted = self.session.state().settings.trusted;
        for busy in self.workers.values_mut().filter(|_| !trusted) {
            busy.children.end();
            busy.children = self.session.children.of_a_part();
        }
        let all: Vec<_> = self.workers.keys().cloned().collect();
        for workspace in all {
            self.wish(&workspace, true);
        }
    }

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
        if change.lens {
            self.refresh_lenses();
        }
    }

    /// Has the client ask for inlay hints again, where it can: it asks by itself only after edits.
    pub(super) fn refresh_hints(&self) {
        if !self.session.state().features.refreshes_hints {
            return;
        }
        let client = self.session.client.clone();
        // A request to the client is never awaited here.
        threads::task(Doing::just("asking the client"), async move {
            // It may refuse.
            let _ = client.inlay_hint_refresh().await;
        });
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
