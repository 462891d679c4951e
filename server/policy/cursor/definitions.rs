//! What the headers and keys of a policy define, which decides what completion may add.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::syntax::{KeyPart, PolicyDocument, SyntaxLine};

/// A step of the path to a table: a key, or the index of a `[[x]]` table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TablePathStep {
    Key(String),
    Index(usize),
}

/// How a table or key is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    /// Only as a prefix of a header
    Implicitly,
    /// `[x]`
    ByHeader,
    /// `[[x]]`, one or more
    ByHeaders,
    /// As a prefix of a dotted key
    ByDots,
    /// With a value
    ByValue,
}

/// The tables and keys of a file, without inline tables.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    defined: BTreeMap<Vec<TablePathStep>, Definition>,
    /// For each line, the index in `paths` of the table that it is in or opens
    tables: Vec<usize>,
    /// The paths of the tables, the root table first
    paths: Vec<Vec<TablePathStep>>,
}

impl Definitions {
    /// Collects the definitions of all lines but one.
    pub(super) fn of(document: &PolicyDocument, text: &str, except: Option<usize>) -> Self {
        let mut definitions = Self { paths: vec![Vec::new()], ..Self::default() };
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut current = 0;
        for (index, line) in document.lines.iter().enumerate() {
            match line {
                SyntaxLine::Header(header) => {
                    let names: Vec<String> = names(&header.parts, text);
                    if header.is_array && except != Some(index) {
                        *counts.entry(names.clone()).or_default() += 1;
                    }
                    let path = steps(&names, &counts);
                    if except != Some(index) && !names.is_empty() {
                        definitions.open(&path, header.is_array);
                    }
                    definitions.paths.push(path);
                    current = definitions.paths.len() - 1;
                }
                SyntaxLine::Statement(statement) if except != Some(index) => {
                    let mut path = definitions.paths[current].clone();
                    let last = statement.parts.len().saturating_sub(1);
                    for (part, name) in names(&statement.parts, text).into_iter().enumerate() {
                        path.push(TablePathStep::Key(name));
                        let how =
                            if part < last { Definition::ByDots } else { Definition::ByValue };
                        definitions.define(path.clone(), how);
                    }
                }
                SyntaxLine::Statement(_) => {}
            }
            definitions.tables.push(current);
        }
        definitions
    }

    fn open(&mut self, path: &[TablePathStep], is_array: bool) {
        let own = if is_array { path.len().saturating_sub(1) } else { path.len() };
        for end in 1..own {
            if matches!(path[end - 1], TablePathStep::Key(_)) {
                self.define(path[..end].to_vec(), Definition::Implicitly);
            }
        }
        if is_array {
            self.define(path[..own].to_vec(), Definition::ByHeaders);
        }
        self.define(path.to_vec(), Definition::ByHeader);
    }

    /// Adds a definition, unless there is already a more specific one.
    fn define(&mut self, path: Vec<TablePathStep>, how: Definition) {
        let current = self.defined.entry(path).or_insert(how);
        if *current == Definition::Implicitly {
            *current = how;
        }
    }

    /// How a path is defined; `None` if it is not.
    pub(crate) fn defined(&self, path: &[TablePathStep]) -> Option<Definition> {
        self.defined.get(path).copied()
    }

    /// The keys that are defined directly below a table.
    pub(crate) fn children(&self, path: &[TablePathStep]) -> BTreeSet<String> {
        let start = path.to_vec();
        let below = self.defined.range(start..).take_while(|(one, _)| one.starts_with(path));
        let names = below.filter_map(|(one, _)| match one.get(path.len()) {
            Some(TablePathStep::Key(name)) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// The table that the header on this line opens; the root table without one.
    pub(super) fn table(&self, header: Option<usize>) -> Vec<TablePathStep> {
        header.map(|line| self.table_at(line).to_vec()).unwrap_or_default()
    }

    /// The table that a line is in, or opens.
    pub(super) fn table_at(&self, line: usize) -> &[TablePathStep] {
        self.tables.get(line).and_then(|table| self.paths.get(*table)).map_or(&[], Vec::as_slice)
    }
}

fn names(parts: &[KeyPart], text: &str) -> Vec<String> {
    parts.iter().map(|part| part.name(text).to_owned()).collect()
}

fn steps(names: &[String], counts: &BTreeMap<Vec<String>, usize>) -> Vec<TablePathStep> {
    let mut path = Vec::new();
    for end in 1..=names.len() {
        path.push(TablePathStep::Key(names[end - 1].clone()));
        if let Some(count) = counts.get(&names[..end]) {
            path.push(TablePathStep::Index(count.saturating_sub(1)));
        }
    }
    path
}
