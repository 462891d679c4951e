//! Shared by the handlers of definitions and references: the session's files for `ide`, and locations
//! for the client.

use camino::Utf8Path;
use tower_lsp::ls_types::{Location as LspLocation, TextDocumentPositionParams};

use super::{
    convert::{self, path_of},
    publish,
    session::{Session, SessionState},
};
use crate::{
    ide::navigation::SessionView,
    text::{SourceText, Span, read_to_string},
    verdict::Location,
};

/// The locations that `find` returns for a position in an open document.
pub(super) async fn with_view(
    session: &Session,
    params: TextDocumentPositionParams,
    find: impl Fn(&SessionView<'_>, &Utf8Path, usize) -> Vec<Location> + Send + 'static,
) -> Vec<LspLocation> {
    let find = move |state: &SessionState| {
        let found =
            at_position(state, &params, |view, file, offset| Some(find(view, file, offset)));
        let found = found.unwrap_or_default();
        found.iter().filter_map(|location| publish::lsp_location(location, state)).collect()
    };
    session.compute("looking up locations", find).await.unwrap_or_default()
}

/// What `find` returns for a position in an open document.
pub(super) fn at_position<T>(
    state: &SessionState,
    params: &TextDocumentPositionParams,
    find: impl Fn(&SessionView<'_>, &Utf8Path, usize) -> Option<T>,
) -> Option<T> {
    let file = path_of(&params.text_document.uri)?;
    let document = state.documents.get(&file)?;
    let offset = convert::offset(document.text(), params.position, state.features.encoding);
    let verdicts = state.last_complete_verdicts();
    let text = |path: &Utf8Path| current_text(state, path);
    let moved = |path: &Utf8Path, checked: &SourceText, span: &Span| match state.documents.get(path)
    {
        Some(document) => document.current_span(checked, span),
        None => Some(span.clone()),
    };
    let view = SessionView { verdicts: &verdicts, text: &text, moved: &moved };
    find(&view, &file, offset)
}

/// The current text of a file: in its buffer, else on disk.
pub(super) fn current_text(state: &SessionState, path: &Utf8Path) -> Option<SourceText> {
    let open = state.documents.get(path).map(|document| document.text().clone());
    open.or_else(|| read_to_string(path).ok().map(|text| SourceText::new(&text)))
}
