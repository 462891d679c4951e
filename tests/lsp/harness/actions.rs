//! Code actions as the editors request them, choose them and apply their edits.

use serde_json::{Value, json};

use super::{Change, Client, Editor};

/// A code action; its edit may have to be requested.
#[derive(Clone, Debug)]
pub(crate) struct Action(pub(crate) Value);

impl Action {
    pub(crate) fn title(&self) -> &str {
        self.0["title"].as_str().expect("an action has a title")
    }

    pub(crate) fn is_preferred(&self) -> bool {
        self.0["isPreferred"] == true
    }

    /// Why it is disabled.
    pub(crate) fn disabled(&self) -> Option<&str> {
        self.0["disabled"]["reason"].as_str()
    }
}

impl Client {
    /// The actions at `needle`, in the server's order.
    pub(crate) fn actions(&mut self, path: &str, needle: &str) -> Vec<Action> {
        let params = self.action_params(path, needle, None);
        self.actions_for(params)
    }

    /// The actions of one kind.
    pub(crate) fn actions_of_kind(&mut self, path: &str, kind: &str) -> Vec<Action> {
        let first = self.text(path).chars().take(1).collect::<String>();
        let at = self.text(path).find(&first).unwrap_or_default();
        let position = self.position(path, at);
        let uri = self.world.uri(path);
        self.actions_for(json!({
            "textDocument": {"uri": uri}, "range": {"start": position, "end": position},
            "context": {"diagnostics": [], "only": [kind], "triggerKind": 1},
        }))
    }

    pub(crate) fn action_params(&mut self, path: &str, needle: &str, only: Option<&str>) -> Value {
        let at = self.find(path, needle);
        let (start, end) = (self.position(path, at), self.position(path, at + needle.len()));
        // The selection, or the bare caret.
        let end = if self.editor == Editor::Neovim { start } else { end };
        let context = match only {
            Some(kind) => json!({"diagnostics": [], "only": [kind], "triggerKind": 1}),
            None => json!({"diagnostics": [], "triggerKind": 1}),
        };
        let uri = self.world.uri(path);
        json!({
            "textDocument": {"uri": uri}, "range": {"start": start, "end": end}, "context": context,
        })
    }

    /// The actions for the parameters of a request.
    pub(crate) fn actions_for(&mut self, params: Value) -> Vec<Action> {
        let actions = self.request("textDocument/codeAction", params);
        let actions = actions.expect("code actions have no error");
        actions.as_array().into_iter().flatten().cloned().map(Action).collect()
    }

    /// Applies an action to open documents; other files are opened for it. Returns the action with its edit.
    pub(crate) fn take_action(&mut self, action: &Action) -> Action {
        assert_eq!(action.disabled(), None, "a disabled action is chosen");
        let action = match &action.0 {
            action if action["edit"].is_null() => self
                .request("codeAction/resolve", action.clone())
                .expect("the edit of an action can be resolved"),
            action => action.clone(),
        };
        assert!(action["edit"].is_object(), "no edit: {action}");
        self.apply(&action["edit"]);
        Action(action)
    }

    /// Applies a `WorkspaceEdit` as the editors do.
    pub(crate) fn apply(&mut self, edit: &Value) {
        let mut files: Vec<(String, Value, Value)> = Vec::new();
        if let Some(documents) = edit["documentChanges"].as_array() {
            for document in documents {
                if document["kind"] == "create" {
                    let uri = document["uri"].as_str().expect("a URI");
                    let path = self.file_of(uri).replace("[work]/", "").replace("[world]/", "../");
                    assert_eq!(self.world.try_read(&path), None, "`{path}` exists already");
                    self.world.write(&path, "");
                    continue;
                }
                if document["kind"] == "delete" {
                    let uri = document["uri"].as_str().expect("a URI");
                    let path = self.file_of(uri).replace("[work]/", "").replace("[world]/", "../");
                    self.world.delete(&path);
                    if self.open_documents().contains(&path) {
                        self.close(&path);
                    }
                    continue;
                }
                let identity = &document["textDocument"];
                let uri = identity["uri"].as_str().expect("a URI").to_owned();
                files.push((uri, identity["version"].clone(), document["edits"].clone()));
            }
        }
        for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
            files.push((uri.clone(), Value::Null, edits.clone()));
        }
        for (uri, version, edits) in files {
            let path = self.file_of(&uri).replace("[work]/", "").replace("[world]/", "../");
            if !self.open_documents().contains(&path) {
                assert!(version.is_null(), "a version of `{path}`, which is not open: {version}");
                let on_disk = self.world.try_read(&path);
                // Editors show a missing file as an empty buffer.
                self.open_with(&path, "toml", &on_disk.unwrap_or_default());
            } else if !version.is_null() {
                assert_eq!(version, json!(self.version(&path)), "another version of `{path}`");
            }
            let mut changes: Vec<(Value, String)> = edits
                .as_array()
                .expect("edits")
                .iter()
                .map(|edit| {
                    let text = edit["newText"].as_str().expect("a text").to_owned();
                    (edit["range"].clone(), text)
                })
                .collect();
            // All ranges are in the text before the edits: the last one first.
            changes.reverse();
            let changes: Vec<_> = changes
                .into_iter()
                .map(|(range, text)| {
                    let at = |end: &str| {
                        let number = |name: &str| {
                            u32::try_from(range[end][name].as_u64().expect("a number"))
                                .expect("a small number")
                        };
                        (number("line"), number("character"))
                    };
                    Change::at(at("start"), at("end"), &text)
                })
                .collect();
            self.change(&path, &changes);
        }
    }
}
