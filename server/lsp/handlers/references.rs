//! `textDocument/references`.

use tower_lsp::ls_types::{Location, ReferenceParams};

use crate::{
    ide::navigation,
    lsp::{navigation::with_view, session::Session},
};

pub(in crate::lsp) fn handle(session: &Session, params: &ReferenceParams) -> Option<Vec<Location>> {
    let with_declarations = params.context.include_declaration;
    let found = with_view(session, &params.text_document_position, |view, file, offset| {
        navigation::references(view, file, offset, with_declarations)
    });
    (!found.is_empty()).then_some(found)
}
