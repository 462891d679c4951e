//! The language server: the protocol over standard input and output.
//!
//! Notification handlers change the [`session`] before their first `.await` and tell the
//! [`owner`], a task that alone decides what is judged and published. Judging happens on the threads
//! of a pool, whatever the number of workspaces ([`worker`]). What changes on disk is told by another
//! one ([`watch`]). What panics is reported and goes on ([`threads`](crate::threads)).

mod backend;
mod client_features;
mod configuration;
mod convert;
mod documents;
mod edits;
mod ending;
mod fixes;
mod frames;
mod handlers;
mod navigation;
mod owner;
mod progress;
mod publish;
mod session;
mod settings;
mod status;
mod stdio;
mod supervised;
mod watch;
mod worker;

use std::{process::ExitCode, time::Duration};

use tower_lsp::{LspService, Server};

use crate::cache::Cache;
use backend::Backend;
pub use settings::schema as settings_schema;
use supervised::Supervised;

/// How many messages may be worked on at once; far above what a client sends, so that no request
/// holds up a notification.
const CONCURRENCY: usize = 64;

/// How many threads may wait for files at a time: for those of workspaces that are looked for, for
/// what a request asks, for the protocol's own. What comes beyond waits.
const BLOCKING: usize = 10;

/// How long workers may take to delete their scratch copies at the end; then it is done for them.
const PATIENCE: Duration = Duration::from_millis(400);

/// Serves until the client says `exit`, is gone, or the system asks for the end. Then the server
/// and all that it has started are gone within a second.
///
/// `cache` keeps results between runs. The exit code is 0 after `shutdown`, else 1 (LSP, "Exit Notification").
pub fn run(cache: Cache) -> ExitCode {
    // First of all: there are no threads yet.
    let (input, output) = match stdio::take() {
        Ok(taken) => taken,
        Err(error) => {
            tracing::error!("could not take over standard input and output: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        match runtime.worker_threads(2).max_blocking_threads(BLOCKING).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("the server cannot start: {error}");
                return ExitCode::FAILURE;
            }
        };
    let orderly = runtime.block_on(async {
        let mut session = None;
        let (service, socket) = LspService::build(|client| {
            let (backend, shared) = Backend::new(client, cache);
            session = Some(shared);
            backend
        })
        .custom_method("supercargo/didChangeTrust", Backend::did_change_trust)
        .custom_method(frames::REFUSED, Backend::refused)
        .custom_method(frames::LOST, Backend::lost)
        .finish();
        let Some(session) = session else { return false };
        let input = session.ending.watched_input(input);
        let serving = Server::new(frames::messages(input), output, socket)
            .concurrency_level(CONCURRENCY)
            .serve(Supervised(service));
        tokio::select! {
            () = serving => {}
            () = session.ending.client_is_gone(|| session.end()) => {}
            () = asked_to_end() => {}
        }
        session.end();
        session.children.wait_until_unused(PATIENCE);
        session.was_shut_down()
    });
    // A read of the client's next message may still be waiting.
    runtime.shutdown_background();
    if orderly { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for the signals that ask a program to end: no child may outlive us.
#[cfg(unix)]
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};

    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Elsewhere there are none.
#[cfg(not(unix))]
async fn asked_to_end() {
    std::future::pending().await
}
