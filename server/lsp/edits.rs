//! Verified texts as one edit of the client's documents.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::{
    CreateFile, CreateFileOptions, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, ResourceOp, TextDocumentEdit, TextEdit, Uri,
    WorkspaceEdit,
};

use super::{
    convert::{self, uri_of},
    session::SessionState,
};
use crate::{
    fix::{FileChange, Overlay},
    gate::{OnDisk, Texts as _},
    text::{SourceText, hunks},
};

/// The edit that turns the present texts into the verified ones; `None` where a text has changed since
/// the verification.
pub(super) fn workspace_edit(overlay: &Overlay, state: &SessionState) -> Option<WorkspaceEdit> {
    let is_unchanged = |(path, text): (&Utf8PathBuf, &SourceText)| match state.documents.get(path) {
        Some(document) => document.text() == text,
        None if state.documents.is_unknown(path) => false,
        None => OnDisk.read(path).is_ok_and(|disk| disk == *text),
    };
    if !overlay.buffers().iter().all(is_unchanged) {
        return None;
    }
    let mut edits = Vec::new();
    for (path, change) in overlay.changes() {
        edits.push((edit_of(path, change, state)?, change.is_new));
    }
    let creates = edits.iter().any(|(_, is_new)| *is_new);
    Some(if state.features.document_changes && (!creates || state.features.creates_files) {
        let document_changes = Some(document_changes(edits));
        WorkspaceEdit { document_changes, ..WorkspaceEdit::default() }
    } else {
        // A text edit creates a missing file.
        let changes = edits.into_iter().map(|((document, edits), _)| (document.uri, edits));
        let changes: HashMap<Uri, Vec<TextEdit>> = changes.collect();
        WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
    })
}

/// Whether a document with unknown text is among the verified or changed ones: until the text is known
/// there is no edit.
pub(super) fn has_unknown_text(overlay: &Overlay, state: &SessionState) -> bool {
    let texts = overlay.buffers().keys().chain(overlay.changes().keys());
    texts.into_iter().any(|path| state.documents.is_unknown(path))
}

/// The edits of one document.
type DocumentEdits = (OptionalVersionedTextDocumentIdentifier, Vec<TextEdit>);

fn document_changes(edits: Vec<(DocumentEdits, bool)>) -> DocumentChanges {
    let creates = edits.iter().any(|(_, is_new)| *is_new);
    let edits = edits.into_iter().map(|((text_document, edits), is_new)| {
        let edits = edits.into_iter().map(OneOf::Left).collect();
        (TextDocumentEdit { text_document, edits }, is_new)
    });
    if !creates {
        return DocumentChanges::Edits(edits.map(|(edit, _)| edit).collect());
    }
    let mut operations = Vec::new();
    for (edit, is_new) in edits {
        if is_new {
            let options = CreateFileOptions { overwrite: None, ignore_if_exists: None };
            operations.push(DocumentChangeOperation::Op(ResourceOp::Create(CreateFile {
                uri: edit.text_document.uri.clone(),
                options: Some(options),
                annotation_id: None,
            })));
        }
        operations.push(DocumentChangeOperation::Edit(edit));
    }
    DocumentChanges::Operations(operations)
}

fn edit_of(path: &Utf8Path, change: &FileChange, state: &SessionState) -> Option<DocumentEdits> {
    let document = match state.documents.get(path) {
        Some(document) if *document.text() == change.before => {
            OptionalVersionedTextDocumentIdentifier {
                uri: document.uri.clone(),
                version: Some(document.version),
            }
        }
        Some(_) => return None,
        None if state.documents.is_unknown(path) => return None,
        None if change.is_new => {
            (!path.exists()).then_some(())?;
            OptionalVersionedTextDocumentIdentifier { uri: uri_of(path)?, version: None }
        }
        // The client opens the file on disk.
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
