//! `textDocument/codeLens`: what the gate says, and how much of it can be fixed.

use serde_json::json;
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command};

use super::execute_command::FIX_ALL;
use crate::{
    ide,
    lsp::{
        convert::{self, path_of, uri_of},
        documents::Kind,
        session::Session,
    },
};

pub(in crate::lsp) fn handle(session: &Session, params: &CodeLensParams) -> Vec<CodeLens> {
    let state = session.state();
    let Some(path) = path_of(&params.text_document.uri) else { return Vec::new() };
    let Some(document) = state.documents.get(&path) else { return Vec::new() };
    let (text, encoding) = (document.text(), state.features.encoding);
    let mut lenses = Vec::new();
    for (workspace, verdict) in &state.verdicts {
        let Some(span) = ide::lens::location(&path, text, verdict) else { continue };
        let proved = state.answers.get(workspace).map_or(0, |answers| answers.proved);
        let arguments = uri_of(workspace.folder()).map(|folder| vec![json!(folder.as_str())]);
        let command = Command {
            title: ide::lens::words(verdict, proved),
            // Without a command it is only told.
            command: if proved > 0 { FIX_ALL.to_owned() } else { String::new() },
            arguments: arguments.filter(|_| proved > 0),
        };
        let range = convert::range(text, &span, encoding);
        lenses.push(CodeLens { range, command: Some(command), data: None });
    }
    if state.settings.entry_lenses && Kind::of(&path).and_then(Kind::tables).is_some() {
        let known = state.known();
        let verdicts = known.iter().map(AsRef::as_ref);
        let moved = |judged: &_, span: &_| document.moved(judged, span);
        let told = ide::entry_lens::lenses(&path, text, verdicts, &moved).into_iter();
        lenses.extend(told.map(|lens| CodeLens {
            range: convert::range(text, &lens.span, encoding),
            command: Some(Command { title: lens.words, command: String::new(), arguments: None }),
            data: None,
        }));
    }
    lenses
}
