//! `initialize`: the capabilities of the client and of the server.

use serde_json::json;
use tower_lsp::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    CompletionOptions, DocumentLinkOptions, ExecuteCommandOptions, FoldingRangeProviderCapability,
    HoverProviderCapability, InitializeParams, InitializeResult, OneOf, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::{completion::TRIGGERS, execute_command};
use crate::lsp::{
    client_features::ClientFeatures, convert::path_of, fix_all::FIX_ALL_KIND,
    later_capabilities::TEXT_DOCUMENT_CONTENT, session::Session, settings::SettingsSources,
    why_graph,
};

pub(in crate::lsp) fn handle(session: &Session, params: InitializeParams) -> InitializeResult {
    if let Some(id) = params.process_id {
        session.client_exit.watch_process(id);
    }
    let client_name = params.client_info.as_ref().map(|client| client.name.to_lowercase());
    let features = ClientFeatures::of(&params.capabilities, client_name.as_deref());
    let capabilities = capabilities(&features);
    #[expect(deprecated, reason = "older clients know no workspace folders")]
    let root = params.root_uri;
    let folders = match params.workspace_folders {
        Some(folders) if !folders.is_empty() => {
            folders.into_iter().map(|folder| folder.uri).collect()
        }
        _ => root.into_iter().collect::<Vec<_>>(),
    };
    let options = params.initialization_options.unwrap_or_default();
    let mut sources = SettingsSources::default();
    let (settings, errors) = sources.start(&options);
    let folders = folders.iter().filter_map(path_of).collect();
    session.update(|state| {
        state.features = features;
        state.settings_sources = sources.into();
        (state.settings, state.setting_errors) = (settings, errors);
        state.folders = folders;
    });
    InitializeResult {
        capabilities,
        server_info: Some(ServerInfo {
            name: "supercargo".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        ..InitializeResult::default()
    }
}

fn capabilities(features: &ClientFeatures) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(features.encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                // Used where the text of a document is unknown.
                include_text: Some(true),
            })),
            ..TextDocumentSyncOptions::default()
        })),
        inlay_hint_provider: Some(OneOf::Left(true)),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: Some(false),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, FIX_ALL_KIND]),
            resolve_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: execute_command::ALL.map(str::to_owned).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        // Where it can be registered for some files, `initialized` does so.
        folding_range_provider: (!features.registers_folding)
            .then_some(FoldingRangeProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(TRIGGERS.map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        // Sent in `workspace`.
        experimental: features
            .virtual_documents
            .then(|| json!({TEXT_DOCUMENT_CONTENT: {"schemes": [why_graph::SCHEME]}})),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        ..ServerCapabilities::default()
    }
}
