//! What each editor answers when the server asks.

use serde_json::{Value, json};

use super::Editor;

/// The answer: `result` or `error`.
pub(super) fn answer(
    editor: Editor,
    method: &str,
    params: &Value,
    settings: &Value,
    refused: bool,
) -> (&'static str, Value) {
    let known = match (method, editor) {
        (
            "client/registerCapability"
            | "client/unregisterCapability"
            | "window/workDoneProgress/create",
            _,
        )
        | ("workspace/inlayHint/refresh", Editor::VsCode | Editor::Neovim)
        | ("workspace/diagnostic/refresh" | "workspace/codeLens/refresh", Editor::VsCode) => {
            Some(Value::Null)
        }
        ("window/showDocument", Editor::VsCode | Editor::Neovim) => Some(json!({"success": true})),
        // The test applies the edit.
        ("workspace/applyEdit", _) => Some(json!({"applied": true})),
        ("workspace/configuration", _) => {
            let items = params["items"].as_array().expect("items are asked for");
            let told = |item: &Value| {
                let ours = item["section"] == "supercargo";
                if ours { settings.clone() } else { Value::Null }
            };
            Some(items.iter().map(told).collect())
        }
        _ => None,
    };
    match known.filter(|_| !refused) {
        Some(result) => ("result", result),
        None => {
            ("error", json!({"code": -32601, "message": format!("Method not found: {method}")}))
        }
    }
}
