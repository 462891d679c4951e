//! Proved texts as one edit of the client's documents.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{
    DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit,
    Uri, WorkspaceEdit,
};

use super::{
    convert::{self, uri_of},
    session::State,
};
use crate::{
    fix::{Change, Tried},
    gate::{OnDisk, Texts as _},
    text::{SourceText, hunks},
};

/// The edit that turns the texts as they are now into those that were proved; `None` where one of
/// those that it was proved with is another one by now.
pub(super) fn workspace_edit(tried: &Tried, state: &State) -> Option<WorkspaceEdit> {
    let are_the_same = |(path, text): (&Utf8PathBuf, &SourceText)| match state.documents.get(path) {
        Some(document) => document.text() == text,
        None => OnDisk.read(path).is_ok_and(|disk| disk == *text),
    };
    if !tried.buffers().iter().all(are_the_same) {
        return None;
    }
    let mut edits = Vec::new();
    for (path, change) in tried.changes() {
        edits.push(edit_of(path, change, state)?);
    }
    Some(if state.features.document_changes {
        let edits = edits.into_iter().map(|(text_document, edits)| TextDocumentEdit {
            text_document,
            edits: edits.into_iter().map(OneOf::Left).collect(),
        });
        let document_changes = Some(DocumentChanges::Edits(edits.collect()));
        WorkspaceEdit { document_changes, ..WorkspaceEdit::default() }
    } else {
        let changes = edits.into_iter().map(|(document, edits)| (document.uri, edits));
        let changes: HashMap<Uri, Vec<TextEdit>> = changes.collect();
        WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
    })
}

fn edit_of(
    path: &Utf8Path,
    change: &Change,
    state: &State,
) -> Option<(OptionalVersionedTextDocumentIdentifier, Vec<TextEdit>)> {
    let document = match state.documents.get(path) {
        Some(document) if *document.text() == change.before => {
            OptionalVersionedTextDocumentIdentifier {
                uri: document.uri.clone(),
                version: Some(document.version),
            }
        }
        Some(_) => return None,
        // The client opens it, and finds what stands on disk.
        None => {
            OnDisk.read(path).ok().filter(|text| *text == change.before)?;
            OptionalVersionedTextDocumentIdentifier { uri: uri_of(path)?, version: None }
        }
    };
    let encoding = state.features.encoding;
    let hunks = hunks(change.before.as_str(), change.after.as_str());
    let edits = hunks.into_iter().map(|(span, new_text)| TextEdit {
        range: convert::range(&change.before, &span, encoding),
        new_text,
    });
    Some((document, edits.collect()))
}
