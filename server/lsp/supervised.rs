//! Catches panics in the handler of a message: the reply to a request is then an internal error, and
//! the server continues.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tower_service::Service;

use crate::threads::{self, Activity};

/// A service whose panics are caught.
#[derive(Debug)]
pub(super) struct Supervised<S>(pub(super) S);

impl<S> Service<Request> for Supervised<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Option<Response>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = request.id().cloned();
        let doing = Activity::to("handling", request.method());
        let is_text_request = id.is_some() && request.method().starts_with("textDocument/");
        let called = threads::catch_panic(&doing, || self.0.call(request));
        Box::pin(async move {
            let Ok(handled) = called else { return Ok(broken(id)) };
            let handled = threads::catch_panic_async(&doing, async move {
                if is_text_request {
                    threads::failpoint("handler");
                }
                handled.await
            });
            handled.await.unwrap_or_else(|_| Ok(broken(id)))
        })
    }
}

/// The reply to a request whose handler has panicked; a notification has no reply.
fn broken(id: Option<Id>) -> Option<Response> {
    id.map(|id| Response::from_error(id, Error::internal_error()))
}
