//! The outline of a policy: symbols for its tables, keys and entries, and folding ranges.

use super::{
    entries::{PolicyEntry, entries},
    syntax::{PolicyDocument, Statement, SyntaxLine, ValueKind},
};
use crate::text::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Table,
    List,
    Key,
    Entry,
}

/// A table, key or entry of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    /// Its value, if short.
    pub(crate) detail: String,
    pub(crate) kind: SymbolKind,
    /// The whole table, statement or entry.
    pub(crate) span: Span,
    /// Its name; inside of `span`.
    pub(crate) selection: Span,
    pub(crate) inside: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldKind {
    Region,
    Comment,
}

/// A folding range, from the line of its start to the line of its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) kind: FoldKind,
    pub(crate) span: Span,
}

/// The maximum length of a shown value, in characters.
const MAX_SHOWN: usize = 60;

/// The tables of a policy with their keys and list entries.
pub(crate) fn symbols(text: &str) -> Vec<Symbol> {
    let document = PolicyDocument::read(text, None);
    let entries = entries(text);
    let mut symbols: Vec<Symbol> = Vec::new();
    let mut table: Option<usize> = None;
    for line in &document.lines {
        match line {
            SyntaxLine::Header(header) => {
                let names: Vec<_> = header.parts.iter().map(|part| part.name(text)).collect();
                let name = names.join(".");
                if name.is_empty() {
                    continue;
                }
                let (first, last) = (header.parts.first(), header.parts.last());
                let selection = match (first, last) {
                    (Some(first), Some(last)) => first.span.start..last.span.end,
                    _ => header.span.clone(),
                };
                // The detail of a `[[table]]` is the subject of its entry.
                let entry = entries.iter().find(|entry| entry.span.start == header.span.start);
                let detail = entry.map(|entry| entry.subject.value.clone()).unwrap_or_default();
                let kind = if header.is_array { SymbolKind::Entry } else { SymbolKind::Table };
                let (span, inside) = (header.span.clone(), Vec::new());
                symbols.push(Symbol { name, detail, kind, span, selection, inside });
                table = Some(symbols.len() - 1);
            }
            SyntaxLine::Statement(statement) => {
                let Some(symbol) = key(text, statement, &entries) else { continue };
                match table.and_then(|at| symbols.get_mut(at)) {
                    Some(table) => {
                        table.span.end = table.span.end.max(symbol.span.end);
                        table.inside.push(symbol);
                    }
                    None => symbols.push(symbol),
                }
            }
        }
    }
    symbols
}

fn key(text: &str, statement: &Statement, entries: &[PolicyEntry]) -> Option<Symbol> {
    let names: Vec<_> = statement.parts.iter().map(|part| part.name(text)).collect();
    let name = names.join(".");
    let (first, last) = (statement.parts.first()?, statement.parts.last()?);
    let selection = first.span.start..last.span.end;
    let (mut detail, mut kind, mut inside) = (String::new(), SymbolKind::Key, Vec::new());
    if let Some(value) = &statement.value {
        let written = text.get(value.span.clone()).unwrap_or_default();
        if let ValueKind::Array { items, .. } = &value.kind {
            kind = SymbolKind::List;
            detail = format!("{}", items.len());
            let here = entries.iter().filter(|entry| {
                value.span.start <= entry.subject.span.start
                    && entry.subject.span.end <= value.span.end
            });
            let outer = here.filter(|entry| !entry.list.is_inner());
            inside = outer.map(|entry| entry_symbol(entry, &value.span)).collect();
        } else if !written.contains('\n') && written.chars().count() <= MAX_SHOWN {
            written.clone_into(&mut detail);
        }
    }
    let span = statement.span.clone();
    (!name.is_empty()).then_some(Symbol { name, detail, kind, span, selection, inside })
}

fn entry_symbol(entry: &PolicyEntry, list: &Span) -> Symbol {
    Symbol {
        name: entry.subject.value.chars().take(MAX_SHOWN).collect(),
        detail: entry.version.as_ref().map(|version| version.value.clone()).unwrap_or_default(),
        kind: SymbolKind::Entry,
        span: entry.span.start..entry.span.end.min(list.end),
        selection: entry.subject.span.clone(),
        inside: Vec::new(),
    }
}

