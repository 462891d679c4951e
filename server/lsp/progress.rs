//! The progress bar of work that takes longer than a second, for clients that show one.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::mpsc;
use tower_lsp::{Client, ls_types::ProgressToken};

use crate::threads::{self, Activity};

/// The number of the next token; each is used once.
static NEXT_TOKEN: AtomicU32 = AtomicU32::new(0);

/// How long work has to take before its progress is shown.
const PROGRESS_DELAY: Duration = Duration::from_secs(1);

/// The progress bar of one workspace. Dropping it ends the progress.
#[derive(Debug)]
pub(super) struct ProgressBar {
    messages: mpsc::UnboundedSender<String>,
}

impl ProgressBar {
    /// Starts the work; the progress is shown after [`PROGRESS_DELAY`].
    pub(super) fn start(client: Client, title: String) -> Self {
        let (messages, received) = mpsc::unbounded_channel();
        threads::task(Activity::just("showing progress"), show(client, title, received));
        Self { messages }
    }

    /// Shows what the work does now.
    pub(super) fn show(&self, message: String) {
        let _ = self.messages.send(message);
    }
}

async fn show(client: Client, title: String, mut messages: mpsc::UnboundedReceiver<String>) {
    let delay = tokio::time::sleep(PROGRESS_DELAY);
    tokio::pin!(delay);
    let mut latest = String::new();
    loop {
        tokio::select! {
            () = &mut delay => break,
            message = messages.recv() => match message {
                Some(message) => latest = message,
                None => return,
            },
        }
    }
    let token =
        ProgressToken::String(format!("supercargo/{}", NEXT_TOKEN.fetch_add(1, Ordering::Relaxed)));
    if client.create_work_done_progress(token.clone()).await.is_err() {
        return;
    }
    let ongoing = client.progress(token, title).with_message(latest).begin().await;
    while let Some(message) = messages.recv().await {
        ongoing.report(message).await;
    }
    ongoing.finish().await;
}
