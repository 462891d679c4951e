//! When the server has to end without having been told `exit`: its client is gone.
//!
//! That is seen at the end of standard input, and where somebody else holds that open, at the end of
//! the process that `initialize` names (LSP, "Initialize Request", `processId`).

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
    process::{end_of, parent},
    threads::{self, Doing},
};

/// How long answers may take to what was read before the end of standard input.
const GRACE: Duration = Duration::from_millis(300);

/// What is known of the client's end.
#[derive(Debug)]
pub(super) struct Ending {
    input_ended: Arc<Notify>,
    process_ended: Arc<Notify>,
    /// The process that has started this one.
    parent: Option<u32>,
    watched: OnceLock<()>,
}

impl Ending {
    /// To be made before the client could be gone.
    pub(super) fn new() -> Self {
        let (input_ended, process_ended) = Default::default();
        Self { input_ended, process_ended, parent: parent(), watched: OnceLock::new() }
    }

    /// Standard input, whose end is seen.
    pub(super) fn watched_input<R>(&self, input: R) -> Input<R> {
        Input { input, ended: Arc::clone(&self.input_ended) }
    }

    /// The client is this process. One that is not there is of another machine or container, unless
    /// it was there when the server was started.
    pub(super) fn watch_process(&self, id: u32) {
        if self.watched.set(()).is_err() {
            return;
        }
        let ended = Arc::clone(&self.process_ended);
        let wait = match end_of(id) {
            Some(wait) => wait,
            None if self.parent == Some(id) => return ended.notify_one(),
            None => return tracing::debug!("there is no process {id} that could be watched"),
        };
        let watch = move || {
            wait();
            tracing::info!("the client, process {id}, has ended");
            ended.notify_one();
        };
        let waiting = Doing::just("waiting for the end of the client");
        if let Err(error) = threads::spawn("client", None, waiting, watch) {
            tracing::error!("the client, process {id}, cannot be watched: {error}");
        }
    }

    /// Returns when the client is gone and what could be answered was answered. `input_ended` is
    /// called in between.
    pub(super) async fn client_is_gone(&self, input_ended: impl FnOnce()) {
        tokio::select! {
            () = self.input_ended.notified() => {}
            () = self.process_ended.notified() => return,
        }
        input_ended();
        tokio::time::sleep(GRACE).await;
    }
}

/// Standard input.
pub(super) struct Input<R> {
    input: R,
    ended: Arc<Notify>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
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
    fn the_end_of_standard_input_is_seen_after_all_was_read() {
        run(async {
            let ending = Ending::new();
            let mut text = String::new();
            let mut input = ending.watched_input(&b"all of it"[..]);
            input.read_to_string(&mut text).await.expect("read");
            assert_eq!(text, "all of it");
            let mut told = false;
            ending.client_is_gone(|| told = true).await;
            assert!(told);
        });
    }

    #[cfg(unix)]
    #[test]
    fn the_end_of_the_process_is_seen_while_standard_input_is_open() {
        let mut client = std::process::Command::new("/bin/sh")
            .args(["-c", "exec sleep 600"])
            .spawn()
            .expect("a shell");
        run(async {
            let ending = Ending::new();
            ending.watch_process(client.id());
            client.kill().expect("killed");
            client.wait().expect("ended");
            ending.client_is_gone(|| panic!("standard input is open")).await;
        });
    }
}
