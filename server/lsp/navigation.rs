//! What the handlers that lead elsewhere share: the session's files as `ide` wants them, and places
//! as the client's locations.

use camino::Utf8Path;
use tower_lsp::ls_types::{Location, TextDocumentPositionParams};

use super::{
    convert::{self, path_of},
    publish,
    session::Session,
};
use crate::{
    ide::navigation::View,
    text::{SourceText, Span, read_to_string},
    verdict::Place,
};

/// The places that `find` finds for a position of an open document of ours.
pub(super) fn with_view(
    session: &Session,
    params: &TextDocumentPositionParams,
    find: impl Fn(&View<'_>, &Utf8Path, usize) -> Vec<Place>,
) -> Vec<Location> {
    let Some(file) = path_of(&params.text_document.uri) else { return Vec::new() };
    let state = session.state();
    let Some(document) = state.documents.get(&file) else { return Vec::new() };
    let offset = convert::offset(document.text(), params.position, state.features.encoding);
    let verdicts = state.known();
    let text = |path: &Utf8Path| match state.documents.get(path) {
        Some(document) => Some(document.text().clone()),
        None => read_to_string(path).ok().map(|text| SourceText::new(&text)),
    };
    let moved = |path: &Utf8Path, judged: &SourceText, span: &Span| match state.documents.get(path)
    {
        Some(document) => document.moved(judged, span),
        None => Some(span.clone()),
    };
    let view = View { verdicts: &verdicts, text: &text, moved: &moved };
    let found = find(&view, &file, offset);
    found.iter().filter_map(|place| publish::location(place, &state)).collect()
}
