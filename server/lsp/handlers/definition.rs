//! `textDocument/definition`.

use tower_lsp::ls_types::{GotoDefinitionParams, GotoDefinitionResponse, Location};

use crate::{
    ide::navigation,
    lsp::{navigation::with_view, session::Session},
};

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: GotoDefinitionParams,
) -> Option<GotoDefinitionResponse> {
    let found: Vec<Location> =
        with_view(session, params.text_document_position_params, navigation::definitions).await;
    (!found.is_empty()).then_some(GotoDefinitionResponse::Array(found))
}
