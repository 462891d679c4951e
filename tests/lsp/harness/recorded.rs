//! What real editors sent, recorded beside the repository; the tests go on without it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Once,
};

use serde_json::Value;

use super::Editor;

/// The folder of the recorded sessions; `None`, and said once, where it is absent.
#[expect(clippy::print_stderr, reason = "one line for whoever runs the tests")]
pub(crate) fn shared_data() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/editor-sessions");
    if folder.is_dir() {
        return Some(folder);
    }
    SAID.call_once(|| eprintln!("no recorded editor sessions here: own capability sets are used"));
    None
}

/// The recorded `initialize` parameters.
pub(crate) fn initialize(editor: Editor) -> Option<Value> {
    let name = match editor {
        Editor::VsCode => "init-vscode.json",
        Editor::Neovim => "init-nvim.json",
        // The newest release: what is developed announces more.
        Editor::Helix => "init-helix-25.07.1.json",
    };
    let text = fs::read_to_string(shared_data()?.join(name)).ok()?;
    Some(serde_json::from_str(&text).expect("recorded parameters are JSON"))
}
