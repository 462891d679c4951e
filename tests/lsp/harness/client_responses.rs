//! How each editor responds to requests of the server.

use serde_json::{Value, json};

use super::Editor;

/// The response: `result` or `error`.
pub(super) fn response(
    editor: Editor,
    method: &str,
    params: &Value,
    settings: &Value,
    is_rejected: bool,
) -> (&'static str, Value) {
    let result = match (method, editor) {
        (
            "client/registerCapability"
            | "client/unregisterCapability"
            | "window/workDoneProgress/create",
            _,
        )
        | ("workspace/inlayHint/refresh", Editor::VsCode | Editor::Neovim)
        | (
            "workspace/diagnostic/refresh"
            | "workspace/codeLens/refresh"
            | "workspace/textDocumentContent/refresh",
            Editor::VsCode,
        ) => Some(Value::Null),
        ("window/showDocument", Editor::VsCode | Editor::Neovim) => Some(json!({"success": true})),
        // The test applies the edit.
        ("workspace/applyEdit", _) => Some(json!({"applied": true})),
        ("workspace/configuration", _) => {
            let items = params["items"].as_array().expect("items are requested");
            let value = |item: &Value| {
                let is_ours = item["section"] == "supercargo";
                if is_ours { settings.clone() } else { Value::Null }
            };
            Some(items.iter().map(value).collect())
        }
        _ => None,
    };
    match result.filter(|_| !is_rejected) {
        Some(result) => ("result", result),
        None => {
            ("error", json!({"code": -32601, "message": format!("Method not found: {method}")}))
        }
    }
}
