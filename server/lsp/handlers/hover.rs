//! `textDocument/hover`.

use tower_lsp::ls_types::{
    Hover, HoverContents, HoverParams, MarkupContent, MarkupKind, TextDocumentPositionParams,
};

use crate::{
    ide::{self, policy_hover::Sources},
    lsp::{
        convert::{self, path_of},
        documents::DocumentKind,
        session::{Session, SessionState},
        why_graph::WhySubject,
    },
};

pub(in crate::lsp) async fn handle(session: &Session, params: HoverParams) -> Option<Hover> {
    let compute = session.compute("hovering", move |state| of_state(state, &params));
    compute.await.unwrap_or_default()
}

fn of_state(state: &SessionState, params: &HoverParams) -> Option<Hover> {
    let position = params.text_document_position_params.position;
    let path = path_of(&params.text_document_position_params.text_document.uri)?;
    let document = state.documents.get(&path)?;
    let text = document.text();
    let offset = convert::offset(text, position, state.features.encoding);
    let verdicts: Vec<_> = state.verdicts.values().cloned().collect();
    let moved = |checked: &_, span: &_| document.current_span(checked, span);
    let markdown = state.features.markdown_hover;
    let encoding = state.features.encoding;
    let hover = if let Some(root) = DocumentKind::of(&path).and_then(DocumentKind::schema_tables) {
        let graph_verdicts = state.last_complete_verdicts();
        let databases = state.databases.upgrade();
        let advisory = |id: &str| databases.as_ref()?.advisory(id);
        let sources = Sources {
            file: &path,
            root,
            text,
            verdicts: &verdicts,
            graph_verdicts: &graph_verdicts,
            advisory: &advisory,
            moved: &moved,
        };
        ide::policy_hover::hover(&sources, offset)?
    } else {
        ide::hover::hover(&path, offset, &verdicts, &moved)?
    };
    let range = convert::range(text, &hover.span, encoding);
    let text = match why_link(state, &params.text_document_position_params) {
        Some((command, address)) if markdown => {
            hover.text.paragraph().command("Show dependency graph", &command, &address)
        }
        _ => hover.text,
    };
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText },
            value: if markdown { text.markdown() } else { text.plain() },
        }),
        range: Some(range),
    })
}

/// The client's command that shows the dependency graph of what is hovered over, with the graph's address.
fn why_link(state: &SessionState, at: &TextDocumentPositionParams) -> Option<(String, String)> {
    let command = state.features.why_graph_command.clone()?;
    let address = WhySubject::at(state, at)?.address()?;
    Some((command, address.as_str().to_owned()))
}
