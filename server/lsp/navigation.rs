//! Shared by the handlers of definitions and references: the session's files for `ide`, and locations
//! for the client.

use std::sync::Arc;

use camino::Utf8Path;
use tower_lsp::ls_types::{Location as LspLocation, TextDocumentPositionParams};

use super::{
    convert::{self, path_of},
    publish,
    session::Session,
};
use crate::{
    ide::navigation::SessionView,
    text::{SourceText, Span, read_to_string},
    threads::{self, Activity},
    verdict::Location,
};

/// The locations that `find` returns for a position in an open document. Files are read on another
/// thread and without the session's lock, because a disk may be slow.
pub(super) async fn with_view(
    session: &Arc<Session>,
    params: TextDocumentPositionParams,
    find: impl Fn(&SessionView<'_>, &Utf8Path, usize) -> Vec<Location> + Send + 'static,
) -> Vec<LspLocation> {
    let session = Arc::clone(session);
    let activity = Activity::just("looking up locations");
    let found = threads::blocking(activity, move || find_locations(&session, &params, &find));
    found.await.unwrap_or_default()
}

fn find_locations(
    session: &Session,
    params: &TextDocumentPositionParams,
    find: &dyn Fn(&SessionView<'_>, &Utf8Path, usize) -> Vec<Location>,
) -> Vec<LspLocation> {
    let Some(file) = path_of(&params.text_document.uri) else { return Vec::new() };
    let state = session.state();
    let Some(document) = state.documents.get(&file) else { return Vec::new() };
    let requested = document.text().clone();
    let offset = convert::offset(&requested, params.position, state.features.encoding);
    let verdicts = state.last_complete_verdicts();
    drop(state);
    let text = |path: &Utf8Path| {
        // The position belongs to this text.
        if path == file {
            return Some(requested.clone());
        }
        let open = session.state().documents.get(path).map(|document| document.text().clone());
        open.or_else(|| read_to_string(path).ok().map(|text| SourceText::new(&text)))
    };
    let moved = |path: &Utf8Path, checked: &SourceText, span: &Span| match session
        .state()
        .documents
        .get(path)
    {
        Some(document) => document.current_span(checked, span),
        None => Some(span.clone()),
    };
    let view = SessionView { verdicts: &verdicts, text: &text, moved: &moved };
    let found = find(&view, &file, offset);
    let state = session.state();
    found.iter().filter_map(|location| publish::lsp_location(location, &state)).collect()
}
