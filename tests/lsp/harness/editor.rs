//! The editors that the harness speaks as, and what about them matters to the server.

use serde_json::{Value, json};

use super::{recorded, text::Encoding};

/// Which editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Editor {
    VsCode,
    Neovim,
    Helix,
}

impl Editor {
    pub(crate) const ALL: [Self; 3] = [Self::VsCode, Self::Neovim, Self::Helix];

    /// How it wants columns to be counted.
    pub(crate) fn encoding(self) -> Encoding {
        match self {
            Self::VsCode => Encoding::Utf16,
            Self::Neovim | Self::Helix => Encoding::Utf8,
        }
    }

    /// The id of its first request.
    pub(crate) fn first_id(self) -> i64 {
        match self {
            Self::VsCode | Self::Helix => 0,
            Self::Neovim => 1,
        }
    }

    /// The version of a document that it opens.
    pub(crate) fn first_version(self) -> i32 {
        match self {
            Self::VsCode => 1,
            Self::Neovim | Self::Helix => 0,
        }
    }

    /// The version after a change. Neovim counts its buffer's ticks, which are not consecutive.
    pub(crate) fn next_version(self, version: i32) -> i32 {
        match self {
            Self::VsCode | Self::Helix => version + 1,
            Self::Neovim => version + 3,
        }
    }

    /// The `initialize` parameters for these folders: as recorded where that is at hand, else with
    /// the capabilities of [`Self::capabilities`].
    pub(crate) fn initialize(self, folders: &[(String, String)]) -> Value {
        let mut params = recorded::initialize(self)
            .unwrap_or_else(|| json!({"capabilities": self.capabilities()}));
        let uri = folders.first().map(|(_, uri)| uri.clone());
        let path = folders.first().map(|(path, _)| path.clone());
        let listed = folders.iter().map(|(path, uri)| json!({"uri": uri, "name": path}));
        params["processId"] = json!(std::process::id());
        params["rootUri"] = json!(uri);
        params["rootPath"] = json!(path);
        params["workspaceFolders"] = listed.collect();
        params
    }

    /// The part of its capabilities that the server looks at or could be tempted to.
    pub(crate) fn capabilities(self) -> Value {
        match self {
            Self::VsCode => json!({
                "general": {"positionEncodings": ["utf-16"]},
                "textDocument": {
                    "publishDiagnostics": {
                        "relatedInformation": true,
                        "versionSupport": false,
                        "tagSupport": {"valueSet": [1, 2]},
                        "codeDescriptionSupport": true,
                        "dataSupport": true,
                    },
                    "hover": {"dynamicRegistration": true, "contentFormat": ["markdown", "plaintext"]},
                    "synchronization": {"dynamicRegistration": true, "didSave": true},
                    "diagnostic": {"dynamicRegistration": true},
                    "codeAction": {
                        "isPreferredSupport": true,
                        "disabledSupport": true,
                        "dataSupport": true,
                        "resolveSupport": {"properties": ["edit"]},
                        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
                    },
                },
                "workspace": {
                    "workspaceFolders": true,
                    "configuration": true,
                    "didChangeConfiguration": {"dynamicRegistration": true},
                    "didChangeWatchedFiles": {"dynamicRegistration": true},
                    "inlayHint": {"refreshSupport": true},
                    "workspaceEdit": {
                        "documentChanges": true,
                        "resourceOperations": ["create", "rename", "delete"],
                    },
                },
                "window": {"workDoneProgress": true, "showDocument": {"support": true}},
            }),
            Self::Neovim => json!({
                "general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
                "textDocument": {
                    "publishDiagnostics": {
                        "relatedInformation": true,
                        "tagSupport": {"valueSet": [1, 2]},
                        "dataSupport": true,
                    },
                    "hover": {"dynamicRegistration": true, "contentFormat": ["markdown", "plaintext"]},
                    "synchronization": {"dynamicRegistration": false, "didSave": true},
                    "diagnostic": {"dynamicRegistration": false},
                    "codeAction": {
                        "isPreferredSupport": true,
                        "dataSupport": true,
                        "resolveSupport": {"properties": ["edit", "command"]},
                        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
                    },
                },
                "workspace": {
                    "workspaceFolders": true,
                    "configuration": true,
                    "didChangeConfiguration": {"dynamicRegistration": false},
                    "didChangeWatchedFiles": {"dynamicRegistration": false},
                    "inlayHint": {"refreshSupport": true},
                    "workspaceEdit": {"resourceOperations": ["rename", "create", "delete"]},
                },
                "window": {"workDoneProgress": true, "showDocument": {"support": true}},
            }),
            Self::Helix => json!({
                "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
                "textDocument": {
                    "publishDiagnostics": {"tagSupport": {"valueSet": [1, 2]}, "versionSupport": true},
                    "hover": {"contentFormat": ["markdown"]},
                    "codeAction": {
                        "isPreferredSupport": true,
                        "disabledSupport": true,
                        "dataSupport": true,
                        "resolveSupport": {"properties": ["edit", "command"]},
                        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
                    },
                },
                "workspace": {
                    "workspaceFolders": true,
                    "configuration": true,
                    "didChangeConfiguration": {"dynamicRegistration": false},
                    "didChangeWatchedFiles": {"dynamicRegistration": true},
                    "inlayHint": {"refreshSupport": false},
                    "workspaceEdit": {
                        "documentChanges": true,
                        "resourceOperations": ["create", "rename", "delete"],
                    },
                },
                "window": {"workDoneProgress": true},
            }),
        }
    }

    /// How it sends the replacement of `old` by `new` in a document: the replaced bytes of the text
    /// before the whole notification with their new text, in the order of the changes.
    pub(crate) fn changes(self, old: &str, new: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let alike = old.len() == new.len() && old.is_ascii() && new.is_ascii();
        match self {
            Self::Helix => vec![(0..old.len(), new.to_owned())],
            // Each differing letter by itself, the last first.
            Self::VsCode if alike => {
                let differs = |at: &usize| old.as_bytes()[*at] != new.as_bytes()[*at];
                let single = |at: usize| (at..at + 1, new[at..=at].to_owned());
                (0..old.len()).rev().filter(differs).map(single).collect()
            }
            Self::VsCode | Self::Neovim => vec![difference(old, new)],
        }
    }
}

/// Without the characters that both start and end with.
fn difference(old: &str, new: &str) -> (std::ops::Range<usize>, String) {
    let length = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let start = length(&mut old.chars().zip(new.chars()));
    let (old, new) = (&old[start..], &new[start..]);
    let end = length(&mut old.chars().rev().zip(new.chars().rev()));
    (start..start + old.len() - end, new[..new.len() - end].to_owned())
}
