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
    let find = move |state: &SessionState| find_locations(state, &params, &find);
    session.compute("looking up locations", find).await.unwrap_or_default()
}

fn find_locations(
    state: &SessionState,
    params: &TextDocumentPositionParams,
    find: &dyn Fn(&SessionView<'_>, &Utf8Path, usize) -> Vec<Location>,
) -> Vec<LspLocation> {
    let Some(file) = path_of(&params.text_document.uri) else { return Vec::new() };
    let Some(document) = state.documents.get(&file) else { return Vec::new() };
    let offset = convert::offset(document.text(), params.position, state.features.encoding);
    let verdicts = state.last_complete_verdicts();
    let text = |path: &Utf8Path| {
        let open = state.documents.get(path).map(|document| document.text().clone());
        open.or_else(|| read_to_string(path).ok().map(|text| SourceText::new(&text)))
    };
    let moved = |path: &Utf8Path, checked: &SourceText, span: &Span| match state.documents.get(path)
    {
        Some(document) => document.current_span(checked, span),
        None => Some(span.clone()),
    };
    let view = SessionView { verdicts: &verdicts, text: &text, moved: &moved };
    let found = find(&view, &file, offset);
    found.iter().filter_map(|location| publish::lsp_location(location, state)).collect()
}
