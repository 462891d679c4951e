//! The capabilities of the client.

use tower_lsp::ls_types::{ClientCapabilities, DiagnosticTag, MarkupKind, ResourceOperationKind};

use super::{convert::Encoding, later_capabilities::TEXT_DOCUMENT_CONTENT};

/// The capabilities of the client that change what the server sends.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientFeatures {
    /// How columns are counted.
    pub(super) encoding: Encoding,
    pub(super) related_information: bool,
    pub(super) code_description: bool,
    pub(super) tags: Vec<DiagnosticTag>,
    /// The client returns the data of a diagnostic.
    pub(super) diagnostic_data: bool,
    /// Symbols may be nested.
    pub(super) nested_symbols: bool,
    /// Folding can be registered, for some files.
    pub(super) registers_folding: bool,
    pub(super) progress: bool,
    pub(super) markdown_hover: bool,
    /// Completions may have placeholders.
    pub(super) snippets: bool,
    /// The documentation of a completion may be Markdown.
    pub(super) markdown_completion: bool,
    /// File watching can be registered.
    pub(super) watches_files: bool,
    /// The server can request the settings.
    pub(super) configuration: bool,
    /// Changes of the settings can be registered.
    pub(super) registers_configuration: bool,
    /// The server can make it request inlay hints again.
    pub(super) refreshes_hints: bool,
    /// The same for code lenses.
    pub(super) refreshes_lenses: bool,
    /// Edits may name the version of each document.
    pub(super) document_changes: bool,
    /// Edits may create files.
    pub(super) creates_files: bool,
    /// Edits may delete files.
    pub(super) deletes_files: bool,
    /// The edit of a code action may be sent on request.
    pub(super) resolves_edits: bool,
    /// The same for their commands.
    pub(super) resolves_commands: bool,
    /// Disabled code actions are shown with the reason.
    pub(super) disabled_actions: bool,
    /// The server can ask it to show a location.
    pub(super) shows_documents: bool,
    /// Code actions may be more than commands.
    pub(super) action_literals: bool,
    /// It shows documents whose texts come from the server.
    pub(super) virtual_documents: bool,
    /// The client's own command that shows a dependency graph; the argument is its address.
    pub(super) why_graph_command: Option<String>,
}

impl ClientFeatures {
    pub(super) fn of(client: &ClientCapabilities, name: Option<&str>) -> Self {
        let text = client.text_document.as_ref();
        let diagnostics = text.and_then(|text| text.publish_diagnostics.as_ref());
        let hover = text.and_then(|text| text.hover.as_ref());
        let completion = text
            .and_then(|text| text.completion.as_ref())
            .and_then(|completion| completion.completion_item.as_ref());
        let workspace = client.workspace.as_ref();
        let actions = text.and_then(|text| text.code_action.as_ref());
        let resolves = |property: &str| {
            let resolved = actions.and_then(|actions| actions.resolve_support.as_ref());
            resolved.is_some_and(|resolved| resolved.properties.iter().any(|one| one == property))
                && actions.and_then(|actions| actions.data_support).unwrap_or_default()
        };
        Self {
            encoding: Encoding::negotiated(client),
            related_information: diagnostics
                .and_then(|diagnostics| diagnostics.related_information)
                .unwrap_or_default(),
            code_description: diagnostics
                .and_then(|diagnostics| diagnostics.code_description_support)
                .unwrap_or_default(),
            tags: diagnostics
                .and_then(|diagnostics| diagnostics.tag_support.as_ref())
                .map(|support| support.value_set.clone())
                .unwrap_or_default(),
            diagnostic_data: diagnostics
                .and_then(|diagnostics| diagnostics.data_support)
                .unwrap_or_default(),
            nested_symbols: text
                .and_then(|text| text.document_symbol.as_ref())
                .and_then(|symbols| symbols.hierarchical_document_symbol_support)
                .unwrap_or_default(),
            registers_folding: text
                .and_then(|text| text.folding_range.as_ref())
                .and_then(|folding| folding.dynamic_registration)
                .unwrap_or_default(),
            progress: client
                .window
                .as_ref()
                .and_then(|window| window.work_done_progress)
                .unwrap_or_default(),
            markdown_hover: hover
                .and_then(|hover| hover.content_format.as_ref())
                .is_none_or(|formats| formats.contains(&MarkupKind::Markdown)),
            snippets: completion.and_then(|item| item.snippet_support).unwrap_or_default(),
            markdown_completion: completion
                .and_then(|item| item.documentation_format.as_ref())
                .is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            watches_files: workspace
                .and_then(|workspace| workspace.did_change_watched_files.as_ref())
                .and_then(|watched| watched.dynamic_registration)
                .unwrap_or_default(),
            configuration: workspace
                .and_then(|workspace| workspace.configuration)
                .unwrap_or_default(),
            registers_configuration: workspace
                .and_then(|workspace| workspace.did_change_configuration)
                .and_then(|changes| changes.dynamic_registration)
                .unwrap_or_default(),
            refreshes_hints: workspace
                .and_then(|workspace| workspace.inlay_hint.as_ref())
                .and_then(|hints| hints.refresh_support)
                .unwrap_or_default(),
            refreshes_lenses: workspace
                .and_then(|workspace| workspace.code_lens.as_ref())
                .and_then(|lenses| lenses.refresh_support)
                .unwrap_or_default(),
            document_changes: workspace
                .and_then(|workspace| workspace.workspace_edit.as_ref())
                .and_then(|edit| edit.document_changes)
                .unwrap_or_default(),
            creates_files: workspace
                .and_then(|workspace| workspace.workspace_edit.as_ref())
                .and_then(|edit| edit.resource_operations.as_ref())
                .is_some_and(|operations| operations.contains(&ResourceOperationKind::Create)),
            deletes_files: workspace
                .and_then(|workspace| workspace.workspace_edit.as_ref())
                .and_then(|edit| edit.resource_operations.as_ref())
                .is_some_and(|operations| operations.contains(&ResourceOperationKind::Delete)),
            resolves_edits: resolves("edit"),
            // Helix applies the edit of the resolved action, but runs the command of the one before.
            resolves_commands: resolves("edit") && resolves("command") && name != Some("helix"),
            disabled_actions: actions
                .and_then(|actions| actions.disabled_support)
                .unwrap_or_default(),
            shows_documents: client
                .window
                .as_ref()
                .and_then(|window| window.show_document.as_ref())
                .is_some_and(|show| show.support),
            action_literals: actions
                .is_some_and(|actions| actions.code_action_literal_support.is_some()),
            virtual_documents: client
                .experimental
                .as_ref()
                .is_some_and(|experimental| experimental.get(TEXT_DOCUMENT_CONTENT).is_some()),
            why_graph_command: why_graph_command(client),
        }
    }
}

/// The client's own command for dependency graphs: `experimental.supercargo.whyGraphCommand`. It becomes a part of links.
fn why_graph_command(client: &ClientCapabilities) -> Option<String> {
    let command = client.experimental.as_ref()?.pointer("/supercargo/whyGraphCommand")?.as_str()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (!command.is_empty() && command.chars().all(is_plain)).then(|| command.to_owned())
}
