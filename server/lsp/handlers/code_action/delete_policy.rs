//! The action that deletes a policy which no check reads.

use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, DeleteFile, DocumentChangeOperation, DocumentChanges, ResourceOp,
    WorkspaceEdit,
};

use crate::{
    lsp::{convert::uri_of, session::SessionState},
    verdict::{Code, Finding},
};

/// Deletes a policy that another policy in its folder shadows. A policy in the folder of a member is
/// kept: cargo-deny reads it when it runs there.
pub(super) fn action(finding: &Finding, state: &SessionState) -> Option<CodeAction> {
    if finding.code != Some(Code::ShadowedPolicy) || !state.features.deletes_files {
        return None;
    }
    let path = &finding.locations.first()?.file;
    let uri = state.documents.uri(path).or_else(|| uri_of(path))?;
    let delete = ResourceOp::Delete(DeleteFile { uri, options: None, annotation_id: None });
    let changes = DocumentChanges::Operations(vec![DocumentChangeOperation::Op(delete)]);
    let edit = WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() };
    let name = path.file_name()?;
    let folder = path.parent()?.file_name().filter(|folder| *folder == ".cargo");
    let name = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
    Some(CodeAction {
        title: format!("delete unused policy `{name}`"),
        kind: Some(CodeActionKind::QUICKFIX),
        edit: Some(edit),
        ..CodeAction::default()
    })
}
