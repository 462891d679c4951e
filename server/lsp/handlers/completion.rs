//! `textDocument/completion`: in policies and in files of license exceptions.

use std::sync::Arc;

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
        documents::Kind,
        session::Session,
    },
    policy::{Suggestion, SuggestionKind, CompletionRequest},
    text::SourceText,
    threads::{self, Doing},
};

/// The letters after which a client asks by itself.
pub(in crate::lsp) const TRIGGERS: [&str; 7] = ["\"", "[", "{", "=", ".", "@", ":"];

pub(in crate::lsp) async fn handle(
    session: &Arc<Session>,
    params: CompletionParams,
) -> Option<CompletionResponse> {
    let session = Arc::clone(session);
    // Files of packages may be looked at.
    let completing = Doing::just("completing");
    threads::blocking(completing, move || complete(&session, &params)).await.flatten()
}

fn complete(session: &Session, params: &CompletionParams) -> Option<CompletionResponse> {
    let at = &params.text_document_position;
    let path = path_of(&at.text_document.uri)?;
    let root = Kind::of(&path)?.tables()?;
    let state = session.state();
    let text = state.documents.get(&path)?.text().clone();
    let features = state.features.clone();
    let wanted = CompletionRequest { root, keys: state.settings.key_completion };
    let known = state.known();
    let databases = state.databases.upgrade();
    drop(state);
    let verdicts: Vec<_> = known.into_iter().filter(|verdict| rules(&path, verdict)).collect();
    let offset = convert::offset(&text, at.position, features.encoding);
    let advisories = databases.map(|databases| databases.titles()).unwrap_or_default();
    let told = ide::completion::completions(text.as_str(), offset, wanted, &verdicts, &advisories);
    let items = told.items.iter().enumerate();
    Some(CompletionResponse::List(CompletionList {
        is_incomplete: told.is_incomplete,
        items: items.map(|(order, item)| shown(item, order, &text, &features)).collect(),
    }))
}

/// Whether a file is the policy of what was judged, or adds exceptions to it.
fn rules(path: &Utf8Path, verdict: &Verdict) -> bool {
    if Kind::of(path) == Some(Kind::Policy) {
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
    let snippet = features.snippets && !item.template.is_plain();
    let new_text = if snippet { item.template.snippet() } else { item.template.plain() };
    let range = convert::range(text, &item.span, features.encoding);
    let words = ide::completion::markup(&item.about.0);
    let markdown = features.markdown_completion;
    let documentation = (!words.is_empty()).then(|| {
        Documentation::MarkupContent(MarkupContent {
            kind: if markdown { MarkupKind::Markdown } else { MarkupKind::PlainText },
            value: if markdown { words.markdown() } else { words.plain() },
        })
    });
    CompletionItem {
        label: item.label.clone(),
        kind: Some(kind(item.kind)),
        detail: (!item.detail.is_empty()).then(|| item.detail.clone()),
        documentation,
        // The order is ours.
        sort_text: Some(format!("{order:04}")),
        filter_text: Some(item.filter.clone()),
        insert_text_format: Some(if snippet {
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
