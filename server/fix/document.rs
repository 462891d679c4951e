//! A policy or a manifest as a tree of spans, and minimal edits of its text.
//!
//! An edit is a list of text changes. The result is parsed again and must have exactly the expected content:
//! a layout that the code does not handle gives no edit.

mod placement;
mod removal;
pub(in crate::fix) mod value;

use toml_edit::{Item, TableLike, Value as TomlValue};

use crate::text::{Edit, Edits, Span};
use value::ValueStyle;

/// A value, a table or the tables of one name.
#[derive(Debug)]
pub(in crate::fix) struct TomlNode {
    /// A value with its quotes and brackets, or the header of a table.
    pub(in crate::fix) span: Option<Span>,
    pub(in crate::fix) kind: NodeKind,
}

#[derive(Debug)]
pub(in crate::fix) enum NodeKind {
    /// A string, a number, a boolean, a date.
    Scalar,
    /// `[1, 2]`
    List(Vec<TomlNode>),
    Table(TableForm, Vec<TableEntry>),
    /// `[[x]]`, each a table.
    Tables(Vec<TomlNode>),
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fix) enum TableForm {
    /// The whole file.
    Root,
    /// `[x]` or one `[[x]]`
    Header,
    /// There is only a `[x.y]`.
    Implicit,
    /// `x.y = 1`
    Dotted,
    /// `{ y = 1 }`
    Inline,
}

#[derive(Debug)]
pub(in crate::fix) struct TableEntry {
    pub(in crate::fix) key: String,
    /// The last part of the key, at its first occurrence.
    pub(in crate::fix) key_span: Span,
    pub(in crate::fix) node: TomlNode,
}

/// One part of the path to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) enum TomlStep {
    Key(String),
    Index(usize),
}

/// A replacement of a span by another text.
#[derive(Clone, Debug)]
pub(in crate::fix) struct TextChange {
    pub(in crate::fix) at: Span,
    pub(in crate::fix) text: String,
    /// The span of the new text that the user has to replace.
    pub(in crate::fix) placeholder: Option<Span>,
}

/// A changed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fix) struct EditedText {
    pub(in crate::fix) text: String,
    /// The span that the user has to replace.
    pub(in crate::fix) placeholder: Option<Span>,
}

/// A file that can be edited.
#[derive(Debug)]
pub(in crate::fix) struct TomlDocument<'t> {
    pub(in crate::fix) text: &'t str,
    pub(in crate::fix) root: TomlNode,
    /// The parsed content.
    pub(in crate::fix) content: toml::Table,
}

impl TextChange {
    pub(in crate::fix) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { at: at..at, text: text.into(), placeholder: None }
    }

    pub(in crate::fix) fn replace(at: Span, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), placeholder: None }
    }

    pub(in crate::fix) fn remove(at: Span) -> Self {
        Self { at, text: String::new(), placeholder: None }
    }
}

impl EditedText {
    /// Applies another edit after this one. The placeholder is that of the last edit with one.
    pub(in crate::fix) fn then(
        self,
        edit: impl FnOnce(&TomlDocument<'_>) -> Option<Self>,
    ) -> Option<Self> {
        let mut next = edit(&TomlDocument::read(&self.text)?)?;
        if let (Some(placeholder), None) = (&self.placeholder, &next.placeholder) {
            let mut edits = Edits::default();
            edits.push(Edit::between(&self.text, &next.text));
            next.placeholder = Some(edits.moved(placeholder));
        }
        Some(next)
    }
}

impl<'t> TomlDocument<'t> {
    /// Parses a text; `None` if it is broken.
    pub(in crate::fix) fn read(text: &'t str) -> Option<Self> {
        let parsed = toml_edit::Document::parse(text).ok()?;
        let root = TomlNode { span: None, kind: table(parsed.as_table(), TableForm::Root)? };
        Some(Self { text, root, content: text.parse().ok()? })
    }

    /// The line ending of the file.
    pub(in crate::fix) fn newline(&self) -> &'static str {
        let first = self.text.find('\n');
        if first.is_some_and(|at| self.text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
    }

    /// The value under these keys.
    pub(in crate::fix) fn value(&self, path: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.content.get(*first)?, |value, key| value.get(*key))
    }

