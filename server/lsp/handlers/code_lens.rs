//! `textDocument/codeLens`: the result of the check, with the number of verified upgrades.

use serde_json::json;
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command};

use super::execute_command::FIX_ALL_COMMAND;
use crate::{
    ide,
    lsp::{
        convert::{self, path_of, uri_of},
        documents::DocumentKind,
        session::{Session, SessionState},
    },
};

pub(in crate::lsp) async fn handle(session: &Session, params: CodeLensParams) -> Vec<CodeLens> {
    let compute = session.compute("listing code lenses", move |state| of_state(state, &params));
    compute.await.unwrap_or_default()
}

fn of_state(state: &SessionState, params: &CodeLensParams) -> Vec<CodeLens> {
    let Some(path) = path_of(&params.text_document.uri) else { return Vec::new() };
    let Some(document) = state.documents.get(&path) else { return Vec::new() };
    let (text, encoding) = (document.text(), state.features.encoding);
    let mut lenses = Vec::new();
    for (workspace, verdict) in &state.verdicts {
        let Some(span) = ide::lens::location(&path, text, verdict) else { continue };
        let results = state.fix_results.get(workspace);
        let upgrades = results.map_or(0, |results| results.verified_upgrades);
        let comparison = state.comparisons.get(workspace);
        let compared = comparison.map(|comparison| comparison.text.as_str());
        let arguments = uri_of(workspace.folder()).map(|folder| vec![json!(folder.as_str())]);
        let command = Command {
            title: ide::lens::title(verdict, compared, upgrades),
            // Without a command the lens is only text.
            command: if upgrades > 0 { FIX_ALL_COMMAND.to_owned() } else { String::new() },
            arguments: arguments.filter(|_| upgrades > 0),
        };
        let range = convert::range(text, &span, encoding);
        lenses.push(CodeLens { range, command: Some(command), data: None });
    }
    if state.settings.entry_lenses
        && DocumentKind::of(&path).and_then(DocumentKind::schema_tables).is_some()
    {
        let verdicts = state.last_complete_verdicts();
        let verdicts = verdicts.iter().map(AsRef::as_ref);
        let moved = |checked: &_, span: &_| document.current_span(checked, span);
        let entry_lenses = ide::entry_lens::lenses(&path, text, verdicts, &moved).into_iter();
        lenses.extend(entry_lenses.map(|lens| CodeLens {
            range: convert::range(text, &lens.span, encoding),
            command: Some(Command { title: lens.title, command: String::new(), arguments: None }),
            data: None,
        }));
    }
    lenses
}
