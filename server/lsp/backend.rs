//! The methods of the protocol; each is in a file of its own below `handlers`.

use std::sync::Arc;

use tower_lsp::{
    Client, LanguageServer,
    jsonrpc::Result,
    ls_types::{
        CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams,
        CompletionParams, CompletionResponse, DidChangeConfigurationParams,
        DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
        DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
        DocumentLink, DocumentLinkParams, DocumentSymbolParams, DocumentSymbolResponse,
        ExecuteCommandParams, FoldingRange, FoldingRangeParams, GotoDefinitionParams,
        GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult,
        InitializedParams, InlayHint, InlayHintParams, LSPAny, Location, ReferenceParams,
    },
};

use super::{event::Event, frames, handlers, main_loop, session::Session, why_graph::ShownGraph};
use crate::{
    cache::Cache,
    threads::{self, Activity},
};

pub(super) struct Backend {
    session: Arc<Session>,
}

impl Backend {
    pub(super) fn new(client: Client, cache: Cache) -> (Self, Arc<Session>) {
        let (session, events) = Session::new(client, cache);
        let session = Arc::new(session);
        let failures = session.events();
        threads::set_panic_listener(move |failure| {
            // Ignored when the server ends.
            let _ = failures.send(Event::Panicked(failure));
        });
        let deciding = Activity::just("deciding what to check and show");
        threads::task(deciding, main_loop::run(Arc::clone(&session), events));
        (Self { session: Arc::clone(&session) }, session)
    }

    #[expect(clippy::unused_async, reason = "the library asks for this form")]
    pub(super) async fn did_change_trust(
        &self,
        params: handlers::did_change_trust::DidChangeTrustParams,
    ) {
        handlers::did_change_trust::handle(&self.session, params);
    }

    pub(super) async fn why_graph(
        &self,
        params: handlers::why_graph::WhyGraphParams,
    ) -> Result<Option<ShownGraph>> {
        handlers::why_graph::handle(&self.session, params).await
    }

    pub(super) async fn text_document_content(
        &self,
        params: handlers::text_document_content::TextDocumentContentParams,
    ) -> Result<handlers::text_document_content::TextDocumentContentResult> {
        handlers::text_document_content::handle(&self.session, params).await
    }

    #[expect(clippy::unused_async, reason = "the library asks for this form")]
    pub(super) async fn lost_message(&self, lost: frames::LostMessage) {
        handlers::lost_message::handle(&self.session, &lost);
    }

    #[expect(clippy::unused_async, reason = "the library asks for this form")]
    pub(super) async fn invalid_message(&self, params: frames::InvalidMessage) -> Result<()> {
        Err(frames::error_of(params))
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        Ok(handlers::initialize::handle(&self.session, params))
    }

    async fn initialized(&self, _: InitializedParams) {
        handlers::initialized::handle(&self.session);
    }

    async fn shutdown(&self) -> Result<()> {
        handlers::shutdown::handle(&self.session);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        handlers::did_open::handle(&self.session, params);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        handlers::did_change::handle(&self.session, params);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        handlers::did_save::handle(&self.session, &params);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        handlers::did_close::handle(&self.session, &params);
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        handlers::did_change_configuration::handle(&self.session, &params);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        handlers::did_change_watched_files::handle(&self.session, &params);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        handlers::did_change_workspace_folders::handle(&self.session, params);
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        Ok(Some(handlers::inlay_hint::handle(&self.session, params).await))
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        Ok(Some(handlers::document_link::handle(&self.session, params).await))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        handlers::code_action::handle(&self.session, params).await
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        handlers::code_action_resolve::handle(&self.session, action).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        Ok(Some(handlers::code_lens::handle(&self.session, params).await))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        handlers::execute_command::handle(&self.session, &params).map(|()| None)
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        Ok(handlers::completion::handle(&self.session, params).await)
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        Ok(handlers::definition::handle(&self.session, params).await)
    }

    async fn document_symbol(
        &self,
        params: DocumentSymbolParams,
    ) -> Result<Option<DocumentSymbolResponse>> {
        Ok(handlers::document_symbol::handle(&self.session, params).await)
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        Ok(handlers::folding_range::handle(&self.session, params).await)
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        Ok(handlers::references::handle(&self.session, params).await)
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        Ok(handlers::hover::handle(&self.session, params).await)
    }
}