    /// The items of the list under these keys; empty if there is no such list.
    pub(in crate::fix) fn items(&self, path: &[&str]) -> &[toml::Value] {
        self.value(path).and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The node under these keys.
    pub(in crate::fix) fn node(&self, path: &[&str]) -> Option<&TomlNode> {
        path.iter().try_fold(&self.root, |node, key| node.entry(key).map(|entry| &entry.node))
    }

    /// The path to the innermost node that contains an offset.
    pub(in crate::fix) fn steps_to(&self, offset: usize) -> Option<Vec<TomlStep>> {
        let mut steps = Vec::new();
        self.root.steps_to(offset, &mut steps).then_some(steps)
    }

    /// The node at the end of a path.
    pub(in crate::fix) fn at(&self, steps: &[TomlStep]) -> Option<&TomlNode> {
        steps.iter().try_fold(&self.root, |node, step| match step {
            TomlStep::Key(key) => node.entry(key).map(|entry| &entry.node),
            TomlStep::Index(index) => node.children()?.get(*index),
        })
    }

    /// The start of the line that contains `offset`.
    pub(in crate::fix) fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of that line, before its line break.
    pub(in crate::fix) fn line_end(&self, offset: usize) -> usize {
        let end = self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at);
        if end > offset && self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// The start of the next line, or the end of the text.
    pub(in crate::fix) fn next_line(&self, offset: usize) -> usize {
        self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at + 1)
    }

    /// The indentation of the line of `offset`.
    pub(in crate::fix) fn indent(&self, offset: usize) -> &'t str {
        let line = &self.text[self.line_start(offset)..offset];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Whether only whitespace is before `offset` on its line.
    pub(in crate::fix) fn starts_line(&self, offset: usize) -> bool {
        self.text[self.line_start(offset)..offset].trim().is_empty()
    }

    /// The indentation of list items in the file.
    pub(in crate::fix) fn unit(&self) -> &'t str {
        let mut lists = Vec::new();
        self.root.lists(&mut lists);
        let first = lists.into_iter().find_map(|list| {
            let start = list.children()?.first()?.span.clone()?.start;
            let indent = self.indent(start);
            let own = self.indent(list.span.as_ref()?.start);
            indent.strip_prefix(own).filter(|unit| !unit.is_empty() && self.starts_line(start))
        });
        first.unwrap_or("    ")
    }

    /// The style of the items of a list.
    pub(in crate::fix) fn style(&self, items: &[TomlNode]) -> ValueStyle {
        let spans = items.iter().filter(|item| !item.is_header()).filter_map(|item| {
            let span = item.span.clone()?;
            self.text.get(span)
        });
        ValueStyle::of(spans)
    }

    /// The text with the changes applied, if it then has the expected content.
    pub(in crate::fix) fn edited(
        &self,
        mut changes: Vec<TextChange>,
        expected_content: &toml::Table,
    ) -> Option<EditedText> {
        // Insertions at the same offset keep their order.
        changes.sort_by_key(|change| (change.at.start, change.at.end));
        let mut edited =
            EditedText { text: String::with_capacity(self.text.len() + 128), placeholder: None };
        let mut done = 0;
        for change in changes {
            edited.text.push_str(self.text.get(done..change.at.start)?);
            let shift = edited.text.len();
            if let Some(placeholder) = change.placeholder {
                edited.placeholder = Some(placeholder.start + shift..placeholder.end + shift);
            }
            edited.text.push_str(&change.text);
            done = change.at.end;
        }
        edited.text.push_str(self.text.get(done..)?);
        let content: toml::Table = edited.text.parse().ok()?;
        (content == *expected_content).then_some(edited)
    }

    /// Replaces the text of the value at the end of a path.
    pub(in crate::fix) fn replaced(
        &self,
        steps: &[TomlStep],
        text: &str,
        value: toml::Value,
    ) -> Option<EditedText> {
        let at = self.at(steps)?.span.clone()?;
        let mut expected_content = self.content.clone();
        *value_at(&mut expected_content, steps)? = value;
        let change = TextChange { at, text: text.to_owned(), placeholder: None };
        self.edited(vec![change], &expected_content)
    }
}

