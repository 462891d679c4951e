//! `textDocument/completion`: in policies and in files of license exceptions.

use camino::Utf8Path;
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionParams, CompletionResponse,
    CompletionTextEdit, Documentation, InsertTextFormat, MarkupContent, MarkupKind, TextEdit,
};

use crate::{
    gate::Verdict,
    ide,
    lsp::{
        client_features::ClientFeatures,
        convert::{self, path_of},
        documents::DocumentKind,
        session::{Session, SessionState},
    },
    policy::{CompletionRequest, Suggestion, SuggestionKind},
    text::SourceText,
};

/// The characters after which a client requests completions by itself.
pub(in crate::lsp) const TRIGGERS: [&str; 7] = ["\"", "[", "{", "=", ".", "@", ":"];

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: CompletionParams,
) -> Option<CompletionResponse> {
    session.compute("completing", move |state| complete(state, &params)).await.flatten()
}

fn complete(state: &SessionState, params: &CompletionParams) -> Option<CompletionResponse> {
    let at = &params.text_document_position;
    let path = path_of(&at.text_document.uri)?;
    let root = DocumentKind::of(&path)?.schema_tables()?;
    let text = state.documents.get(&path)?.text();
    let features = &state.features;
    let request = CompletionRequest { root, keys: state.settings.key_completion };
    let verdicts = state.last_complete_verdicts();
    let databases = state.databases.upgrade();
    let verdicts: Vec<_> =
        verdicts.into_iter().filter(|verdict| applies_to(&path, verdict)).collect();
    let offset = convert::offset(text, at.position, features.encoding);
    let advisories = databases.map(|databases| databases.titles()).unwrap_or_default();
    let completions =
        ide::completion::completions(text.as_str(), offset, request, &verdicts, &advisories);
    let items = completions.items.iter().enumerate();
    Some(CompletionResponse::List(CompletionList {
        is_incomplete: completions.is_incomplete,
        items: items.map(|(order, item)| shown(item, order, text, features)).collect(),
    }))
}

/// Whether a file is the policy of a verdict, or may be its file of exceptions.
fn applies_to(path: &Utf8Path, verdict: &Verdict) -> bool {
    if DocumentKind::of(path) == Some(DocumentKind::Policy) {
        return verdict.policy.as_deref() == Some(path);
    }
    let folder = path.parent().map(|folder| match folder.file_name() {
        Some(".cargo") => folder.parent().unwrap_or(folder),
        _ => folder,
    });
    folder.is_some_and(|folder| verdict.workspace.manifest.starts_with(folder))
}

fn shown(
    item: &Suggestion,
    order: usize,
    text: &SourceText,
    features: &ClientFeatures,
) -> CompletionItem {
    let has_placeholders = features.snippets && !item.snippet.is_plain();
    let new_text = if has_placeholders { item.snippet.lsp_snippet() } else { item.snippet.plain() };
    let range = convert::range(text, &item.span, features.encoding);
    let documentation = ide::completion::markup(&item.about.0);
    let markdown = features.markdown_completion;
    let documentation = (!documentation.is_empty()).then(|| {
        Documentation::MarkupContent(MarkupContent {
            kind: if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText },
            value: if markdown { documentation.markdown() } else { documentation.plain() },
        })
    });
    CompletionItem {
        label: item.label.clone(),
        kind: Some(kind(item.kind)),
        detail: (!item.detail.is_empty()).then(|| item.detail.clone()),
        documentation,
        // Keeps our order.
        sort_text: Some(format!("{order:04}")),
        filter_text: Some(item.filter.clone()),
        insert_text_format: Some(if has_placeholders {
            InsertTextFormat::SNIPPET
        } else {
            InsertTextFormat::PLAIN_TEXT
        }),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
        ..CompletionItem::default()
    }
}

fn kind(kind: SuggestionKind) -> CompletionItemKind {
    match kind {
        SuggestionKind::Key => CompletionItemKind::PROPERTY,
        SuggestionKind::Table => CompletionItemKind::STRUCT,
        SuggestionKind::Value | SuggestionKind::Target => CompletionItemKind::ENUM_MEMBER,
        SuggestionKind::Package => CompletionItemKind::MODULE,
        SuggestionKind::License => CompletionItemKind::VALUE,
        SuggestionKind::Advisory => CompletionItemKind::EVENT,
        SuggestionKind::Source => CompletionItemKind::REFERENCE,
        SuggestionKind::Feature => CompletionItemKind::CONSTANT,
        SuggestionKind::File => CompletionItemKind::FILE,
    }
}
