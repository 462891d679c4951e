//! `textDocument/references`.

use camino::Utf8Path;
use tower_lsp::ls_types::{Location, ReferenceParams};

use crate::{
    ide::navigation::{self, SessionView},
    lsp::{navigation::with_view, session::Session},
};

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: ReferenceParams,
) -> Option<Vec<Location>> {
    let with_dependencies = params.context.include_declaration;
    let find = move |view: &SessionView<'_>, file: &Utf8Path, offset| {
        navigation::references(view, file, offset, with_dependencies)
    };
    let found = with_view(session, params.text_document_position, find).await;
    (!found.is_empty()).then_some(found)
}