impl TomlNode {
    /// An entry of a table.
    pub(in crate::fix) fn entry(&self, key: &str) -> Option<&TableEntry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a table.
    pub(in crate::fix) fn entries(&self) -> &[TableEntry] {
        match &self.kind {
            NodeKind::Table(_, entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list, the tables of one name.
    pub(in crate::fix) fn children(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::List(items) | NodeKind::Tables(items) => Some(items),
            _ => None,
        }
    }

    pub(in crate::fix) fn form(&self) -> Option<TableForm> {
        match self.kind {
            NodeKind::Table(form, _) => Some(form),
            _ => None,
        }
    }

    /// Its span is that of a header, not of a value.
    fn is_header(&self) -> bool {
        matches!(self.kind, NodeKind::Table(TableForm::Header, _) | NodeKind::Tables(_))
    }

    /// All parts of it in the text: headers, and keys with their values.
    pub(in crate::fix) fn spans(&self, spans: &mut Vec<Span>) {
        match &self.kind {
            NodeKind::Table(form, entries) if *form != TableForm::Inline => {
                spans.extend(self.span.clone());
                for entry in entries {
                    match &entry.node.kind {
                        NodeKind::Table(form, _) if *form != TableForm::Inline => {
                            entry.node.spans(spans);
                        }
                        NodeKind::Tables(_) => entry.node.spans(spans),
                        _ => spans.extend(entry.statement()),
                    }
                }
            }
            NodeKind::Tables(tables) => tables.iter().for_each(|table| table.spans(spans)),
            _ => spans.extend(self.span.clone()),
        }
    }

    /// From its first byte to its last, including what is in between.
    pub(in crate::fix) fn extent(&self) -> Option<Span> {
        let mut spans = Vec::new();
        self.spans(&mut spans);
        let start = spans.iter().map(|span| span.start).min()?;
        Some(start..spans.iter().map(|span| span.end).max()?)
    }

    /// The keys with values below its own header, or between its braces, in the order of the text.
    pub(in crate::fix) fn statements(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        self.collect_statements(&mut spans);
        spans.sort_by_key(|span| span.start);
        spans
    }

    fn collect_statements(&self, spans: &mut Vec<Span>) {
        for entry in self.entries() {
            match entry.node.form() {
                Some(TableForm::Dotted) => entry.node.collect_statements(spans),
                Some(TableForm::Header | TableForm::Implicit | TableForm::Root) => {}
                _ if matches!(entry.node.kind, NodeKind::Tables(_)) => {}
                _ => spans.extend(entry.statement()),
            }
        }
    }

    fn lists<'n>(&'n self, lists: &mut Vec<&'n Self>) {
        if matches!(self.kind, NodeKind::List(_)) {
            lists.push(self);
        }
        for entry in self.entries() {
            entry.node.lists(lists);
        }
        for child in self.children().unwrap_or_default() {
            child.lists(lists);
        }
    }

    fn steps_to(&self, offset: usize, steps: &mut Vec<TomlStep>) -> bool {
        let here = self.span.as_ref().is_some_and(|span| span.contains(&offset));
        let children = self.children().unwrap_or_default().iter().enumerate();
        for (index, child) in children {
            steps.push(TomlStep::Index(index));
            if child.steps_to(offset, steps) {
                return true;
            }
            steps.pop();
        }
        for entry in self.entries() {
            steps.push(TomlStep::Key(entry.key.clone()));
            if entry.key_span.contains(&offset) && !entry.node.is_spread()
                || entry.node.steps_to(offset, steps)
            {
                return true;
            }
            steps.pop();
        }
        here
    }

    /// Its key is in a header or on several lines.
    fn is_spread(&self) -> bool {
        let spread = [Some(TableForm::Header), Some(TableForm::Implicit), Some(TableForm::Dotted)];
        matches!(self.kind, NodeKind::Tables(_)) || spread.contains(&self.form())
    }
}

impl TableEntry {
    /// From the last part of the key to the end of the value.
    pub(in crate::fix) fn statement(&self) -> Option<Span> {
        let value = self.node.span.clone()?;
        Some(self.key_span.start.min(value.start)..value.end)
    }
}

/// The value at the end of a path.
pub(in crate::fix) fn value_at<'v>(
    content: &'v mut toml::Table,
    steps: &[TomlStep],
) -> Option<&'v mut toml::Value> {
    let (TomlStep::Key(first), rest) = steps.split_first()? else { return None };
    rest.iter().try_fold(content.get_mut(first)?, |value, step| match step {
        TomlStep::Key(key) => value.get_mut(key),
        TomlStep::Index(index) => value.get_mut(*index),
    })
}

fn item(item: &Item) -> Option<TomlNode> {
    match item {
        Item::None => None,
        Item::Value(value) => node(value),
        Item::Table(inner) => {
            let form = match (inner.is_dotted(), inner.is_implicit()) {
                (true, _) => TableForm::Dotted,
                (_, true) => TableForm::Implicit,
                _ => TableForm::Header,
            };
            let span = inner.span().filter(|_| form == TableForm::Header);
            Some(TomlNode { span, kind: table(inner, form)? })
        }
        Item::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|inner| {
                Some(TomlNode { span: inner.span(), kind: table(inner, TableForm::Header)? })
            });
            Some(TomlNode { span: None, kind: NodeKind::Tables(tables.collect::<Option<_>>()?) })
        }
    }
}

fn node(value: &TomlValue) -> Option<TomlNode> {
    let kind = match value {
        TomlValue::Array(items) => NodeKind::List(items.iter().map(node).collect::<Option<_>>()?),
        TomlValue::InlineTable(inner) if inner.is_dotted() => {
            return Some(TomlNode { span: None, kind: table(inner, TableForm::Dotted)? });
        }
        TomlValue::InlineTable(inner) => table(inner, TableForm::Inline)?,
        _ => NodeKind::Scalar,
    };
    Some(TomlNode { span: Some(value.span()?), kind })
}

fn table(inner: &dyn TableLike, form: TableForm) -> Option<NodeKind> {
    let mut entries = Vec::new();
    for (name, value) in inner.iter() {
        let Some(node) = item(value) else { continue };
        let key_span = inner.key(name)?.span()?;
        entries.push(TableEntry { key: name.to_owned(), key_span, node });
    }
    Some(NodeKind::Table(form, entries))
}
