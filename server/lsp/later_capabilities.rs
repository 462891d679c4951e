//! Capabilities of LSP 3.18 for which the protocol library has no types. It drops those of the client and cannot write those of
//! the server, so they travel in `experimental`: into it before the library reads `initialize`, and out of its result.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use serde_json::{Map, Value};
use tower_lsp::jsonrpc::{Request, Response};
use tower_service::Service;

/// The capability for virtual documents, in `workspace` of the client and the server.
pub(super) const TEXT_DOCUMENT_CONTENT: &str = "textDocumentContent";

/// A service whose capabilities may be in `experimental`.
#[derive(Debug)]
pub(super) struct LaterCapabilities<S>(pub(super) S);

impl<S> Service<Request> for LaterCapabilities<S>
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
        if request.method() != "initialize" {
            return Box::pin(self.0.call(request));
        }
        let response = self.0.call(with_moved(request));
        Box::pin(async move {
            let response = response.await?;
            Ok(response.map(|response| {
                let (id, result) = response.into_parts();
                let result = result.map(|mut result| {
                    move_capability(&mut result, "experimental", "workspace");
                    result
                });
                Response::from_parts(id, result)
            }))
        })
    }
}

/// The request with the client's capability in `experimental`.
fn with_moved(request: Request) -> Request {
    let (method, id, params) = request.into_parts();
    let mut moved = Request::build(method);
    if let Some(id) = id {
        moved = moved.id(id);
    }
    if let Some(mut params) = params {
        move_capability(&mut params, "workspace", "experimental");
        moved = moved.params(params);
    }
    moved.finish()
}

/// Moves the capability between two objects of `capabilities`. An `experimental` that is empty after that is removed.
fn move_capability(message: &mut Value, from: &str, to: &str) {
    let Some(Value::Object(capabilities)) = message.get_mut("capabilities") else { return };
    let Some(Value::Object(source)) = capabilities.get_mut(from) else { return };
    let Some(capability) = source.remove(TEXT_DOCUMENT_CONTENT) else { return };
    if source.is_empty() && from == "experimental" {
        capabilities.remove(from);
    }
    let target = capabilities.entry(to).or_insert_with(|| Value::Object(Map::new()));
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    target[TEXT_DOCUMENT_CONTENT] = capability;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn capability_is_moved_and_nothing_else_changes() {
        let mut params =
            json!({"capabilities": {"workspace": {"a": 1, "textDocumentContent": {}}}});
        move_capability(&mut params, "workspace", "experimental");
        let moved = json!({"workspace": {"a": 1}, "experimental": {"textDocumentContent": {}}});
        assert_eq!(params["capabilities"], moved);
        move_capability(&mut params, "experimental", "workspace");
        let back = json!({"workspace": {"a": 1, "textDocumentContent": {}}});
        assert_eq!(params["capabilities"], back);
        for other in
            [json!(null), json!({"capabilities": 1}), json!({"capabilities": {"workspace": []}})]
        {
            let mut params = other.clone();
            move_capability(&mut params, "workspace", "experimental");
            assert_eq!(params, other);
        }
    }
}
