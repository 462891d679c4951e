//! The language server: the protocol over standard input and output.
//!
//! Notification handlers change the [`session`] before their first `.await` and send an [`event`] to
//! the [`main_loop`], the one task that decides what is checked and published. Checks run on a fixed
//! number of threads, whatever the number of workspaces ([`worker`]). Another thread reports changes on
//! disk ([`watch`]). A panic is reported, and the server continues ([`threads`](crate::threads)).

mod backend;
mod base_check;
mod client_exit;
mod client_features;
mod comparisons;
mod configuration;
mod convert;
mod documents;
mod edits;
mod event;
mod fix_all;
mod fix_results;
mod frames;
mod handlers;
mod later_capabilities;
mod main_loop;
mod navigation;
mod progress;
mod publish;
mod session;
mod settings;
mod shared_file;
mod status;
mod stdio;
mod supervised;
mod watch;
mod why_graph;
mod worker;

use std::{process::ExitCode, time::Duration};

use tower_lsp::{LspService, Server};

use crate::cache::Cache;
use backend::Backend;
use later_capabilities::LaterCapabilities;
pub use settings::schema as settings_schema;
use supervised::Supervised;

/// How many messages may be handled at once: far more than clients send, so that no request delays a
/// notification.
const CONCURRENCY: usize = 64;

/// How many threads may do blocking work at a time: the search for workspaces, requests that read
/// files, the protocol's input and output. Further work waits.
const MAX_BLOCKING_THREADS: usize = 10;

/// How long workers may take at the end to delete their scratch copies; then they are deleted for them.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(400);

/// Serves until the client sends `exit` or is gone, or a signal asks the program to end. Then the
/// server and all programs that it has started end within a second.
///
/// `cache` keeps results between runs. The exit code is 0 after `shutdown`, else 1 (LSP, "Exit Notification").
pub fn run(cache: Cache) -> ExitCode {
    // Before any thread is started.
    let (input, output) = match stdio::take() {
        Ok(taken) => taken,
        Err(error) => {
            tracing::error!("could not take over standard input and output: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = match runtime
        .worker_threads(2)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the server cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let was_shut_down = runtime.block_on(async {
        let mut session = None;
        let (service, socket) = LspService::build(|client| {
            let (backend, shared) = Backend::new(client, cache);
            session = Some(shared);
            backend
        })
        .custom_method("supercargo/didChangeTrust", Backend::did_change_trust)
        .custom_method("supercargo/whyGraph", Backend::why_graph)
        .custom_method("workspace/textDocumentContent", Backend::text_document_content)
        .custom_method(frames::INVALID_MESSAGE, Backend::invalid_message)
        .custom_method(frames::LOST_MESSAGE, Backend::lost_message)
        .finish();
        let Some(session) = session else { return false };
        let input = session.client_exit.watched_input(input);
        let serving =
            Server::new(frames::messages(input), frames::OwnSpelling::new(output), socket)
                .concurrency_level(CONCURRENCY)
                .serve(Supervised(LaterCapabilities(service)));
        tokio::select! {
            () = serving => {}
            () = session.client_exit.client_is_gone(|| session.end()) => {}
            () = end_signal() => {}
        }
        session.end();
        session.children.wait_for_cleanup(CLEANUP_TIMEOUT);
        session.was_shut_down()
    });
    // A read of the client's next message may still be waiting.
    runtime.shutdown_background();
    if was_shut_down { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for a signal that ends a program: no child process may outlive the server.
#[cfg(unix)]
async fn end_signal() {
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

/// Other systems have no such signals.
#[cfg(not(unix))]
async fn end_signal() {
    std::future::pending().await
}
