//! `textDocument/codeLens`: the result of the check, with the number of verified upgrades, and what the entries of a policy do;
//! these lead to the dependency graph of the packages that they match.

use std::collections::BTreeSet;

use camino::Utf8Path;
use serde_json::{Value, json};
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command};

use super::execute_command::{FIX_ALL_COMMAND, SHOW_WHY_GRAPH};
use crate::{
    gate::name_of,
    ide,
    lsp::{
        convert::{self, path_of, uri_of},
        documents::DocumentKind,
        session::{Session, SessionState},
        why_graph::WhySubject,
    },
    text::{SourceText, Span},
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
    let mut lenses = gate_lenses(state, &path, text);
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

/// What the gate says about workspaces.
struct GateLens {
    span: Span,
    result: String,
    /// The folders of the workspaces.
    names: Vec<String>,
    /// Those of the command; there is one for a single workspace.
    arguments: Option<Vec<Value>>,
}

impl GateLens {
    fn is_same(&self, other: &Self) -> bool {
        self.arguments.is_none()
            && other.arguments.is_none()
            && (&self.span, &self.result) == (&other.span, &other.result)
    }
}

/// What the gate says about the workspace of a manifest, or about those of a policy; the workspaces with the same result have
/// one lens, unless it has a command.
fn gate_lenses(state: &SessionState, path: &Utf8Path, text: &SourceText) -> Vec<CodeLens> {
    let located = state.verdicts.iter().filter_map(|(workspace, verdict)| {
        Some((workspace, verdict, ide::lens::location(path, text, verdict)?))
    });
    let located: Vec<_> = located.collect();
    let folder = path.parent().unwrap_or(path);
    let mut shown: Vec<GateLens> = Vec::new();
    for (workspace, verdict, span) in &located {
        let results = state.fix_results.get(*workspace);
        let upgrades = results.map_or(0, |results| results.verified_upgrades);
        let comparison = state.comparisons.get(*workspace);
        let compared = comparison.map(|comparison| comparison.text.as_str());
        let result = ide::lens::result(verdict, compared, upgrades);
        let name = name_of(workspace, folder);
        let arguments = uri_of(workspace.folder()).map(|folder| vec![json!(folder.as_str())]);
        let arguments = arguments.filter(|_| upgrades > 0);
        let new = GateLens { span: span.clone(), result, names: vec![name], arguments };
        match shown.iter_mut().find(|other| other.is_same(&new)) {
            Some(other) => other.names.extend(new.names),
            None => shown.push(new),
        }
    }
    let lenses = shown.into_iter().map(|GateLens { span, result, names, arguments }| CodeLens {
        range: convert::range(text, &span, state.features.encoding),
        command: Some(Command {
            title: ide::lens::title(&result, &names, located.len() == 1),
            // Without a command the lens is only text.
            command: arguments.as_ref().map(|_| FIX_ALL_COMMAND.to_owned()).unwrap_or_default(),
            arguments,
        }),
        data: None,
    });
    lenses.collect()
}

/// The command that shows a dependency graph: the client's own, or the one that opens it as a document.
fn why_command(state: &SessionState) -> Option<&str> {
    let features = &state.features;
    let as_document = features.virtual_documents && features.shows_documents;
    features.why_graph_command.as_deref().or(as_document.then_some(SHOW_WHY_GRAPH))
}
