//! The dependencies of a manifest as symbols, table by table.

use crate::{
    model::manifest::{Dependency, DependencyTable, Manifest},
    policy::outline::{Symbol, SymbolKind},
    text::Span,
};

/// The dependency tables with their dependencies.
pub(crate) fn of_manifest(text: &str) -> Vec<Symbol> {
    let manifest = Manifest::parse(text);
    let mut tables: Vec<(String, Symbol)> = Vec::new();
    for declared in manifest.all_dependencies() {
        let name = table_name(declared);
        let symbol = symbol(text, declared);
        if let Some((_, table)) = tables.iter_mut().find(|(known, _)| *known == name) {
            table.span.start = table.span.start.min(symbol.span.start);
            table.span.end = table.span.end.max(symbol.span.end);
            table.inside.push(symbol);
        } else {
            let (span, selection) = (symbol.span.clone(), symbol.selection.clone());
            let (detail, kind, inside) = (String::new(), SymbolKind::Table, vec![symbol]);
            let table = Symbol { name: name.clone(), detail, kind, span, selection, inside };
            tables.push((name, table));
        }
    }
    let mut symbols: Vec<Symbol> = tables.into_iter().map(|(_, table)| table).collect();
    symbols.sort_by_key(|table| table.span.start);
    symbols
}

fn table_name(declared: &Dependency) -> String {
    let name = match declared.table {
        DependencyTable::Normal => "dependencies",
        DependencyTable::Dev => "dev-dependencies",
        DependencyTable::Build => "build-dependencies",
        DependencyTable::Workspace => "workspace.dependencies",
        DependencyTable::Patch => "patch",
    };
    match &declared.target {
        Some(target) => format!("target.'{target}'.{name}"),
        None => name.to_owned(),
    }
}

fn symbol(text: &str, declared: &Dependency) -> Symbol {
    let key = declared.key.span.clone();
    let values = [&declared.requirement, &declared.git, &declared.path];
    let ends = values.into_iter().flatten().map(|value| value.span.end);
    let end = ends.chain(declared.inherits.iter().map(|key| key.end)).max();
    let span: Span = key.start..end.unwrap_or(key.end).max(key.end);
    let value = values.into_iter().flatten().next().map(|value| value.value.clone());
    let inherited = || declared.inherits.as_ref().map(|_| "workspace".to_owned());
    let detail = value.or_else(inherited).unwrap_or_default();
    debug_assert!(text.get(span.clone()).is_some());
    Symbol {
        name: declared.key.value.clone(),
        detail,
        kind: SymbolKind::Entry,
        span,
        selection: key,
        inside: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_grouped_by_table() {
        let text = "[package]\nname = \"m\"\n[dependencies]\na = \"1\"\nb.workspace = true\n[dev-dependencies.c]\nversion = \"2\"\n[target.'cfg(unix)'.dependencies]\nd = { path = \"../d\" }\n[dependencies.e]\ngit = \"https://x.org/e\"\n";
        let actual: Vec<_> = of_manifest(text)
            .into_iter()
            .map(|table| {
                let inside = table.inside.iter().map(|one| format!("{} {}", one.name, one.detail));
                format!("{}: {}", table.name, inside.collect::<Vec<_>>().join(", "))
            })
            .collect();
        assert_eq!(
            actual,
            [
                "dependencies: a 1, b workspace, e https://x.org/e",
                "dev-dependencies: c 2",
                "target.'cfg(unix)'.dependencies: d ../d",
            ]
        );
    }

    #[test]
    fn a_broken_manifest_has_the_symbols_of_its_whole_lines() {
        let text = "[dependencies]\na = \"1\"\nb = \n[dev-dependencies]\nc = \"2\"\n";
        let tables = of_manifest(text);
        let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["dependencies", "dev-dependencies"]);
    }
}
