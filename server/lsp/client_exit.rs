//! Ends the server when the client is gone without having sent `exit`.
//!
//! The signs are the end of standard input and, where another process keeps that open, the end of the
//! process that `initialize` names (LSP, "Initialize Request", `processId`).

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::Notify,
};

use crate::{
    process::{parent_process, wait_for_process},
    threads::{self, Activity},
};

/// How long the replies to the last requests may take after the end of standard input.
const REPLY_TIMEOUT: Duration = Duration::from_millis(300);

/// Notices the end of the client.
#[derive(Debug)]
pub(super) struct ClientExit {
    input_ended: Arc<Notify>,
    process_ended: Arc<Notify>,
    /// The parent process.
    parent_process: Option<u32>,
    watched: OnceLock<()>,
}

impl ClientExit {
    /// Call this before the client could be gone.
    pub(super) fn new() -> Self {
        let (input_ended, process_ended) = Default::default();
        Self {
            input_ended,
            process_ended,
            parent_process: parent_process(),
            watched: OnceLock::new(),
        }
    }

    /// Standard input, whose end is noticed.
    pub(super) fn watched_input<R>(&self, input: R) -> ClientInput<R> {
        ClientInput { input, ended: Arc::clone(&self.input_ended) }
    }

    /// Watches the client's process. A process that does not exist is on another machine or in a
    /// container, unless it is the parent process.
    pub(super) fn watch_process(&self, id: u32) {
        if self.watched.set(()).is_err() {
            return;
        }
        let ended = Arc::clone(&self.process_ended);
        let wait = match wait_for_process(id) {
            Some(wait) => wait,
            None if self.parent_process == Some(id) => return ended.notify_one(),
            None => return tracing::debug!("no process {id} to watch"),
        };
        let watch = move || {
            wait();
            tracing::info!("the client (process {id}) has ended");
            ended.notify_one();
        };
        let waiting = Activity::just("waiting for the end of the client");
        if let Err(error) = threads::spawn("client", None, waiting, watch) {
            tracing::error!("could not watch the client (process {id}): {error}");
        }
    }

    /// Returns when the client is gone and the last requests had time for their replies. Calls
    /// `input_ended` in between.
    pub(super) async fn client_is_gone(&self, input_ended: impl FnOnce()) {
        tokio::select! {
            () = self.input_ended.notified() => {}
            () = self.process_ended.notified() => return,
        }
        input_ended();
        tokio::time::sleep(REPLY_TIMEOUT).await;
    }
}

/// Standard input.
pub(super) struct ClientInput<R> {
    input: R,
    ended: Arc<Notify>,
}

impl<R: AsyncRead + Unpin> AsyncRead for ClientInput<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.input).poll_read(context, buffer);
        let ended = match &read {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended {
            self.ended.notify_one();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn run(future: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(future);
    }

    #[test]
    fn end_of_standard_input_is_noticed_after_the_whole_input() {
        run(async {
            let client_exit = ClientExit::new();
            let mut text = String::new();
            let mut input = client_exit.watched_input(&b"all of it"[..]);
            input.read_to_string(&mut text).await.expect("read");
            assert_eq!(text, "all of it");
            let mut called = false;
            client_exit.client_is_gone(|| called = true).await;
            assert!(called);
        });
    }

    #[cfg(unix)]
    #[test]
    fn end_of_the_process_is_noticed_while_standard_input_is_open() {
        let mut client = std::process::Command::new("/bin/sh")
            .args(["-c", "exec sleep 600"])
            .spawn()
            .expect("a shell");
        run(async {
            let client_exit = ClientExit::new();
            client_exit.watch_process(client.id());
            client.kill().expect("killed");
            client.wait().expect("ended");
            client_exit.client_is_gone(|| panic!("standard input is open")).await;
        });
    }
}
