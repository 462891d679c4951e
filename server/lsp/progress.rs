//! Progress for what takes longer than a second, for clients that show it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::mpsc;
use tower_lsp::{Client, ls_types::ProgressToken};

use crate::threads::{self, Doing};

/// Tokens are used once.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What is shorter is not worth showing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Something that may take long. Dropping it ends the progress.
#[derive(Debug)]
pub(super) struct Progress {
    messages: mpsc::UnboundedSender<String>,
}

impl Progress {
    /// Begins to wait; the client is told only when it takes long.
    pub(super) fn start(client: Client, title: String) -> Self {
        let (messages, received) = mpsc::unbounded_channel();
        threads::task(Doing::just("showing progress"), show(client, title, received));
        Self { messages }
    }

    /// What is being done now.
    pub(super) fn tell(&self, message: String) {
        let _ = self.messages.send(message);
    }
}

async fn show(client: Client, title: String, mut messages: mpsc::UnboundedReceiver<String>) {
    let patience = tokio::time::sleep(PATIENCE);
    tokio::pin!(patience);
    let mut latest = String::new();
    loop {
        tokio::select! {
            () = &mut patience => break,
            message = messages.recv() => match message {
                Some(message) => latest = message,
                None => return,
            },
        }
    }
    let token =
        ProgressToken::String(format!("supercargo/{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    if client.create_work_done_progress(token.clone()).await.is_err() {
        return;
    }
    let ongoing = client.progress(token, title).with_message(latest).begin().await;
    while let Some(message) = messages.recv().await {
        ongoing.report(message).await;
    }
    ongoing.finish().await;
}
