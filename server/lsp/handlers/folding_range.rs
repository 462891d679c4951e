//! `textDocument/foldingRange`: only for policies. A TOML server folds manifests.

use tower_lsp::ls_types::{FoldingRange, FoldingRangeKind, FoldingRangeParams};

use crate::{
    lsp::{
        convert::{self, path_of},
        documents::DocumentKind,
        session::{Session, SessionState},
    },
    policy::outline::{FoldKind, folds},
};

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: FoldingRangeParams,
) -> Option<Vec<FoldingRange>> {
    let compute = session.compute("folding", move |state| of_state(state, &params));
    compute.await.unwrap_or_default()
}

fn of_state(state: &SessionState, params: &FoldingRangeParams) -> Option<Vec<FoldingRange>> {
    let path = path_of(&params.text_document.uri)?;
    DocumentKind::of(&path)?.schema_tables()?;
    let text = state.documents.get(&path)?.text();
    let encoding = state.features.encoding;
    let shown = folds(text.as_str()).into_iter().map(|fold| {
        let range = convert::range(text, &fold.span, encoding);
        FoldingRange {
            start_line: range.start.line,
            start_character: None,
            end_line: range.end.line,
            end_character: None,
            kind: Some(match fold.kind {
                FoldKind::Region => FoldingRangeKind::Region,
                FoldKind::Comment => FoldingRangeKind::Comment,
            }),
            collapsed_text: None,
        }
    });
    Some(shown.collect())
}
