//! What the owner does when something has panicked: says so, and goes on.

use tower_lsp::ls_types::MessageType;

use super::Owner;
use crate::threads::Failure;

impl Owner {
    /// Tells the user of a failure; those of one kind come once.
    pub(super) async fn say_failure(&mut self, failure: &Failure) {
        let doing = &failure.doing;
        let message = if failure.stays_down {
            format!(
                "supercargo: internal error while {doing}, too often to go on with that; restart \
                 the server, and report it with the log of the server"
            )
        } else {
            format!(
                "supercargo: internal error while {doing}; everything else goes on, please report \
                 it with the log of the server"
            )
        };
        self.session.client.show_message(MessageType::ERROR, message).await;
    }

    /// Does everything anew, after an event was handled half: which workspaces there are, what they
    /// are judged to be, what is shown.
    pub(super) async fn begin_again(&mut self) {
        let known = self.workers.iter().map(|(one, busy)| (one.clone(), busy.open.clone()));
        let known: Vec<_> = known.collect();
        for (workspace, open) in known {
            if let Some(before) = self.workers.remove(&workspace) {
                before.children.end();
            }
            self.start_worker(&workspace, open);
        }
        self.folders_changed().await;
        let files: Vec<_> = self.published.keys().cloned().collect();
        self.publish(&files).await;
        self.watch_what_matters();
    }
}
