//! Shell scripts that nothing calls.

use camino::Utf8Path;

use super::{
    GateSource, Search, interpreter::ShellState, repository::CiFiles, script_text::ScriptText,
};

/// Reads those that name cargo-deny.
pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    for path in &files.scripts {
        let Some(text) = search.text(path) else { continue };
        // A script that only calls another one is not a command of its own.
        if !text.as_str().contains("deny") {
            continue;
        }
        let origin = search.origin(path, GateSource::Script);
        let mut shell = ShellState::at(&search.root, search.root.clone());
        shell.variables.set_script(path.as_str(), path.parent().map_or("", Utf8Path::as_str));
        search.run_script(&ScriptText::whole(1, text.as_str()), &mut shell, &origin);
    }
}
