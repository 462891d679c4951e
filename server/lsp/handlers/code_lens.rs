//! `textDocument/codeLens`: the result of the check, with the number of verified upgrades, and what the entries of a policy do;
//! these lead to the dependency graph of the packages that they match.

use std::collections::BTreeSet;

use serde_json::json;
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command};

use super::execute_command::{FIX_ALL_COMMAND, SHOW_WHY_GRAPH};
use crate::{
    ide,
    lsp::{
        convert::{self, path_of, uri_of},
        documents::DocumentKind,
        session::{Session, SessionState},
        why_graph::WhySubject,
    },
    verdict::PackageRef,
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
        let why = |packages: &BTreeSet<PackageRef>| {
            let command = why_command(state)?;
            let verdict =
                state.verdicts.values().find(|verdict| verdict.uses_policy_file(&path))?;
            let address = WhySubject::of(&verdict.workspace, packages)?.address()?;
            Some((command.to_owned(), vec![json!(address.as_str())]))
        };
        lenses.extend(entry_lenses.map(|lens| {
            // Without a command the lens is only text.
            let (command, arguments) = why(&lens.packages).unzip();
            let command = command.unwrap_or_default();
            CodeLens {
                range: convert::range(text, &lens.span, encoding),
                command: Some(Command { title: lens.title, command, arguments }),
                data: None,
            }
        }));
    }
    lenses
}

/// The command that shows a dependency graph: the client's own, or the one that opens it as a document.
fn why_command(state: &SessionState) -> Option<&str> {
    let features = &state.features;
    let as_document = features.virtual_documents && features.shows_documents;
    features.why_graph_command.as_deref().or(as_document.then_some(SHOW_WHY_GRAPH))
}
