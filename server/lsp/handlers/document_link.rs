//! `textDocument/documentLink`.

use tower_lsp::ls_types::{DocumentLink, DocumentLinkParams};

use crate::{
    ide::links,
    lsp::{
        convert::{self, path_of},
        documents::DocumentKind,
        session::{Session, SessionState},
    },
    verdict::PackageFacts,
};

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: DocumentLinkParams,
) -> Vec<DocumentLink> {
    let compute = session.compute("listing links", move |state| of_state(state, &params));
    compute.await.unwrap_or_default()
}

fn of_state(state: &SessionState, params: &DocumentLinkParams) -> Vec<DocumentLink> {
    let Some(path) = path_of(&params.text_document.uri) else { return Vec::new() };
    let Some(document) = state.documents.get(&path) else { return Vec::new() };
    let (text, encoding) = (document.text(), state.features.encoding);
    let mut found = Vec::new();
    match DocumentKind::of(&path) {
        Some(DocumentKind::Policy | DocumentKind::Exceptions) => {
            let verdicts = || {
                let all = state.verdicts.values();
                all.filter(|verdict| verdict.uses_policy_file(&path))
            };
            let is_elsewhere = |name: &str| {
                let mut versions =
                    verdicts().flat_map(|verdict| verdict.graph.versions(name)).peekable();
                versions.peek().is_some() && !versions.any(PackageFacts::is_from_crates_io)
            };
            found = links::of_policy(text, &is_elsewhere);
        }
        Some(DocumentKind::Manifest) => {
            let moved = |checked: &_, span: &_| document.current_span(checked, span);
            for verdict in state.verdicts.values() {
                for link in links::of_manifest(&path, verdict, &moved) {
                    if !found.contains(&link) {
                        found.push(link);
                    }
                }
            }
        }
        _ => {}
    }
    let shown = found.into_iter().map(|link| DocumentLink {
        range: convert::range(text, &link.span, encoding),
        target: link.url.parse().ok(),
        tooltip: Some(link.tooltip),
        data: None,
    });
    shown.collect()
}
