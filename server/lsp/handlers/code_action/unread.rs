//! Policies that no gate reads can be deleted: nothing that is judged changes by that.

use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, DeleteFile, DocumentChangeOperation, DocumentChanges, ResourceOp,
    WorkspaceEdit,
};

use crate::{
    lsp::{convert::uri_of, session::State},
    verdict::{Code, Finding},
};

/// Without the policy that another one in its folder stands before. One in the folder of a member is
/// kept: cargo-deny reads it when it is run there.
pub(super) fn deleted(finding: &Finding, state: &State) -> Option<CodeAction> {
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
        title: format!("delete `{name}`, which is not read"),
        kind: Some(CodeActionKind::QUICKFIX),
        edit: Some(edit),
        ..CodeAction::default()
    })
}
