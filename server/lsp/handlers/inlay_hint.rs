//! `textDocument/inlayHint`.

use std::time::Duration;

use camino::Utf8Path;
use tower_lsp::ls_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip};

use crate::{
    ide,
    lsp::{
        convert::{self, path_of},
        session::{Session, SessionState},
    },
};

/// How long a request waits for the first verdict: some clients request hints once, and not again
/// before an edit.
const FIRST_VERDICT_TIMEOUT: Duration = Duration::from_secs(10);

pub(in crate::lsp) async fn handle(session: &Session, params: InlayHintParams) -> Vec<InlayHint> {
    let Some(path) = path_of(&params.text_document.uri) else { return Vec::new() };
    let mut changed = session.subscribe();
    let is_checked = || {
        let state = session.snapshot();
        state.features.refreshes_hints
            || session.is_ending()
            || state.documents.get(&path).is_none()
            || state.verdicts.keys().any(|workspace| path.starts_with(&workspace.root))
    };
    let checked = async { while !is_checked() && changed.changed().await.is_ok() {} };
    let _ = tokio::time::timeout(FIRST_VERDICT_TIMEOUT, checked).await;
    let compute = session.compute("listing hints", move |state| hints(state, &params, &path));
    compute.await.unwrap_or_default()
}

fn hints(state: &SessionState, params: &InlayHintParams, path: &Utf8Path) -> Vec<InlayHint> {
    let Some(document) = state.documents.get(path) else { return Vec::new() };
    let (text, encoding) = (document.text(), state.features.encoding);
    let from = convert::offset(text, params.range.start, encoding);
    let until = convert::offset(text, params.range.end, encoding);
    let moved = |checked: &_, span: &_| document.current_span(checked, span);
    let options = state.settings.hints.options();
    let mut hints = Vec::new();
    for verdict in state.verdicts.values() {
        for hint in ide::hints::hints(path, text, verdict, options, &moved) {
            if (from..=until).contains(&hint.at) && !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    let shown = hints.into_iter().map(|hint| InlayHint {
        position: convert::position(text, hint.at, encoding),
        label: InlayHintLabel::String(hint.label),
        kind: None,
        text_edits: None,
        tooltip: Some(InlayHintTooltip::String(hint.tooltip)),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    });
    shown.collect()
}
