//! `textDocument/documentLink`.

use tower_lsp::ls_types::{DocumentLink, DocumentLinkParams};

use crate::{
    ide::links,
    lsp::{
        convert::{self, path_of},
        documents::Kind,
        session::Session,
    },
};

pub(in crate::lsp) fn handle(session: &Session, params: &DocumentLinkParams) -> Vec<DocumentLink> {
    let state = session.state();
    let Some(path) = path_of(&params.text_document.uri) else { return Vec::new() };
    let Some(document) = state.documents.get(&path) else { return Vec::new() };
    let (text, encoding) = (document.text(), state.features.encoding);
    let mut found = Vec::new();
    match Kind::of(&path) {
        Some(Kind::Policy) => found = links::of_policy(text),
        Some(Kind::Manifest) => {
            let moved = |judged: &_, span: &_| document.moved(judged, span);
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
        tooltip: Some(link.words),
        data: None,
    });
    shown.collect()
}
