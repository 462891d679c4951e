//! What the headers and keys of a policy define, as far as that decides what may be added.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::syntax::{Document, Line, Part};

/// A part of the way to a table: a key, or one of the tables of `[[x]]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// How something was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defined {
    /// Only as the beginning of a header.
    Implicitly,
    /// `[x]`
    ByHeader,
    /// `[[x]]`, perhaps several of them.
    ByHeaders,
    /// As the beginning of a dotted key.
    ByDots,
    /// With a value.
    ByValue,
}

/// The tables and keys outside of values.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    defined: BTreeMap<Vec<Step>, Defined>,
    /// For each line the table that it is in, or opens.
    tables: Vec<usize>,
    /// The tables that lines are in, the file itself first.
    ways: Vec<Vec<Step>>,
}

impl Outline {
    /// Reads it off, leaving one line out.
    pub(super) fn of(document: &Document, text: &str, except: Option<usize>) -> Self {
        let mut outline = Self { ways: vec![Vec::new()], ..Self::default() };
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut current = 0;
        for (index, line) in document.lines.iter().enumerate() {
            match line {
                Line::Header(header) => {
                    let names: Vec<String> = names(&header.parts, text);
                    if header.is_array && except != Some(index) {
                        *counts.entry(names.clone()).or_default() += 1;
                    }
                    let way = steps(&names, &counts);
                    if except != Some(index) && !names.is_empty() {
                        outline.open(&way, header.is_array);
                    }
                    outline.ways.push(way);
                    current = outline.ways.len() - 1;
                }
                Line::Statement(statement) if except != Some(index) => {
                    let mut way = outline.ways[current].clone();
                    let last = statement.parts.len().saturating_sub(1);
                    for (part, name) in names(&statement.parts, text).into_iter().enumerate() {
                        way.push(Step::Key(name));
                        let how = if part < last { Defined::ByDots } else { Defined::ByValue };
                        outline.define(way.clone(), how);
                    }
                }
                Line::Statement(_) => {}
            }
            outline.tables.push(current);
        }
        outline
    }

    fn open(&mut self, way: &[Step], is_array: bool) {
        let own = if is_array { way.len().saturating_sub(1) } else { way.len() };
        for end in 1..own {
            if matches!(way[end - 1], Step::Key(_)) {
                self.define(way[..end].to_vec(), Defined::Implicitly);
            }
        }
        if is_array {
            self.define(way[..own].to_vec(), Defined::ByHeaders);
        }
        self.define(way.to_vec(), Defined::ByHeader);
    }

    /// What says more about it stays.
    fn define(&mut self, way: Vec<Step>, how: Defined) {
        let known = self.defined.entry(way).or_insert(how);
        if *known == Defined::Implicitly {
            *known = how;
        }
    }

    /// How something was defined; `None` where it was not.
    pub(crate) fn defined(&self, way: &[Step]) -> Option<Defined> {
        self.defined.get(way).copied()
    }

    /// The names that are defined directly below a table.
    pub(crate) fn children(&self, way: &[Step]) -> BTreeSet<String> {
        let start = way.to_vec();
        let below = self.defined.range(start..).take_while(|(one, _)| one.starts_with(way));
        let names = below.filter_map(|(one, _)| match one.get(way.len()) {
            Some(Step::Key(name)) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// The table that a header of that line opens; without one the file.
    pub(super) fn table(&self, header: Option<usize>) -> Vec<Step> {
        header.map(|line| self.table_at(line).to_vec()).unwrap_or_default()
    }

    /// The table that a line is in, or opens.
    pub(super) fn table_at(&self, line: usize) -> &[Step] {
        self.tables.get(line).and_then(|table| self.ways.get(*table)).map_or(&[], Vec::as_slice)
    }

    /// The way that the names of a header lead: into the last of several tables.
    pub(crate) fn way(&self, names: &[String]) -> Vec<Step> {
        let mut way = Vec::new();
        for name in names {
            way.push(Step::Key(name.clone()));
            if self.defined(&way) == Some(Defined::ByHeaders) {
                let count = (0..).take_while(|index| {
                    way.push(Step::Index(*index));
                    let is_there = self.defined(&way).is_some();
                    way.pop();
                    is_there
                });
                let count = count.count();
                way.push(Step::Index(count.saturating_sub(1)));
            }
        }
        way
    }
}

fn names(parts: &[Part], text: &str) -> Vec<String> {
    parts.iter().map(|part| part.name(text).to_owned()).collect()
}

fn steps(names: &[String], counts: &BTreeMap<Vec<String>, usize>) -> Vec<Step> {
    let mut way = Vec::new();
    for end in 1..=names.len() {
        way.push(Step::Key(names[end - 1].clone()));
        if let Some(count) = counts.get(&names[..end]) {
            way.push(Step::Index(count.saturating_sub(1)));
        }
    }
    way
}
