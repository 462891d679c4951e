//! `textDocument/documentSymbol`: the tables and entries of a policy, the dependencies of a manifest.

use tower_lsp::ls_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, Location, SymbolInformation,
    SymbolKind as ClientKind,
};

use crate::{
    ide,
    lsp::{
        convert::{self, Encoding, path_of},
        documents::{Document, DocumentKind},
        session::{Session, SessionState},
    },
    policy::outline::{self, Symbol, SymbolKind},
};

pub(in crate::lsp) async fn handle(
    session: &Session,
    params: DocumentSymbolParams,
) -> Option<DocumentSymbolResponse> {
    let compute = session.compute("listing symbols", move |state| of_state(state, &params));
    compute.await.unwrap_or_default()
}

fn of_state(state: &SessionState, params: &DocumentSymbolParams) -> Option<DocumentSymbolResponse> {
    let path = path_of(&params.text_document.uri)?;
    let document = state.documents.get(&path)?;
    let text = document.text().as_str();
    let symbols = match DocumentKind::of(&path)? {
        DocumentKind::Policy | DocumentKind::Exceptions => outline::symbols(text),
        DocumentKind::Manifest => ide::symbols::of_manifest(text),
        DocumentKind::Lockfile => return None,
    };
    let encoding = state.features.encoding;
    Some(if state.features.nested_symbols {
        let nested = symbols.iter().map(|symbol| nested(symbol, document, encoding));
        DocumentSymbolResponse::Nested(nested.collect())
    } else {
        let mut all = Vec::new();
        for symbol in &symbols {
            flatten(symbol, None, document, encoding, &mut all);
        }
        DocumentSymbolResponse::Flat(all)
    })
}

#[expect(deprecated, reason = "the type still has the field")]
fn nested(symbol: &Symbol, document: &Document, encoding: Encoding) -> DocumentSymbol {
    let text = document.text();
    let inside: Vec<_> = symbol.inside.iter().map(|one| nested(one, document, encoding)).collect();
    DocumentSymbol {
        name: symbol.name.clone(),
        detail: Some(symbol.detail.clone()).filter(|detail| !detail.is_empty()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: convert::range(text, &symbol.span, encoding),
        selection_range: convert::range(text, &symbol.selection, encoding),
        children: Some(inside).filter(|inside| !inside.is_empty()),
    }
}

#[expect(deprecated, reason = "the type still has the field")]
fn flatten(
    symbol: &Symbol,
    container: Option<&Symbol>,
    document: &Document,
    encoding: Encoding,
    all: &mut Vec<SymbolInformation>,
) {
    let range = convert::range(document.text(), &symbol.span, encoding);
    all.push(SymbolInformation {
        name: symbol.name.clone(),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        location: Location { uri: document.uri.clone(), range },
        container_name: container.map(|container| container.name.clone()),
    });
    for one in &symbol.inside {
        flatten(one, Some(symbol), document, encoding, all);
    }
}

fn kind(kind: SymbolKind) -> ClientKind {
    match kind {
        SymbolKind::Table => ClientKind::MODULE,
        SymbolKind::List => ClientKind::ARRAY,
        SymbolKind::Key => ClientKind::PROPERTY,
        SymbolKind::Entry => ClientKind::PACKAGE,
    }
}
