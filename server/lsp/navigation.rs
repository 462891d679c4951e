//! What the handlers that lead elsewhere share: the session's files as `ide` wants them, and places
//! as the client's locations.

use std::sync::Arc;

use camino::Utf8Path;
use tower_lsp::ls_types::{Location as LspLocation, TextDocumentPositionParams};

use super::{
    convert::{self, path_of},
    publish,
    session::Session,
};
use crate::{
    ide::navigation::View,
    text::{SourceText, Span, read_to_string},
    threads::{self, Doing},
    verdict::Location,
};

/// The places that `find` finds for a position of an open document of ours. Files are read beside
/// the protocol, and without the session's lock: a disk may let wait.
pub(super) async fn with_view(
    session: &Arc<Session>,
    params: TextDocumentPositionParams,
    find: impl Fn(&View<'_>, &Utf8Path, usize) -> Vec<Location> + Send + 'static,
) -> Vec<LspLocation> {
    let session = Arc::clone(session);
    let looking = Doing::just("looking for where something is");
    let found = threads::blocking(looking, move || located(&session, &params, &find));
    found.await.unwrap_or_default()
}

fn located(
    session: &Session,
    params: &TextDocumentPositionParams,
    find: &dyn Fn(&View<'_>, &Utf8Path, usize) -> Vec<Location>,
) -> Vec<LspLocation> {
    let Some(file) = path_of(&params.text_document.uri) else { return Vec::new() };
    let state = session.state();
    let Some(document) = state.documents.get(&file) else { return Vec::new() };
    let asked = document.text().clone();
    let offset = convert::offset(&asked, params.position, state.features.encoding);
    let verdicts = state.known();
    drop(state);
    let text = |path: &Utf8Path| {
        // The position belongs to the text that was asked about.
        if path == file {
            return Some(asked.clone());
        }
        let open = session.state().documents.get(path).map(|document| document.text().clone());
        open.or_else(|| read_to_string(path).ok().map(|text| SourceText::new(&text)))
    };
    let moved = |path: &Utf8Path, judged: &SourceText, span: &Span| match session
        .state()
        .documents
        .get(path)
    {
        Some(document) => document.moved(judged, span),
        None => Some(span.clone()),
    };
    let view = View { verdicts: &verdicts, text: &text, moved: &moved };
    let found = find(&view, &file, offset);
    let state = session.state();
    found.iter().filter_map(|location| publish::lsp_location(location, &state)).collect()
}
