//! Panics in the main loop: shown to the user, and the server continues.

use tower_lsp::ls_types::MessageType;

use super::MainLoop;
use crate::threads::PanicReport;

impl MainLoop {
    /// Shows a failure to the user; each kind comes once.
    pub(super) async fn show_failure(&mut self, failure: &PanicReport) {
        let doing = &failure.doing;
        let message = if failure.gave_up {
            format!(
                "supercargo: repeated internal error while {doing}, which is now stopped; restart \
                 the server, and report this with the server's log"
            )
        } else {
            format!(
                "supercargo: internal error while {doing}; the server continues, please report \
                 this with the server's log"
            )
        };
        self.session.client.show_message(MessageType::ERROR, message).await;
    }

    /// Repeats all work after an event was handled in part: finds the workspaces, checks them,
    /// publishes the findings.
    pub(super) async fn start_over(&mut self) {
        let workspaces = self
            .workers
            .iter()
            .map(|(one, state)| (one.clone(), state.open.clone(), state.is_background));
        let workspaces: Vec<_> = workspaces.collect();
        for (workspace, open, is_background) in workspaces {
            if let Some(before) = self.workers.remove(&workspace) {
                before.children.end();
            }
            self.start_worker(&workspace, open, is_background);
        }
        self.folders_changed().await;
        let files: Vec<_> = self.published.keys().cloned().collect();
        self.publish(files).await;
        self.update_watch();
    }
}
