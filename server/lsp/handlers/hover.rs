//! `textDocument/hover`.

use tower_lsp::ls_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use crate::{
    ide::{self, policy_hover::Sources},
    lsp::{
        convert::{self, path_of},
        documents::DocumentKind,
        session::{Session, SessionState},
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
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText },
            value: if markdown { hover.text.markdown() } else { hover.text.plain() },
        }),
        range: Some(range),
    })
}