/// Tables, lists of several lines and blocks of comments.
pub(crate) fn folds(text: &str) -> Vec<Fold> {
    let document = PolicyDocument::read(text, None);
    let mut folds = Vec::new();
    let mut region = |span: Span| {
        if text.get(span.clone()).is_some_and(|inside| inside.contains('\n')) {
            folds.push(Fold { kind: FoldKind::Region, span });
        }
    };
    let mut table: Option<Span> = None;
    for line in &document.lines {
        match line {
            SyntaxLine::Header(header) => {
                table.take().into_iter().for_each(&mut region);
                table = Some(header.span.clone());
            }
            SyntaxLine::Statement(statement) => {
                if let Some(table) = &mut table {
                    table.end = table.end.max(statement.span.end);
                }
                if let Some(value) = &statement.value {
                    region(value.span.clone());
                    for item in value.items() {
                        region(item.span.clone());
                    }
                }
            }
        }
    }
    table.into_iter().for_each(&mut region);
    folds.extend(comment_blocks(text, &document.comments));
    folds.sort_by_key(|fold| (fold.span.start, std::cmp::Reverse(fold.span.end)));
    folds
}

/// Consecutive lines with only a comment.
fn comment_blocks(text: &str, comments: &[Span]) -> Vec<Fold> {
    let mut blocks: Vec<Span> = Vec::new();
    let mut block: Option<Span> = None;
    for comment in comments {
        let line = text[..comment.start].rfind('\n').map_or(0, |at| at + 1);
        if !text[line..comment.start].trim().is_empty() {
            continue;
        }
        let follows = block.as_ref().is_some_and(|block| {
            text.get(block.end..line).is_some_and(|between| {
                between.trim().is_empty() && between.matches('\n').count() == 1
            })
        });
        match &mut block {
            Some(block) if follows => block.end = comment.end,
            _ => blocks.extend(block.replace(comment.clone())),
        }
    }
    blocks.extend(block);
    let several = blocks.into_iter().filter(|block| text[block.clone()].contains('\n'));
    several.map(|span| Fold { kind: FoldKind::Comment, span }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, symbols: &[Symbol], depth: usize, out: &mut Vec<String>) {
        for symbol in symbols {
            let Symbol { name, detail, kind, span, selection, inside } = symbol;
            assert!(span.start <= selection.start && selection.end <= span.end, "{symbol:?}");
            assert!(text.get(span.clone()).is_some());
            let line = format!("{}{kind:?} {name} {detail}", "  ".repeat(depth));
            out.push(line.trim_end().to_owned());
            render(text, inside, depth + 1, out);
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let mut out = Vec::new();
        render(text, &symbols(text), 0, &mut out);
        assert_eq!(out, expected);
    }

    const POLICY: &str = "# one\n# two\n\n# apart\n[advisories]\nyanked = \"deny\" # why\nignore = [\n  # inside\n  \"A-1\",\n]\n\n[[licenses.exceptions]]\ncrate = \"ring\"\nallow = [\"ISC\"]\n";

    #[test]
    fn tables_keys_and_entries_are_symbols() {
        check(
            POLICY,
            &[
                "Table advisories",
                "  Key yanked \"deny\"",
                "  List ignore 1",
                "    Entry A-1",
                "Entry licenses.exceptions ring",
                "  Key crate \"ring\"",
                "  List allow 1",
            ],
        );
    }

    #[test]
    fn intact_parts_of_broken_text_are_symbols() {
        check(
            "[advisories\nignore = [\"A-1\n[bans]\nskip = [\"a@1\"]\nx",
            &[
                "Table advisories",
                "  List ignore 1",
                "    Entry A-1",
                "Table bans",
                "  List skip 1",
                "    Entry a@1",
                "  Key x",
            ],
        );
        check("", &[]);
        check("[", &[]);
        check("= 1\n[[", &[]);
    }

    #[test]
    fn tables_lists_and_comments_are_folding_ranges() {
        let shown = folds(POLICY).into_iter().map(|fold| {
            let inside = &POLICY[fold.span];
            let (first, last) = (inside.lines().next(), inside.lines().last());
            format!("{:?} {} .. {}", fold.kind, first.unwrap_or_default(), last.unwrap_or_default())
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "Comment # one .. # two",
                "Region [advisories] .. ]",
                "Region [ .. ]",
                "Region [[licenses.exceptions]] .. allow = [\"ISC\"]",
            ]
        );
        assert!(folds("[bans]\n").is_empty());
    }
}
